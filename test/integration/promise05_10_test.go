// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/testkit"
)

// crashPoints is about how many of the points at which an operator can be killed one test run tries. Set
// TIDEGATE_CRASH_POINTS to try more; a number above a hundred tries all.
func crashPoints(t *testing.T) int {
	text := os.Getenv("TIDEGATE_CRASH_POINTS")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("TIDEGATE_CRASH_POINTS=%q: write a number from 1", text)
	}
	return n
}

// TestPromise05_10_KilledAnywhere runs one rollout without a fault, and again with an operator that is killed between two
// of its writes, wherever that is. Another takes over at the same instant. The end must be the same, with exactly one object
// of each kind in the tenant, and the pace must have been kept.
func TestPromise05_10_KilledAnywhere(t *testing.T) {
	t.Parallel()
	want, writes := rolledOut(t, 0)
	if len(writes) < 20 {
		t.Fatalf("the rollout took %d writes, that is no test of anything: %v", len(writes), writes)
	}
	stride := max(1, len(writes)*4/5/crashPoints(t))
	t.Logf("the rollout takes %d writes; an operator is killed before every %dth", len(writes), stride)
	// How often a status is written on the way differs a little from run to run; the last fifth may not be reached. The
	// promotion itself is the subject of TestPromise03_BetweenPassAndPromotion.
	for at := 1; at < len(writes)*4/5; at += stride {
		t.Run(fmt.Sprintf("Before%03d", at+1), func(t *testing.T) {
			t.Parallel()
			got, _ := rolledOut(t, at)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("killed after %s, before %s, the rollout ended otherwise (-without +with the kill):\n%s", writes[at-1], writes[at], diff)
			}
		})
	}
}

// rolledOut rolls two waves out with an operator that is killed after n writes, zero for never, and its successor. It
// returns what became of everything and the writes of the first operator.
func rolledOut(t *testing.T, n int) (map[string]string, []testkit.Write) {
	t.Helper()
	w := newWorld(t, calm(of("First", 16), of("Second", 16)), testkit.Options{NoOperator: true, Devices: 60})
	count := 0
	op := w.RunUntil(t, func(testkit.Write) bool {
		count++
		return n > 0 && count > n
	})
	killed := op
	first, second := quick(w, "first", "First"), quick(w, "second", "Second", "first")
	first.Spec.Exposure.BatchSize, first.Spec.Exposure.Interval.Duration = 10, 2*step
	base(t, w, first, second)
	for range 30 {
		w.Settle(t)
		if op.Dead() {
			op.Stop()
			op = w.Run(t)
			w.Settle(t)
		}
		if w.InPhase("second", v1alpha1.PhaseSucceeded)(t.Context()) == nil {
			break
		}
		if err := w.Sim.Advance(step); err != nil {
			t.Fatal(err)
		}
	}
	if n > 0 && !killed.Dead() {
		t.Fatalf("the operator wrote only %d times and was never killed", count)
	}
	var writes []testkit.Write
	for _, write := range killed.Writes() {
		if !strings.Contains(write.Path, "/events") {
			writes = append(writes, write)
		}
	}
	checkPace(t, w)
	return outcome(t, w), writes
}

// outcome is what a rollout left behind, without ids and without what the moment at which an operator looked has a part in.
func outcome(t *testing.T, w *testkit.World) map[string]string {
	t.Helper()
	out := map[string]string{}
	same := strings.NewReplacer(w.Namespace, "NS", string(policy(t, w).UID), "POLICY")
	put := func(key string, v any) { out[same.Replace(key)] = same.Replace(fmt.Sprintf("%+v", v)) }
	for _, p := range w.OwnPolicies() {
		var targets []string
		for _, a := range p.Assignments {
			targets = append(targets, a.Kind+" "+a.Group)
		}
		put("policy "+p.Name, []any{p.Platforms, p.Values, sorted(targets), p.Targeted})
	}
	for _, g := range w.OwnGroups() {
		put("group "+g.DisplayName, []any{g.Members, g.Devices, g.Description})
	}
	for _, name := range []string{"first", "second"} {
		s := w.Wave(t, name).Status
		put("wave "+name, []any{s.Phase, s.Attempt, s.History, s.PayloadHash, s.GateHash, s.Audience.Digest, s.Audience.Targeted, s.Audience.Eligible})
		if n := countEvents(t, w, name, v1alpha1.ReasonPromoted); n > 1 {
			t.Errorf("wave %s was promoted %d times", name, n)
		}
	}
	return out
}

