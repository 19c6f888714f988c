// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// MaxBodyBytes bounds a request body after decompression.
const MaxBodyBytes = 8 << 20

// ReadBody decodes the JSON body of a write. The Go SDK compresses bodies, so
// gzip is understood (contract 0.2); any other coding is 415. plain takes the
// annotations off, but for those of a reference.
func (r *Request) ReadBody(plain, reference bool) error {
	in := r.HTTP
	r.BodySum = digestBody(nil)
	if in.Method == http.MethodGet || in.Method == http.MethodDelete || in.Body == nil {
		return nil
	}
	raw, err := decodeBody(in)
	if err != nil {
		return err
	}
	r.BodySum = digestBody(raw)
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	switch {
	case in.Header.Get("Content-Type") == "":
		return r.BadRequest("Write requests (excluding DELETE) must contain the Content-Type header declaration.") // ASSUMED text
	case err != nil, media != "application/json":
		return r.BadRequest("Entity only allows writes with a JSON Content-Type header.") // ASSUMED text
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&r.Body); err != nil {
		return r.BadRequest("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return r.BadRequest("Unable to read JSON request payload: text follows the JSON value.")
	}
	if plain {
		DropAnnotations(r.Body, reference)
	}
	return nil
}

func decodeBody(r *http.Request) ([]byte, error) {
	reader := io.Reader(r.Body)
	switch coding := strings.ToLower(r.Header.Get("Content-Encoding")); coding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, Fail(http.StatusBadRequest, CodeBadRequest, "The request body is labelled gzip but is not.")
		}
		reader = unzip
	default:
		return nil, Fail(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "Content-Encoding '%s' is not supported.", coding) // ASSUMED text
	}
	raw, err := io.ReadAll(io.LimitReader(reader, MaxBodyBytes+1))
	switch {
	case err != nil:
		return nil, Fail(http.StatusBadRequest, CodeBadRequest, "The request body is damaged or ends early.")
	case len(raw) > MaxBodyBytes:
		return nil, Fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is larger than %d bytes.", MaxBodyBytes)
	}
	return raw, nil
}

func digestBody(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
