// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package refusal

import (
	"errors"
	"net/http"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Body is the JSON of every refusal.
type Body struct {
	Error struct {
		Code       string         `json:"code"`
		Message    string         `json:"message"`
		InnerError map[string]any `json:"innerError"`
	} `json:"error"`
}

// OwnFaultHeader tells people what went wrong inside the simulator. No client may
// read it: the service's own answer says nothing.
const OwnFaultHeader = "X-Tenantsim-Error"

// Answer is a refusal as it goes to the client. Header may be nil.
type Answer struct {
	Status int
	Body   Body
	Header http.Header
}

// Of renders err as the answer to a request that is refused now. Errors that are
// not an odata.Error are faults of the simulator itself and become a 500.
func Of(r *odata.Request, now time.Time, err error) Answer {
	var refused *odata.Error
	if !errors.As(err, &refused) {
		refused = odata.Fail(http.StatusInternalServerError, "InternalServerError", "An internal server error has occurred.")
		refused.Header = http.Header{OwnFaultHeader: {err.Error()}}
	}
	out := Answer{Status: refused.Status, Header: refused.Header}
	out.Body.Error.Code = refused.Code
	out.Body.Error.Message = refused.Message
	if r.Intune && !refused.Plain {
		out.Body.Error.Message = r.IntuneMessage(refused.Message)
	}
	out.Body.Error.InnerError = map[string]any{
		"date":              now.UTC().Format("2006-01-02T15:04:05"),
		"request-id":        r.RequestID,
		"client-request-id": r.ClientRequestID(),
	}
	if refused.Inner != "" {
		out.Body.Error.InnerError["message"] = refused.Inner
	}
	return out
}
