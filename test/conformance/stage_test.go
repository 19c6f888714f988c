// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// controlled brings the simulated tenant into conditions through its control
// endpoints.
type controlled struct {
	base   string
	client *http.Client
}

// preparation is how the simulator gets into a condition.
type preparation struct {
	// scenario and faults replace those in force; empty: none.
	scenario, faults string
	// decision about the approval requests that wait, and an advance of the clock.
	decision, advance string
}

const (
	protected = `{"approvals":["configurationPolicies","scripts"]}`
	anyPolicy = `"route":"/beta/deviceManagement/configurationPolicies/*"`
)

// spoil is one fault that hits every request of the match.
func spoil(match, rest string) string { return `{"faults":[{"match":{` + match + `},` + rest + `}]}` }

// answering is a fault that answers with status and body.
func answering(match string, status int, body string) string {
	text, err := json.Marshal(body)
	if err != nil { // text always marshals
		panic(err)
	}
	return spoil(match, fmt.Sprintf(`"mode":"status","status":%d,"body":%s`, status, text))
}

func graphError(code, message string) string {
	return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innerError":{"date":"2026-06-01T06:00:00","request-id":"7c0e2a4c-5d0f-4f3b-9a55-0a2c3de51b11","client-request-id":"7c0e2a4c-5d0f-4f3b-9a55-0a2c3de51b11"}}}`, code, message)
}

var preparations = map[Condition]preparation{
	Healthy:           {},
	Approvals:         {scenario: protected},
	Approved:          {scenario: protected, decision: "approve"},
	Rejected:          {scenario: protected, decision: "reject"},
	NoIntune:          {scenario: `{"licences":{"noIntune":true}}`},
	NoPremium:         {scenario: `{"licences":{"noEntraP1":true}}`},
	NoPolicyRead:      {scenario: `{"missingRoles":["Policy.Read.All"]}`},
	NoDeviceRead:      {scenario: `{"missingRoles":["Device.ReadWrite.All"]}`},
	Throttled:         {scenario: `{"throttle":{"enabled":true,"scale":0.000001,"clock":"virtual"}}`},
	OtherStatuses:     {scenario: `{"odd":{"statuses":{"deletePolicy":200,"deleteScript":200,"assignScript":200}}}`},
	StrictTargets:     {scenario: `{"strictAssignments":true}`},
	QuotaUsedUp:       {faults: answering(`"method":"POST","route":"/v1.0/groups"`, 403, graphError("Directory_QuotaExceeded", "The directory object quota limit for the Principal has been exceeded."))},
	Later:             {advance: "1m"},
	NewFederation:     {scenario: `{"federationFailurePercent":100}`},
	Lagging:           {scenario: `{"lag":{"read":"30s","list":"1m","members":"1m","index":"5m"}}`},
	Settled:           {},
	OldDeltaLink:      {advance: "400h"},
	OldDownloadLink:   {faults: spoil(`"route":"/_blob/**"`, `"mode":"status","status":403,"headers":{"Content-Type":"application/xml"},"body":"<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>"`)},
	ExportWithoutLink: {scenario: `{"exportWithoutURLPercent":100}`},
	ExportFails:       {scenario: `{"exportFailurePercent":100}`},
	ForbiddenPage:     {faults: spoil(anyPolicy, `"mode":"html","status":403`)},
	NullBytes:         {faults: answering(anyPolicy, 403, "\x00\x00\x00\x00")},
	BadGateway:        {faults: spoil(anyPolicy, `"mode":"html"`)},
	ServiceUnavailable: {
		scenario: `{"outages":[{"from":"0s","status":503,"retryAfter":10}]}`},
	GatewayTimeout:      {faults: spoil(anyPolicy, `"mode":"status","status":504`)},
	BrokenService:       {faults: answering(anyPolicy, 500, graphError("InternalServerError", "{\r\n  \"Message\": \"An internal server error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000\"\r\n}"))},
	PlainMessage:        {faults: answering(anyPolicy, 400, graphError("BadRequest", "An error has occurred. - CustomApiErrorPhrase: "))},
	ConflictingWrite:    {faults: answering(`"method":"PATCH",`+anyPolicy, 409, graphError("Conflict", "The policy was changed by another request."))},
	LockedObject:        {faults: answering(`"method":"PATCH",`+anyPolicy, 423, graphError("Locked", "The policy is locked."))},
	ConcurrentWrite:     {faults: answering(`"method":"PATCH","route":"/v1.0/groups/*"`, 409, graphError("ConcurrencyViolation", "Another write to the object is in progress."))},
	DocumentedApprovals: {faults: spoil(`"method":"PATCH",`+anyPolicy, `"mode":"status","status":403,"headers":{"x-msft-approval-code":"9a0f7e0c-9a5a-4a41-8a39-6f4f0b1f7c55"},"body":"{\"error\":{\"code\":\"ApprovalRequired\",\"message\":\"Approval is required.\"}}"`)},
}

// Prepare replaces scenario and faults, decides, and moves the clock.
func (s controlled) Prepare(ctx context.Context, next Condition) error {
	p, known := preparations[next]
	if !known {
		return fmt.Errorf("the simulator has no preparation")
	}
	scenario, faults := p.scenario, p.faults
	if scenario == "" {
		scenario = "{}"
	}
	if faults == "" {
		faults = `{"faults":[]}`
	}
	if _, err := s.do(ctx, http.MethodPut, "scenario", scenario); err != nil {
		return err
	}
	if _, err := s.do(ctx, http.MethodPut, "faults", faults); err != nil {
		return err
	}
	if p.advance != "" {
		if _, err := s.do(ctx, http.MethodPost, "clock", `{"advance":"`+p.advance+`"}`); err != nil {
			return err
		}
	}
	if p.decision != "" {
		return s.decide(ctx, p.decision)
	}
	return nil
}

// decide is the second admin.
func (s controlled) decide(ctx context.Context, decision string) error {
	raw, err := s.do(ctx, http.MethodGet, "approvals", "")
	if err != nil {
		return err
	}
	var list struct{ Approvals []struct{ ID, Status string } }
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("approvals: %w", err)
	}
	waiting := 0
	for _, a := range list.Approvals {
		if a.Status != "needsApproval" {
			continue
		}
		waiting++
		if _, err := s.do(ctx, http.MethodPost, "approvals", `{"id":"`+a.ID+`","decision":"`+decision+`"}`); err != nil {
			return err
		}
	}
	if waiting == 0 {
		return fmt.Errorf("no approval request waits")
	}
	return nil
}

func (s controlled) do(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+"/_sim/"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 400 {
		err = fmt.Errorf("%s /_sim/%s: %d %s", method, path, resp.StatusCode, raw)
	}
	return raw, err
}

// TestConditions holds the list of conditions, the rows and what the simulator
// can do against each other.
func TestConditions(t *testing.T) {
	used := map[Condition]bool{}
	for _, row := range Table() {
		used[row.Given] = true
	}
	listed := map[Condition]bool{Healthy: true}
	for _, c := range Conditions {
		if listed[c] || !used[c] {
			t.Errorf("%q is listed twice, or no row needs it", c)
		}
		listed[c] = true
	}
	for c := range used {
		if _, prepared := preparations[c]; !listed[c] || !prepared {
			t.Errorf("%q: listed %t, the simulator can do it %t", c, listed[c], prepared)
		}
	}
	if err := (controlled{}).Prepare(t.Context(), "no such condition"); err == nil {
		t.Error("an unknown condition was prepared")
	}
}
