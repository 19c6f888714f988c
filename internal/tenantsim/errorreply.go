// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"errors"
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

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
	var ge *odata.Error
	if !errors.As(err, &ge) {
		ge = odata.Fail(http.StatusInternalServerError, "InternalServerError", "An internal server error has occurred.")
		ge.Header = http.Header{ownFaultHeader: {err.Error()}}
	}
	var body errorBody
	body.Error.Code = ge.Code
	body.Error.Message = ge.Message
	if c.Intune && !ge.Plain {
		body.Error.Message = c.IntuneMessage(ge.Message)
	}
	body.Error.InnerError = map[string]any{
		"date":              c.now.UTC().Format("2006-01-02T15:04:05"),
		"request-id":        c.RequestID,
		"client-request-id": c.ClientRequestID(),
	}
	if ge.Inner != "" {
		body.Error.InnerError["message"] = ge.Inner
	}
	return &reply{status: ge.Status, body: body, header: ge.Header}
}
