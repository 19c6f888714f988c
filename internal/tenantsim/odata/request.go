// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"fmt"
	"net/http"
	"strings"
)

// Request is one request as a service reads it before any tenant matters: its
// path, its query options, its headers and its body.
type Request struct {
	HTTP      *http.Request
	Version   string // v1.0 or beta
	Beta      bool
	Path      string // below the version
	RequestID string
	// Intune selects the workload whose words a refusal is in.
	Intune bool
	Query  Query
	Body   map[string]any
	// BodySum is the digest of the decoded body.
	BodySum string
}

// BadRequest is a 400 in the words of the route's workload.
func (r *Request) BadRequest(format string, args ...any) *Error {
	code := CodeRequestBadRequest
	if r.Intune {
		code = CodeBadRequest
	}
	return Fail(http.StatusBadRequest, code, format, args...)
}

// NotFound is a 404 for the object id in the words of the route's workload.
func (r *Request) NotFound(id string) *Error {
	if r.Intune {
		return Fail(http.StatusNotFound, CodeResourceNotFound, "The requested resource '%s' was not found.", id)
	}
	return Fail(http.StatusNotFound, CodeNotFound,
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
}

// Unsupported is a 400 for a query that is well formed and not available.
func (r *Request) Unsupported(format string, args ...any) *Error {
	if r.Intune {
		return r.BadRequest(format, args...)
	}
	return Fail(http.StatusBadRequest, CodeUnsupportedQuery, format, args...)
}

// IntuneMessage wraps a sentence into the JSON text that Intune puts in
// error.message, with CRLF line ends (contract 0.4).
func (r *Request) IntuneMessage(sentence string) string {
	message, err := plainText(fmt.Sprintf(
		"%s - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: %s - Url: https://fef.msua02.manage.microsoft.com%s?api-version=5024-01-18",
		sentence, r.RequestID, r.Path))
	if err != nil {
		return sentence
	}
	return "{\r\n  \"_version\": 3,\r\n  \"Message\": " + message +
		",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}"
}

// ClientRequestID is the id that the client chose, else the service's own.
func (r *Request) ClientRequestID() string {
	if id := r.HTTP.Header.Get("client-request-id"); id != "" {
		return id
	}
	return r.RequestID
}

// Eventual says that the client takes an index that is behind (contract g).
func (r *Request) Eventual() bool {
	return strings.EqualFold(r.HTTP.Header.Get("ConsistencyLevel"), "eventual")
}
