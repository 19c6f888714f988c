// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var platforms = []v1alpha1.Platform{v1alpha1.PlatformMacOS, v1alpha1.PlatformWindows}

// attempt is what the oracle knows of one attempt group.
type attempt struct {
	revision int32
	stands   bool      // nobody took it back
	over     time.Time // when the operator said that it is withdrawn; zero while it is not
}

// history is a random life of a policy in a tenant.
type history struct {
	t      *testing.T
	seed   int
	rng    *rand.Rand
	tenant *tenant
	op     *operator

	audience map[string][]int // devices of each wave
	groups   map[string]*attempt
	stable   int32
	lastRev  int32

	foreign  bool              // others edit, too
	excused  map[Key]time.Time // policies that somebody widened, until when
	settled  time.Time         // since when the first hold must be felt; zero before
	doubles  int               // instants with a device under two that is somebody's fault
	moves    map[int32]int     // devices by the level that they were judged on
	deadline time.Time
}

func newHistory(t *testing.T, seed int, foreign bool) *history {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	tn := &tenant{rng: rng, now: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC), members: map[string]*timeline[[]int]{}, devices: 7}
	p := &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pkp"}}
	p.Spec.Mode, p.Spec.Unit = v1alpha1.ModeGate, []v1alpha1.Unit{v1alpha1.UnitDevice, v1alpha1.UnitUser}[rng.IntN(2)]
	if rng.IntN(6) == 0 {
		p.Spec.Mode = v1alpha1.ModeEnforceOnly
	}
	if rng.IntN(4) == 0 {
		p.Spec.DeletionPolicy = v1alpha1.DeletionOrphan
	}
	p.Spec.Drift = v1alpha1.DriftCorrect
	if !foreign && rng.IntN(3) == 0 {
		p.Spec.Drift = v1alpha1.DriftReport
	}
	p.Spec.Population = &v1alpha1.Population{All: rng.IntN(3) == 0}
	h := &history{
		t: t, seed: seed, rng: rng, tenant: tn, foreign: foreign, audience: map[string][]int{}, groups: map[string]*attempt{}, excused: map[Key]time.Time{}, moves: map[int32]int{},
		op: &operator{tenant: tn, policy: p, pop: Population{Include: []string{"p0", "p1"}}},
	}
	for d := range tn.devices {
		tn.join([]string{"p0", "p1", "p1", "outside"}[rng.IntN(4)], d)
		if rng.IntN(5) == 0 {
			tn.join("x0", d)
		}
		name := []string{"a", "b", "c", "none"}[rng.IntN(4)]
		h.audience[name] = append(h.audience[name], d)
	}
	for _, name := range []string{"a", "b", "c"} {
		h.op.waves = append(h.op.waves, v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("u" + name)}, Status: v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhasePending}})
	}
	p.Status.Revisions = []v1alpha1.RevisionStatus{{Number: 0, State: v1alpha1.RevisionBaseline, Payloads: h.payloads(0)}}
	h.newRevision()
	return h
}

func (h *history) payloads(number int32) []v1alpha1.PinnedPayload {
	var out []v1alpha1.PinnedPayload
	for _, platform := range platforms {
		if platform == v1alpha1.PlatformMacOS && h.rng.IntN(4) == 0 {
			continue
		}
		out = append(out, v1alpha1.PinnedPayload{Platform: platform, GraphPlatforms: "p", Technologies: "mdm",
			Settings: []v1alpha1.PinnedSetting{{DefinitionID: "d", Kind: "Choice", Value: fmt.Sprintf("r%d", number)}}})
	}
	return out
}

func (h *history) revisions() []v1alpha1.RevisionStatus { return h.op.policy.Status.Revisions }

// target is the newest revision that is neither reverted nor retired; 0 for none.
func (h *history) target() int32 {
	for _, r := range slices.Backward(h.revisions()) {
		if r.Number > 0 && h.alive(r.Number) {
			return r.Number
		}
	}
	return 0
}

func (h *history) revision(number int32) *v1alpha1.RevisionStatus {
	for i := range h.op.policy.Status.Revisions {
		if r := &h.op.policy.Status.Revisions[i]; r.Number == number {
			return r
		}
	}
	return nil
}

func (h *history) alive(number int32) bool {
	r := h.revision(number)
	return r != nil && r.State != v1alpha1.RevisionReverted && r.State != v1alpha1.RevisionRetired
}

func (h *history) has(number int32, platform v1alpha1.Platform) bool {
	r := h.revision(number)
	return r != nil && slices.ContainsFunc(r.Payloads, func(p v1alpha1.PinnedPayload) bool { return p.Platform == platform })
}

