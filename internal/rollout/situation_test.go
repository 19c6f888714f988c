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
	// reported and eligible are when reports and Edge versions were read, where that is not asOf.
	reported, eligible time.Time
	owned              map[audience.ID][]audience.ID
	rows               map[string]map[audience.ID]*diagnosis.Report
}

func (r reading) AsOf() time.Time { return r.asOf }

func (r reading) Known(id audience.ID) bool {
	_, ok := r.facts[id]
	return ok
}

// Facts has a report only for who asks for a policy whose statuses were read; rows are those of other policies.
func (r reading) Facts(id audience.ID, policyIDs ...string) diagnosis.Facts {
	f := r.facts[id]
	for _, p := range policyIDs {
		if row := r.rows[p][id]; row != nil {
			f.Report = row
			return f
		}
	}
	if !slices.ContainsFunc(policyIDs, r.has) {
		f.Report = nil
	}
	return f
}

func (r reading) ByUser(user audience.ID) []audience.ID { return r.owned[user] }

func (r reading) has(policyID string) bool { return slices.Contains(r.statuses, policyID) }

func (r reading) ReportsAsOf(policyID string) (time.Time, bool) {
	if !r.has(policyID) {
		return time.Time{}, false
	}
	return orElse(r.reported, r.asOf), true
}

func (r reading) EligibleAsOf() time.Time { return orElse(r.eligible, r.asOf) }

func orElse(at, otherwise time.Time) time.Time {
	if at.IsZero() {
		return otherwise
	}
	return at
}

