// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// credentialHints say what to change for the refusals that a wrong Tenant resource causes. Codes: Entra's
// AADSTS error list.
var credentialHints = map[string]string{
	"AADSTS90002":   "check spec.tenantID and spec.cloud of the Tenant: no such directory",
	"AADSTS900023":  "check spec.tenantID of the Tenant: it is neither a GUID nor a domain name",
	"AADSTS7000215": "check the client secret in the Secret: write its value, not its id",
	"AADSTS7000222": "the client secret has expired: create a new one and update the Secret",
	"AADSTS500011":  "check spec.endpoint.graphURL of the Tenant: the authority gives no token for that host",
	"AADSTS700016":  "check the client id: the application is not registered in this directory",
	"AADSTS700027":  "check the certificate: it is not one of the application's, or it has expired",
	"AADSTS70021":   "check issuer, subject and audience of the federated credential; a new one takes some minutes to work",
	"AADSTS700211":  "check the issuer of the federated credential; a new one takes some minutes to work",
	"AADSTS700213":  "check the subject of the federated credential; a new one takes some minutes to work",
}

// aadsts matches the number of a refusal.
var aadsts = regexp.MustCompile(`AADSTS\d+`)

// tokenError turns a failure to get a token into an *Error with the AADSTS code and the description, and
// without the rest of the answer (P8).
func (c *Client) tokenError(ctx context.Context, op string, err error) *Error {
	if e := own(err); e != nil && !endedBy(ctx, err) {
		e.Op = cmp.Or(e.Op, op)
		return e
	}
	if ctxErr := ctx.Err(); ctxErr != nil {
		return &Error{Kind: KindTransient, Op: op, Message: "no token: " + ctxErr.Error(), Err: ctxErr}
	}
	resp := tokenResponse(err)
	if resp == nil {
		return c.tokenErrorWithoutAnswer(op, err)
	}
	return c.tokenRefused(op, resp)
}

// tokenRefused reads the answer of a token endpoint that gave no token.
func (c *Client) tokenRefused(op string, resp *http.Response) *Error {
	e := &Error{Op: op, Kind: KindCredential, Status: resp.StatusCode, RequestID: requestID(resp.Header, c.hide),
		RetryAt: retryAfter(resp.Header, c.cfg.Clock.Now()), Foreign: c.hosts.custom}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		TraceID     string `json:"trace_id"`
	}
	payload, readErr := runtime.Payload(resp)
	parsed := readErr == nil && json.Unmarshal(payload, &body) == nil && body.Error != ""
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Kind = KindThrottled
		if e.RetryAt.IsZero() {
			e.RetryAt = c.cfg.Clock.Now().Add(c.cfg.ThrottleBase)
		}
	case resp.StatusCode >= 500 || !parsed || body.Error == "temporarily_unavailable":
		e.Kind = KindTransient
	}
	if !parsed {
		e.Message = "the token endpoint answered something else than a token: " + statusText(resp.StatusCode)
		return e
	}
	e.Code = aadsts.FindString(body.Description)
	if e.Code == "" {
		e.Code = hider(c.hide).clean(body.Error, 64)
	}
	if e.RequestID == "" && !e.Foreign {
		e.RequestID = hider(c.hide).clean(body.TraceID, 64)
	}
	e.Message = c.redact(descriptionHead(body.Description))
	e.Hint = credentialHints[e.Code]
	return e
}

// tokenErrorWithoutAnswer is a token request that failed on its way, or a credential that cannot be used.
func (c *Client) tokenErrorWithoutAnswer(op string, err error) *Error {
	text := c.redact(stripURL(err).Error())
	// azidentity reports a network failure with the same type as a refusal. What it cannot even try, such as a
	// missing token file, is not a matter of time but is repeated all the same: the file may appear.
	e := &Error{Kind: KindTransient, Op: op, Message: "no token: " + text, Foreign: c.hosts.custom && !ofNetwork(err)}
	e.Err = &causeError{text: e.said(), cause: err} // the library quotes the answer that it cannot read
	return e
}

// tokenResponse finds the answer of the token endpoint in an error of azidentity.
func tokenResponse(err error) *http.Response {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) {
		return failed.RawResponse
	}
	return nil
}

// descriptionHead cuts the ids and times that follow the sentence of a refusal.
func descriptionHead(text string) string {
	for _, mark := range []string{"\r", "\n", " Trace ID:", " Correlation ID:"} {
		if i := strings.Index(text, mark); i > 0 {
			text = text[:i]
		}
	}
	return text
}
