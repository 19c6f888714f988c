// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// Remediation is an Intune remediation: a detection script, and a remediation script that runs when detection exits
// with 1 (contract d, deviceHealthScript).
type Remediation struct {
	// ID is given by the server.
	ID string `json:"id,omitempty"`
	// DisplayName is not unique; Description carries the owner's marker.
	DisplayName string `json:"displayName,omitempty"`
	Description string `json:"description,omitempty"`
	// Publisher is shown to people.
	Publisher string `json:"publisher,omitempty"`
	// RunAsAccount is system (default) or user.
	RunAsAccount string `json:"runAsAccount,omitempty"`
	// EnforceSignatureCheck demands signed scripts, RunAs32Bit a 32-bit host on 64-bit clients.
	EnforceSignatureCheck bool `json:"enforceSignatureCheck,omitempty"`
	RunAs32Bit            bool `json:"runAs32Bit,omitempty"`
	// RoleScopeTagIDs defaults to the tag "0".
	RoleScopeTagIDs []string `json:"roleScopeTagIds,omitempty"`
	// DetectionScript and RemediationScript are UTF-8 text. A list leaves both empty (contract d): read the object.
	DetectionScript   []byte `json:"detectionScriptContent,omitempty"`
	RemediationScript []byte `json:"remediationScriptContent,omitempty"`
	// CreatedAt and LastModifiedAt are read only, zero when the tenant does not say.
	CreatedAt      time.Time `json:"-"`
	LastModifiedAt time.Time `json:"-"`
	// Extra holds what is not modelled. It is read only.
	Extra Extra `json:"-"`
}

// openRemediation is Remediation without its methods.
type openRemediation Remediation

// UnmarshalJSON implements json.Unmarshaler.
func (r *Remediation) UnmarshalJSON(raw []byte) error {
	var out openRemediation
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	out.CreatedAt, out.LastModifiedAt = extra.time("createdDateTime"), extra.time("lastModifiedDateTime")
	*r = Remediation(out)
	return nil
}

// MarshalJSON implements json.Marshaler. It renders all that was read; what is sent is a remediationBody.
func (r Remediation) MarshalJSON() ([]byte, error) { return encodeOpen(openRemediation(r), r.Extra) }

// remediationBody is a remediation as it is sent.
type remediationBody struct {
	DisplayName           string   `json:"displayName"`
	Description           string   `json:"description"`
	Publisher             string   `json:"publisher"`
	RunAsAccount          string   `json:"runAsAccount"`
	EnforceSignatureCheck bool     `json:"enforceSignatureCheck"`
	RunAs32Bit            bool     `json:"runAs32Bit"`
	RoleScopeTagIDs       []string `json:"roleScopeTagIds"`
	DetectionScript       []byte   `json:"detectionScriptContent"`
	RemediationScript     []byte   `json:"remediationScriptContent"`
}

// maxScript is the longest script in bytes (contract d: no limit is published, 200 KB is known to be kept).
const maxScript = 200 << 10

// body checks a remediation and turns it into what is sent.
func (r Remediation) body(op string) (remediationBody, error) {
	switch {
	case strings.TrimSpace(r.DisplayName) == "":
		return remediationBody{}, invalid(op, "remediation displayName is empty: give the remediation a name")
	case len(r.DetectionScript) == 0:
		return remediationBody{}, invalid(op, "remediation %q has no detection script: Intune runs nothing without one", r.DisplayName)
	}
	for _, s := range []struct {
		field string
		text  []byte
	}{{"detection", r.DetectionScript}, {"remediation", r.RemediationScript}} {
		if len(s.text) > maxScript || !utf8.Valid(s.text) {
			return remediationBody{}, invalid(op, "%s script of %q has %d bytes: write UTF-8 text of at most %d bytes", s.field, r.DisplayName, len(s.text), maxScript)
		}
	}
	account := r.RunAsAccount
	if account == "" {
		account = "system"
	}
	if account != "system" && account != "user" {
		return remediationBody{}, invalid(op, "runAsAccount %q: write system or user", account)
	}
	tags := r.RoleScopeTagIDs
	if len(tags) == 0 {
		tags = []string{"0"}
	}
	return remediationBody{DisplayName: r.DisplayName, Description: r.Description, Publisher: r.Publisher, RunAsAccount: account,
		EnforceSignatureCheck: r.EnforceSignatureCheck, RunAs32Bit: r.RunAs32Bit, RoleScopeTagIDs: tags,
		DetectionScript: r.DetectionScript, RemediationScript: r.RemediationScript}, nil
}

// remediationsPath is the collection of remediations below /beta; v1.0 has none (contract d).
const remediationsPath = "/deviceManagement/deviceHealthScripts"

// remediationPath is one remediation.
func remediationPath(id string) string { return remediationsPath + "/" + url.PathEscape(id) }

// remediationCall describes calls on remediations (contract d, k.3).
func remediationCall(op string, e effect) call {
	permission := "DeviceManagementScripts.ReadWrite.All"
	if e == effectRead {
		permission = "DeviceManagementScripts.Read.All"
	}
	return call{op: op, class: classDevices, effect: e, permissions: []string{permission}}
}