// TestTelemetry: what counts as fresh, stale, missing and not loaded.
func TestTelemetry(t *testing.T) {
	now := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	read := func(ago time.Duration) *v1alpha1.Tenant {
		return &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "corp"}, Status: v1alpha1.TenantStatus{Inventory: &v1alpha1.InventoryStatus{AsOf: metav1.NewTime(now.Add(-ago))}}}
	}
	policy := &v1alpha1.PasskeyPolicy{}
	policy.Status.Revisions = []v1alpha1.RevisionStatus{{Number: 1, State: v1alpha1.RevisionCandidate}}
	policy.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, Revision: 1, ID: "unread"}}
	unwritten := &v1alpha1.PasskeyPolicy{Status: v1alpha1.PasskeyPolicyStatus{Revisions: policy.Status.Revisions}}
	for name, tt := range map[string]struct {
		world World
		want  TelemetryState
	}{
		"no tenant":                        {World{}, TelemetryMissing},
		"never read":                       {World{Tenant: &v1alpha1.Tenant{}}, TelemetryNotLoaded},
		"read by a predecessor":            {World{Tenant: read(time.Hour)}, TelemetryNotLoaded},
		"read by a predecessor, long ago":  {World{Tenant: read(27 * time.Hour)}, TelemetryStale},
		"fresh":                            {World{Tenant: read(27 * time.Hour), Fleet: reading{asOf: now, statuses: []string{"unread"}}, Policy: policy}, TelemetryFresh},
		"from the future":                  {World{Tenant: read(0), Fleet: reading{asOf: now.AddDate(0, 1, 0), statuses: []string{"unread"}}, Policy: policy}, TelemetryStale},
		"reports from the future":          {World{Tenant: read(0), Fleet: reading{asOf: now, reported: now.Add(11 * time.Minute), statuses: []string{"unread"}}, Policy: policy}, TelemetryStale},
		"a predecessor's clock was wrong":  {World{Tenant: read(-720 * time.Hour)}, TelemetryStale},
		"reports are old, devices are not": {World{Tenant: read(0), Fleet: reading{asOf: now, reported: now.Add(-27 * time.Hour), statuses: []string{"unread"}}, Policy: policy}, TelemetryStale},
		"devices are old, reports are not": {World{Tenant: read(0), Fleet: reading{asOf: now.Add(-27 * time.Hour), reported: now, statuses: []string{"unread"}}, Policy: policy}, TelemetryStale},
		"versions are old":                 {World{Tenant: read(0), Fleet: reading{asOf: now, eligible: now.Add(-27 * time.Hour), statuses: []string{"unread"}}, Policy: policy}, TelemetryFresh},
		"the clock is wrong":               {World{Tenant: read(0), ClockOffset: -6 * time.Minute, Fleet: reading{asOf: now, statuses: []string{"unread"}}, Policy: policy}, TelemetryClock},
		"the clock is a little off":        {World{Tenant: read(0), ClockOffset: -5 * time.Minute, Fleet: reading{asOf: now, statuses: []string{"unread"}}, Policy: policy}, TelemetryFresh},
		"stale":                            {World{Tenant: read(0), Fleet: reading{asOf: now.Add(-27 * time.Hour)}}, TelemetryStale},
		"a policy's reports are missing":   {World{Tenant: read(0), Fleet: reading{asOf: now}, Policy: policy}, TelemetryNotLoaded},
		"the revision is not written":      {World{Tenant: read(0), Fleet: reading{asOf: now}, Policy: unwritten}, TelemetryNotLoaded},
	} {
		tt.world.Wave, tt.world.Now = aWave(), now
		if got := tt.world.telemetry(); got.State != tt.want || (got.State == TelemetryFresh) != (got.Message == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestExposure: which of the limits on the next batch is in force.
func TestExposure(t *testing.T) {
	asked := time.Unix(1_800_000_000, 0)
	policy := &v1alpha1.PasskeyPolicy{}
	policy.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, Revision: 1, ID: "allow"}}
	at := func(asOf time.Time) reading { return reading{asOf: asOf, statuses: []string{"allow"}} }
	l := audience.NewLedger(audience.Header{Attempt: 1, PayloadHash: "p"}, ids(40))
	some, _ := l.Expose(25, asked)
	part, _ := some.Confirm(ids(25), asked.Add(time.Minute))
	all, _ := l.Expose(40, asked)
	shown, _ := all.Confirm(ids(40), asked)
	rest, _ := shown.Refuse(ids(1), audience.RefusedGone)
	rest.Entries[0].ConfirmedAt = 0
	for name, tt := range map[string]struct {
		ledger     audience.Ledger
		due        bool
		unreported int
		most       *int32
		change     func(*World)
		want       ExposureState
		part       string
	}{
		"due":                        {part, true, 30, nil, nil, ExposureDue, "15 of 15"},
		"complete":                   {shown, false, 40, nil, nil, ExposureComplete, "all 40"},
		"complete but for a refusal": {rest, false, 40, nil, nil, ExposureComplete, "all 40"},
		"unconfirmed":                {all, true, 0, nil, nil, ExposureUnconfirmed, "yet to show 40"},
		"last batch not shown":       {some, true, 0, nil, nil, ExposureUnconfirmed, "until the tenant shows 25 devices"},
		"interval":                   {part, false, 0, nil, nil, ExposureWaitInterval, "goes out at"},
		"unreported":                 {part, true, 31, nil, nil, ExposureTooManyUnreported, "exposure.maxUnreported allows 30"},
		"unreported, none allowed":   {part, true, 1, ptr.To[int32](0), nil, ExposureTooManyUnreported, "allows 0"},
		"none unreported, 0 allowed": {part, true, 0, ptr.To[int32](0), nil, ExposureDue, ""},
		"all but the unreadable":     {some, true, 0, nil, func(w *World) { w.UnreadableMembers = 25 }, ExposureDue, ""},
		"reading older than batch":   {part, true, 0, nil, func(w *World) { w.Fleet = at(asked.Add(-time.Second)) }, ExposureNone, "newer than the last batch"},
		"older than its showing":     {part, true, 0, nil, func(w *World) { w.Fleet = at(asked.Add(time.Minute - time.Second)) }, ExposureNone, "newer than the last batch"},
		"of the same second":         {part, true, 0, nil, func(w *World) { w.Fleet = at(asked.Add(time.Minute + time.Second - 1)) }, ExposureNone, "newer than the last batch"},
		"devices newer, reports not": {part, true, 0, nil, func(w *World) {
			w.Fleet = reading{asOf: asked.Add(time.Hour), reported: asked, statuses: []string{"allow"}}
		}, ExposureNone, "newer than the last batch"},
		"reports newer, devices not": {part, true, 0, nil, func(w *World) {
			w.Fleet = reading{asOf: asked, reported: asked.Add(time.Hour), statuses: []string{"allow"}}
		}, ExposureDue, ""},
		"reports never read":  {part, true, 0, nil, func(w *World) { w.Fleet = reading{asOf: asked.Add(time.Hour)} }, ExposureNone, "newer than the last batch"},
		"exclusions unknown":  {part, true, 0, nil, func(w *World) { w.Excluded, w.ExclusionProblem = nil, &Cause{Message: "no such group"} }, ExposureNone, "no such group"},
		"exclusions not read": {part, true, 0, nil, func(w *World) { w.Excluded = nil }, ExposureNone, "whom the wave excludes"},
	} {
		w := aWave()
		w.Spec.Exposure.MaxUnreported = tt.most
		w.Status.Attempt, w.Status.Attempts = 1, []v1alpha1.WaveAttempt{{Attempt: 1, GroupID: "g"}}
		w.Status.Revision = 1
		world := World{Wave: w, Policy: policy, Ledger: readOf(&tt.ledger), Excluded: map[audience.ID]bool{}, Fleet: at(asked.Add(time.Minute + time.Second))}
		if tt.change != nil {
			tt.change(&world)
		}
		if got := world.exposure(Timing{BatchDue: tt.due}, tt.unreported); got.State != tt.want || !strings.Contains(got.Message, tt.part) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// readOf is the reading of a ledger that is as the status says.
func readOf(l *audience.Ledger) audience.Reading {
	return audience.Reading{State: audience.LedgerOK, Ledger: l}
}

// TestPolicyState: when a policy lets its waves move.
func TestPolicyState(t *testing.T) {
	ready := &v1alpha1.PasskeyPolicy{}
	ready.Generation, ready.Status.ObservedGeneration = 3, 3
	ready.Status.Revisions = []v1alpha1.RevisionStatus{{Number: 1, State: v1alpha1.RevisionCandidate}}
	ready.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionSettingsResolved, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, ObservedGeneration: 3},
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.PasskeyPolicy)
		want   PolicyState
	}{
		"ready":          {func(*v1alpha1.PasskeyPolicy) {}, PolicyReady},
		"suspended":      {func(p *v1alpha1.PasskeyPolicy) { p.Spec.Suspend = true }, PolicySuspended},
		"new generation": {func(p *v1alpha1.PasskeyPolicy) { p.Generation = 4 }, PolicyNotReady},
		"no payload":     {func(p *v1alpha1.PasskeyPolicy) { p.Status.Revisions = nil }, PolicyNotReady},
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
	w := World{Now: now, Wave: aWave(), MemberLag: 5 * time.Minute, ObjectLag: 2 * time.Minute, AssignmentLag: 30 * time.Minute, Connected: true}
	out, facts := map[audience.ID]bool{}, map[audience.ID]diagnosis.Facts{}
	frozen := audience.NewLedger(audience.Header{Attempt: 1, Revision: 1, PayloadHash: "p", Unit: v1alpha1.UnitDevice}, ids(40))
	asked, batch := frozen.Expose(n, now.Add(-20*time.Hour))
	ledger, _ := asked.Confirm(batch, now.Add(-20*time.Hour))
	for i, id := range ids(40) {
		facts[id] = factsOf(good, i, now)
	}
	for _, id := range batch {
		out[id] = true
	}
	w.Ledger, w.Members, w.Excluded = readOf(&ledger), out, map[audience.ID]bool{}
	w.Fleet = reading{asOf: now, facts: facts, statuses: []string{"allow"}}
	w.Tenant = &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: "corp"}}
	w.Policy = &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "pkp"}, Spec: v1alpha1.PasskeyPolicySpec{
		Platforms:     []v1alpha1.Platform{v1alpha1.PlatformWindows},
		Prerequisites: v1alpha1.Prerequisites{Windows: "10.0.22621", MacOS: "13", Edge: "120", Encryption: v1alpha1.EncryptionRequire, MaxOffline: metav1.Duration{Duration: 168 * time.Hour}},
	}}
	w.Policy.Status.Revisions = []v1alpha1.RevisionStatus{{State: v1alpha1.RevisionBaseline}, {Number: 1, State: v1alpha1.RevisionCandidate, PayloadHash: "p"}}
	w.Policy.Status.Objects = []v1alpha1.TenantObject{{Role: v1alpha1.RoleAllow, Revision: 1, ID: "allow"}, {Role: v1alpha1.RoleHold, ID: "hold"}}
	w.Policy.Status.Waves = []v1alpha1.WaveAdmission{{Name: "a", UID: "a-uid", Attempt: 1, Revision: 1, GroupID: "g", State: v1alpha1.Admitted}}
	w.Wave.Status = v1alpha1.PilotWaveStatus{
		Phase: v1alpha1.PhaseExposing, Attempt: 1, Revision: 1, PayloadHash: "p",
		Attempts: []v1alpha1.WaveAttempt{{Attempt: 1, Revision: 1, GroupID: "g", CreatedAt: v1alpha1.Stamp(hour(0)), Ledger: &v1alpha1.LedgerBinding{Entries: 40, Asked: int32(n)}}},
		Audience: &v1alpha1.AudienceStatus{Eligible: 40, Targeted: 40, ResolvedAt: v1alpha1.Stamp(hour(0))},
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
	if !m.LastBatchAt.Time.Equal(w.Now.Add(-20*time.Hour)) || m.Rollback != nil || m.GateHash != GateHash(&w.Wave.Spec.Gate) {
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
		in.Payload.State != PayloadNotCompared || in.Telemetry.State != TelemetryNotLoaded || !in.Exposed || m.Evidence != nil {
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
			w.Ledger = audience.Reading{}
		}
		in, m, err := w.Situation()
		if in.Payload.State != PayloadSame || in.Exposure.State != ExposureNone || in.Evidence.State != EvidenceNone {
			t.Errorf("the rest of the situation: %+v", in)
		}
		if err == nil || !strings.Contains(err.Error(), "gate.halt.alpha") || (m.LastBatchAt == nil) != (n == 0) {
			t.Errorf("%v %+v", err, m)
		}
	}
}

