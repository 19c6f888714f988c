// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// Headers of Multi Admin Approval (contract m).
const (
	headerJustification = "x-msft-approval-justification"
	headerApprovalCode  = "x-msft-approval-code"
)

// rolesApprovals read the status of requests (contract m).
var rolesApprovals = []string{"DeviceManagementRBAC.Read.All", "DeviceManagementRBAC.ReadWrite.All"}

// approvalLife is how long a request waits for a person. ASSUMED.
const approvalLife = 30 * 24 * time.Hour

// approval is a write that waits for a person.
type approval struct {
	shelf.Meta
	method, path  string
	sum           string // of the body
	justification string
	status        string
	kind          string
}

// Approval is a request for approval as its owner sees it.
type Approval struct {
	ID            string    `json:"id"`
	Method        string    `json:"method"`
	Path          string    `json:"path"`
	Justification string    `json:"justification"`
	Status        string    `json:"status"`
	Requested     time.Time `json:"requested"`
}

// approvalKinds are the kinds of resources that can be protected and whose
// endpoints are simulated.
var approvalKinds = []string{"configurationPolicies", "scripts"}

// approvalKind is the kind that protects a route, or "". Which kind protects
// assignment filters is not known: ASSUMED none.
func approvalKind(pattern string) string {
	switch {
	case strings.HasPrefix(pattern, "deviceManagement/configurationPolicies"):
		return "configurationPolicies"
	case strings.HasPrefix(pattern, "deviceManagement/deviceHealthScripts"):
		return "scripts"
	default:
		return ""
	}
}

// approve holds a protected write back until a person approved the identical
// request (contract m).
func (c *call) approve() error {
	s := c.server
	kind := approvalKind(c.route.pattern)
	if c.HTTP.Method == http.MethodGet || kind == "" || !slices.Contains(s.scenario.Approvals, kind) {
		return nil
	}
	if code := c.HTTP.Header.Get(headerApprovalCode); code != "" {
		return c.redeem(code)
	}
	given := c.HTTP.Header.Get(headerJustification)
	if given == "" { // contract m: 400 live, where the documentation says 403
		return c.BadRequest("Header '%s' is required to request approval.", headerJustification)
	}
	raw, err := base64.StdEncoding.DecodeString(given)
	if err != nil || !utf8.Valid(raw) || utf8.RuneCount(raw) > 1024 {
		return c.BadRequest("Header '%s' must be Base64 of at most 1024 characters of UTF-8.", headerJustification)
	}
	a := &approval{method: c.HTTP.Method, path: c.Path, sum: c.BodySum, justification: string(raw), status: "needsApproval", kind: kind}
	shelve(s, &s.approvals, a, "approvalRequest")
	s.changes++ // queued, although the request itself did nothing
	return c.needsApproval(a.ID)
}

// needsApproval is the observed answer: 412 with a message that repeats the
// header (contract m).
func (c *call) needsApproval(id string) error {
	e := odata.Fail(http.StatusPreconditionFailed, odata.CodeBadRequest,
		"Approval Required. Request Approval using the request ID returned as part of the %s response header. %s: %s", headerApprovalCode, headerApprovalCode, id)
	e.Header = http.Header{http.CanonicalHeaderKey(headerApprovalCode): {id}}
	return e
}

// redeem lets an approved request through once. What the service says about a
// code that is not approved, or about other bytes, is not known: ASSUMED.
func (c *call) redeem(code string) error {
	a := c.server.approvals.Get(code)
	switch {
	case a == nil:
		return c.BadRequest("The approval request '%s' does not exist.", code)
	case a.method != c.HTTP.Method || a.path != c.Path || a.sum != c.BodySum:
		return c.BadRequest("The request differs from the one that approval request '%s' is for.", code)
	case a.state(c.now) == "needsApproval":
		return c.needsApproval(code)
	case a.state(c.now) != "approved":
		return odata.Fail(http.StatusForbidden, odata.CodeForbidden, "The approval request '%s' is %s.", code, a.state(c.now))
	}
	a.status, a.Modified = "completed", c.now
	return nil
}

func (a *approval) state(now time.Time) string {
	if a.status == "needsApproval" && now.Sub(a.Created) > approvalLife {
		return "expired"
	}
	return a.status
}

// Approvals lists the requests for approval, oldest first.
func (s *Server) Approvals() []Approval {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Approval, len(s.approvals.All()))
	for i, a := range s.approvals.All() {
		out[i] = Approval{a.ID, a.method, a.path, a.justification, a.state(s.clock.Now()), a.Created.UTC()}
	}
	return out
}

// Approve and Reject are what a person in the portal decides.
func (s *Server) Approve(id string) error { return s.decide(id, "approved") }

// Reject refuses a request for approval.
func (s *Server) Reject(id string) error { return s.decide(id, "rejected") }

func (s *Server) decide(id, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.approvals.Get(id)
	if a == nil {
		return fmt.Errorf("approval %q does not exist: GET /_sim/approvals lists them", id)
	}
	if now := s.clock.Now(); a.state(now) != "needsApproval" {
		return fmt.Errorf("approval %q is %s already", id, a.state(now))
	}
	a.status, a.Modified = status, s.clock.Now()
	s.changes++
	return nil
}

// approvalEntity has the members of the metadata; requestId exists as a filter
// only (contract m).
var approvalEntity = &entity.Type[*approval]{Name: "microsoft.graph.operationApprovalRequest", Properties: []entity.Property[*approval]{
	{Name: "id", Ops: odata.Eq, Get: func(a *approval) any { return a.ID }},
	{Name: "requestId", Ops: odata.Eq, Hidden: true, Get: func(a *approval) any { return a.ID }},
	{Name: "requestDateTime", Get: func(a *approval) any { return intuneTime(a.Created) }},
	{Name: "expirationDateTime", Get: func(a *approval) any { return intuneTime(a.Created.Add(approvalLife)) }},
	{Name: "lastModifiedDateTime", Get: func(a *approval) any { return intuneTime(a.Modified) }},
	{Name: "status", Ops: odata.Eq, Get: func(a *approval) any { return a.status }},
	{Name: "requestJustification", Get: func(a *approval) any { return a.justification }},
	{Name: "approvalJustification", Get: func(*approval) any { return nil }},
	{Name: "requestor", Get: func(*approval) any { return nil }},
	{Name: "approver", Get: func(*approval) any { return nil }},
	{Name: "requiredOperationApprovalPolicyTypes", Get: func(a *approval) any {
		if a.kind == "scripts" {
			return []string{"script"}
		}
		return []string{"unknownFutureValue"} // no member of the enum says configuration policies
	}},
}}

func listApprovals(c *call) (*reply, error) {
	for _, a := range c.server.approvals.All() {
		a.status = a.state(c.now)
	}
	return listReply(c, c.Query, approvalEntity, c.server.approvals.Listed(c.listAsOf()), listStyle{context: "deviceManagement/operationApprovalRequests", size: 100, max: 1000, count: countPage})
}

func getApproval(c *call) (*reply, error) {
	members, err := approvalEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	a, err := c.server.approvals.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "deviceManagement/operationApprovalRequests/$entity", entity.Render(a, members)), nil
}
