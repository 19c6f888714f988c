// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// shelf has ledgers by attempt, and counts what is taken from it.
type shelf struct {
	ledgers map[int32]audience.Reading
	taken   []int32
	err     error
}

func (s *shelf) Load(_ context.Context, _ *v1alpha1.PilotWave, attempt int32) (audience.Reading, error) {
	s.taken = append(s.taken, attempt)
	return s.ledgers[attempt], s.err
}

func (s *shelf) LoadAll(context.Context, *v1alpha1.PilotWave) (map[int32]audience.Reading, error) {
	return s.ledgers, s.err
}

// standing is a wave whose first attempt stands for r1 and has exposed idA, and which waits for its second; the policy looks once an
// hour, and the wave excludes nobody but the members of group "out".
func standing() (WaveReader, *shelf, waveTenant, *rollout.World) {
	world := exposing(72 * time.Hour)
	s := &world.Wave.Status
	s.Attempt, s.Phase = 2, v1alpha1.PhasePending
	s.Attempts[0].SucceededAt, s.Attempts[0].Ledger = v1alpha1.StampOf(world.Now.Add(-time.Hour)), &v1alpha1.LedgerBinding{Digest: "1"}
	world.Wave.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{{ID: idB}}
	world.Policy = &v1alpha1.PasskeyPolicy{}
	world.Policy.Spec.Interval = metav1.Duration{Duration: time.Hour}
	world.Policy.Status.Revisions = []v1alpha1.RevisionStatus{{State: v1alpha1.RevisionBaseline}, {Number: 1, State: v1alpha1.RevisionStable}}
	one, _ := audience.ParseID(idA)
	frozen := audience.NewLedger(audience.Header{Attempt: 1, Revision: 1}, []audience.ID{one})
	asked, _ := frozen.Expose(1, world.Now.Add(-24*time.Hour))
	books := &shelf{ledgers: map[int32]audience.Reading{1: {State: audience.LedgerOK, Ledger: &asked}}}
	src := waveTenant{tenant: &tenant{groups: []graph.Group{{ID: idB}}, members: map[string][]graph.Member{"g": {{ID: idA}}}, fail: map[string]error{}}}
	return WaveReader{Ledgers: books, Memo: NewMemo()}, books, src, &world
}

