// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Recording holds the exchanges of one run by row. It answers in place of the
// tenant that it was made of.
type Recording struct {
	exchanges map[string][]recorded
}

// recorded is one exchange as it is kept: without the token.
type recorded struct {
	Row    string      `json:"row"`
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
	Body   string      `json:"body,omitempty"`
	// Raw is a body that is no text, such as an archive.
	Raw []byte `json:"raw,omitempty"`
}

// keptHeaders are the headers of an answer that a row may look at.
var keptHeaders = []string{"Content-Type", "Retry-After", "Location", "Request-Id", "Allow", "X-Msft-Approval-Code", "Www-Authenticate"}

// Recorder passes requests to a target and writes each exchange as a line of
// JSON. Tokens, secrets and request bodies are not written.
type Recorder struct {
	Target Exchanger
	To     io.Writer
}

// Exchange asks the target and writes down what it said.
func (r Recorder) Exchange(row string, req *http.Request) (Answer, error) {
	got, err := r.Target.Exchange(row, req)
	if err != nil {
		return got, err
	}
	line := recorded{Row: row, Method: req.Method, Path: req.URL.EscapedPath(), Status: got.Status, Header: http.Header{}}
	if utf8.Valid(got.Body) {
		line.Body = string(got.Body)
	} else {
		line.Raw = got.Body
	}
	for _, name := range keptHeaders {
		if v := got.Header.Values(name); len(v) > 0 {
			line.Header[name] = v
		}
	}
	if strings.Contains(line.Body, "access_token") {
		return got, fmt.Errorf("row %s: the answer holds a token, which is not recorded", row)
	}
	raw, err := json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(r.To, "%s\n", raw)
	}
	if err != nil {
		return got, fmt.Errorf("record row %s: %w", row, err)
	}
	return got, nil
}

// ReadRecording reads what a Recorder wrote.
func ReadRecording(from io.Reader) (*Recording, error) {
	out := &Recording{exchanges: map[string][]recorded{}}
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	for n := 1; ; n++ {
		var line recorded
		err := d.Decode(&line)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("recording, exchange %d: %w", n, err)
		}
		out.exchanges[line.Row] = append(out.exchanges[line.Row], line)
	}
}

// Has tells whether the row was recorded. A live tenant cannot be brought into
// every condition.
func (r *Recording) Has(row string) bool { return len(r.exchanges[row]) > 0 }

// Exchange answers with the next exchange that was recorded for the row. A row
// whose request differs from the one that was recorded is an error: the table has
// changed, and the recording must be made anew.
func (r *Recording) Exchange(row string, req *http.Request) (Answer, error) {
	list := r.exchanges[row]
	if len(list) == 0 {
		return Answer{}, fmt.Errorf("row %s was not recorded", row)
	}
	next := list[0]
	r.exchanges[row] = list[1:]
	want := &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath}
	if next.Method != req.Method || next.Path != want.EscapedPath() {
		return Answer{}, fmt.Errorf("row %s was recorded as %s %s, the table asks %s %s", row, next.Method, next.Path, req.Method, want.EscapedPath())
	}
	return Answer{Status: next.Status, Header: next.Header, Body: append([]byte(next.Body), next.Raw...)}, nil
}
