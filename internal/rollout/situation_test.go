// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

// aWorld is a wave in Exposing of which n of 40 devices are out since 20 hours, all of them well and listed as members.
func aWorld(n int) World {
	now := hour(72)
	w := World{Now: now, Wave: aWave(), MemberLag: 5 * time.Minute, ObjectLag: 2 * time.Minute, Connected: true}
	out, facts := map[audience.ID]bool{}, map[audience.ID]diagnosis.Facts{}
	frozen := audience.NewLedger(1, "p", ids(40))
	ledger, batch := frozen.Expose(n, now.Add(-20*time.Hour))
	for i, id := range ids(40) {
		facts[id] = factsOf(good, i, now)
	}
	for _, id := range batch {
		out[id] = true
	}
	w.Ledger, w.Members = &ledger, out
	w.Fleet = reading{asOf: now, facts: facts, statuses: []string{"allow"}}
	w.Tenant = &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "corp"}}
	w.Policy = &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "pkp"}, Spec: v1alpha1.PasskeyPolicySpec{
		Platforms:     []v1alpha1.Platform{v1alpha1.PlatformWindows},
		Prerequisites: v1alpha1.Prerequisites{Windows: "10.0.22621", MacOS: "13", Edge: "120", Encryption: v1alpha1.EncryptionRequire, MaxOffline: metav1.Duration{Duration: 168 * time.Hour}},
	}}
	w.Policy.Status.PayloadHash = "p"
	w.Policy.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, ID: "allow"}, {Role: v1alpha1.RoleHold, ID: "hold"}}
	w.Policy.Status.Waves = []v1alpha1.WaveAdmission{{Name: "a", UID: "a-uid", GroupID: "g", State: v1alpha1.Admitted}}
	w.Wave.Status = v1alpha1.PilotWaveStatus{
		Phase: v1alpha1.PhaseExposing, Attempt: 1, PayloadHash: "p",
		Audience: &v1alpha1.AudienceStatus{GroupID: "g", Eligible: 40, ResolvedAt: v1alpha1.Stamp(hour(0))},
		Clocks:   v1alpha1.Clocks{StartedAt: v1alpha1.StampOf(hour(0))},
	}
	return w
}

// TestSituation: what is measured is returned, not written: the wave in the world stays as it was, and looking twice gives
// the same.
func TestSituation(t *testing.T) {
	w := aWorld(15)
	before := w.Wave.DeepCopy()
	in, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, w.Wave); diff != "" {
		t.Errorf("the wave was changed:\n%s", diff)
	}
	again, m2, _ := w.Situation()
	if diff := cmp.Diff(in, again) + cmp.Diff(m, m2); diff != "" {
		t.Errorf("a second look differs:\n%s", diff)
	}
	if in.Admission.State != AdmissionAdmitted || in.Payload.State != PayloadSame || in.Membership.State != MembershipInSync || !in.Exposed ||
		in.Exposure.State != ExposureDue || in.Telemetry.State != TelemetryFresh || in.Evidence.State == EvidenceNone || in.Audience.State != AudienceOK {
		t.Errorf("%+v", in)
	}
	if !m.LastBatchAt.Time.Equal(w.Now.Add(-20*time.Hour)) || m.Drained || m.Rollback != nil || m.GateHash != GateHash(&w.Wave.Spec.Gate) {
		t.Errorf("%+v", m)
	}
	s := w.Wave.DeepCopy().Status
	m.Record(&s)
	if s.Devices.Succeeded != 15 || s.Devices.Pending != 25 || len(s.Gate) != 1 || s.Gate[0].N != 15 || s.GateHash == "" ||
		s.Decision.EvidenceDigest == "" || s.Decision.Verdict != s.Gate[0].Verdict || !s.Clocks.LastBatchAt.Equal(m.LastBatchAt) {
		t.Errorf("%+v", s)
	}
}

// TestSituationUnknown: what is not known is in none of the states that move a wave, and erases nothing in the status.
func TestSituationUnknown(t *testing.T) {
	w := aWorld(15)
	w.Members, w.Fleet, w.Policy = nil, nil, nil
	w.TenantProblem = &TenantProblem{}
	in, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	if in.Membership.State != "" || in.Evidence.State != EvidenceNone || in.Exposure.State != ExposureNone || in.Admission.State != AdmissionNone ||
		in.Payload.State != PayloadNotCompared || in.Telemetry.State != TelemetryNotLoaded || !in.Exposed || m.Drained || m.Evidence != nil {
		t.Errorf("%+v\n%+v", in, m)
	}
	s := v1alpha1.PilotWaveStatus{Devices: v1alpha1.DeviceCounts{Succeeded: 3}, Gate: []v1alpha1.GateRow{{N: 3}}, Rollback: &v1alpha1.RollbackStatus{Target: 3}}
	m.Record(&s)
	if s.Devices.Succeeded != 3 || len(s.Gate) != 1 || s.Rollback == nil {
		t.Errorf("%+v", s)
	}
}