// Remediations lists all remediations, 200 at most in a tenant, without their scripts.
func (c *Client) Remediations(ctx context.Context) ([]Remediation, error) {
	op := remediationCall("Remediations", effectRead)
	ri, err := c.betaRequest(abs.GET, remediationsPath, nil, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(r Remediation) error {
		if r.ID == "" {
			return withoutID(op, "remediation")
		}
		return nil
	})
}

// Remediation reads a remediation with its scripts.
func (c *Client) Remediation(ctx context.Context, id string) (Remediation, error) {
	op := byID(remediationCall("Remediation", effectRead))
	if err := needID(op.op, "remediation id", id); err != nil {
		return Remediation{}, err
	}
	ri, err := c.betaRequest(abs.GET, remediationPath(id), nil, nil)
	if err != nil {
		return Remediation{}, invalid(op.op, "%v", err)
	}
	return c.oneRemediation(ctx, op, ri)
}

// CreateRemediation makes a remediation that is assigned to nobody. Names are not unique, so a lost answer
// (OutcomeUnknown) must lead to a look-up by marker and never to a second call (P5, contract o.4).
func (c *Client) CreateRemediation(ctx context.Context, r Remediation) (Remediation, error) {
	op := remediationCall("CreateRemediation", effectUnsafe)
	body, err := r.body(op.op)
	if err != nil {
		return Remediation{}, err
	}
	ri, err := c.betaRequest(abs.POST, remediationsPath, nil, body)
	if err != nil {
		return Remediation{}, invalid(op.op, "%v", err)
	}
	return c.oneRemediation(ctx, op, ri)
}

// UpdateRemediation writes every member of r that can be written; assignments stay.
func (c *Client) UpdateRemediation(ctx context.Context, id string, r Remediation) error {
	op := remediationCall("UpdateRemediation", effectIdempotent)
	if err := needID(op.op, "remediation id", id); err != nil {
		return err
	}
	body, err := r.body(op.op)
	if err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.PATCH, remediationPath(id), nil, body)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.send(ctx, op, ri, nil)
}

// DeleteRemediation deletes a remediation with its assignments and results. One that is not there is NotFound.
func (c *Client) DeleteRemediation(ctx context.Context, id string) error {
	op := remediationCall("DeleteRemediation", effectIdempotent)
	if err := needID(op.op, "remediation id", id); err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.DELETE, remediationPath(id), nil, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.erase(ctx, op, ri, func(ctx context.Context) error {
		_, err := c.Remediation(ctx, id)
		return err
	})
}

// oneRemediation reads an answer that must be a remediation with an id.
func (c *Client) oneRemediation(ctx context.Context, op call, ri *abs.RequestInformation) (Remediation, error) {
	var r Remediation
	if err := c.send(ctx, op, ri, decodeObject(&r)); err != nil {
		return Remediation{}, err
	}
	if r.ID == "" {
		return Remediation{}, &Error{Kind: KindTransient, Op: op.op, OutcomeUnknown: op.effect != effectRead,
			Message: "the tenant answered with a remediation without an id"}
	}
	return r, nil
}

// ScheduleKind is how often an assigned remediation runs (contract d).
type ScheduleKind string

// The kinds of schedule.
const (
	ScheduleDaily  ScheduleKind = "Daily"
	ScheduleHourly ScheduleKind = "Hourly"
	ScheduleOnce   ScheduleKind = "RunOnce"
)

// scheduleType is the OData type of a kind.
func scheduleType(kind ScheduleKind) string {
	return "#microsoft.graph.deviceHealthScript" + string(kind) + "Schedule"
}

// RemediationSchedule says when an assigned remediation runs.
type RemediationSchedule struct {
	// Kind is Daily, Hourly or RunOnce.
	Kind ScheduleKind
	// Interval is in days or hours, at least 1; a run once has none.
	Interval int
	// Date is YYYY-MM-DD for a run once, Time HH:MM:SS for a run once and a daily one.
	Date, Time string
	// UTC says that Date and Time are not in the device's own zone.
	UTC bool
}

// wireSchedule is a schedule on the wire.
type wireSchedule struct {
	Type     string `json:"@odata.type"`
	Interval *int   `json:"interval,omitempty"`
	Date     string `json:"date,omitempty"`
	Time     string `json:"time,omitempty"`
	UTC      *bool  `json:"useUtc,omitempty"`
}

