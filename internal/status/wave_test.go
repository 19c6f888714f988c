// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// TestWaveStanding: which phases end by themselves, which need a person, and which are done.
func TestWaveStanding(t *testing.T) {
	want := map[v1alpha1.WavePhase]State{
		v1alpha1.PhaseSucceeded: Current, v1alpha1.PhaseHalted: Stuck, v1alpha1.PhaseRolledBack: Stuck,
		v1alpha1.PhaseRollbackIncomplete: Stuck, v1alpha1.PhaseAborted: Stuck,
	}
	for _, p := range append(slices.Clone(Phases), "", "Hovering") {
		d := v1alpha1.DecisionStatus{Reason: "R", Message: "m"}
		if got := WaveStanding(&v1alpha1.PilotWaveStatus{Phase: p, Decision: d}); got != (Standing{State: want[p], Reason: "R", Message: "m"}) {
			t.Errorf("%q: %+v", p, got)
		}
	}
	for reason, state := range map[string]State{
		v1alpha1.ReasonDeadlineExceeded: Stuck, v1alpha1.ReasonTooManyNotApplicable: Stuck, v1alpha1.ReasonLedgerLost: Stuck, v1alpha1.ReasonLedgerAltered: Stuck,
		v1alpha1.ReasonGroupLost: Stuck, v1alpha1.ReasonTelemetryStale: InProgress, v1alpha1.ReasonTelemetryMissing: InProgress,
		v1alpha1.ReasonTargetingConflict: InProgress, v1alpha1.ReasonHeldNoData: InProgress,
	} {
		held := &v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseHeld, HeldPhase: v1alpha1.PhaseBaking, HeldReason: reason}
		if got := WaveStanding(held).State; got != state {
			t.Errorf("held as %s: %d, want %d", reason, got, state)
		}
	}
	for reason, state := range map[string]State{
		v1alpha1.ReasonPolicyNotFound: Stuck, v1alpha1.ReasonDependencyMissing: Stuck, v1alpha1.ReasonDependencyCycle: Stuck,
		v1alpha1.ReasonDependencyFailed: Stuck, v1alpha1.ReasonWaitingForDependency: InProgress, v1alpha1.ReasonPolicyNotReady: InProgress,
		v1alpha1.ReasonPaused: InProgress,
	} {
		pending := &v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhasePending, Decision: v1alpha1.DecisionStatus{Reason: reason}}
		if got := WaveStanding(pending).State; got != state {
			t.Errorf("pending as %s: %d, want %d", reason, got, state)
		}
	}
	for reason, state := range map[string]State{
		v1alpha1.ReasonPromoted: Current, v1alpha1.ReasonLedgerLost: Stuck, v1alpha1.ReasonLedgerAltered: Stuck, v1alpha1.ReasonGroupLost: Stuck,
		v1alpha1.ReasonInvalid: Stuck,
	} {
		succeeded := &v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseSucceeded, Decision: v1alpha1.DecisionStatus{Reason: reason}}
		if got := WaveStanding(succeeded).State; got != state {
			t.Errorf("succeeded with %s: %d, want %d", reason, got, state)
		}
	}
	late := &v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseSucceeded, Clocks: v1alpha1.Clocks{RegressedAt: &metav1.Time{Time: epoch}}}
	for reason, want := range map[string]Standing{
		v1alpha1.ReasonLateRegression:    {Stuck, v1alpha1.ReasonLateRegression, "m"},
		v1alpha1.ReasonMembershipDrifted: {Stuck, v1alpha1.ReasonLateRegression, "regressed after the promotion, at 2026-03-02T07:00Z; m"},
		v1alpha1.ReasonGroupLost:         {Stuck, v1alpha1.ReasonGroupLost, "m"},
	} {
		late.Decision = v1alpha1.DecisionStatus{Reason: reason, Message: "m"}
		if got := WaveStanding(late); got != want {
			t.Errorf("regressed, with %s: %+v", reason, got)
		}
	}
	refused := &v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseHeld, HeldPhase: v1alpha1.PhaseResolving, HeldReason: v1alpha1.ReasonForbidden}
	if got := WaveStanding(refused).State; got != Stuck {
		t.Errorf("an audience that was refused: %d", got)
	}
}