// TestSituationOfAGateThatCannotBeJudgedBy: an error, with evidence and without; what was measured before it stays valid.
func TestSituationOfAGateThatCannotBeJudgedBy(t *testing.T) {
	for _, n := range []int{0, 15} {
		w := aWorld(n)
		w.Wave.Spec.Gate.Halt.Alpha = "much"
		if n == 0 {
			w.Ledger = nil
		}
		w.Wave.Status.ClearSince = v1alpha1.StampOf(hour(1))
		_, m, err := w.Situation()
		if err == nil || !strings.Contains(err.Error(), "gate.halt.alpha") || m.ClearSince == nil || (m.LastBatchAt == nil) != (n == 0) {
			t.Errorf("%v %+v", err, m)
		}
	}
}

// TestExposed: whether a device is, or may be, in the managed group.
func TestExposed(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(*World)
		exposed bool
		drained bool
	}{
		"listed":                     {func(*World) {}, true, false},
		"no group":                   {func(w *World) { w.Wave.Status.Audience = nil }, false, true},
		"not read":                   {func(w *World) { w.Members = nil }, true, false},
		"not read, nothing exposed":  {func(w *World) { w.Members, w.Ledger = nil, nil }, false, false},
		"empty, long after":          {func(w *World) { w.Members = map[audience.ID]bool{} }, false, true},
		"empty, just after a batch":  {func(w *World) { w.Members = map[audience.ID]bool{}; w.Now = w.Ledger.LastExposedAt().Add(time.Minute) }, true, false},
		"strangers without a ledger": {func(w *World) { w.Ledger = nil }, true, false},
	} {
		w := aWorld(15)
		tt.change(&w)
		in, m, err := w.Situation()
		if err != nil || in.Exposed != tt.exposed || m.Drained != tt.drained {
			t.Errorf("%s: %t %t %v", name, in.Exposed, m.Drained, err)
		}
	}
}

