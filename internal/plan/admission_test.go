// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

const lag = AssignmentLag

// admissionStep is one look at group w of revision 2, at a time after noon.
type admissionStep struct {
	after    time.Duration
	withdraw bool
	see      string // + complete, i not included, e not excluded, o neither, 1 r1 does not exclude, ? unread, s settings edited, x excluded from r2, a open write
	state    v1alpha1.AdmissionState
	seen     time.Duration // assignedAt after noon, -1 for none
}

// sightOfW is what a look shows, by the letters of admissionStep.
func sightOfW(see string) []Observed {
	hold, r1, r2 := seenHold("w"), seen(r1Key, []string{"v"}, []string{"w"}), seen(r2Key, []string{"W"}, nil)
	for _, c := range see {
		switch c {
		case 'i':
			r2 = seen(r2Key, nil, nil)
		case 'e':
			hold, r1 = seenHold(), seen(r1Key, []string{"v"}, nil)
		case 'o':
			hold, r1, r2 = seenHold(), seen(r1Key, []string{"v"}, nil), seen(r2Key, nil, nil)
		case '1':
			r1 = seen(r1Key, []string{"v"}, nil)
		case 's':
			r2.SettingsMatch = false
		case 'x':
			r2.Assignments = append(r2.Assignments, Target{Kind: TargetExclude, GroupID: "w"})
		case 'a':
			r2.AssignOpen = true
		case 'g':
			r2.Exists, r2.Assignments = false, nil
		case '?':
			return []Observed{hold, r1}
		}
	}
	return []Observed{hold, r1, r2}
}

// TestAdmissions walks a group through looks at the tenant.
func TestAdmissions(t *testing.T) {
	for name, steps := range map[string][]admissionStep{
		"admitted after the lag": {
			{0, false, "o", v1alpha1.Admitting, -1}, {1, false, "i", v1alpha1.Admitting, -1}, {2, false, "+", v1alpha1.Admitting, 2},
			{1 + lag, false, "+", v1alpha1.Admitting, 2}, {2 + lag, false, "+", v1alpha1.Admitted, 2},
		},
		"every earlier level counts": {{0, false, "1", v1alpha1.Admitting, -1}, {1, false, "+", v1alpha1.Admitting, 1}},
		"so do the settings, and who excludes it from its own revision": {
			{0, false, "s", v1alpha1.Admitting, -1}, {1, false, "x", v1alpha1.Admitting, -1}, {2, false, "g", v1alpha1.Admitting, -1},
		},
		"a departure starts the time anew": {{0, false, "+", v1alpha1.Admitting, 0}, {1, false, "i", v1alpha1.Admitting, -1}, {lag, false, "+", v1alpha1.Admitting, lag}},
		"after admission, too": {
			{0, false, "+", v1alpha1.Admitting, 0}, {lag, false, "+", v1alpha1.Admitted, 0}, {lag + 1, false, "e", v1alpha1.Admitting, -1},
			{lag + 2, false, "+", v1alpha1.Admitting, lag + 2}, {2*lag + 1, false, "+", v1alpha1.Admitting, lag + 2}, {2*lag + 2, false, "+", v1alpha1.Admitted, lag + 2},
		},
		"an include that is lost with members in the group: the exclusions keep their time, exposure waits": {
			{0, false, "+", v1alpha1.Admitting, 0}, {lag, false, "+", v1alpha1.Admitted, 0}, {lag + 1, false, "i", v1alpha1.Admitting, 0},
			{lag + 2, false, "+", v1alpha1.Admitting, 0}, {2*lag + 1, false, "+", v1alpha1.Admitted, 0},
		},
		"what is not seen changes nothing": {
			{0, false, "?", v1alpha1.Admitting, -1}, {1, false, "+", v1alpha1.Admitting, 1}, {2, false, "?", v1alpha1.Admitting, 1}, {3, false, "ia", v1alpha1.Admitting, 1},
			{lag + 1, false, "?", v1alpha1.Admitting, 1}, {lag + 2, false, "+", v1alpha1.Admitted, 1}, {lag + 3, false, "?", v1alpha1.Admitted, 1}, {lag + 4, false, "?e", v1alpha1.Admitted, 1},
		},
		"a departure is one whatever else is not seen": {{0, false, "+", v1alpha1.Admitting, 0}, {1, false, "e?", v1alpha1.Admitting, -1}},
		"withdrawn after the lag, when earlier levels have it back": {
			{0, false, "+", v1alpha1.Admitting, 0}, {lag, false, "+", v1alpha1.Admitted, 0}, {lag + 1, true, "+", v1alpha1.Withdrawing, -1},
			{lag + 2, true, "i", v1alpha1.Withdrawing, lag + 2}, {2*lag + 1, true, "o", v1alpha1.Withdrawing, lag + 2}, {2*lag + 2, true, "i", v1alpha1.Withdrawing, lag + 2},
			{2*lag + 3, true, "o", v1alpha1.Withdrawn, lag + 2}, {2*lag + 4, true, "?", v1alpha1.Withdrawn, lag + 2}, {2*lag + 5, true, "+", v1alpha1.Withdrawing, -1},
		},
		"not seen is not left": {{0, false, "+", v1alpha1.Admitting, 0}, {1, true, "?", v1alpha1.Withdrawing, -1}, {2, true, "oa", v1alpha1.Withdrawing, -1}, {3, true, "g", v1alpha1.Withdrawing, 3}},
		"a withdrawal that is taken back starts anew": {
			{0, false, "+", v1alpha1.Admitting, 0}, {1, true, "i", v1alpha1.Withdrawing, 1}, {1 + lag, false, "i", v1alpha1.Admitting, -1},
		},
	} {
		t.Run(name, func(t *testing.T) { walkAdmissions(t, steps) })
	}
}