func TestWaveColumns(t *testing.T) {
	s := &v1alpha1.PilotWaveStatus{}
	if got := WaveColumns(s, "soon"); got != (v1alpha1.WaveColumns{Next: "soon"}) {
		t.Errorf("new: %+v", got)
	}
	s.Revision = 2
	if got := WaveColumns(s, ""); got != (v1alpha1.WaveColumns{Revision: "r2"}) {
		t.Errorf("resolving: %+v", got)
	}
	s.Revision, s.Audience = 0, &v1alpha1.AudienceStatus{Eligible: 120}
	s.Devices = v1alpha1.DeviceCounts{Pending: 20, Seen: 7, Succeeded: 90, Failed: 2, Stale: 1}
	if got := WaveColumns(s, ""); got != (v1alpha1.WaveColumns{Progress: "92/120", Failed: "2"}) {
		t.Errorf("exposing: %+v", got)
	}
	s.Devices.Conflict = 3
	s.Gate = []v1alpha1.GateRow{{Metric: "delivered", LowerBound: "0.0000", Floor: "0.9500"}}
	if got := WaveColumns(s, ""); got.Floor != "0.9500" || got.Bound != "" {
		t.Errorf("no report yet: %+v", got)
	}
	s.Gate[0].N, s.Gate[0].LowerBound = 93, "0.9495"
	if got := WaveColumns(s, "at 93 reports"); got != (v1alpha1.WaveColumns{Progress: "95/120", Failed: "2+3 conflict", Bound: "0.9495", Floor: "0.9500", Next: "at 93 reports"}) {
		t.Errorf("evaluating: %+v", got)
	}
	s.Gate[0].Floor, s.Gate[0].LowerBound = "", "0.0000"
	if got := WaveColumns(s, ""); got.Floor != "smoke" || got.Bound != "" {
		t.Errorf("smoke: %+v", got)
	}
	if got := Time(epoch); got != "2026-03-02T07:00Z" {
		t.Errorf("%s", got)
	}
}

func reasons(events []Event) string {
	var out []string
	for _, e := range events {
		mark := ""
		if e.Warning {
			mark = "!"
		}
		out = append(out, mark+e.Reason)
	}
	return strings.Join(out, " ")
}

