// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal as a handler sees it. The router renders it in the
// shape of the workload that owns the route: directory (Entra) or Intune.
type Error struct {
	Status  int
	Code    string
	Message string
	Header  http.Header
	// Inner is the sentence of a service behind the gateway, in innerError.
	Inner string
	// Plain keeps an Intune route from wrapping the message: some failures are
	// raised by the gateway in front of Intune, before the service sees them.
	Plain bool
}

// Error is for people who debug the simulator; no client sees it.
func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// Fail is a refusal. What came as JSON is written as JSON in its sentence.
func Fail(status int, code, format string, args ...any) *Error {
	for i, arg := range args {
		args[i] = jsonText(arg)
	}
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// jsonText writes what came as JSON as JSON again: the service knows no other form
// of an array, an object or null.
func jsonText(arg any) any {
	switch arg.(type) {
	case nil, map[string]any, []any:
		raw, err := plainText(arg)
		if err != nil {
			return ""
		}
		return raw
	default:
		return arg
	}
}

// Codes of contract 0.4.
const (
	CodeRequestBadRequest = "Request_BadRequest"
	CodeNotFound          = "Request_ResourceNotFound"
	CodeUnsupportedQuery  = "Request_UnsupportedQuery"
	CodeDenied            = "Authorization_RequestDenied"
	CodeInvalidToken      = "InvalidAuthenticationToken"
	CodeSameKey           = "Request_MultipleObjectsWithSameKeyValue"
	CodeBadRequest        = "BadRequest"
	CodeForbidden         = "Forbidden"
	CodeResourceNotFound  = "ResourceNotFound"
	CodeModelValidation   = "ModelValidationFailure"
)

// NoSegment is the answer to a path that no route of this version knows
// (contract 0.3: wrong URL or wrong version, never "feature off").
func NoSegment(segment string) *Error {
	e := Fail(http.StatusBadRequest, CodeBadRequest, "Resource not found for the segment '%s'.", segment)
	e.Plain = true
	return e
}

// plainText is JSON text in which <, > and & stand as they are: the service has no
// HTML in mind (contract a.2: "Count is not >=1 and <=5000").
func plainText(v any) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("message: %w", err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