func (h *history) newRevision() {
	if now := h.revision(h.target()); now != nil && now.Number > 0 && now.State == v1alpha1.RevisionCandidate {
		now.State = v1alpha1.RevisionSuperseded
	}
	h.lastRev++
	st := &h.op.policy.Status
	st.Revisions = append(st.Revisions, v1alpha1.RevisionStatus{Number: h.lastRev, State: v1alpha1.RevisionCandidate, Payloads: h.payloads(h.lastRev)})
}

// promote makes the target stable.
func (h *history) promote() {
	for i := range h.op.policy.Status.Revisions {
		if r := &h.op.policy.Status.Revisions[i]; r.State == v1alpha1.RevisionStable {
			r.State = v1alpha1.RevisionSuperseded
		}
	}
	if r := h.revision(h.target()); r != nil && r.Number > 0 {
		r.State, h.stable = v1alpha1.RevisionStable, r.Number
	}
}

// revert goes back to an earlier revision.
func (h *history) revert() {
	to := int32(h.rng.IntN(int(h.lastRev) + 1))
	if to == 0 || !h.alive(to) || to == h.target() {
		return
	}
	for i := range h.op.policy.Status.Revisions {
		if r := &h.op.policy.Status.Revisions[i]; r.Number > to && h.alive(r.Number) {
			r.State = v1alpha1.RevisionReverted
			h.fell(r.Number)
		}
	}
	if h.stable > to {
		h.stable = to
	}
}

func (h *history) fell(number int32) {
	for _, a := range h.groups {
		if a.revision == number {
			a.stands = false
		}
	}
}

// retire ends revisions that no device has, and forgets those that left no trace.
func (h *history) retire() {
	st := &h.op.policy.Status
	for i := range st.Revisions {
		r := &st.Revisions[i]
		if (r.State == v1alpha1.RevisionSuperseded || r.State == v1alpha1.RevisionReverted) && !h.onDevices(r.Number) {
			r.State = v1alpha1.RevisionRetired
			h.fell(r.Number)
		}
	}
	st.Revisions = slices.DeleteFunc(st.Revisions, func(r v1alpha1.RevisionStatus) bool {
		return r.State == v1alpha1.RevisionRetired && !slices.ContainsFunc(st.Objects, func(o v1alpha1.TenantObject) bool { return o.Revision == r.Number }) &&
			!slices.ContainsFunc(st.Waves, func(a v1alpha1.WaveAdmission) bool { return a.Revision == r.Number && a.State != v1alpha1.Withdrawn })
	})
}

// onDevices says that a device may have a revision: it is in a group of it that stands, and in none that came later on
// every platform and has arrived.
func (h *history) onDevices(number int32) bool {
	for id, a := range h.groups {
		if a.revision != number || !a.stands {
			continue
		}
		for d := range h.tenant.devices {
			if h.tenant.asked(id, d) && !h.replaced(number, d) {
				return true
			}
		}
	}
	return false
}

func (h *history) replaced(number int32, device int) bool {
	for id, a := range h.groups {
		if a.revision > number && a.stands && h.tenant.member(id, device, h.tenant.now) &&
			!slices.ContainsFunc(platforms, func(p v1alpha1.Platform) bool { return h.has(number, p) && !h.has(a.revision, p) }) {
			return true
		}
	}
	return false
}

// wave lets one wave do something.
func (h *history) wave() {
	i := h.rng.IntN(len(h.op.waves) + 1)
	if i == len(h.op.waves) {
		return
	}
	w := &h.op.waves[i]
	s := &w.Status
	current := slices.IndexFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == s.Attempt })
	switch n := h.rng.IntN(20); {
	case n < 6 && h.target() > 0 && (current < 0 || s.Attempts[current].Revision != h.target() || s.Attempts[current].WithdrawnAt != nil):
		s.Attempt++
		id := fmt.Sprintf("g-%s-%d", w.Name, s.Attempt)
		s.Attempts = append(s.Attempts, v1alpha1.WaveAttempt{Attempt: s.Attempt, Revision: h.target(), GroupID: id})
		s.Phase = v1alpha1.PhaseExposing
		h.groups[id] = &attempt{revision: h.target(), stands: true}
	case n < 14 && current >= 0:
		h.expose(w, &s.Attempts[current])
	case n < 15 && s.Phase == v1alpha1.PhaseExposing:
		s.Phase = v1alpha1.PhaseSucceeded
	case n < 17 && s.Attempt > 0 && s.Phase != v1alpha1.PhaseRolledBack:
		h.rollBack(w)
	case n == 17 && s.Attempt > 1 && h.rng.IntN(3) == 0:
		h.removeWave(i)
	case n == 18: // groups of withdrawn attempts go
		s.Attempts = slices.DeleteFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool {
			e := h.op.entry(a.GroupID)
			return a.WithdrawnAt != nil && e != nil && e.State == v1alpha1.Withdrawn
		})
	}
}

