// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package population

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

var asOf = time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)

func id(n int) audience.ID { return audience.ID{14: byte(n >> 8), 15: byte(n), 0: 1} }

func span(from, to int) []audience.ID {
	var out []audience.ID
	for n := from; n < to; n++ {
		out = append(out, id(n))
	}
	return out
}

// TestAccount: a fleet of 100 in every place that there is.
func TestAccount(t *testing.T) {
	away := map[audience.ID]string{}
	for i, who := range span(0, 10) {
		away[who] = []string{"NotManaged", "Disabled", "Leaving"}[min(i/4, 2)]
	}
	old := map[audience.ID]bool{}
	for _, who := range span(60, 75) {
		old[who] = true
	}
	a := Of(Facts{
		Unit: v1alpha1.UnitDevice, AsOf: asOf,
		Members:    slices.Concat(span(0, 100), span(5, 9)), // some in two groups
		Revisions:  map[int32][]audience.ID{0: span(0, 100), 1: span(5, 40), 2: span(30, 50), 3: span(200, 203)},
		Audiences:  slices.Concat(span(5, 65), span(200, 205)), // 50..64 pending, 200..204 outside
		OutOfReach: func(who audience.ID) (string, bool) { reason, out := away[who]; return reason, out },
		Ineligible: func(who audience.ID) string { return map[bool]string{true: "EdgeTooOld"}[old[who]] },
	})
	want := v1alpha1.PopulationStatus{
		Members: 100, OnHold: 50, InNoWave: 35, Outside: 5, AsOf: metav1.NewTime(asOf),
		Revisions:  []v1alpha1.RevisionCount{{Revision: 1, Count: 20}, {Revision: 2, Count: 20}},
		OutOfReach: []v1alpha1.ReasonCount{{Reason: "Disabled", Count: 4}, {Reason: "NotManaged", Count: 4}, {Reason: "Leaving", Count: 2}},
	}
	if diff := gocmp.Diff(want, a.Status); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if text, want := a.Sentence(), "50 devices are still on hold: InNoWave 25, PendingInWave 15, EdgeTooOld 10; 5 devices are in an audience and outside of spec.population, so that nothing holds them back"; text != want {
		t.Errorf("%q\nwant %q", text, want)
	}
}

func TestSentence(t *testing.T) {
	for want, f := range map[string]Facts{
		"":                                    {Members: span(0, 5), Revisions: map[int32][]audience.ID{4: span(0, 5)}},
		"1 user is still on hold: InNoWave 1": {Unit: v1alpha1.UnitUser, Members: span(0, 1)},
		"7 devices are still on hold: InNoWave 2, a 1, b 1, c 1, d 1, …": {Members: span(0, 7), Ineligible: func(who audience.ID) string {
			return []string{"", "", "d", "c", "b", "a", "e"}[who[15]]
		}},
	} {
		a := Of(f)
		if got := a.Sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPromise17_NumbersAddUp: on hold, on each revision and out of reach are the members, whoever is where, and each member
// is where a slow oracle, which looks at one member after the other, puts it.
func TestPromise17_NumbersAddUp(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		pick := func(part float64) []audience.ID {
			var out []audience.ID
			for n := range 60 {
				for r.Float64() < part {
					out = append(out, id(n))
				}
			}
			return out
		}
		away, ineligible := pick(0.2), pick(0.3)
		f := Facts{
			AsOf: asOf, Members: pick(0.6), Audiences: pick(0.4),
			Revisions:  map[int32][]audience.ID{0: pick(0.5), 1: pick(0.2), 2: pick(0.2), 7: pick(0.1)},
			OutOfReach: func(who audience.ID) (string, bool) { return "Away", slices.Contains(away, who) },
			Ineligible: func(who audience.ID) string {
				return map[bool]string{true: "Old"}[slices.Contains(ineligible, who)]
			},
		}
		a := Of(f)
		total := a.Status.OnHold
		for _, c := range a.Status.Revisions {
			total += c.Count
		}
		for _, c := range a.Status.OutOfReach {
			total += c.Count
		}
		held := int32(0)
		for _, c := range a.Held {
			held += c.Count
		}
		if total != a.Status.Members || held != a.Status.OnHold || a.Status.InNoWave > a.Status.OnHold {
			t.Fatalf("seed %d: %+v, held %v", seed, a.Status, a.Held)
		}
		if diff := gocmp.Diff(oracle(f, away), a.Status); diff != "" {
			t.Fatalf("seed %d: -oracle +got:\n%s", seed, diff)
		}
	}
}

func oracle(f Facts, away []audience.ID) v1alpha1.PopulationStatus {
	s := v1alpha1.PopulationStatus{AsOf: metav1.NewTime(f.AsOf)}
	perRevision := map[int32]int32{}
	out := int32(0)
	for n := range 60 {
		who := id(n)
		top := int32(0)
		for _, number := range []int32{1, 2, 7} {
			if slices.Contains(f.Revisions[number], who) {
				top = number
			}
		}
		inAudience := slices.Contains(f.Audiences, who)
		switch {
		case !slices.Contains(f.Members, who):
			if inAudience || top > 0 {
				s.Outside++
			}
			continue
		case slices.Contains(away, who):
			out++
		case top > 0:
			perRevision[top]++
		default:
			s.OnHold++
			if !inAudience {
				s.InNoWave++
			}
		}
		s.Members++
	}
	for number, n := range perRevision {
		s.Revisions = append(s.Revisions, v1alpha1.RevisionCount{Revision: number, Count: n})
	}
	slices.SortFunc(s.Revisions, func(a, b v1alpha1.RevisionCount) int { return cmp.Compare(a.Revision, b.Revision) })
	if out > 0 {
		s.OutOfReach = []v1alpha1.ReasonCount{{Reason: "Away", Count: out}}
	}
	return s
}