// checkPace wants the waves to have kept to batch size, interval, bake and order, whoever exposed and promoted them.
func checkPace(t *testing.T, w *testkit.World) {
	t.Helper()
	var before *v1alpha1.PilotWave
	for _, name := range []string{"first", "second"} {
		wave := w.Wave(t, name)
		batches := map[time.Time]int{}
		for _, e := range w.Ledger(t, name).Entries {
			batches[e.AskedAt.Time()]++
		}
		times := slices.SortedFunc(maps.Keys(batches), time.Time.Compare)
		for i, at := range times {
			if batches[at] > int(wave.Spec.Exposure.BatchSize) || at.IsZero() {
				t.Errorf("wave %s exposed %d devices at %s, its batches have %d", name, batches[at], at, wave.Spec.Exposure.BatchSize)
			}
			if i > 0 && at.Sub(times[i-1]) < wave.Spec.Exposure.Interval.Duration {
				t.Errorf("wave %s exposed batches at %s and %s, the interval is %s", name, times[i-1], at, wave.Spec.Exposure.Interval.Duration)
			}
		}
		c := wave.Status.Clocks
		if last := times[len(times)-1]; c.ExposureCompletedAt.Before(&metav1.Time{Time: last}) || c.SucceededAt.Sub(c.ExposureCompletedAt.Time) < wave.Spec.Gate.Bake.Duration {
			t.Errorf("wave %s exposed its last devices at %s, says %s, and was promoted at %s", name, last, c.ExposureCompletedAt, c.SucceededAt)
		}
		if before != nil && times[0].Before(before.Status.Clocks.SucceededAt.Time) {
			t.Errorf("wave %s exposed devices at %s, the wave before it was promoted at %s", name, times[0], before.Status.Clocks.SucceededAt)
		}
		before = wave
	}
}

// TestPromise05_TwoOperatorsAtOnce runs two operators without leader election from the first write to the last.
func TestPromise05_TwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20), of("Second", 20)), testkit.Options{})
	rival := w.Run(t)
	first := quick(w, "first", "First")
	first.Spec.Exposure.BatchSize, first.Spec.Exposure.Interval.Duration = 10, step
	base(t, w, first, quick(w, "second", "Second"))
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
	reaches(t, w, "second", v1alpha1.PhaseSucceeded)
	if len(rival.Writes()) == 0 || len(w.Operator.Writes()) == 0 {
		t.Errorf("the operators wrote %d and %d times: one of them only watched", len(w.Operator.Writes()), len(rival.Writes()))
	}
	if p, g := w.OwnPolicies(), w.OwnGroups(); len(p) != 4 || len(g) != 2 || len(w.AllPolicies()) != 4 {
		t.Errorf("two operators made %d policies, %d of them exist, and %d groups; want 4, 4 and 2", len(w.AllPolicies()), len(p), len(g))
	}
	for _, name := range []string{"first", "second"} {
		s := w.Wave(t, name).Status
		if s.Attempt != 1 || len(w.ExposedIDs(t, name)) != 20 {
			t.Errorf("wave %s ended in attempt %d with %d devices exposed", name, s.Attempt, len(w.ExposedIDs(t, name)))
		}
		if n := countEvents(t, w, name, v1alpha1.ReasonPromoted); n != 1 {
			t.Errorf("wave %s was promoted %d times: %s", name, n, notes(t, w, name))
		}
	}
	ledger := w.Ledger(t, "first")
	times := map[int64]int{}
	for _, e := range ledger.Entries {
		times[e.AskedAt.Time().Unix()]++
	}
	for at, n := range times {
		if n > 10 {
			t.Errorf("%d devices were exposed at %d, a batch has 10", n, at)
		}
	}
}

