// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

const noGroup = "99999999-8888-7777-6666-555555555555"

// ids lists the groups of a display name in the tenant.
func (w *world) ids(name string) []string {
	var out []string
	for _, g := range w.Sim.Snapshot(false).Groups {
		if g.DisplayName == name {
			out = append(out, g.ID)
		}
	}
	return out
}

// badGroups are references that name no group, or more than one.
func badGroups(w *world) []struct {
	name, reason string
	ref          v1alpha1.GroupRef
	words        []string
} {
	twins := w.ids("Twin")
	return []struct {
		name, reason string
		ref          v1alpha1.GroupRef
		words        []string
	}{
		{"display name of no group", v1alpha1.ReasonGroupNotFound, v1alpha1.GroupRef{DisplayName: "Nobody's Devices"},
			[]string{`"Nobody's Devices"`, "create it, or correct the name"}},
		{"id of no group", v1alpha1.ReasonGroupNotFound, v1alpha1.GroupRef{ID: noGroup}, []string{noGroup, "check the id"}},
		{"display name of two groups", v1alpha1.ReasonGroupAmbiguous, v1alpha1.GroupRef{DisplayName: "Twin"},
			append([]string{`2 groups have the display name "Twin"`, "by id"}, twins...)},
	}
}

func TestPopulationGroups(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	good := w.Policy().Spec.Population
	p := w.Policy()
	p.Namespace = w.Namespace
	p.Spec.Population.Include = []v1alpha1.GroupRef{{DisplayName: "not there yet"}}
	w.Apply(t, w.Secret(), w.Tenant(), p)
	for _, test := range badGroups(w) {
		t.Run(test.name, func(t *testing.T) {
			// One good group beside the bad one: nothing is written for the half that is right.
			w.Edit(t, p, func() { p.Spec.Population.Include = append([]v1alpha1.GroupRef{test.ref}, good.Include...) })
			w.stuck(t, policy(), test.reason, test.words...)
			w.untouched(t)
		})
		t.Run(test.name+" excluded", func(t *testing.T) {
			w.Edit(t, p, func() {
				p.Spec.Population = &v1alpha1.Population{Include: good.Include, Exclude: []v1alpha1.GroupRef{test.ref}}
			})
			w.stuck(t, policy(), test.reason, test.words...)
			w.untouched(t)
		})
	}
	// The remedy of the ambiguous name: one of the ids that the message lists.
	w.Edit(t, p, func() {
		p.Spec.Population = &v1alpha1.Population{Include: good.Include, Exclude: []v1alpha1.GroupRef{{ID: w.ids("Twin")[0]}}}
	})
	w.goesOn(t)
}

// held wants the wave to be held for this reason with no group made for it and no change of the tenant since.
func (w *world) held(t *testing.T, name, reason string, before uint64, words ...string) {
	t.Helper()
	o := wave(name)
	w.stuck(t, o, reason, words...)
	w.says(t, o, v1alpha1.ConditionAudienceResolved, metav1.ConditionFalse, reason, words...)
	if o.Status.Phase != v1alpha1.PhaseHeld || o.Status.Audience != nil {
		t.Errorf("wave %s is %s with audience %v, want Held without one", name, o.Status.Phase, o.Status.Audience)
	}
	w.unchangedSince(t, before)
	if g := w.ourGroups(); len(g) > 0 {
		t.Errorf("the tenant has %q", g)
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.Options{})
	w.Apply(t, w.Secret(), w.Tenant(), w.Policy())
	w.goesOn(t)
	before := w.Sim.Journal().Changes

	o := w.WaveOn("pilot", "Nobody")
	w.Apply(t, o)
	good := w.WaveOn("pilot", "Pilot").Spec.Audience
	for _, test := range badGroups(w) {
		t.Run(test.name, func(t *testing.T) {
			w.Edit(t, o, func() { o.Spec.Audience.Groups.Include = append([]v1alpha1.GroupRef{test.ref}, good.Groups.Include...) })
			w.held(t, "pilot", test.reason, before, test.words...)
		})
		t.Run(test.name+" excluded", func(t *testing.T) {
			w.Edit(t, o, func() {
				o.Spec.Audience.Groups = v1alpha1.GroupSelection{Include: good.Groups.Include, Exclude: []v1alpha1.GroupRef{test.ref}}
			})
			w.held(t, "pilot", test.reason, before, test.words...)
		})
	}
	for _, test := range []struct {
		name, group string
		change      func(*v1alpha1.Audience)
		reason      string
		words       []string
	}{
		{"too small for its floor", "Small", nil, v1alpha1.ReasonAudienceTooSmall,
			[]string{"4 devices are eligible", "gate.promote.floorRate asks for 0.80", "needs 14 devices", "enlarge the audience or lower the floor"}},
		{"empty", "Empty", nil, v1alpha1.ReasonAudienceEmpty, []string{"select no device", "add devices"}},
		{"below its bounds", "Pilot", func(a *v1alpha1.Audience) { a.Bounds = &v1alpha1.AudienceBounds{Min: ptr.To[int32](50)} },
			v1alpha1.ReasonAudienceOutOfBounds, []string{"spec.audience.bounds.min, 50", "target more devices, or lower the bound"}},
		{"above its bounds", testkit.Everyone, func(a *v1alpha1.Audience) {
			a.Bounds, a.MaxIneligiblePercent = &v1alpha1.AudienceBounds{Max: ptr.To[int32](3)}, ptr.To[int32](100)
		}, v1alpha1.ReasonAudienceOutOfBounds, []string{"spec.audience.bounds.max, 3", "take a smaller slice, or raise the bound"}},
		{"mostly ineligible", testkit.Everyone, func(a *v1alpha1.Audience) { a.MaxIneligiblePercent = ptr.To[int32](0) },
			v1alpha1.ReasonAudienceIneligible, []string{"miss a prerequisite", "spec.audience.maxIneligiblePercent", "(ineligible: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Edit(t, o, func() {
				o.Spec.Audience = *good.DeepCopy()
				o.Spec.Audience.Groups.Include[0].DisplayName = test.group
				if test.change != nil {
					test.change(&o.Spec.Audience)
				}
			})
			w.held(t, "pilot", test.reason, before, test.words...)
		})
	}
	w.Edit(t, o, func() { o.Spec.Audience = good })
	w.exposes(t, "pilot")
}