func walkAdmissions(t *testing.T, steps []admissionStep) {
	var entries []v1alpha1.WaveAdmission
	for i, step := range steps {
		now := noon.Add(step.after)
		g := Group{ID: "w", Wave: "wave", UID: "u", Attempt: 3, Revision: 2, Admit: !step.withdraw, Listed: true}
		if e := entry(entries, "w"); e != nil {
			g.State, g.Occupied = e.State, e.AdmittedAt != nil
		}
		desired := []Desired{wantHold("w"), want(r1Key, []string{"v"}, []string{"w"}), want(r2Key, []string{"w"}, nil)}
		if step.see == "?e" { // hold unread
			entries = Admissions(entries, []Group{g}, desired, sightOfW("+")[1:], now)
		} else {
			entries = Admissions(entries, []Group{g}, desired, sightOfW(step.see), now)
		}
		if len(entries) != 1 {
			t.Fatalf("step %d: %+v", i, entries)
		}
		e := entries[0]
		seen := time.Duration(-1)
		if e.AssignedAt != nil {
			seen = e.AssignedAt.Sub(noon)
		}
		if e.State != step.state || seen != step.seen {
			t.Fatalf("step %d (%s): %s seen %s, want %s seen %s", i, step.see, e.State, seen, step.state, step.seen)
		}
		if e.Name != "wave" || e.UID != "u" || e.Attempt != 3 || e.Revision != 2 || e.Since.After(now) || e.State == v1alpha1.Admitted && e.AdmittedAt == nil {
			t.Errorf("step %d: %+v", i, e)
		}
	}
}

