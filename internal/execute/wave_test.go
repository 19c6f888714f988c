// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// ledgers notes what is saved among the calls of the tenant, and fails with err.
type ledgers struct {
	tenant *tenant
	err    error
	saved  audience.Ledger
}

func (l *ledgers) Save(_ context.Context, w *v1alpha1.PilotWave, ledger audience.Ledger) error {
	l.tenant.calls = append(l.tenant.calls, "save "+w.Name)
	if l.err == nil {
		l.saved = ledger
	}
	return l.err
}

var wednesday = time.Date(2026, 6, 3, 6, 0, 0, 500, time.UTC)

// someWave is a wave with two devices, of which the first is exposed and the list of members says the other.
func someWave() (Wave, *tenant, *ledgers) {
	frozen := audience.NewLedger(2, "p", devices)
	l, _ := frozen.Expose(1, wednesday.Add(-time.Hour))
	ten := &tenant{created: true}
	book := &ledgers{tenant: ten}
	w := &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a", UID: "u"}}
	w.Spec.Exposure.BatchSize = 5
	w.Spec.Audience.MaxIneligiblePercent = ptr.To[int32](60)
	w.Spec.Gate = v1alpha1.Gate{
		Coverage: v1alpha1.Coverage{MinReports: 1, MinPercent: 70}, Smoke: &v1alpha1.SmokeTest{},
		Halt: v1alpha1.HaltTest{ToleratedFailureRate: "0.05", Alpha: "0.05", MinFailures: 3},
	}
	w.Status.Audience = &v1alpha1.AudienceStatus{GroupID: "g", ResolvedAt: v1alpha1.Stamp(wednesday.Add(-time.Hour))}
	return Wave{Tenant: ten, Ledgers: book, World: rollout.World{
		Now: wednesday, Wave: w, Policy: &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{UID: "salt"}}, Connected: true,
		Ledger: &l, Members: map[audience.ID]bool{devices[1]: true}, MemberLag: 5 * time.Minute, ObjectLag: 2 * time.Minute,
		Candidates: &audience.Candidates{Targeted: devices, Eligible: devices[:1], Ineligible: []v1alpha1.ReasonCount{{Reason: "R", Count: 1}}},
	}}, ten, book
}

// TestWaveEffects: what each effect sends, in which order, and what the status is told of it.
func TestWaveEffects(t *testing.T) {
	for name, tt := range map[string]struct {
		run     func(context.Context, Wave) WaveStep
		calls   []string
		settles bool
		status  v1alpha1.PilotWaveStatus
	}{
		"freeze": {func(ctx context.Context, e Wave) WaveStep { return e.freeze(ctx, 3, "q") },
			[]string{"save a", "upsert tidegate-u Tidegate wave ns/a"}, false,
			v1alpha1.PilotWaveStatus{
				Audience: &v1alpha1.AudienceStatus{Digest: audience.Digest(devices[:1]), Targeted: 2, Eligible: 1, GroupID: "group",
					Ineligible: []v1alpha1.ReasonCount{{Reason: "R", Count: 1}}, ResolvedAt: v1alpha1.Stamp(wednesday)},
				Devices: v1alpha1.DeviceCounts{Pending: 1},
			}},
		"expose": {func(ctx context.Context, e Wave) WaveStep { return e.expose(ctx) },
			[]string{"save a", "add to g: " + devices[1].String()}, false,
			v1alpha1.PilotWaveStatus{Devices: v1alpha1.DeviceCounts{Pending: 9, Exposed: 2}, Clocks: v1alpha1.Clocks{LastBatchAt: v1alpha1.StampOf(wednesday)}}},
		"repair": {func(ctx context.Context, e Wave) WaveStep { return e.repair(ctx) },
			[]string{"remove from g: " + devices[1].String(), "add to g: " + devices[0].String()}, true,
			v1alpha1.PilotWaveStatus{Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}},
		"drain": {func(ctx context.Context, e Wave) WaveStep { return e.drain(ctx) },
			[]string{"remove from g: " + devices[1].String()}, true,
			v1alpha1.PilotWaveStatus{Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}},
	} {
		e, ten, book := someWave()
		step := tt.run(t.Context(), e)
		if diff := cmp.Diff(tt.calls, ten.calls); diff != "" || step.Problem != "" || step.Again == tt.settles || (step.After == e.World.MemberLag) != tt.settles {
			t.Errorf("%s: %+v\n%s", name, step, diff)
		}
		s := v1alpha1.PilotWaveStatus{Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}
		step.Record(&s, wednesday)
		if diff := cmp.Diff(tt.status, s); diff != "" {
			t.Errorf("%s: status\n%s", name, diff)
		}
		if name == "freeze" && (book.saved.Attempt != 3 || book.saved.PayloadHash != "q" || len(book.saved.Exposed()) != 0) {
			t.Errorf("frozen as %+v", book.saved)
		}
	}
}

