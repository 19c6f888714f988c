// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"errors"
	"fmt"
	"reflect"
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

func (l *ledgers) note(call string, ledger *audience.Ledger) error {
	l.tenant.calls = append(l.tenant.calls, call)
	if l.err == nil && ledger != nil {
		l.saved = *ledger
	}
	return l.err
}

func (l *ledgers) Freeze(_ context.Context, ledger *audience.Ledger) (v1alpha1.LedgerBinding, error) {
	return v1alpha1.LedgerBinding{Generation: 1}, l.note("freeze", ledger)
}

func (l *ledgers) Save(_ context.Context, ledger *audience.Ledger) error {
	return l.note(fmt.Sprintf("save %d", ledger.Attempt), ledger)
}

func (l *ledgers) Delete(_ context.Context, attempt int32) error {
	return l.note(fmt.Sprintf("delete ledger %d", attempt), nil)
}

// claims is a lock with a holder, and what other waves have.
type claims struct {
	tenant  *tenant
	holder  string
	taken   audience.ID
	unknown *rollout.Cause
	err     error
}

func (c *claims) Acquire(context.Context) (string, error) {
	c.tenant.calls = append(c.tenant.calls, "acquire")
	return c.holder, c.err
}

func (c *claims) Taken(context.Context) (func(audience.ID) bool, *rollout.Cause, error) {
	return func(id audience.ID) bool { return id == c.taken }, c.unknown, c.err
}

func (c *claims) Release(context.Context) error {
	c.tenant.calls = append(c.tenant.calls, "release")
	return c.err
}

var wednesday = time.Date(2026, 6, 3, 6, 0, 0, 500, time.UTC)

// someWave is a wave with two devices, of which the first is exposed and the list of members says the other.
func someWave() (Wave, *tenant, *ledgers) {
	frozen := audience.NewLedger(audience.Header{Attempt: 2, Revision: 4, PayloadHash: "p", Growing: true}, devices)
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
	w.Status.Attempt, w.Status.Revision = 2, 4
	w.Status.Attempts = []v1alpha1.WaveAttempt{{Attempt: 2, Revision: 4, GroupID: "g", CreatedAt: v1alpha1.Stamp(wednesday.Add(-time.Hour)), Ledger: &v1alpha1.LedgerBinding{Asked: 1}}}
	w.Status.Audience = &v1alpha1.AudienceStatus{ResolvedAt: v1alpha1.Stamp(wednesday.Add(-time.Hour))}
	return Wave{Tenant: ten, Ledgers: book, Claims: &claims{tenant: ten}, World: rollout.World{
		Now: wednesday, Wave: w, Policy: &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{UID: "salt"}}, Connected: true,
		Ledger: audience.Reading{State: audience.LedgerOK, Ledger: &l}, GroupReading: rollout.GroupReading{Members: map[audience.ID]bool{devices[1]: true}}, Excluded: map[audience.ID]bool{},
		MemberLag: 5 * time.Minute, ObjectLag: 2 * time.Minute,
		Candidates: &audience.Candidates{Targeted: devices, Eligible: devices[:1], Ineligible: []v1alpha1.ReasonCount{{Reason: "R", Count: 1}}},
	}}, ten, book
}

// unfrozen is the same wave before its audience is frozen.
func unfrozen() (Wave, *tenant, *ledgers) {
	e, ten, book := someWave()
	e.World.Wave.Status.Attempts, e.World.Wave.Status.Audience, e.World.Ledger = nil, nil, audience.Reading{State: audience.LedgerNone}
	return e, ten, book
}

// third is the status of an attempt that is about to be frozen.
func third() *v1alpha1.PilotWaveStatus {
	return &v1alpha1.PilotWaveStatus{Attempt: 3, Revision: 5, PayloadHash: "q"}
}

