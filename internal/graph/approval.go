// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// Approval is what a write to Intune says to Multi Admin Approval (contract m). A tenant without it ignores
// both headers.
type Approval struct {
	// Justification is why the write is wanted, for the people who decide; 1 to 1,024 characters. A tenant that
	// protects the resource opens a request with it and answers ApprovalRequired.
	Justification string
	// Code is the id of an approved request, as Error.ApprovalCode gave it. It takes the place of Justification
	// and resumes the write.
	Code string
	// Digest is the Error.ApprovalDigest that came with Code. A write whose bytes differ from those that were
	// approved is refused with Conflict before it leaves. Empty means that the caller vouches for the bytes.
	Digest string
}

// approvalKey is the context key of an Approval.
type approvalKey struct{}

// The headers of contract m.
const (
	justificationHeader = "x-msft-approval-justification"
	approvalCodeHeader  = "x-msft-approval-code"
)

// maxJustification is the longest justification in characters (contract m).
const maxJustification = 1024

// WithApproval returns a context whose writes to Intune carry an approval. Reads, and writes to the directory and
// to identity policy, which Multi Admin Approval does not protect, go out unchanged.
func WithApproval(ctx context.Context, a Approval) context.Context {
	return context.WithValue(ctx, approvalKey{}, a)
}

// approve puts the headers of the context's approval on a write to Intune. A write that may open a request is not
// safe to repeat, whatever it does to the tenant otherwise: each repetition would open one more.
func (c *Client) approve(ctx context.Context, op call, ri *abs.RequestInformation) (call, error) {
	if !op.protected() {
		return op, nil
	}
	op.digest = c.writeDigest(ri)
	a, ok := ctx.Value(approvalKey{}).(Approval)
	if !ok {
		return op, nil
	}
	ri.Headers.Remove(justificationHeader)
	ri.Headers.Remove(approvalCodeHeader)
	if a.Code != "" {
		if strings.ContainsAny(a.Code, "\r\n") {
			return op, invalid(op.op, "approval code %q is not one line: pass it as the tenant gave it", cleanText(a.Code, 64))
		}
		if a.Digest != "" && a.Digest != op.digest {
			return op, &Error{Kind: KindConflict, Op: op.op, ApprovalDigest: op.digest,
				Message: "the write is not the one that approval " + cleanText(a.Code, 64) + " was asked for: ask for approval again"}
		}
		ri.Headers.Add(approvalCodeHeader, a.Code)
		return op, nil
	}
	n := utf8.RuneCountInString(a.Justification)
	if n == 0 || n > maxJustification || !utf8.ValidString(a.Justification) {
		return op, invalid(op.op, "approval justification has %d characters: write 1 to %d", n, maxJustification)
	}
	ri.Headers.Add(justificationHeader, base64.StdEncoding.EncodeToString([]byte(a.Justification)))
	op.effect = effectUnsafe
	return op, nil
}

// protected reports whether Multi Admin Approval can stop a call: every write to an Intune workload.
func (c call) protected() bool {
	return c.effect != effectRead && (c.class == classConfiguration || c.class == classDevices)
}