// TestPromise05_LedgerBeforeTenant: what cannot be written down is not sent.
func TestPromise05_LedgerBeforeTenant(t *testing.T) {
	for name, run := range map[string]func(context.Context, Wave) WaveStep{
		"freeze": func(ctx context.Context, e Wave) WaveStep { return e.freeze(ctx, 1, "p") },
		"expose": func(ctx context.Context, e Wave) WaveStep { return e.expose(ctx) },
	} {
		e, ten, book := someWave()
		book.err = errors.New("no room")
		step := run(t.Context(), e)
		if step.Problem != "no room" || step.Reason != v1alpha1.ReasonTransient || step.Again || step.After == 0 || step.Audience != nil || step.Batch != 0 || len(ten.calls) != 1 {
			t.Errorf("%s: %+v %v", name, step, ten.calls)
		}
	}
}

// TestWaveEffectsThatFail: the batch that the ledger has counts as out, for it may be; nothing else is recorded.
func TestWaveEffectsThatFail(t *testing.T) {
	refused := &graph.Error{Kind: graph.KindForbidden, Message: "no"}
	e, ten, _ := someWave()
	ten.err = refused
	if step := e.freeze(t.Context(), 1, "p"); step.Problem != "cannot make the wave's group: no" || step.Reason != v1alpha1.ReasonForbidden || step.Again || step.Audience != nil {
		t.Errorf("freeze: %+v", step)
	}
	if step := e.expose(t.Context()); step.Problem == "" || step.Batch != 1 {
		t.Errorf("expose: %+v", step)
	}
	ten.calls = nil
	if step := e.repair(t.Context()); !strings.Contains(step.Problem, "cannot remove") || len(ten.calls) != 1 {
		t.Errorf("repair goes on after a failure: %+v %v", step, ten.calls)
	}
	e.World.Wave.Spec.Exposure.BatchSize, ten.calls = 0, nil
	if step := e.expose(t.Context()); step != (WaveStep{}) || len(ten.calls) != 0 {
		t.Errorf("an empty batch: %+v %v", step, ten.calls)
	}
}

