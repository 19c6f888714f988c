// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var epoch = time.Date(2026, 3, 2, 8, 0, 0, 123, time.FixedZone("CET", 3600))

func types(list []metav1.Condition) string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Type + "=" + string(c.Status)
	}
	return strings.Join(out, " ")
}

// TestStanding: Ready, Reconciling and Stalled have kstatus meaning, and the last two are there only while they are true.
func TestStanding(t *testing.T) {
	var before []metav1.Condition
	for _, tt := range []struct {
		state State
		want  string
	}{
		{InProgress, "Ready=False Reconciling=True"}, {Current, "Ready=True"}, {Stuck, "Ready=False Stalled=True"},
		{InProgress, "Ready=False Reconciling=True"}, {Suspended, "Ready=Unknown"}, {Stuck, "Ready=False Stalled=True"},
	} {
		before = Conditions(before, 7, epoch, Standing{State: tt.state, Reason: "R", Message: "m"}, nil)
		if got := types(before); got != tt.want {
			t.Errorf("%d: %s, want %s", tt.state, got, tt.want)
		}
		for _, c := range before {
			if c.Reason != "R" || c.Message != "m" || c.ObservedGeneration != 7 || !c.LastTransitionTime.Time.Equal(epoch.Truncate(time.Second)) || c.LastTransitionTime.Location() != time.UTC {
				t.Errorf("%+v", c)
			}
		}
	}
}

// TestConditionsMerge: what is neither set nor kept goes, what is kept stands as it was, and the order is by type.
func TestConditionsMerge(t *testing.T) {
	current := []metav1.Condition{
		{Type: v1alpha1.ConditionPaused, Status: metav1.ConditionTrue, Reason: "P"},
		{Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, Reason: "A", ObservedGeneration: 3, Message: "as it was"},
		{Type: "Foreign", Status: metav1.ConditionTrue, Reason: "F"},
	}
	set := []metav1.Condition{Condition(v1alpha1.ConditionDrifted, false, "InSync", "none"), Unknown(v1alpha1.ConditionInventoryFresh, "NotLoadedYet", "?")}
	got := Conditions(current, 4, epoch, Standing{State: Current, Reason: "S"}, set, v1alpha1.ConditionApplied, v1alpha1.ConditionSettingsResolved)
	if want := "Applied=True Drifted=False InventoryFresh=Unknown Ready=True"; types(got) != want {
		t.Errorf("%s, want %s", types(got), want)
	}
	if diff := cmp.Diff(current[1], got[0]); diff != "" {
		t.Errorf("a kept condition changed:\n%s", diff)
	}
	if current[0].Type != v1alpha1.ConditionPaused || len(current) != 3 {
		t.Error("the caller's list was changed")
	}
}

// TestTransitionTime moves with the status and with nothing else.
func TestTransitionTime(t *testing.T) {
	first := Conditions(nil, 1, epoch, Standing{State: InProgress, Reason: "A"}, nil)
	later := Conditions(first, 2, epoch.Add(time.Hour), Standing{State: InProgress, Reason: "B", Message: "new"}, nil)
	for i, c := range later {
		if !c.LastTransitionTime.Equal(&first[i].LastTransitionTime) || c.Reason != "B" || c.Message != "new" || c.ObservedGeneration != 2 {
			t.Errorf("%+v", c)
		}
	}
	turned := Conditions(later, 2, epoch.Add(2*time.Hour), Standing{State: Current, Reason: "C"}, nil)
	if !turned[0].LastTransitionTime.Time.Equal(epoch.Add(2 * time.Hour).Truncate(time.Second)) {
		t.Errorf("%+v", turned)
	}
}

// TestPromise12_EqualInputEqualOutput: conditions that are computed again at any later time are the same, over random
// histories, and kstatus never sees an object that is both Reconciling and Stalled.
func TestPromise12_EqualInputEqualOutput(t *testing.T) {
	kinds := []string{v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted, v1alpha1.ConditionPaused, v1alpha1.ConditionGatePassed}
	for seed := range 500 {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		var current []metav1.Condition
		now := epoch
		for range 20 {
			now = now.Add(time.Duration(rng.IntN(5000)) * time.Millisecond)
			s := Standing{State: State(rng.IntN(3)), Reason: fmt.Sprint("R", rng.IntN(3)), Message: strings.Repeat("é", rng.IntN(1500))}
			var set []metav1.Condition
			for _, k := range kinds {
				switch rng.IntN(4) {
				case 0:
					set = append(set, Condition(k, rng.IntN(2) == 0, "X", ""))
				case 1:
					set = append(set, Unknown(k, "X", ""))
				}
			}
			generation := int64(rng.IntN(3))
			current = Conditions(current, generation, now, s, set, kinds[rng.IntN(4)])
			reconciling, stalled := meta.IsStatusConditionTrue(current, v1alpha1.ConditionReconciling), meta.IsStatusConditionTrue(current, v1alpha1.ConditionStalled)
			ready := meta.IsStatusConditionTrue(current, v1alpha1.ConditionReady)
			if reconciling && stalled || ready == (reconciling || stalled) {
				t.Fatalf("seed %d: %s", seed, types(current))
			}
			keep := make([]string, 0, len(current))
			for _, c := range current {
				keep = append(keep, c.Type)
			}
			again := Conditions(current, generation, now.Add(48*time.Hour), s, set, keep...)
			if diff := cmp.Diff(current, again); diff != "" {
				t.Fatalf("seed %d:\n%s", seed, diff)
			}
			if !slices.IsSortedFunc(current, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) }) {
				t.Fatalf("seed %d: not sorted: %s", seed, types(current))
			}
		}
	}
}

// TestClip: a text is cut at the end of a rune, never beyond its limit, and only when it must be.
func TestClip(t *testing.T) {
	for _, unit := range []string{"a", "é", "€", "😀"} {
		for n := range 40 {
			text := strings.Repeat(unit, n)
			got := Clip(text, 30)
			switch {
			case len(text) <= 30 && got != text:
				t.Errorf("%q was cut to %q", text, got)
			case len(text) > 30 && (len(got) > 30 || len(got) < 30-len(unit)-2 || !strings.HasSuffix(got, "…") || !utf8.ValidString(got)):
				t.Errorf("%q is clipped to %q, %d bytes", text, got, len(got))
			}
		}
	}
	long := Conditions(nil, 1, epoch, Standing{Message: strings.Repeat("é", 5000)}, nil)
	if n := len(long[0].Message); n > maxMessage || n < maxMessage-3 || !utf8.ValidString(long[0].Message) {
		t.Errorf("a message of %d bytes", n)
	}
	if e := event(true, "R", strings.Repeat("€", 900)); len(e.Message) > maxNote || len(e.Message) > 1024 || !utf8.ValidString(e.Message) || !e.Warning {
		t.Errorf("an event of %d bytes", len(e.Message))
	}
}
