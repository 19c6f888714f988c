// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"net/url"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// SignInQuery selects sign-ins.
type SignInQuery struct {
	// Since and Until bound the time of the sign-in: Since ≤ t < Until. Both are required. Details are complete about
	// two hours after the event (contract j): choose Until accordingly, or read the window again.
	Since, Until time.Time
	// UserID narrows to one user; empty for all.
	UserID string
	// EventType is interactiveUser, nonInteractiveUser and so on; empty means the service's default, interactive only.
	// One query takes one type (contract j).
	EventType string
}

// SignIn is a sign-in with its evidence (contract j). It is read from beta: v1.0 has none of the evidence.
type SignIn struct {
	// ID is unique, yet the same sign-in may be published again: keep one per ID, group by CorrelationID.
	ID, CorrelationID string
	CreatedAt         time.Time
	// UserID is the key of the person; UserPrincipalName may hold the id as well.
	UserID, UserPrincipalName string
	// AppID and AppDisplayName are what was signed in to, ClientApp the kind of client.
	AppID, AppDisplayName, ClientApp string
	// ErrorCode is 0 for success; some others are interruptions and no failures.
	ErrorCode     int
	FailureReason string
	IsInteractive bool
	// ConditionalAccessStatus is success, failure or notApplied.
	ConditionalAccessStatus string
	// Steps are the methods that were used, in the order of the log.
	Steps []SignInStep
	// AppliedPolicies are the Conditional Access policies that were looked at. AppliedPoliciesKnown is false when the
	// log does not carry them: the service leaves them out without a word when Policy.Read.All is missing.
	AppliedPolicies      []AppliedPolicy
	AppliedPoliciesKnown bool
	// DeviceID is the Entra device id, empty for an unknown device; OperatingSystem and Browser are free text.
	DeviceID, OperatingSystem, Browser string
}

// SignInStep is one method of a sign-in. Method is text for people, such as "Passkey (synced)": match by prefix and
// without regard to case.
type SignInStep struct {
	Method      string `json:"authenticationMethod"`
	Detail      string `json:"authenticationMethodDetail"`
	Requirement string `json:"authenticationStepRequirement"`
	Result      string `json:"authenticationStepResultDetail"`
	// Succeeded is nil when the log does not say.
	Succeeded *bool `json:"succeeded"`
}

// IsPasskey reports whether the step used a passkey or a FIDO2 key (contract j).
func (s SignInStep) IsPasskey() bool {
	method := strings.ToLower(strings.TrimSpace(s.Method))
	return strings.HasPrefix(method, "passkey") || strings.HasPrefix(method, "fido2")
}

// AppliedPolicy is what a Conditional Access policy did to a sign-in.
type AppliedPolicy struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	// Result is success, failure, notApplied, reportOnlySuccess and so on.
	Result        string   `json:"result"`
	GrantControls []string `json:"enforcedGrantControls"`
}

// wireSignIn is a sign-in on the wire.
type wireSignIn struct {
	ID                string    `json:"id"`
	CorrelationID     string    `json:"correlationId"`
	CreatedAt         timestamp `json:"createdDateTime"`
	UserID            string    `json:"userId"`
	UserPrincipalName string    `json:"userPrincipalName"`
	AppID             string    `json:"appId"`
	AppDisplayName    string    `json:"appDisplayName"`
	ClientApp         string    `json:"clientAppUsed"`
	IsInteractive     bool      `json:"isInteractive"`
	AccessStatus      string    `json:"conditionalAccessStatus"`
	Status            struct {
		ErrorCode     int    `json:"errorCode"`
		FailureReason string `json:"failureReason"`
	} `json:"status"`
	Steps    []SignInStep     `json:"authenticationDetails"`
	Policies *[]AppliedPolicy `json:"appliedConditionalAccessPolicies"`
	Device   struct {
		DeviceID        string `json:"deviceId"`
		OperatingSystem string `json:"operatingSystem"`
		Browser         string `json:"browser"`
	} `json:"deviceDetail"`
}

// signIn converts a sign-in from the wire.
func (w wireSignIn) signIn() SignIn {
	s := SignIn{ID: w.ID, CorrelationID: w.CorrelationID, CreatedAt: w.CreatedAt.Time, UserID: w.UserID, UserPrincipalName: w.UserPrincipalName,
		AppID: w.AppID, AppDisplayName: w.AppDisplayName, ClientApp: w.ClientApp, ErrorCode: w.Status.ErrorCode, FailureReason: w.Status.FailureReason,
		IsInteractive: w.IsInteractive, ConditionalAccessStatus: w.AccessStatus, Steps: w.Steps, AppliedPoliciesKnown: w.Policies != nil,
		DeviceID: w.Device.DeviceID, OperatingSystem: w.Device.OperatingSystem, Browser: w.Device.Browser}
	if w.Policies != nil {
		s.AppliedPolicies = *w.Policies
	}
	return s
}

// SignIns hands the sign-ins of a window to yield, each ID once per call, newest first as the service sorts them. It
// needs Entra ID P1. An error of yield ends the call and comes back as it is.
func (c *Client) SignIns(ctx context.Context, q SignInQuery, yield func(SignIn) error) error {
	op := reportsRead("SignIns", "Policy.Read.All")
	filter, err := q.filter(op.op)
	if err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.GET, "/auditLogs/signIns", url.Values{"$filter": {filter}, "$top": {"1000"}}, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	seen := map[string]bool{}
	return list(ctx, c, op, ri, func(w wireSignIn) error {
		if w.ID == "" {
			return withoutID(op, "sign-in")
		}
		if seen[w.ID] {
			return nil
		}
		seen[w.ID] = true
		return yield(w.signIn())
	})
}

// filter renders a query in OData (contract j).
func (q SignInQuery) filter(op string) (string, error) {
	if q.Since.IsZero() || !q.Since.Before(q.Until) {
		return "", invalid(op, "window from %s to %s is empty: set Since before Until", q.Since.UTC().Format(time.RFC3339), q.Until.UTC().Format(time.RFC3339))
	}
	// The service compares with "le": the last second before Until.
	parts := []string{"createdDateTime ge " + q.Since.UTC().Format(time.RFC3339Nano),
		"createdDateTime le " + q.Until.UTC().Add(-time.Nanosecond).Format("2006-01-02T15:04:05.9999999Z07:00")}
	if q.UserID != "" {
		parts = append(parts, "userId eq "+quote(q.UserID))
	}
	if q.EventType != "" {
		parts = append(parts, "signInEventTypes/any(t: t eq "+quote(q.EventType)+")")
	}
	return strings.Join(parts, " and "), nil
}