// TestDo: which effect is carried out, and what is told where it cannot be.
func TestDo(t *testing.T) {
	problem := &rollout.TenantProblem{Cause: rollout.Cause{Reason: v1alpha1.ReasonThrottled, Message: "later"}, RetryAfter: time.Minute}
	hidden := func(e *Wave) { e.World.TenantProblem, e.World.Members = problem, nil }
	for name, tt := range map[string]struct {
		effect  rollout.Effect
		phase   v1alpha1.WavePhase
		change  func(*Wave)
		calls   int
		reason  string
		problem string
	}{
		"nothing":                {rollout.EffectNone, "", func(*Wave) {}, 0, "", ""},
		"nothing, hidden":        {rollout.EffectNone, "", hidden, 0, v1alpha1.ReasonThrottled, "cannot look at the tenant: later"},
		"a move, hidden":         {rollout.EffectNone, v1alpha1.PhaseBaking, hidden, 0, "", ""},
		"promote":                {rollout.EffectPromote, v1alpha1.PhaseSucceeded, func(e *Wave) { e.Tenant = nil }, 0, "", ""},
		"not connected":          {rollout.EffectExposeBatch, "", func(e *Wave) { e.Tenant = nil }, 0, v1alpha1.ReasonTenantFailed, "the Tenant of the policy is not connected; its conditions say why"},
		"resolve":                {rollout.EffectResolveAudience, "", func(*Wave) {}, 2, "", ""},
		"resolve, hidden":        {rollout.EffectResolveAudience, "", hidden, 0, v1alpha1.ReasonThrottled, "cannot resolve the audience: later"},
		"resolve, no candidates": {rollout.EffectResolveAudience, "", func(e *Wave) { e.World.Candidates = nil }, 0, "", ""},
		"resolve, refused":       {rollout.EffectResolveAudience, "", func(e *Wave) { e.World.Refused = &rollout.Cause{} }, 0, "", ""},
		"expose":                 {rollout.EffectExposeBatch, "", func(*Wave) {}, 2, "", ""},
		"repair":                 {rollout.EffectRepairMembership, "", func(*Wave) {}, 2, "", ""},
		"drain":                  {rollout.EffectDrain, "", func(*Wave) {}, 1, "", ""},
		"drain, hidden":          {rollout.EffectDrain, "", hidden, 0, v1alpha1.ReasonThrottled, "cannot read the wave's group: later"},
	} {
		e, ten, _ := someWave()
		tt.change(&e)
		step := e.Do(t.Context(), rollout.Decision{Effect: tt.effect, Phase: tt.phase}, &v1alpha1.PilotWaveStatus{Attempt: 1})
		if len(ten.calls) != tt.calls || step.Reason != tt.reason || step.Problem != tt.problem || (step.Problem != "") && step.After == 0 {
			t.Errorf("%s: %+v %v", name, step, ten.calls)
		}
	}
}

// TestRelease: a deleted wave's group goes when it is known, assigned to nothing and really gone.
func TestRelease(t *testing.T) {
	notFound := &graph.Error{Kind: graph.KindNotFound}
	for name, tt := range map[string]struct {
		change func(*Wave, *tenant)
		calls  []string
		waits  string
	}{
		"known":          {func(*Wave, *tenant) {}, []string{"delete group g"}, ""},
		"lost and found": {func(e *Wave, _ *tenant) { e.World.Wave.Status.Audience, e.World.LostGroup = nil, "lost" }, []string{"delete group lost"}, ""},
		"not found": {func(e *Wave, _ *tenant) { e.World.Wave.Status.Audience = nil },
			[]string{"upsert tidegate-u Tidegate wave ns/a", "delete group group"}, ""},
		"gone": {func(_ *Wave, ten *tenant) { ten.err = notFound }, []string{"delete group g"}, ""},
		"not yet shown": {func(e *Wave, ten *tenant) { ten.err, e.World.ObjectLag = notFound, 2*time.Hour },
			[]string{"delete group g"}, "does not show group g yet"},
		"refused": {func(_ *Wave, ten *tenant) { ten.err = &graph.Error{Kind: graph.KindForbidden, Message: "because"} },
			[]string{"delete group g"}, "group g cannot be deleted: because"},
		"look-up refused": {func(e *Wave, ten *tenant) {
			e.World.Wave.Status.Audience = nil
			ten.err = &graph.Error{Kind: graph.KindForbidden, Message: "because"}
		}, []string{"upsert tidegate-u Tidegate wave ns/a"}, "cannot be looked up: because"},
		"left behind":   {func(e *Wave, _ *tenant) { e.World.Policy.Spec.DeletionPolicy = v1alpha1.DeletionOrphan }, nil, ""},
		"not connected": {func(e *Wave, _ *tenant) { e.Tenant, e.World.Connected = nil, false }, nil, "not connected"},
		"assigned": {func(e *Wave, _ *tenant) {
			e.World.Policy.Status.Waves = []v1alpha1.WaveAdmission{{UID: "u", State: v1alpha1.Admitted}}
		}, nil, "no longer assigns"},
	} {
		e, ten, _ := someWave()
		tt.change(&e, ten)
		waits := e.Release(t.Context())
		if diff := cmp.Diff(tt.calls, ten.calls); diff != "" || (waits == "") != (tt.waits == "") || !strings.Contains(waits, tt.waits) {
			t.Errorf("%s: %q\n%s", name, waits, diff)
		}
		if waits != "" && !strings.Contains(waits, v1alpha1.AnnotationReleaseFinalizer) {
			t.Errorf("%s does not say how to let go: %q", name, waits)
		}
	}
}