// TestPromise05_LostAnswers lets the tenant do every second write while the operator never hears of it.
func TestPromise05_LostAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20)), testkit.Options{})
	seen := map[string]bool{}
	w.Operator.LoseAnswers(func(write testkit.Write) bool {
		key := write.Method + " " + write.Path
		lose := !write.Kube && !seen[key]
		seen[key] = true
		return lose
	})
	base(t, w, quick(w, "first", "First"))
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
	if p, g := w.OwnPolicies(), w.OwnGroups(); len(p) != 4 || len(w.AllPolicies()) != 4 || len(g) != 1 {
		t.Errorf("%d policies were made, %d exist, and %d groups; want 4, 4 and 1", len(w.AllPolicies()), len(p), len(g))
	}
	w.Operator.Stop()
	if len(seen) < 6 {
		t.Errorf("only %d answers were lost: %v", len(seen), seen)
	}
}

// TestPromise10_AWeekOfDowntime stops the operator in the middle of a bake.
func TestPromise10_AWeekOfDowntime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20), of("Second", 20)), testkit.Options{})
	first := quick(w, "first", "First")
	first.Spec.Gate.Bake.Duration = 2 * day
	base(t, w, first, quick(w, "second", "Second", "first"))
	was := reaches(t, w, "first", v1alpha1.PhaseBaking).Status
	w.Operator.Stop()
	if err := w.Sim.Advance(7 * day); err != nil {
		t.Fatal(err)
	}
	back := w.Clock.Now()
	w.Run(t)
	// The last reading of the fleet is a week old: until there are newer ones nothing may rest on it, and the wave may hold.
	is := reaches(t, w, "first", v1alpha1.PhaseSucceeded).Status
	if is.Attempt != 1 || !is.Clocks.ExposureCompletedAt.Equal(was.Clocks.ExposureCompletedAt) || is.Clocks.SucceededAt.Sub(back) > day {
		t.Errorf("after a week without an operator the wave ended in attempt %d, exposed at %s (was %s), promoted %s after the return",
			is.Attempt, is.Clocks.ExposureCompletedAt, was.Clocks.ExposureCompletedAt, is.Clocks.SucceededAt.Sub(back))
	}
	reaches(t, w, "second", v1alpha1.PhaseSucceeded)
}

// TestPromise10_MembersLostWhileAway takes members out of the managed group while no operator runs: the ledger has the
// last word.
func TestPromise10_MembersLostWhileAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("First", 20)), testkit.Options{})
	first := quick(w, "first", "First")
	first.Spec.Exposure.BatchSize, first.Spec.Exposure.Interval.Duration = 10, 2*step
	base(t, w, first)
	w.Soon(t, that(func() bool {
		return len(w.ExposedIDs(t, "first")) == 10 && w.Wave(t, "first").Status.Devices.Exposed == 10
	}, "the first batch is not out"))
	exposed := w.ExposedIDs(t, "first")
	w.Operator.Stop()
	admin, group := w.Admin(t), w.GroupID(t, "first")
	if err := admin.RemoveMembers(t.Context(), group, exposed[:6]); err != nil {
		t.Fatal(err)
	}
	w.Run(t)
	w.Soon(t, that(func() bool { return w.OwnGroups()[0].Devices >= 10 }, "the lost members are not back"))
	w.Pass(t, observe.MemberLag, observe.MemberLag)
	if got := w.Members(t, admin, group); len(exposed) != 10 || !slices.Equal(got, exposed) || !slices.Equal(w.ExposedIDs(t, "first"), exposed) {
		t.Errorf("the group has %d members and the ledger %d exposed devices, want the 10 of before", len(got), len(w.ExposedIDs(t, "first")))
	}
	reaches(t, w, "first", v1alpha1.PhaseSucceeded)
}