// glance is one look at exclusions and groups, as Observe has it.
func glance(t *testing.T, r WaveReader, src waveTenant, world *rollout.World) {
	t.Helper()
	world.Earlier, world.EarlierGroups, world.TenantProblem, world.GroupReading, world.Excluded, world.ExclusionProblem = nil, nil, nil, rollout.GroupReading{}, nil, nil
	r.readExclusions(t.Context(), src, world)
	if err := r.readGroups(t.Context(), src, world); err != nil {
		t.Fatal(err)
	}
	if r.renewExclusions(t.Context(), src, world) {
		if err := r.readGroups(t.Context(), src, world); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadEarlier: ledger and group of an earlier attempt that stands are read together; what the tenant does not tell is unknown.
func TestReadEarlier(t *testing.T) {
	for name, tt := range map[string]struct {
		change        func(*shelf, waveTenant, *rollout.World)
		known         bool
		gone, problem bool
		calls         int
	}{
		"read": {func(*shelf, waveTenant, *rollout.World) {}, true, false, false, 1},
		"gone": {func(_ *shelf, s waveTenant, _ *rollout.World) { s.fail["Members"] = notFound }, false, true, false, 1},
		"away": {func(_ *shelf, s waveTenant, _ *rollout.World) { s.fail["Members"] = errAway }, false, false, true, 1},
		"odd":  {func(_ *shelf, s waveTenant, _ *rollout.World) { s.members["g"] = []graph.Member{{ID: "odd"}} }, true, false, false, 1},
		"taken back": {func(_ *shelf, _ waveTenant, w *rollout.World) {
			w.Wave.Status.Attempts[0].WithdrawnAt = v1alpha1.StampOf(w.Now)
		}, false, false, false, 0},
		"retired": {func(_ *shelf, _ waveTenant, w *rollout.World) {
			w.Policy.Status.Revisions[1].State = v1alpha1.RevisionRetired
		}, false, false, false, 0},
		"record lost": {func(b *shelf, _ waveTenant, _ *rollout.World) {
			b.ledgers[1] = audience.Reading{State: audience.LedgerLost}
		}, true, false, false, 1},
	} {
		r, books, src, world := standing()
		tt.change(books, src, world)
		glance(t, r, src, world)
		g := world.EarlierGroups[1]
		if (g.Members != nil) != tt.known || g.GroupGone != tt.gone || (world.TenantProblem != nil) != tt.problem || src.count("Members") != tt.calls || len(books.taken) != tt.calls {
			t.Errorf("%s: %+v, problem %+v, calls %v", name, g, world.TenantProblem, src.calls)
		}
	}
	r, books, src, world := standing()
	books.err = errors.New("the API server is away")
	if err := r.readEarlier(t.Context(), src, world); !errors.Is(err, books.err) {
		t.Errorf("a ledger that cannot be read is no fact: %v", err)
	}
}

// TestReadEarlierOneByOne: a group that cannot be read hides no other.
func TestReadEarlierOneByOne(t *testing.T) {
	r, _, src, world := standing()
	s := &world.Wave.Status
	s.Attempt = 3
	s.Attempts = append([]v1alpha1.WaveAttempt{{Attempt: 2, Revision: 1, GroupID: "odd", CreatedAt: v1alpha1.Stamp(world.Now.Add(-time.Hour))}}, s.Attempts...)
	s.Attempts[0].Attempt, s.Attempts[1].Attempt = 1, 2
	src.members["odd"] = []graph.Member{{ID: "odd"}}
	glance(t, r, src, world)
	if world.EarlierGroups[1].UnreadableMembers != 1 || world.EarlierGroups[2].UnreadableMembers != 0 || len(world.EarlierGroups[2].Members) == 0 {
		t.Errorf("%+v, problem %+v", world.EarlierGroups, world.TenantProblem)
	}
}

// TestSettledGroups: a group that is as it should be is read once in an interval, and again at once when something else says that it
// may not be any more.
func TestSettledGroups(t *testing.T) {
	two, _ := audience.ParseID(idB)
	for name, tt := range map[string]struct {
		first, then func(*shelf, waveTenant, *rollout.World)
		reads       int
	}{
		"nothing":           {nil, nil, 1},
		"an interval later": {nil, func(_ *shelf, _ waveTenant, w *rollout.World) { w.Now = w.Now.Add(time.Hour) }, 2},
		"just before":       {nil, func(_ *shelf, _ waveTenant, w *rollout.World) { w.Now = w.Now.Add(time.Hour - time.Second) }, 1},
		"a clock set back":  {nil, func(_ *shelf, _ waveTenant, w *rollout.World) { w.Now = w.Now.Add(-time.Second) }, 2},
		"another ledger":    {nil, func(_ *shelf, _ waveTenant, w *rollout.World) { w.Wave.Status.Attempts[0].Ledger.Digest = "2" }, 2},
		"another exclusion": {nil, func(_ *shelf, s waveTenant, w *rollout.World) {
			w.Wave.Spec.Audience.Groups.Exclude = nil
			s.members[idB] = nil
		}, 1},
		"another list of it": {nil, func(_ *shelf, s waveTenant, w *rollout.World) {
			s.members[idB], w.Now = []graph.Member{{ID: idB, Kind: graph.MemberDevice}}, w.Now.Add(MemberLag)
		}, 2},
		"a stranger": {func(_ *shelf, s waveTenant, _ *rollout.World) {
			s.members["g"] = append(s.members["g"], graph.Member{ID: two.String()})
		}, nil, 2},
		"one missing": {func(_ *shelf, s waveTenant, _ *rollout.World) { s.members["g"] = nil }, nil, 2},
		"record lost": {func(b *shelf, _ waveTenant, _ *rollout.World) {
			b.ledgers[1] = audience.Reading{State: audience.LedgerLost}
		}, nil, 2},
		"exclusions unknown": {func(_ *shelf, s waveTenant, _ *rollout.World) { s.fail["TransitiveMembers"] = errAway }, nil, 2},
	} {
		r, books, src, world := standing()
		if tt.first != nil {
			tt.first(books, src, world)
		}
		glance(t, r, src, world)
		if tt.then != nil {
			tt.then(books, src, world)
		}
		glance(t, r, src, world)
		if n := src.count("Members"); n != tt.reads || world.EarlierGroups[1].Settled != (tt.reads == 1) {
			t.Errorf("%s: read %d times, %+v", name, n, world.EarlierGroups[1])
		}
	}
}

// TestSettledCurrentGroup: the group of a wave that has succeeded is read once in an interval, that of one on its way at every look.
func TestSettledCurrentGroup(t *testing.T) {
	for phase, reads := range map[v1alpha1.WavePhase]int{v1alpha1.PhaseSucceeded: 1, v1alpha1.PhaseExposing: 3, v1alpha1.PhaseBaking: 3, v1alpha1.PhaseHeld: 3} {
		r, books, src, world := standing()
		world.Wave.Status.Attempt, world.Wave.Status.Phase, world.Ledger = 1, phase, books.ledgers[1]
		for range 3 {
			glance(t, r, src, world)
		}
		if n := src.count("Members"); n != reads || world.Settled != (reads == 1) {
			t.Errorf("%s: read %d times", phase, n)
		}
	}
}

// TestExclusionsAreRenewed: a list that was read when spec had just named its groups is read again as soon as it must show what was
// done before, and one that was remembered is not relied on where somebody is put in.
func TestExclusionsAreRenewed(t *testing.T) {
	r, _, src, world := standing()
	src.members[idB] = nil
	for i, tt := range []struct {
		later time.Duration
		reads int
	}{{0, 1}, {MemberLag - time.Second, 1}, {time.Second, 2}, {time.Hour - time.Second, 2}, {time.Second, 3}} {
		world.Now = world.Now.Add(tt.later)
		glance(t, r, src, world)
		if n := src.count("TransitiveMembers"); n != tt.reads {
			t.Errorf("look %d: read %d times", i+1, n)
		}
	}
	world.Wave.Spec.Audience.Groups.Exclude = append(world.Wave.Spec.Audience.Groups.Exclude, v1alpha1.GroupRef{ID: idB})
	glance(t, r, src, world)
	if n := src.count("TransitiveMembers"); n < 4 {
		t.Errorf("an edit: read %d times", n)
	}
	if again := r.Memo.Again(world); again != MemberLag {
		t.Errorf("after an edit the next look is in %s", again)
	}
}

// TestPromise02_TakenOutAndExcluded: a person takes somebody out of the wave's group and excludes them in one go. The wave, which read
// the list a moment before, does not put them back.
func TestPromise02_TakenOutAndExcluded(t *testing.T) {
	r, _, src, world := standing()
	glance(t, r, src, world)
	world.Now = world.Now.Add(MemberLag)
	glance(t, r, src, world)
	src.members["g"], src.members[idB] = nil, []graph.Member{{ID: idA, Kind: graph.MemberDevice}}
	r.Memo.of(world.Wave).groups = nil // it is time to look at the group, and not yet at the list
	world.Now = world.Now.Add(time.Minute)
	glance(t, r, src, world)
	one, _ := audience.ParseID(idA)
	missing, _ := world.MemberDrift(world.StandingEarlier()[0])
	if !world.Excluded[one] || slices.Contains(missing, one) {
		t.Errorf("excluded %v, missing %v", world.Excluded, missing)
	}
}

// TestAgain: a wave that is woken between does not look later than what it remembers lasts.
func TestAgain(t *testing.T) {
	r, _, src, world := standing()
	world.Wave.Spec.Audience.Groups.Exclude = nil
	glance(t, r, src, world)
	if again := r.Memo.Again(world); again != 0 {
		t.Errorf("nothing was remembered: %s", again)
	}
	world.Now = world.Now.Add(50 * time.Minute)
	glance(t, r, src, world)
	if again := r.Memo.Again(world); again != 10*time.Minute {
		t.Errorf("the group is to be read again in %s", again)
	}
	if again := (*Memo)(nil).Again(world); again != 0 {
		t.Errorf("no memo: %s", again)
	}
}