// TestWaveEvents: one event for each thing that changed, and none where nothing did (P12).
func TestWaveEvents(t *testing.T) {
	before := &v1alpha1.PilotWaveStatus{
		Phase: v1alpha1.PhaseExposing, Attempt: 2, Audience: &v1alpha1.AudienceStatus{Eligible: 100, Targeted: 110},
		Devices: v1alpha1.DeviceCounts{Pending: 75, Seen: 25}, Clocks: v1alpha1.Clocks{LastBatchAt: &metav1.Time{Time: epoch}},
		History: []v1alpha1.AttemptRecord{{Attempt: 1, Outcome: "Halted"}}, Decision: v1alpha1.DecisionStatus{Reason: "R", Message: "m"},
	}
	for _, tt := range []struct {
		name    string
		change  func(*v1alpha1.PilotWaveStatus)
		want    string
		message string
	}{
		{"nothing", func(*v1alpha1.PilotWaveStatus) {}, "", ""},
		{"counts and message", func(s *v1alpha1.PilotWaveStatus) { s.Devices.Succeeded, s.Decision.Message = 3, "other" }, "", ""},
		{"phase", func(s *v1alpha1.PilotWaveStatus) { s.Phase = v1alpha1.PhaseBaking }, "R", "Exposing → Baking: m"},
		{"phase that is bad news", func(s *v1alpha1.PilotWaveStatus) { s.Phase = v1alpha1.PhaseHalted }, "!R", "Exposing → Halted: m"},
		{"batch", func(s *v1alpha1.PilotWaveStatus) {
			s.Clocks.LastBatchAt, s.Devices.Pending = &metav1.Time{Time: epoch.Add(time.Hour)}, 50
		}, v1alpha1.ReasonBatchExposed, "50 of 100 eligible devices are exposed"},
		{"members refused", func(s *v1alpha1.PilotWaveStatus) {
			s.Audience.Refused = 2
			s.Findings = []v1alpha1.Finding{{Reason: "Offline", Count: 9, Samples: []string{"x"}}, {Reason: diagnosis.ReasonMemberGone, Count: 2, Samples: []string{"pc-1", "pc-2"}}}
		}, "!" + v1alpha1.ReasonMembersRefused, "the tenant does not take 2 of the devices of attempt 2 as members of the wave's group: they do not get the payload and do not count, the others go on; MemberGone (2): pc-1, pc-2"},
		{"attempt", func(s *v1alpha1.PilotWaveStatus) {
			s.History = append(slices.Clone(s.History), v1alpha1.AttemptRecord{Attempt: 2, Outcome: "Superseded", Reason: "X", K: 1, N: 9, Exposed: 25})
			s.Attempt, s.Clocks = 3, v1alpha1.Clocks{}
		}, v1alpha1.ReasonAttemptStarted, "attempt 2 ended as Superseded (X): 1 of 9 reports failed, 25 devices were exposed; attempt 3 begins"},
		{"request without effect", func(s *v1alpha1.PilotWaveStatus) { s.HandledRequests.Abort = "now" }, v1alpha1.ReasonSafetyRequestAccepted, "m"},
		{"request with effect", func(s *v1alpha1.PilotWaveStatus) {
			s.HandledRequests.Abort, s.Phase = "now", v1alpha1.PhaseAborted
		}, "!R", "Exposing → Aborted: m"},
		{"stuck in the same phase", func(s *v1alpha1.PilotWaveStatus) {
			s.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionStalled, true, "S", "lost")}
		}, "!S", "lost"},
		{"an earlier group has drifted", func(s *v1alpha1.PilotWaveStatus) {
			s.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionDrifted, true, "D", "has 1 member")}
		}, "!D", "has 1 member"},
		{"drifted and therefore stuck is said once", func(s *v1alpha1.PilotWaveStatus) {
			s.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionStalled, true, "D", "lost"), Condition(v1alpha1.ConditionDrifted, true, "D", "lost")}
		}, "!D", "lost"},
		{"audience edited", func(s *v1alpha1.PilotWaveStatus) {
			s.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionAudienceOutdated, true, "E", "edited")}
		}, "!E", "edited"},
		{"paused", func(s *v1alpha1.PilotWaveStatus) {
			s.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionPaused, true, "P", "")}
		}, v1alpha1.ReasonPaused, "paused"},
	} {
		after := before.DeepCopy()
		tt.change(after)
		got := WaveEvents(before, after)
		if reasons(got) != tt.want || tt.want != "" && !strings.HasPrefix(got[0].Message, tt.message) {
			t.Errorf("%s: %+v, want %s", tt.name, got, tt.want)
		}
		if again := WaveEvents(after, after.DeepCopy()); len(again) > 0 {
			t.Errorf("%s: said again: %+v", tt.name, again)
		}
	}
	first := &v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhasePending, Attempt: 1}
	if got := WaveEvents(&v1alpha1.PilotWaveStatus{}, first); reasons(got) != "" && !strings.HasPrefix(got[0].Message, "new → Pending") {
		t.Errorf("new: %+v", got)
	}
	if got := WaveEvents(first, before); !strings.Contains(reasons(got), v1alpha1.ReasonAudienceResolved) || !slices.ContainsFunc(got, func(e Event) bool {
		return e.Message == "110 devices targeted, 100 eligible; membership of attempt 2 is frozen"
	}) {
		t.Errorf("resolved: %+v", got)
	}
	paused := before.DeepCopy()
	paused.Conditions = []metav1.Condition{Condition(v1alpha1.ConditionPaused, true, "P", "")}
	if got := WaveEvents(paused, before); len(got) != 1 || got[0].Message != "resumed" || got[0].Warning {
		t.Errorf("resumed: %+v", got)
	}
	// The history is full: the oldest record goes, and the newest is still news.
	full := before.DeepCopy()
	full.History = nil
	for i := range 10 {
		full.History = append(full.History, v1alpha1.AttemptRecord{Attempt: int32(i + 1)})
	}
	next := full.DeepCopy()
	next.History = append(next.History[1:], v1alpha1.AttemptRecord{Attempt: 11})
	if got := WaveEvents(full, next); reasons(got) != v1alpha1.ReasonAttemptStarted {
		t.Errorf("a full history: %+v", got)
	}
}

