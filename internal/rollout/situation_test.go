// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// aWave is a wave of ordinary size that nothing has happened to.
func aWave() *v1alpha1.PilotWave {
	hours := func(h int) metav1.Duration { return metav1.Duration{Duration: time.Duration(h) * time.Hour} }
	return &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a", UID: "a-uid"}, Spec: v1alpha1.PilotWaveSpec{
		PolicyRef: v1alpha1.LocalRef{Name: "pkp"},
		Audience:  v1alpha1.Audience{MaxIneligiblePercent: ptr.To[int32](60)},
		Exposure:  v1alpha1.Exposure{BatchSize: 15, Interval: hours(1)},
		Gate: v1alpha1.Gate{
			Bake: hours(8), Maturity: hours(8), Deadline: hours(336), MaxTelemetryAge: hours(26),
			Coverage: v1alpha1.Coverage{MinReports: 5, MinPercent: 70},
			Promote:  &v1alpha1.PromoteTest{FloorRate: "0.80", Confidence: "0.95", Looks: 1},
			Halt:     v1alpha1.HaltTest{ToleratedFailureRate: "0.05", Alpha: "0.05", MinFailures: 3},
		},
		OnFailure: v1alpha1.OnFailure{Action: v1alpha1.FailureHold, Rollback: v1alpha1.RollbackRule{VerifyPercent: 95, Deadline: hours(168)}},
	}}
}

// ids are the first n devices.
func ids(n int) []audience.ID {
	out := make([]audience.ID, n)
	for i := range out {
		out[i] = device(i)
	}
	return out
}

// reading is a reading of the fleet: facts by device, and the policies whose statuses were read.
type reading struct {
	asOf     time.Time
	facts    map[audience.ID]diagnosis.Facts
	statuses []string
}

func (r reading) AsOf() time.Time { return r.asOf }

func (r reading) Known(id audience.ID) bool {
	_, ok := r.facts[id]
	return ok
}

// Facts has a report only for who asks for a policy whose statuses were read.
func (r reading) Facts(id audience.ID, policyIDs ...string) diagnosis.Facts {
	f := r.facts[id]
	if !slices.ContainsFunc(policyIDs, r.HasStatuses) {
		f.Report = nil
	}
	return f
}

func (r reading) HasStatuses(policyID string) bool { return slices.Contains(r.statuses, policyID) }

// TestTelemetry: what counts as fresh, stale, missing and not loaded.
func TestTelemetry(t *testing.T) {
	now := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	read := func(ago time.Duration) *v1alpha1.Tenant {
		return &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "corp"}, Status: v1alpha1.TenantStatus{Inventory: &v1alpha1.InventoryStatus{AsOf: metav1.NewTime(now.Add(-ago))}}}
	}
	policy := &v1alpha1.PasskeyPolicy{}
	policy.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, ID: "unread"}}
	for name, tt := range map[string]struct {
		world World
		want  TelemetryState
	}{
		"no tenant":                       {World{}, TelemetryMissing},
		"never read":                      {World{Tenant: &v1alpha1.Tenant{}}, TelemetryNotLoaded},
		"read by a predecessor":           {World{Tenant: read(time.Hour)}, TelemetryNotLoaded},
		"read by a predecessor, long ago": {World{Tenant: read(27 * time.Hour)}, TelemetryStale},
		"fresh":                           {World{Tenant: read(27 * time.Hour), Fleet: reading{asOf: now}}, TelemetryFresh},
		"stale":                           {World{Tenant: read(0), Fleet: reading{asOf: now.Add(-27 * time.Hour)}}, TelemetryStale},
		"a policy's reports are missing":  {World{Tenant: read(0), Fleet: reading{asOf: now}, Policy: policy}, TelemetryNotLoaded},
	} {
		tt.world.Wave, tt.world.Now = aWave(), now
		if got := tt.world.telemetry(); got.State != tt.want || (got.State == TelemetryFresh) != (got.Message == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestExposure: which of the limits on the next batch is in force.
func TestExposure(t *testing.T) {
	l := audience.NewLedger(1, "p", ids(40))
	part, _ := l.Expose(25, time.Unix(1_800_000_000, 0))
	all, _ := l.Expose(40, time.Unix(1_800_000_000, 0))
	for name, tt := range map[string]struct {
		ledger     audience.Ledger
		due        bool
		unreported int
		most       *int32
		want       ExposureState
		part       string
	}{
		"due":                        {part, true, 30, nil, ExposureDue, "15 of 15"},
		"complete":                   {all, false, 40, nil, ExposureComplete, "all 40"},
		"interval":                   {part, false, 0, nil, ExposureWaitInterval, "goes out at"},
		"unreported":                 {part, true, 31, nil, ExposureTooManyUnreported, "exposure.maxUnreported allows 30"},
		"unreported, none allowed":   {part, true, 1, ptr.To[int32](0), ExposureTooManyUnreported, "allows 0"},
		"none unreported, 0 allowed": {part, true, 0, ptr.To[int32](0), ExposureDue, ""},
	} {
		w := aWave()
		w.Spec.Exposure.MaxUnreported = tt.most
		world := World{Wave: w, Ledger: &tt.ledger}
		if got := world.exposure(Timing{BatchDue: tt.due}, tt.unreported); got.State != tt.want || !strings.Contains(got.Message, tt.part) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestPolicyState: when a policy lets its waves move.
func TestPolicyState(t *testing.T) {
	ready := &v1alpha1.PasskeyPolicy{}
	ready.Generation, ready.Status.ObservedGeneration, ready.Status.PayloadHash = 3, 3, "p"
	ready.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionSettingsResolved, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, ObservedGeneration: 3},
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PasskeyPolicy)
		want   PolicyState
	}{
		"ready":          {func(*v1alpha1.PasskeyPolicy) {}, PolicyReady},
		"suspended":      {func(p *v1alpha1.PasskeyPolicy) { p.Spec.Suspend = true }, PolicyNotReady},
		"new generation": {func(p *v1alpha1.PasskeyPolicy) { p.Generation = 4 }, PolicyNotReady},
		"no payload":     {func(p *v1alpha1.PasskeyPolicy) { p.Status.PayloadHash = "" }, PolicyNotReady},
		"unresolved":     {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions[0].Status = metav1.ConditionFalse }, PolicyNotReady},
		"not applied":    {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions[1].Status = metav1.ConditionFalse }, PolicyNotReady},
		"never applied":  {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions = p.Status.Conditions[:1] }, PolicyNotReady},
		"assigning a group": {func(p *v1alpha1.PasskeyPolicy) {
			p.Status.Conditions[1] = metav1.Condition{Type: v1alpha1.ConditionApplied, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAssigning, ObservedGeneration: 3}
		}, PolicyReady},
		"applied for an older spec": {func(p *v1alpha1.PasskeyPolicy) { p.Status.Conditions[1].ObservedGeneration = 2 }, PolicyNotReady},
		"deleted":                   {func(p *v1alpha1.PasskeyPolicy) { p.DeletionTimestamp = ptr.To(metav1.NewTime(time.Unix(1, 0))) }, PolicyMissing},
	} {
		p := ready.DeepCopy()
		tt.change(p)
		world := World{Wave: aWave(), Policy: p}
		if got := world.policyState(); got.State != tt.want || (tt.want == PolicyReady) != (got.Message == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := (World{Wave: aWave()}).policyState(); got.State != PolicyMissing || !strings.Contains(got.Message, `"pkp"`) {
		t.Errorf("none: %+v", got)
	}
}