// TestWaveEffects: what each effect sends, in which order, and what the status is told of it.
func TestWaveEffects(t *testing.T) {
	entry := v1alpha1.WaveAttempt{Attempt: 2, Revision: 4, GroupID: "g"}
	both := []v1alpha1.WaveAttempt{entry}
	for name, tt := range map[string]struct {
		run     func(context.Context, Wave) WaveStep
		calls   []string
		settles bool
		status  v1alpha1.PilotWaveStatus
	}{
		"expose": {func(ctx context.Context, e Wave) WaveStep { return e.expose(ctx) },
			[]string{"save 2", "add to g: " + devices[1].String()}, true,
			v1alpha1.PilotWaveStatus{Attempts: both, Devices: v1alpha1.DeviceCounts{Pending: 9, Exposed: 2}, Clocks: v1alpha1.Clocks{LastBatchAt: v1alpha1.StampOf(wednesday)}}},
		"repair": {func(ctx context.Context, e Wave) WaveStep { return e.repair(ctx, e.World.CurrentAttempt()) },
			[]string{"remove from g: " + devices[1].String(), "add to g: " + devices[0].String()}, true,
			v1alpha1.PilotWaveStatus{Attempts: both, Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}},
		"exclude": {func(ctx context.Context, e Wave) WaveStep {
			e.World.Excluded, e.World.Members = map[audience.ID]bool{devices[0]: true, devices[1]: true}, map[audience.ID]bool{devices[0]: true}
			return e.exclude(ctx)
		}, []string{"save 2", "remove from g: " + devices[0].String()}, true,
			v1alpha1.PilotWaveStatus{Attempts: both, Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}},
		"dispose": {func(ctx context.Context, e Wave) WaveStep { return e.dispose(ctx, &e.World.Wave.Status.Attempts[0]) },
			[]string{"delete group g", "delete ledger 2"}, false,
			v1alpha1.PilotWaveStatus{Attempts: []v1alpha1.WaveAttempt{}, Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}},
	} {
		e, ten, _ := someWave()
		step := tt.run(t.Context(), e)
		if diff := cmp.Diff(tt.calls, ten.calls); diff != "" || step.Problem != "" || step.Again == tt.settles || (step.After == e.World.MemberLag) != tt.settles {
			t.Errorf("%s: %+v\n%s", name, step, diff)
		}
		s := v1alpha1.PilotWaveStatus{Attempts: []v1alpha1.WaveAttempt{entry}, Devices: v1alpha1.DeviceCounts{Pending: 10, Exposed: 1}}
		step.Record(&s, wednesday)
		if diff := cmp.Diff(tt.status, s); diff != "" {
			t.Errorf("%s: status\n%s", name, diff)
		}
	}
}

// withEarlier is the same wave with an earlier attempt, whose group is old: it has exposed the second device and stands for r3.
func withEarlier() (Wave, *tenant, *ledgers) {
	e, ten, book := someWave()
	s := &e.World.Wave.Status
	frozen := audience.NewLedger(audience.Header{Attempt: 1, Revision: 3}, devices)
	next, _ := frozen.Expose(2, wednesday.Add(-time.Hour))
	s.Attempts = append([]v1alpha1.WaveAttempt{{Attempt: 1, Revision: 3, GroupID: "old", CreatedAt: v1alpha1.Stamp(wednesday.Add(-time.Hour)), SucceededAt: v1alpha1.StampOf(wednesday)}}, s.Attempts...)
	e.World.Policy.Status.Revisions = []v1alpha1.RevisionStatus{{Number: 3, State: v1alpha1.RevisionStable}}
	e.World.Earlier = map[int32]audience.Reading{1: {State: audience.LedgerOK, Ledger: &next}}
	e.World.EarlierGroups = map[int32]rollout.GroupReading{1: {Members: map[audience.ID]bool{devices[0]: true, devices[1]: true}}}
	return e, ten, book
}

// TestEarlierAttempts: what is done to the group of an earlier attempt is done to no other, the ledger first.
func TestEarlierAttempts(t *testing.T) {
	stranger := audience.ID{15: 9}
	for name, tt := range map[string]struct {
		effect rollout.Effect
		change func(*Wave)
		calls  []string
	}{
		"exclude": {rollout.EffectExclude, func(e *Wave) { e.World.Excluded[devices[1]] = true },
			[]string{"save 1", "remove from old: " + devices[1].String(), "save 2", "remove from g: " + devices[1].String()}},
		"exclude again": {rollout.EffectExclude, func(e *Wave) { e.World.Earlier[1].Ledger.Entries[1].ExcludedAt = audience.StampOf(wednesday) },
			[]string{"remove from old: " + devices[1].String()}},
		"exclude who has left the other": {rollout.EffectExclude, func(e *Wave) { e.World.Excluded[devices[0]] = true },
			[]string{"save 1", "remove from old: " + devices[0].String(), "save 2"}},
		"exclude who is nowhere": {rollout.EffectExclude, func(*Wave) {}, nil},
		"repair": {rollout.EffectRepairEarlier, func(e *Wave) {
			e.World.EarlierGroups[1] = rollout.GroupReading{Members: map[audience.ID]bool{devices[0]: true, stranger: true}}
		}, []string{"remove from old: " + stranger.String(), "add to old: " + devices[1].String()}},
		"repair what is whole": {rollout.EffectRepairEarlier, func(*Wave) {}, nil},
		"give up":              {rollout.EffectGiveUp, func(e *Wave) { e.World.EarlierGroups[1] = rollout.GroupReading{GroupGone: true} }, nil},
	} {
		e, ten, _ := withEarlier()
		tt.change(&e)
		step := e.Do(t.Context(), rollout.Decision{Effect: tt.effect}, &v1alpha1.PilotWaveStatus{})
		if diff := cmp.Diff(tt.calls, ten.calls); diff != "" || step.Problem != "" {
			t.Errorf("%s: %+v\n%s", name, step, diff)
		}
		s := e.World.Wave.Status.DeepCopy()
		step.Record(s, wednesday)
		if gone := s.Attempts[0].WithdrawnAt != nil; gone != (tt.effect == rollout.EffectGiveUp) || s.Attempts[1].WithdrawnAt != nil {
			t.Errorf("%s: %+v", name, s.Attempts)
		}
	}
}