// TestConditionEvents: news about conditions, good or bad, and none for what stands as it stood.
func TestConditionEvents(t *testing.T) {
	c := func(kind string, s metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: kind, Status: s, Reason: "R", Message: "m"}}
	}
	const yes, no, unknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
	for _, tt := range []struct {
		kind          string
		before, after metav1.ConditionStatus
		want          string
	}{
		{v1alpha1.ConditionStalled, "", yes, "!R"}, {v1alpha1.ConditionStalled, yes, yes, ""}, {v1alpha1.ConditionStalled, yes, "", ""},
		{v1alpha1.ConditionStalled, "", no, ""}, {v1alpha1.ConditionStalled, yes, no, "R"},
		{v1alpha1.ConditionDrifted, "", no, ""}, {v1alpha1.ConditionDrifted, no, yes, "!R"}, {v1alpha1.ConditionDrifted, yes, no, "R"},
		{v1alpha1.ConditionThrottled, "", yes, "!R"},
		{v1alpha1.ConditionApplied, "", no, ""}, {v1alpha1.ConditionApplied, yes, no, ""}, {v1alpha1.ConditionApplied, no, yes, "R"}, {v1alpha1.ConditionApplied, "", yes, "R"},
		{v1alpha1.ConditionRolloutComplete, no, yes, "R"}, {v1alpha1.ConditionRolloutComplete, yes, no, ""},
		{v1alpha1.ConditionInventoryFresh, "", yes, ""}, {v1alpha1.ConditionInventoryFresh, yes, no, "!R"}, {v1alpha1.ConditionInventoryFresh, no, yes, "R"},
		{v1alpha1.ConditionInventoryFresh, "", no, "!R"}, {v1alpha1.ConditionInventoryFresh, no, unknown, ""}, {v1alpha1.ConditionInventoryFresh, "", unknown, ""},
	} {
		var before, after []metav1.Condition
		if tt.before != "" {
			before = c(tt.kind, tt.before)
		}
		if tt.after != "" {
			after = c(tt.kind, tt.after)
		}
		if got := reasons(ConditionEvents(before, after, tt.kind)); got != tt.want {
			t.Errorf("%s %q → %q: %q, want %q", tt.kind, tt.before, tt.after, got, tt.want)
		}
		if got := ConditionEvents(before, after, "Other"); len(got) > 0 {
			t.Errorf("%s: not asked for: %+v", tt.kind, got)
		}
	}
	// Two that change for one reason are told once, by the first named.
	stalled, drifted := c(v1alpha1.ConditionStalled, yes), c(v1alpha1.ConditionDrifted, yes)
	stalled[0].Message = "and the way back"
	both := append(drifted, stalled...)
	if got := ConditionEvents(nil, both, v1alpha1.ConditionStalled, v1alpha1.ConditionDrifted); len(got) != 1 || got[0].Message != "and the way back" {
		t.Errorf("%+v", got)
	}
}