// TestAdmissionsList: who has an entry. A level that reaches nobody keeps nobody waiting.
func TestAdmissionsList(t *testing.T) {
	at := metav1.NewTime(noon.Add(-time.Hour))
	before := []v1alpha1.WaveAdmission{{GroupID: "done", Revision: 2, State: v1alpha1.Withdrawn, Since: at, AssignedAt: &at}, {GroupID: "listed", Revision: 2, State: v1alpha1.Withdrawn, Since: at, AssignedAt: &at}}
	desired := []Desired{want(r1Key, nil, []string{"w"}), want(r2Key, []string{"w"}, nil)}
	observed := []Observed{seen(r1Key, nil, nil), seen(r2Key, []string{"w"}, nil)}
	got := Admissions(before, []Group{
		{ID: "done", Revision: 2, State: v1alpha1.Withdrawn, Released: true}, {ID: "listed", Revision: 2, State: v1alpha1.Withdrawn, Released: true, Listed: true},
		{ID: "never", Revision: 2, Listed: true}, {ID: "w", Revision: 2, Admit: true, Listed: true},
	}, desired, observed, noon)
	want := map[string]v1alpha1.AdmissionState{"listed": v1alpha1.Withdrawn, "w": v1alpha1.Admitting}
	states := map[string]v1alpha1.AdmissionState{}
	for _, e := range got {
		states[e.GroupID] = e.State
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if e := entry(got, "w"); e.AssignedAt == nil {
		t.Error("a level that reaches nobody has to exclude the group")
	}
	observed[0].Assignments = []Target{{Kind: TargetAllDevices}} // somebody made it reach everybody
	if e := entry(Admissions(got, []Group{{ID: "w", Revision: 2, Admit: true, State: v1alpha1.Admitting}}, desired, observed, noon), "w"); e.AssignedAt != nil {
		t.Error("a level that reaches everybody need not exclude the group")
	}
}

// TestPromise09_WithdrawnByPlatform: each platform gives a group back when its own devices have let go. One that shows the group
// again starts over, and what is not seen changes nothing.
func TestPromise09_WithdrawnByPlatform(t *testing.T) {
	later := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	mac := onMac(seenHold("g1"))
	in, out := onMac(seenR1("g1")), onMac(seenR1())
	list := []v1alpha1.WaveAdmission{{GroupID: "g1", Revision: 1, State: v1alpha1.Admitted, Since: metav1.NewTime(noon), AssignedAt: ptr.To(metav1.NewTime(noon))}}
	desired := []Desired{wantHold("g1"), wantR1(), wantOnMac(wantHold("g1")), wantOnMac(wantR1())}
	for _, step := range []struct {
		at       int
		observed []Observed
		released string
	}{
		{0, []Observed{seenHold("g1"), seenR1(), mac, in}, ""},
		{29, []Observed{seenHold("g1"), seenR1(), mac, in}, ""},
		{30, []Observed{seenHold("g1"), seenR1(), mac, in}, "Windows"},
		{35, []Observed{seenHold("g1"), mac, in}, "Windows"},
		{40, []Observed{seenHold(), seenR1("g1"), mac, in}, ""},
		{45, []Observed{seenHold("g1"), seenR1(), mac, out}, ""},
		{75, []Observed{seenHold("g1"), seenR1(), mac, out}, "MacOS Windows"},
	} {
		g := Group{ID: "g1", Revision: 1, State: list[0].State, Listed: true}
		list = Admissions(list, []Group{g}, desired, step.observed, later(step.at))
		var on []string
		for _, p := range ReleasedOn(&list[0], later(step.at)) {
			on = append(on, string(p))
		}
		g.State, g.ReleasedOn = list[0].State, ReleasedOn(&list[0], later(step.at))
		if got := strings.Join(on, " "); got != step.released || g.Excluded(v1alpha1.PlatformWindows) == strings.Contains(step.released, "Windows") {
			t.Errorf("after %d minutes released on %q, want %q: %+v", step.at, got, step.released, list[0])
		}
	}
	list = Admissions(list, []Group{{ID: "g1", Revision: 1, State: list[0].State, Listed: true}}, desired, []Observed{seenHold(), seenR1(), onMac(seenHold()), out}, later(76))
	if list[0].State != v1alpha1.Withdrawn || list[0].Left != nil {
		t.Errorf("%+v", list[0])
	}
}