// TestFreeze: ledger, then group, under the lock of the policy; the status is told of all of it at once.
func TestFreeze(t *testing.T) {
	e, ten, book := unfrozen()
	step := e.freeze(t.Context(), third())
	if diff := cmp.Diff([]string{"acquire", "freeze", "upsert tidegate-u-3 Tidegate wave ns/a attempt 3", "release"}, ten.calls); diff != "" || step.Problem != "" || !step.Again {
		t.Fatalf("%+v\n%s", step, diff)
	}
	s := *third()
	step.Record(&s, wednesday)
	want := *third()
	want.Audience = &v1alpha1.AudienceStatus{Digest: audience.Digest(devices[:1]), Targeted: 2, Eligible: 1,
		Ineligible: []v1alpha1.ReasonCount{{Reason: "R", Count: 1}}, ResolvedAt: v1alpha1.Stamp(wednesday), SpecHash: rollout.AudienceHash(&e.World.Wave.Spec.Audience)}
	want.Devices.Pending = 1
	want.Attempts = []v1alpha1.WaveAttempt{{Attempt: 3, Revision: 5, GroupID: "group", CreatedAt: v1alpha1.Stamp(wednesday), Ledger: &v1alpha1.LedgerBinding{Generation: 1}}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("status\n%s", diff)
	}
	if l := book.saved; l.Attempt != 3 || l.Revision != 5 || l.PayloadHash != "q" || l.Unit != v1alpha1.UnitDevice || l.Growing || len(l.Exposed()) != 0 || len(l.Entries) != 1 {
		t.Errorf("frozen as %+v", l)
	}
}

// TestPromise02_NoDeviceIsTakenTwice: nothing is frozen without the lock, while another wave has one of the devices, or while
// nobody can say whom another wave has.
func TestPromise02_NoDeviceIsTakenTwice(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*claims)
		calls  int
		part   string
		again  bool
	}{
		"held":    {func(c *claims) { c.holder = "b" }, 1, `until wave "b"`, false},
		"taken":   {func(c *claims) { c.taken = devices[1] }, 2, "", true},
		"unknown": {func(c *claims) { c.unknown = &rollout.Cause{Reason: v1alpha1.ReasonLedgerLost, Message: "wave b"} }, 2, "wave b", false},
		"away":    {func(c *claims) { c.err = errors.New("away") }, 1, "away", false},
	} {
		e, ten, _ := unfrozen()
		lock := &claims{tenant: ten}
		tt.change(lock)
		e.Claims = lock
		step := e.freeze(t.Context(), third())
		if len(ten.calls) != tt.calls || !strings.Contains(step.Problem, tt.part) || (step.Problem == "") != (tt.part == "") || step.Again != tt.again || step.Attempt != nil {
			t.Errorf("%s: %+v %v", name, step, ten.calls)
		}
	}
}

// TestRefusedMembers: whom the tenant refuses is noted in the ledger, and the others go on.
func TestRefusedMembers(t *testing.T) {
	e, ten, book := someWave()
	ten.refused = []graph.MemberRefusal{{ID: devices[1].String(), Reason: graph.RefusedGone}}
	step := e.expose(t.Context())
	if step.Problem != "" || step.Batch != 1 || len(ten.calls) != 3 || book.saved.Entries[1].Refused != audience.RefusedGone || book.saved.Entries[0].Refused != audience.RefusedNot {
		t.Errorf("%+v %v %+v", step, ten.calls, book.saved.Entries)
	}
}

