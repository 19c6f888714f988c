// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// graphError is a refusal as a handler sees it. The router renders it in the
// shape of the workload that owns the route: directory (Entra) or Intune.
type graphError struct {
	status  int
	code    string
	message string
	header  http.Header
	// inner is the sentence of a service behind the gateway, in innerError.
	inner string
	// plain keeps an Intune route from wrapping the message: some failures are
	// raised by the gateway in front of Intune, before the service sees them.
	plain bool
}

func (e *graphError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.status, e.code, e.message)
}

func fail(status int, code, format string, args ...any) *graphError {
	for i, arg := range args {
		args[i] = jsonText(arg)
	}
	return &graphError{status: status, code: code, message: fmt.Sprintf(format, args...)}
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
	codeRequestBadRequest = "Request_BadRequest"
	codeNotFound          = "Request_ResourceNotFound"
	codeUnsupportedQuery  = "Request_UnsupportedQuery"
	codeDenied            = "Authorization_RequestDenied"
	codeInvalidToken      = "InvalidAuthenticationToken"
	codeSameKey           = "Request_MultipleObjectsWithSameKeyValue"
	codeBadRequest        = "BadRequest"
	codeForbidden         = "Forbidden"
	codeResourceNotFound  = "ResourceNotFound"
	codeModelValidation   = "ModelValidationFailure"
)

// badRequest is a 400 in the words of the route's workload.
func (c *call) badRequest(format string, args ...any) *graphError {
	code := codeRequestBadRequest
	if c.route != nil && c.route.intune {
		code = codeBadRequest
	}
	return fail(http.StatusBadRequest, code, format, args...)
}

// notFound is a 404 for the object id in the words of the route's workload.
func (c *call) notFound(id string) *graphError {
	if c.route.intune {
		return fail(http.StatusNotFound, codeResourceNotFound, "The requested resource '%s' was not found.", id)
	}
	return fail(http.StatusNotFound, codeNotFound,
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)
}

// noSegment is the answer to a path that no route of this version knows
// (contract 0.3: wrong URL or wrong version, never "feature off").
func noSegment(segment string) *graphError {
	e := fail(http.StatusBadRequest, codeBadRequest, "Resource not found for the segment '%s'.", segment)
	e.plain = true
	return e
}

type errorBody struct {
	Error struct {
		Code       string         `json:"code"`
		Message    string         `json:"message"`
		InnerError map[string]any `json:"innerError"`
	} `json:"error"`
}

// ownFaultHeader tells people what went wrong inside the simulator. No client may
// read it: the service's own answer says nothing.
const ownFaultHeader = "X-Tenantsim-Error"

// errorReply renders err for the call. Errors that are not a graphError are
// faults of the simulator itself and become a 500.
func (c *call) errorReply(err error) *reply {
	var ge *graphError
	if !errors.As(err, &ge) {
		ge = fail(http.StatusInternalServerError, "InternalServerError", "An internal server error has occurred.")
		ge.header = http.Header{ownFaultHeader: {err.Error()}}
	}
	var body errorBody
	body.Error.Code = ge.code
	body.Error.Message = ge.message
	if c.route != nil && c.route.intune && !ge.plain {
		body.Error.Message = c.intuneMessage(ge.message)
	}
	body.Error.InnerError = map[string]any{
		"date":              c.now.UTC().Format("2006-01-02T15:04:05"),
		"request-id":        c.requestID,
		"client-request-id": c.clientRequestID(),
	}
	if ge.inner != "" {
		body.Error.InnerError["message"] = ge.inner
	}
	return &reply{status: ge.status, body: body, header: ge.header}
}

// intuneMessage wraps a sentence into the JSON text that Intune puts in
// error.message, with CRLF line ends (contract 0.4).
func (c *call) intuneMessage(sentence string) string {
	message, err := plainText(fmt.Sprintf(
		"%s - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: %s - Url: https://fef.msua02.manage.microsoft.com%s?api-version=5024-01-18",
		sentence, c.requestID, c.path))
	if err != nil {
		return sentence
	}
	return "{\r\n  \"_version\": 3,\r\n  \"Message\": " + message +
		",\r\n  \"CustomApiErrorPhrase\": \"\",\r\n  \"RetryAfter\": null,\r\n  \"ErrorSourceService\": \"\",\r\n  \"HttpHeaders\": \"{}\"\r\n}"
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

func (c *call) clientRequestID() string {
	if id := c.request.Header.Get("client-request-id"); id != "" {
		return id
	}
	return c.requestID
}

// intuneTime renders the 7-digit fraction of Intune dates (contract 0.3).
func intuneTime(t time.Time) string {
	if t.IsZero() {
		return neverTime
	}
	return t.UTC().Format("2006-01-02T15:04:05.0000000Z")
}

// entraTime renders directory dates, which carry whole seconds.
func entraTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// unixTime renders a device's clock reading; 0 means never (contract 0.3).
func unixTime(sec int64) string {
	if sec == 0 {
		return neverTime
	}
	return entraTime(time.Unix(sec, 0))
}

const neverTime = "0001-01-01T00:00:00Z"