// writeDigest identifies what an approval is for: method, path, query and body, not the host. Requests of the typed
// builders learn their host only in the adapter, so they are given it here. A request without a URL cannot be sent and
// has the digest of an empty path.
func (c *Client) writeDigest(ri *abs.RequestInformation) string {
	h := sha256.New()
	if _, ok := ri.PathParameters["baseurl"]; !ok && ri.PathParameters != nil {
		ri.PathParameters["baseurl"] = c.adapter.GetBaseUrl()
	}
	target := ""
	if u, err := ri.GetUri(); err == nil {
		target = u.EscapedPath() + "?" + u.RawQuery
	}
	for _, part := range []string{ri.Method.String(), target, string(ri.Content)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ApprovalStatus is where a request stands (contract m).
type ApprovalStatus string

// The statuses of operationApprovalRequestStatus. Any other word is passed on as it comes and means: not decided.
const (
	ApprovalNeeded    ApprovalStatus = "needsApproval"
	ApprovalApproved  ApprovalStatus = "approved"
	ApprovalRejected  ApprovalStatus = "rejected"
	ApprovalCancelled ApprovalStatus = "cancelled"
	ApprovalCompleted ApprovalStatus = "completed"
	ApprovalExpired   ApprovalStatus = "expired"
)

// OperationApprovalRequest is a request for approval of a write.
type OperationApprovalRequest struct {
	// ID is the entity's id, Code the request id that the refused write was given.
	ID, Code string
	// Status is where the request stands.
	Status ApprovalStatus
	// RequestJustification is ours, ApprovalJustification what the person who decided wrote.
	RequestJustification, ApprovalJustification string
	// RequestedAt, LastModifiedAt and ExpiresAt are zero when the tenant does not say.
	RequestedAt, LastModifiedAt, ExpiresAt time.Time
	// Unreadable is why a part of a request of a list could not be read, nil when all was. What was read holds, but Status is empty.
	Unreadable error
}

// wireApproval is a request for approval on the wire.
type wireApproval struct {
	ID                    string    `json:"id"`
	RequestID             string    `json:"requestId"`
	Status                string    `json:"status"`
	RequestJustification  string    `json:"requestJustification"`
	ApprovalJustification string    `json:"approvalJustification"`
	RequestedAt           looseTime `json:"requestDateTime"`
	LastModifiedAt        looseTime `json:"lastModifiedDateTime"`
	ExpiresAt             looseTime `json:"expirationDateTime"`

	odd error // why a part of it could not be read
}

// OperationApprovalRequest reads the request of a code. A code that the tenant does not know is NotFound. One
// that cannot be read is an error: nobody knows whether it is decided.
func (c *Client) OperationApprovalRequest(ctx context.Context, code string) (OperationApprovalRequest, error) {
	op := approvalRead("OperationApprovalRequest")
	if err := needID(op.op, "approval code", code); err != nil {
		return OperationApprovalRequest{}, err
	}
	// The filter is the documented one, although the metadata has no such member (contract m).
	rows, err := c.approvalRows(ctx, op, url.Values{"$filter": {"requestId eq " + quote(code)}})
	if err != nil {
		return OperationApprovalRequest{}, err
	}
	for _, w := range rows {
		if strings.EqualFold(w.RequestID, code) || strings.EqualFold(w.ID, code) {
			return w.legible(op, code)
		}
	}
	// ASSUMED: a row without requestId that the filter alone selected is the one asked for.
	if len(rows) == 1 && rows[0].RequestID == "" {
		return rows[0].legible(op, code)
	}
	if i := slices.IndexFunc(rows, func(w wireApproval) bool { return w.odd != nil }); i >= 0 {
		return rows[i].legible(op, code) // it may be the one
	}
	return OperationApprovalRequest{}, &Error{Kind: KindNotFound, Op: op.op, Status: http.StatusOK,
		Message: "the tenant has no approval request " + cleanText(code, 64)}
}

// OperationApprovalRequests lists every request of the tenant, whoever opened it. A write whose answer was lost is found
// here by its justification, before another request is opened for it. Those that cannot be read in full are among them.
func (c *Client) OperationApprovalRequests(ctx context.Context) ([]OperationApprovalRequest, error) {
	rows, err := c.approvalRows(ctx, approvalRead("OperationApprovalRequests"), nil)
	if err != nil {
		return nil, err
	}
	out := make([]OperationApprovalRequest, 0, len(rows))
	for _, w := range rows {
		code := w.RequestID
		if code == "" {
			code = w.ID // ASSUMED: the metadata has no requestId (contract m), so the id has to be the code
		}
		out = append(out, w.request(code))
	}
	return out, nil
}

func approvalRead(op string) call {
	return call{op: op, class: classConfiguration, effect: effectRead, permissions: []string{"DeviceManagementRBAC.Read.All"}}
}

func (c *Client) approvalRows(ctx context.Context, op call, query url.Values) ([]wireApproval, error) {
	ri, err := c.betaRequest(abs.GET, "/deviceManagement/operationApprovalRequests", query, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	var rows []wireApproval
	err = listItems(ctx, c, op, ri, func(w wireApproval, odd error) error {
		if w.odd = cmp.Or(odd, w.RequestedAt.odd, w.LastModifiedAt.odd, w.ExpiresAt.odd); w.odd != nil {
			w.Status = ""
		}
		rows = append(rows, w)
		return nil
	})
	return rows, err
}

// legible converts the request of a code from the wire, or says why it cannot be read.
func (w wireApproval) legible(op call, code string) (OperationApprovalRequest, error) {
	if w.odd != nil {
		return OperationApprovalRequest{}, &Error{Kind: KindTransient, Op: op.op, Err: w.odd,
			Message: fmt.Sprintf("approval request %s cannot be read: %v", cleanText(code, 64), w.odd)}
	}
	return w.request(code), nil
}

// request converts a request from the wire.
func (w wireApproval) request(code string) OperationApprovalRequest {
	return OperationApprovalRequest{ID: w.ID, Code: code, Status: ApprovalStatus(w.Status), RequestJustification: w.RequestJustification,
		ApprovalJustification: w.ApprovalJustification, RequestedAt: w.RequestedAt.Time, LastModifiedAt: w.LastModifiedAt.Time, ExpiresAt: w.ExpiresAt.Time, Unreadable: w.odd}
}