func (h *history) expose(w *v1alpha1.PilotWave, a *v1alpha1.WaveAttempt) {
	e := h.op.entry(a.GroupID)
	if e == nil || e.State != v1alpha1.Admitted || w.Status.Phase != v1alpha1.PhaseExposing || !h.groups[a.GroupID].stands {
		return
	}
	for _, d := range h.audience[w.Name] {
		if h.rng.IntN(2) == 0 {
			h.tenant.join(a.GroupID, d)
		}
	}
}

// rollBack withdraws all attempts of the wave that are later than the stable revision.
func (h *history) rollBack(w *v1alpha1.PilotWave) {
	at := metav1.NewTime(h.tenant.now)
	for i := range w.Status.Attempts {
		if a := &w.Status.Attempts[i]; a.Revision > h.stable && a.WithdrawnAt == nil {
			a.WithdrawnAt = &at
			h.groups[a.GroupID].stands = false
		}
	}
	w.Status.Phase = v1alpha1.PhaseRolledBack
}

func (h *history) removeWave(i int) {
	for _, a := range h.op.waves[i].Status.Attempts {
		if e := h.op.entry(a.GroupID); h.op.policy.Spec.DeletionPolicy != v1alpha1.DeletionOrphan || e == nil {
			h.groups[a.GroupID].stands = false
		}
	}
	h.op.waves = slices.Delete(h.op.waves, i, i+1)
}

// reconcile lets the operator work, and notes what it says is over.
func (h *history) reconcile(steps int, lose, forget bool) {
	h.op.reconcile(h.t, steps, lose, forget)
	for id, a := range h.groups {
		if e := h.op.entry(id); !a.stands && a.over.IsZero() && (e == nil || e.State == v1alpha1.Withdrawn) && h.op.policy.Status.Objects != nil {
			a.over = h.tenant.now
		}
	}
	if h.op.quiet {
		if h.settled.IsZero() {
			h.settled = h.tenant.now.Add(maxMemberLag)
		}
		for k, until := range h.excused {
			if until.IsZero() {
				h.excused[k] = h.tenant.now.Add(AssignmentLag)
			}
		}
	}
}

// advance lets time pass, and judges every instant at which something changes for a device.
func (h *history) advance(d time.Duration) {
	until := h.tenant.now.Add(d)
	for _, at := range h.tenant.instants(until) {
		h.judge(at)
	}
	h.tenant.now = until
}

func (h *history) judge(at time.Time) {
	for _, platform := range platforms {
		for device := range h.tenant.devices {
			got := h.tenant.levels(platform, device, at)
			if len(got) > 1 && !h.isExcused(platform, got, at) {
				h.fail(at, "device %d on %s is under %v", device, platform, got)
			}
			if h.foreign || len(got) > 1 || h.settled.IsZero() || at.Before(h.settled) {
				continue
			}
			if want, sure := h.expected(platform, device, at); sure && !slices.Equal(got, want) {
				h.fail(at, "device %d on %s has %v, want %v", device, platform, got, want)
			} else if sure && len(want) > 0 {
				h.moves[want[0]]++
			}
		}
	}
}

func (h *history) isExcused(platform v1alpha1.Platform, levels []int32, at time.Time) bool {
	for _, level := range levels {
		if until, ok := h.excused[LevelKey(platform, level)]; ok && (until.IsZero() || !at.After(until)) {
			h.doubles++
			return true
		}
	}
	return false
}

// expected is what a device has to have, and whether that is sure: the latest revision of those whose groups it is in and
// that nobody took back, else the hold of the population. It is not sure while a later one is being taken back from it.
func (h *history) expected(platform v1alpha1.Platform, device int, at time.Time) (levels []int32, sure bool) {
	if h.tenant.member("x0", device, at) {
		return nil, len(h.op.pop.Exclude) > 0 && at.After(h.deadline) && !h.deadline.IsZero()
	}
	best, leaving := int32(-1), int32(-1)
	pop := h.op.policy.Spec.Population.All || h.tenant.member("p0", device, at) || h.tenant.member("p1", device, at)
	if pop && h.op.policy.Spec.Mode == v1alpha1.ModeGate && h.has(0, platform) {
		best = 0
	}
	for id, a := range h.groups {
		switch {
		case !h.tenant.member(id, device, at):
		case a.stands && h.has(a.revision, platform):
			best = max(best, a.revision)
		case !a.stands && (a.over.IsZero() || at.Sub(a.over) <= AssignmentLag):
			leaving = max(leaving, a.revision)
		}
	}
	if best >= 0 {
		levels = []int32{best}
	}
	return levels, leaving <= best
}

func (h *history) fail(at time.Time, format string, args ...any) {
	h.t.Helper()
	h.t.Fatalf("seed %d, %s: %s\n%s\nentries %+v", h.seed, at.Format("15:04:05"), fmt.Sprintf(format, args...), h.op.history(), h.op.policy.Status.Waves)
}