// TestJoin: late joiners are pending entries of the ledger, nothing is sent.
func TestJoin(t *testing.T) {
	e, ten, book := someWave()
	late := audience.ID{15: 3}
	e.World.Wave.Status.Phase = v1alpha1.PhaseSucceeded
	e.World.Wave.Spec.Audience.Membership = v1alpha1.MembershipGrowing
	e.World.Candidates.Targeted, e.World.Candidates.Eligible = append(devices, late), append(devices, late)
	step := e.join(t.Context())
	if !step.Again || step.Problem != "" || len(ten.calls) != 1 || len(book.saved.Entries) != 3 || book.saved.Entries[2].ID != late || !book.saved.Entries[2].Pending() {
		t.Errorf("%+v %v %+v", step, ten.calls, book.saved)
	}
	e.World.Wave.Spec.Audience.Bounds = &v1alpha1.AudienceBounds{Max: ptr.To[int32](2)}
	if step := e.join(t.Context()); !reflect.DeepEqual(step, WaveStep{}) {
		t.Errorf("past its bounds: %+v", step)
	}
}

// TestPromise05_LedgerBeforeTenant: what cannot be written down is not sent.
func TestPromise05_LedgerBeforeTenant(t *testing.T) {
	for name, run := range map[string]func(context.Context, Wave) WaveStep{
		"freeze": func(ctx context.Context, e Wave) WaveStep { return e.take(ctx, third()) },
		"expose": func(ctx context.Context, e Wave) WaveStep { return e.expose(ctx) },
		"exclude": func(ctx context.Context, e Wave) WaveStep {
			e.World.Excluded = map[audience.ID]bool{devices[0]: true}
			return e.exclude(ctx)
		},
	} {
		e, ten, book := someWave()
		if name == "freeze" {
			e, ten, book = unfrozen()
		}
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
	e, ten, _ := unfrozen()
	ten.err = refused
	if step := e.freeze(t.Context(), third()); step.Problem != "cannot make the wave's group: no" || step.Reason != v1alpha1.ReasonForbidden || step.Again || step.Audience != nil {
		t.Errorf("freeze: %+v", step)
	}
	e, ten, _ = someWave()
	ten.err = refused
	if step := e.expose(t.Context()); step.Problem == "" || step.Batch != 1 {
		t.Errorf("expose: %+v", step)
	}
	ten.calls = nil
	if step := e.repair(t.Context(), e.World.CurrentAttempt()); !strings.Contains(step.Problem, "cannot remove") || !strings.Contains(step.Problem, "cannot put") || len(ten.calls) != 2 {
		t.Errorf("a stranger who may not be removed keeps others out: %+v %v", step, ten.calls)
	}
	ten.calls, ten.err = nil, &graph.Error{Kind: graph.KindTransient, Message: "later"}
	if step := e.repair(t.Context(), e.World.CurrentAttempt()); !strings.Contains(step.Problem, "cannot remove") || len(ten.calls) != 1 {
		t.Errorf("repair goes on after a failure: %+v %v", step, ten.calls)
	}
	ten.err = refused
	ten.calls = nil
	if step := e.dispose(t.Context(), &e.World.Wave.Status.Attempts[0]); !strings.Contains(step.Problem, "cannot delete group g of attempt 2") || len(ten.calls) != 1 || step.Disposed != 0 {
		t.Errorf("dispose: %+v %v", step, ten.calls)
	}
	e.World.Wave.Spec.Exposure.BatchSize, ten.calls = 0, nil
	if step := e.expose(t.Context()); !reflect.DeepEqual(step, WaveStep{}) || len(ten.calls) != 0 {
		t.Errorf("an empty batch: %+v %v", step, ten.calls)
	}
}

// TestDo: which effect is carried out, and what is told where it cannot be.
func TestDo(t *testing.T) {
	problem := &rollout.TenantProblem{Cause: rollout.Cause{Reason: v1alpha1.ReasonThrottled, Message: "later"}, RetryAfter: time.Minute}
	disposable := func(e *Wave) { e.World.Wave.Status.Attempts[0].WithdrawnAt = v1alpha1.StampOf(wednesday) }
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
		"resolve":                {rollout.EffectResolveAudience, "", func(*Wave) {}, 4, "", ""},
		"resolve, hidden":        {rollout.EffectResolveAudience, "", hidden, 0, v1alpha1.ReasonThrottled, "cannot resolve the audience: later"},
		"resolve, no candidates": {rollout.EffectResolveAudience, "", func(e *Wave) { e.World.Candidates = nil }, 0, "", ""},
		"resolve, refused":       {rollout.EffectResolveAudience, "", func(e *Wave) { e.World.Refused = &rollout.Cause{} }, 0, "", ""},
		"expose":                 {rollout.EffectExposeBatch, "", func(*Wave) {}, 2, "", ""},
		"repair":                 {rollout.EffectRepairMembership, "", func(*Wave) {}, 2, "", ""},
		"dispose":                {rollout.EffectNone, "", disposable, 2, "", ""},
		"dispose, with a move":   {rollout.EffectNone, v1alpha1.PhaseBaking, disposable, 0, "", ""},
		"dispose, not connected": {rollout.EffectNone, "", func(e *Wave) { disposable(e); e.Tenant = nil }, 0, "", ""},
		"dispose while rolling back": {rollout.EffectNone, v1alpha1.PhaseRollingBack, func(e *Wave) {
			disposable(e)
			e.World.Wave.Status.Phase = v1alpha1.PhaseRollingBack
		}, 0, "", ""},
	} {
		e, ten, _ := someWave()
		if strings.HasPrefix(name, "resolve") {
			e, ten, _ = unfrozen()
		}
		tt.change(&e)
		step := e.Do(t.Context(), rollout.Decision{Effect: tt.effect, Phase: tt.phase}, &v1alpha1.PilotWaveStatus{Attempt: 1})
		if len(ten.calls) != tt.calls || step.Reason != tt.reason || step.Problem != tt.problem || (step.Problem != "") && step.After == 0 {
			t.Errorf("%s: %+v %v", name, step, ten.calls)
		}
	}
}