// wire checks a schedule and renders it: each kind has its own members.
func (s RemediationSchedule) wire(op string) (wireSchedule, error) {
	w := wireSchedule{Type: scheduleType(s.Kind)}
	switch {
	case s.Kind != ScheduleDaily && s.Kind != ScheduleHourly && s.Kind != ScheduleOnce:
		return w, invalid(op, "schedule kind %q: write Daily, Hourly or RunOnce", s.Kind)
	case s.Kind != ScheduleOnce && s.Interval < 1:
		return w, invalid(op, "%s schedule has interval %d: write 1 or more", s.Kind, s.Interval)
	case s.Kind == ScheduleOnce && s.Date == "":
		return w, invalid(op, "a run once has no date: write YYYY-MM-DD")
	case s.Kind != ScheduleHourly && s.Time == "":
		return w, invalid(op, "%s schedule has no time: write HH:MM:SS", s.Kind)
	}
	if s.Kind != ScheduleOnce {
		w.Interval = &s.Interval
	}
	if s.Kind == ScheduleOnce {
		w.Date = s.Date
	}
	if s.Kind != ScheduleHourly {
		w.Time, w.UTC = s.Time, &s.UTC
	}
	return w, nil
}

// RemediationAssignment points a remediation at a target.
type RemediationAssignment struct {
	// Assignment is the target.
	Assignment
	// RunRemediation also runs the remediation script, not only detection. It reads back false whatever was sent
	// (contract d): leave it out of comparisons.
	RunRemediation bool
	// Schedule is nil when the tenant shows none.
	Schedule *RemediationSchedule
	// RawSchedule is a schedule of a kind that is not modelled, carried along as it came.
	RawSchedule json.RawMessage
}

// wireRemediationAssignment is an assignment of a remediation as it is read.
type wireRemediationAssignment struct {
	wireAssignment
	RunRemediation bool            `json:"runRemediationScript"`
	Schedule       json.RawMessage `json:"runSchedule"`
}

// assignment converts an assignment from the wire.
func (w wireRemediationAssignment) assignment(op string) (RemediationAssignment, error) {
	a := RemediationAssignment{Assignment: w.wireAssignment.assignment(), RunRemediation: w.RunRemediation}
	if a.Kind == TargetUnreadable { // nobody looks at remediations yet who could do without one
		return RemediationAssignment{}, &Error{Kind: KindTransient, Op: op, Message: "the tenant listed an assignment without a readable target"}
	}
	if len(w.Schedule) == 0 || string(w.Schedule) == "null" {
		return a, nil
	}
	var s wireSchedule
	if err := json.Unmarshal(w.Schedule, &s); err != nil {
		return a, &Error{Kind: KindTransient, Op: op, Message: "the tenant listed an assignment without a readable schedule"}
	}
	kinds := []ScheduleKind{ScheduleDaily, ScheduleHourly, ScheduleOnce}
	i := slices.IndexFunc(kinds, func(k ScheduleKind) bool { return strings.EqualFold(s.Type, scheduleType(k)) })
	if i < 0 {
		raw, err := compact(w.Schedule)
		a.RawSchedule = raw
		return a, err
	}
	a.Schedule = &RemediationSchedule{Kind: kinds[i], Date: s.Date, Time: s.Time}
	if s.Interval != nil {
		a.Schedule.Interval = *s.Interval
	}
	if s.UTC != nil {
		a.Schedule.UTC = *s.UTC
	}
	return a, nil
}

// RemediationAssignments lists the assignments of a remediation.
func (c *Client) RemediationAssignments(ctx context.Context, id string) ([]RemediationAssignment, error) {
	op := byID(remediationCall("RemediationAssignments", effectRead))
	if err := needID(op.op, "remediation id", id); err != nil {
		return nil, err
	}
	ri, err := c.betaRequest(abs.GET, remediationPath(id)+"/assignments", nil, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collectAs(ctx, c, op, ri, func(w wireRemediationAssignment) (RemediationAssignment, error) { return w.assignment(op.op) })
}

// AssignRemediation writes the whole set of assignments and returns what the tenant then holds. Whether it replaces
// or merges is not documented (contract d), so the set is read back: compare it with what was asked for.
func (c *Client) AssignRemediation(ctx context.Context, id string, assignments []RemediationAssignment) ([]RemediationAssignment, error) {
	op := remediationCall("AssignRemediation", effectIdempotent)
	if err := needID(op.op, "remediation id", id); err != nil {
		return nil, err
	}
	type item struct {
		Target         any  `json:"target"`
		RunRemediation bool `json:"runRemediationScript"`
		Schedule       any  `json:"runSchedule,omitempty"`
	}
	items := make([]item, len(assignments)) // never null: the service wants an array
	for i, a := range assignments {
		target, err := a.target(op.op)
		if err != nil {
			return nil, err
		}
		items[i] = item{Target: target, RunRemediation: a.RunRemediation}
		switch {
		case a.Schedule != nil:
			if items[i].Schedule, err = a.Schedule.wire(op.op); err != nil {
				return nil, err
			}
		case len(a.RawSchedule) > 0:
			items[i].Schedule = a.RawSchedule
		}
	}
	ri, err := c.betaRequest(abs.POST, remediationPath(id)+"/assign", nil, map[string]any{"deviceHealthScriptAssignments": items})
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	if err := c.send(ctx, op, ri, nil); err != nil {
		return nil, err
	}
	return c.RemediationAssignments(ctx, id)
}