// live is one random event.
func (h *history) live() {
	switch n := h.rng.IntN(100); {
	case n < 45:
		h.reconcile(1+h.rng.IntN(4), h.rng.IntN(5) == 0, h.rng.IntN(6) == 0)
	case n < 75:
		h.wave()
	case n < 78 && len(h.revisions()) < 5:
		h.newRevision()
	case n < 81:
		h.promote()
	case n < 83:
		h.revert()
	case n < 88:
		h.retire()
	case n < 90:
		h.op.pop.Exclude = [][]string{nil, {"x0"}}[h.rng.IntN(2)]
	case n < 94 && h.foreign:
		h.edit()
	}
	pauses := []time.Duration{0, time.Second, time.Minute, 10 * time.Minute, 31 * time.Minute, 3 * time.Hour}
	if h.seed%2 == 0 { // a hectic life: things overlap
		pauses = []time.Duration{0, time.Second, time.Minute, 5 * time.Minute, 12 * time.Minute}
	}
	h.advance(pauses[h.rng.IntN(len(pauses))])
}

// edit is somebody's change in the portal.
func (h *history) edit() {
	var alive []*object
	for _, o := range h.tenant.objects {
		if o.exists && h.op.recordFor(o.key) != nil {
			alive = append(alive, o)
		}
	}
	if len(alive) == 0 {
		return
	}
	o, kind := alive[h.rng.IntN(len(alive))], h.rng.IntN(7)
	h.op.log = append(h.op.log, fmt.Sprintf("%s somebody's edit %d of %s", h.tenant.now.Format("15:04:05"), kind, o.id))
	drop := func(kinds ...TargetKind) {
		i := -1
		for j, t := range o.targets {
			if slices.Contains(kinds, t.Kind) && (i < 0 || h.rng.IntN(2) == 0) {
				i = j
			}
		}
		if i >= 0 {
			h.tenant.assign(o, slices.Delete(slices.Clone(o.targets), i, i+1))
		}
	}
	switch kind {
	case 0:
		h.tenant.remove(o)
	case 1:
		o.content, o.named = "edited", false
	case 2:
		drop(TargetInclude, TargetAllDevices, TargetAllUsers)
	case 3: // everything that they find
		h.tenant.assign(o, nil)
	case 4: // a group of a wave is excluded from what it is to have
		if o.key.Revision > 0 {
			for _, t := range o.targets {
				if t.Kind == TargetInclude {
					h.tenant.assign(o, append(slices.Clone(o.targets), Target{Kind: TargetExclude, GroupID: t.GroupID}))
					break
				}
			}
		}
	case 5: // an exclusion is taken away: the devices are under two by this edit, until it is repaired
		drop(TargetExclude)
		h.excused[o.key] = time.Time{}
	case 6:
		h.comeAndGo()
	}
}

// comeAndGo: while the operator is down, somebody takes a group from its revision, waits until devices know, and then takes
// it from what excludes it. The devices fall back, and are in the group still.
func (h *history) comeAndGo() {
	ids := slices.Sorted(maps.Keys(h.groups))
	if len(ids) == 0 {
		return
	}
	id := ids[h.rng.IntN(len(ids))]
	for _, strip := range []TargetKind{TargetInclude, TargetExclude} {
		for _, o := range h.tenant.objects {
			if o.exists {
				left := slices.DeleteFunc(slices.Clone(o.targets), func(t Target) bool { return t.Kind == strip && t.GroupID == id })
				if len(left) < len(o.targets) {
					h.tenant.assign(o, left)
				}
			}
		}
		h.advance(AssignmentLag + time.Minute)
	}
}

// settle lets everything come to its end, with nobody else at work, and holds the devices against what they must have.
func (h *history) settle() {
	for range 30 {
		for range 6 {
			h.reconcile(3, false, false)
			h.advance(time.Minute)
		}
		h.advance(10 * time.Minute)
	}
	h.advance(maxMemberLag)
	h.reconcile(9, false, false)
	if !h.op.quiet {
		h.fail(h.tenant.now, "the operator does not come to an end")
	}
	h.deadline = h.tenant.now.Add(-time.Second)
	for _, platform := range platforms {
		for device := range h.tenant.devices {
			want, sure := h.expected(platform, device, h.tenant.now)
			if h.tenant.member("x0", device, h.tenant.now) && len(h.op.pop.Exclude) == 0 {
				continue // decided below by the pace test alone: they are like everybody else
			}
			if got := h.tenant.levels(platform, device, h.tenant.now); !sure || !slices.Equal(got, want) {
				h.fail(h.tenant.now, "in the end device %d on %s has %v, want %v (sure: %v)", device, platform, got, want, sure)
			}
		}
	}
}