// TestWaveSamples: one phase is on, the device samples sum up to the audience, and a text that is no number is no sample.
func TestWaveSamples(t *testing.T) {
	s := &v1alpha1.PilotWaveStatus{
		Phase:   v1alpha1.PhaseBaking,
		Clocks:  v1alpha1.Clocks{RegressedAt: &metav1.Time{Time: epoch}},
		Devices: v1alpha1.DeviceCounts{Pending: 1, Exposed: 2, Seen: 3, Succeeded: 4, Recovered: 3, Failed: 5, Conflict: 6, NotApplicable: 7, Stale: 8, Dark: 9},
		Gate:    []v1alpha1.GateRow{{Metric: "delivered", Observed: "0.9891", LowerBound: "0.9495", Floor: "", HaltEvidence: "13.99", Coverage: "0.92"}},
	}
	on, devices := []string{}, 0.
	got := map[string]float64{}
	for _, m := range WaveSamples(s) {
		switch m.Name {
		case MetricWavePhase:
			if m.Value == 1 {
				on = append(on, m.LabelValue)
			}
		case MetricWaveDevices:
			devices += m.Value
			got[m.LabelValue] = m.Value
		case MetricWaveRegressed:
			if m.Value != 1 {
				t.Errorf("regressed: %+v", m)
			}
		default:
			got[m.Name+"/"+m.LabelValue] = m.Value
		}
	}
	if !slices.Equal(on, []string{"Baking"}) || devices != 45 {
		t.Errorf("phases %v, %v devices", on, devices)
	}
	want := map[string]float64{
		"pending": 1, "exposed": 2, "seen": 3, "succeeded": 4, "failed": 5, "conflict": 6, "notApplicable": 7, "stale": 8, "dark": 9, MetricWaveRecovered + "/": 3,
		MetricWaveObserved + "/delivered": 0.9891, MetricWaveBound + "/delivered": 0.9495, MetricWaveHaltEvidence + "/delivered": 13.99, MetricWaveCoverage + "/delivered": 0.92,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := len(WaveSamples(&v1alpha1.PilotWaveStatus{})); n != len(Phases)+11 {
		t.Errorf("a new wave has %d samples", n)
	}
}

func TestTenantSamples(t *testing.T) {
	if got := TenantSamples(&v1alpha1.TenantStatus{}); got != nil {
		t.Errorf("no inventory: %v", got)
	}
	at := metav1.NewTime(time.Unix(1_800_000_000, 0))
	old := metav1.NewTime(time.Unix(1_700_000_000, 0))
	got := TenantSamples(&v1alpha1.TenantStatus{ClockOffset: &metav1.Duration{Duration: -6 * time.Minute}, Inventory: &v1alpha1.InventoryStatus{
		Devices: 12, AsOf: old, Parts: []v1alpha1.InventoryPart{
			{Name: v1alpha1.InventoryDevices, AsOf: &at}, {Name: v1alpha1.InventoryEdgeVersions, Error: "no"},
			{Name: v1alpha1.InventoryPolicyReports, AsOf: &old, Error: "no", Objects: 9, Failing: 7},
		}}})
	values := map[string]float64{}
	for _, m := range got {
		values[strings.TrimSuffix(m.Name+" "+m.LabelValue, " ")] = m.Value
	}
	if diff := cmp.Diff(map[string]float64{
		MetricTenantDevices: 12, MetricTenantAsOf: 1_700_000_000, MetricTenantClock: -360,
		MetricTenantPartAsOf + " Devices": 1_800_000_000, MetricTenantPartFails + " Devices": 0, MetricTenantPartFails + " EdgeVersions": 1,
		MetricTenantPartAsOf + " PolicyReports": 1_700_000_000, MetricTenantPartFails + " PolicyReports": 7,
	}, values); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestPhasesAreAll: the state set has each phase of the API once.
func TestPhasesAreAll(t *testing.T) {
	seen := map[v1alpha1.WavePhase]bool{}
	for _, p := range Phases {
		seen[p] = true
	}
	if len(seen) != 13 || len(Phases) != 13 {
		t.Errorf("%d phases: %s", len(seen), fmt.Sprint(Phases))
	}
}