// TestRelease: a deleted wave's groups go when they are known, assigned to nothing and really gone.
func TestRelease(t *testing.T) {
	notFound := &graph.Error{Kind: graph.KindNotFound}
	forbidden := &graph.Error{Kind: graph.KindForbidden, Message: "because"}
	onlyLedger := func(e *Wave) {
		e.World.Wave.Status.Attempts, e.World.Earlier = nil, map[int32]audience.Reading{2: e.World.Ledger}
	}
	for name, tt := range map[string]struct {
		change func(*Wave, *tenant)
		calls  []string
		waits  string
	}{
		"known":   {func(*Wave, *tenant) {}, []string{"delete group g"}, ""},
		"nothing": {func(e *Wave, _ *tenant) { e.World.Wave.Status.Attempts = nil; e.World.Connected = false }, nil, ""},
		"nothing that anybody can say": {func(e *Wave, _ *tenant) {
			e.World.Wave.Status.Attempts, e.World.TenantProblem = nil, &rollout.TenantProblem{Cause: rollout.Cause{Message: "away"}}
		}, nil, "looked up: away"},
		"two attempts": {func(e *Wave, _ *tenant) {
			s := &e.World.Wave.Status
			s.Attempts = append([]v1alpha1.WaveAttempt{{Attempt: 1, GroupID: "old"}}, s.Attempts...)
		}, []string{"delete group old", "delete group g"}, ""},
		"lost and found": {func(e *Wave, _ *tenant) {
			e.World.Wave.Status.Attempts, e.World.LostGroups = nil, map[int32]string{2: "lost"}
		}, []string{"delete group lost"}, ""},
		"not found": {func(e *Wave, _ *tenant) { onlyLedger(e) },
			[]string{"upsert tidegate-u-2 Tidegate wave ns/a attempt 2", "delete group group"}, ""},
		"gone": {func(_ *Wave, ten *tenant) { ten.err = notFound }, []string{"delete group g"}, ""},
		"not yet shown": {func(e *Wave, ten *tenant) { ten.err, e.World.ObjectLag = notFound, 2*time.Hour },
			[]string{"delete group g"}, "does not show group g yet"},
		"refused": {func(_ *Wave, ten *tenant) { ten.err = forbidden },
			[]string{"delete group g"}, "group g cannot be deleted: because"},
		"look-up refused": {func(e *Wave, ten *tenant) { onlyLedger(e); ten.err = forbidden },
			[]string{"upsert tidegate-u-2 Tidegate wave ns/a attempt 2"}, "cannot be looked up: because"},
		"left behind":   {func(e *Wave, _ *tenant) { e.World.Policy.Spec.DeletionPolicy = v1alpha1.DeletionOrphan }, nil, ""},
		"not connected": {func(e *Wave, _ *tenant) { e.Tenant, e.World.Connected = nil, false }, nil, "not connected"},
		"assigned": {func(e *Wave, _ *tenant) {
			e.World.Policy.Status.Waves = []v1alpha1.WaveAdmission{{UID: "u", GroupID: "g", State: v1alpha1.Admitted}}
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