// TestPromise09_ExposedIsKnownFromTheCluster: whether a rollback has something to take back needs neither ledger nor tenant.
func TestPromise09_ExposedIsKnownFromTheCluster(t *testing.T) {
	earlier := v1alpha1.WaveAttempt{Attempt: 3, Revision: 2, GroupID: "h", Ledger: &v1alpha1.LedgerBinding{Asked: 4}}
	for name, tt := range map[string]struct {
		change  func(*v1alpha1.PilotWaveStatus, *v1alpha1.PasskeyPolicy)
		exposed bool
	}{
		"asked":         {func(*v1alpha1.PilotWaveStatus, *v1alpha1.PasskeyPolicy) {}, true},
		"admitted only": {func(s *v1alpha1.PilotWaveStatus, _ *v1alpha1.PasskeyPolicy) { s.Attempts[0].Ledger.Asked = 0 }, true},
		"a batch that the binding does not know": {func(s *v1alpha1.PilotWaveStatus, p *v1alpha1.PasskeyPolicy) {
			s.Attempts[0].Ledger.Asked, p.Status.Waves, s.Clocks.LastBatchAt = 0, nil, v1alpha1.StampOf(hour(1))
		}, true},
		"not bound": {func(s *v1alpha1.PilotWaveStatus, p *v1alpha1.PasskeyPolicy) {
			s.Attempts[0].Ledger, p.Status.Waves = nil, nil
		}, true},
		"never admitted": {func(s *v1alpha1.PilotWaveStatus, p *v1alpha1.PasskeyPolicy) {
			s.Attempts[0].Ledger.Asked, p.Status.Waves = 0, nil
		}, false},
		"no group": {func(s *v1alpha1.PilotWaveStatus, _ *v1alpha1.PasskeyPolicy) { s.Attempts = nil }, false},
		"withdrawn": {func(s *v1alpha1.PilotWaveStatus, _ *v1alpha1.PasskeyPolicy) {
			s.Attempts[0].WithdrawnAt = v1alpha1.StampOf(hour(1))
		}, false},
		"an earlier attempt": {func(s *v1alpha1.PilotWaveStatus, _ *v1alpha1.PasskeyPolicy) {
			s.Attempts, s.Attempt, s.Revision = []v1alpha1.WaveAttempt{earlier}, 4, 0
		}, true},
		"one that is stable": {func(s *v1alpha1.PilotWaveStatus, p *v1alpha1.PasskeyPolicy) {
			s.Attempts, s.Attempt, s.Revision = []v1alpha1.WaveAttempt{earlier}, 4, 0
			p.Status.Revisions = append(p.Status.Revisions, v1alpha1.RevisionStatus{Number: 2, State: v1alpha1.RevisionStable}, v1alpha1.RevisionStatus{Number: 3, State: v1alpha1.RevisionCandidate})
		}, false},
	} {
		w := aWorld(15)
		tt.change(&w.Wave.Status, w.Policy)
		in := World{Now: w.Now, Wave: w.Wave, Policy: w.Policy}.Safety()
		if in.Exposed != tt.exposed {
			t.Errorf("%s: %t", name, in.Exposed)
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
		"fleet not read":     {func(w *World) { delete(w.Members, all[0]); w.Fleet = nil }, all[:1], nil},
		"excluded":           {func(w *World) { delete(w.Members, all[0]); w.Excluded[all[0]] = true }, nil, nil},
		"exclusions unknown": {func(w *World) { delete(w.Members, all[0]); w.Excluded = nil }, nil, nil},
		"refused": {func(w *World) {
			delete(w.Members, all[0])
			w.Ledger.Ledger.Entries[0].Refused = audience.RefusedUnusable
		}, nil, nil},
		"strangers": {func(w *World) { w.Members[device(90)], w.Members[all[39]] = true, true }, nil, []audience.ID{all[39], device(90)}},
	} {
		w := aWorld(15)
		tt.change(&w)
		missing, extra := w.MemberDrift(w.CurrentAttempt())
		if !slices.Equal(missing, tt.missing) || !slices.Equal(extra, tt.extra) {
			t.Errorf("%s: %v %v", name, missing, extra)
		}
		if got := w.membership(); (got.State == MembershipInSync) != (len(tt.missing)+len(tt.extra) == 0) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	w := aWorld(15)
	w.GroupGone, w.Members = true, nil
	if got := w.membership(); got.State != MembershipGone || !strings.Contains(got.Message, "was deleted in the tenant") {
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

// TestDeparture: what a deleted wave does about its groups.
func TestDeparture(t *testing.T) {
	annotated := func(w *World) { w.Wave.Annotations = map[string]string{v1alpha1.AnnotationReleaseFinalizer: "true"} }
	for name, tt := range map[string]struct {
		change                     func(*World)
		released                   bool
		owned                      int
		unreachable, stillAssigned string
	}{
		"ordinary":       {func(*World) {}, false, 1, "", "no longer assigns"},
		"withdrawn":      {func(w *World) { w.Policy.Status.Waves[0].State = v1alpha1.Withdrawn }, false, 1, "", ""},
		"policy gone":    {func(w *World) { w.Policy = nil }, false, 1, "", ""},
		"policy deleted": {func(w *World) { w.Policy.DeletionTimestamp = v1alpha1.StampOf(hour(1)) }, false, 1, "", ""},
		"suspended":      {func(w *World) { w.Policy.Spec.Suspend = true }, false, 1, "", "no longer assigns"},
		"never admitted": {func(w *World) { w.Policy.Status.Waves = nil }, false, 1, "", ""},
		"not on record but included": {func(w *World) {
			w.Policy.Status.Waves, w.Policy.Status.Objects[0].IncludeGroups = nil, []string{"g"}
		}, false, 1, "", "no longer assigns"},
		"orphan":   {func(w *World) { w.Policy.Spec.DeletionPolicy = v1alpha1.DeletionOrphan }, true, 1, "", "no longer assigns"},
		"released": {annotated, true, 1, "", "no longer assigns"},
		"only a ledger": {func(w *World) {
			w.Earlier = map[int32]audience.Reading{2: {State: audience.LedgerNone, Ledger: w.Ledger.Ledger}}
		}, false, 2, "", "no longer assigns"},
		"an empty ledger":  {func(w *World) { w.Earlier = map[int32]audience.Reading{2: {State: audience.LedgerNone}} }, false, 1, "", "no longer assigns"},
		"lost":             {func(w *World) { w.LostGroups = map[int32]string{2: "x"} }, false, 2, "", "no longer assigns"},
		"not connected":    {func(w *World) { w.Connected = false }, false, 1, "not connected", "no longer assigns"},
		"Tenant suspended": {func(w *World) { w.Tenant.Spec.Suspend = true }, false, 1, "is suspended", "no longer assigns"},
		"tenant problem":   {func(w *World) { w.TenantProblem = &TenantProblem{Cause: Cause{Message: "why"}} }, false, 1, "looked up: why", "no longer assigns"},
	} {
		w := aWorld(15)
		tt.change(&w)
		assigned := w.StillAssigned(&w.Wave.Status.Attempts[0])
		if w.Released() != tt.released || len(w.Owned()) != tt.owned || !says(w.Unreachable(), tt.unreachable) || !says(assigned, tt.stillAssigned) {
			t.Errorf("%s: %t %v %q %q", name, w.Released(), w.Owned(), w.Unreachable(), assigned)
		}
	}
}

// says holds for a text with the part, and for no text where no part is wanted.
func says(text, part string) bool {
	return (text == "") == (part == "") && strings.Contains(text, part)
}