// TestMemberDrift: what is late to show is not missing, and nobody puts back what the directory no longer has.
func TestMemberDrift(t *testing.T) {
	all := ids(40)
	for name, tt := range map[string]struct {
		change         func(*World)
		missing, extra []audience.ID
	}{
		"in sync":  {func(*World) {}, nil, nil},
		"missing":  {func(w *World) { delete(w.Members, all[0]) }, all[:1], nil},
		"too soon": {func(w *World) { delete(w.Members, all[0]); w.MemberLag = 21 * time.Hour }, nil, nil},
		"deleted device": {func(w *World) {
			delete(w.Members, all[0])
			r, _ := w.Fleet.(reading)
			delete(r.facts, all[0])
		}, nil, nil},
		"fleet not read": {func(w *World) { delete(w.Members, all[0]); w.Fleet = nil }, all[:1], nil},
		"strangers":      {func(w *World) { w.Members[device(90)], w.Members[all[39]] = true, true }, nil, []audience.ID{all[39], device(90)}},
	} {
		w := aWorld(15)
		tt.change(&w)
		missing, extra := w.MemberDrift()
		if !slices.Equal(missing, tt.missing) || !slices.Equal(extra, tt.extra) {
			t.Errorf("%s: %v %v", name, missing, extra)
		}
		if got := w.membership(); (got.State == MembershipInSync) != (len(tt.missing)+len(tt.extra) == 0) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	w := aWorld(15)
	w.GroupGone, w.Members = true, map[audience.ID]bool{}
	if got := w.membership(); got.State != MembershipDrifted || !strings.Contains(got.Message, "was deleted in the tenant") {
		t.Errorf("%+v", got)
	}
}

// TestRefusal: the groups, the bounds and the gate each may speak against an audience.
func TestRefusal(t *testing.T) {
	some := func(targeted, eligible int) *audience.Candidates {
		c := &audience.Candidates{Targeted: ids(targeted), Eligible: ids(eligible)}
		if targeted > eligible {
			c.Ineligible = []v1alpha1.ReasonCount{{Reason: "EdgeTooOld", Count: 1}, {Reason: "NotManaged", Count: int32(targeted - eligible - 1)}}
		}
		return c
	}
	for name, tt := range map[string]struct {
		refused    *Cause
		candidates *audience.Candidates
		reason     string
		part       string
	}{
		"not looked":      {nil, nil, "", ""},
		"groups":          {&Cause{Reason: v1alpha1.ReasonGroupNotFound, Message: "m"}, nil, v1alpha1.ReasonGroupNotFound, "m"},
		"fit":             {nil, some(40, 40), "", ""},
		"empty":           {nil, some(0, 0), v1alpha1.ReasonAudienceEmpty, "no device"},
		"ineligible":      {nil, some(40, 10), v1alpha1.ReasonAudienceIneligible, "(ineligible: EdgeTooOld 1, NotManaged 29)"},
		"unreachable":     {nil, some(4, 4), v1alpha1.ReasonAudienceTooSmall, "4 devices are eligible"},
		"a few fall away": {nil, some(40, 38), "", ""},
	} {
		w := World{Wave: aWave(), Refused: tt.refused, Candidates: tt.candidates}
		got := w.Refusal()
		if (got == nil) != (tt.reason == "") || got != nil && (got.Reason != tt.reason || !strings.Contains(got.Message, tt.part)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestYields: only one wave of a policy resolves at a time, the first by name.
func TestYields(t *testing.T) {
	other := func(name string, change func(*v1alpha1.PilotWave)) v1alpha1.PilotWave {
		w := aWave()
		w.Name, w.Status.Phase = name, v1alpha1.PhaseResolving
		change(w)
		return *w
	}
	for name, tt := range map[string]struct {
		other v1alpha1.PilotWave
		want  bool
	}{
		"earlier":  {other("A", func(*v1alpha1.PilotWave) {}), true},
		"later":    {other("b", func(*v1alpha1.PilotWave) {}), false},
		"itself":   {other("a", func(*v1alpha1.PilotWave) {}), false},
		"paused":   {other("A", func(w *v1alpha1.PilotWave) { w.Spec.Paused = true }), false},
		"deleted":  {other("A", func(w *v1alpha1.PilotWave) { w.DeletionTimestamp = v1alpha1.StampOf(hour(1)) }), false},
		"resolved": {other("A", func(w *v1alpha1.PilotWave) { w.Status.Phase = v1alpha1.PhaseExposing }), false},
	} {
		if got := (World{Wave: aWave(), Siblings: []v1alpha1.PilotWave{tt.other}}).Yields(); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestDeparture: what a deleted wave does about its group.
func TestDeparture(t *testing.T) {
	annotated := func(w *World) { w.Wave.Annotations = map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"} }
	for name, tt := range map[string]struct {
		change                     func(*World)
		leaves                     bool
		unreachable, stillAssigned string
	}{
		"ordinary":       {func(*World) {}, false, "", "no longer assigns"},
		"withdrawn":      {func(w *World) { w.Policy.Status.Waves[0].State = v1alpha1.Withdrawn }, false, "", ""},
		"policy gone":    {func(w *World) { w.Policy = nil }, false, "", ""},
		"policy deleted": {func(w *World) { w.Policy.DeletionTimestamp = v1alpha1.StampOf(hour(1)) }, false, "", ""},
		"suspended":      {func(w *World) { w.Policy.Spec.Suspend = true }, false, "", ""},
		"never admitted": {func(w *World) { w.Policy.Status.Waves = nil }, false, "", ""},
		"orphan":         {func(w *World) { w.Policy.Spec.DeletionPolicy = v1alpha1.DeletionOrphan }, true, "", "no longer assigns"},
		"released":       {annotated, true, "", "no longer assigns"},
		"no group":       {func(w *World) { w.Wave.Status.Audience, w.Ledger = nil, nil }, true, "", "no longer assigns"},
		"only a ledger":  {func(w *World) { w.Wave.Status.Audience = nil }, false, "", "no longer assigns"},
		"not connected":  {func(w *World) { w.Connected = false }, false, "not connected", "no longer assigns"},
		"tenant problem": {func(w *World) { w.TenantProblem = &TenantProblem{Cause: Cause{Message: "why"}} }, false, "looked up: why", "no longer assigns"},
	} {
		w := aWorld(15)
		tt.change(&w)
		if w.LeavesGroup() != tt.leaves || !says(w.Unreachable(), tt.unreachable) || !says(w.StillAssigned(), tt.stillAssigned) {
			t.Errorf("%s: %t %q %q", name, w.LeavesGroup(), w.Unreachable(), w.StillAssigned())
		}
	}
}

// says holds for a text with the part, and for no text where no part is wanted.
func says(text, part string) bool {
	return (text == "") == (part == "") && strings.Contains(text, part)
}

// TestForgetDrained: an audience is forgotten only in a wave that rests in Pending, and only when its group is empty for
// certain.
func TestForgetDrained(t *testing.T) {
	for _, tt := range []struct {
		from, to v1alpha1.WavePhase
		drained  bool
		kept     bool
	}{
		{v1alpha1.PhasePending, v1alpha1.PhasePending, true, false}, {v1alpha1.PhasePending, v1alpha1.PhasePending, false, true},
		{v1alpha1.PhaseHalted, v1alpha1.PhasePending, true, true}, {v1alpha1.PhasePending, v1alpha1.PhaseResolving, true, true},
	} {
		s := v1alpha1.PilotWaveStatus{Phase: tt.to, Audience: &v1alpha1.AudienceStatus{}}
		ForgetDrained(&s, tt.from, Measured{Drained: tt.drained})
		if (s.Audience != nil) != tt.kept {
			t.Errorf("%+v: %v", tt, s.Audience)
		}
	}
}
