// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// TestOwnerOf reads back what Marker wrote, and nothing else.
func TestOwnerOf(t *testing.T) {
	for text, want := range map[string]Owner{
		"Holds back. " + marker(hold) + " x": self, marker(allow): self, "[tidegate a/b/c/d]": {"a", "b"},
		"": {}, "tidegate cluster/uid/r1/windows": {}, "[tidegate cluster/uid]": {}, "[tidegate a b/c/d/e]": {}, "[tidegate ///]": {},
	} {
		if got, ok := OwnerOf(text); got != want || ok != (want != Owner{}) {
			t.Errorf("%q: %+v, %t", text, got, ok)
		}
	}
}

// TestOtherOperators: whoever marked policies under another cluster's name is reported with them; the policies of this
// cluster, of whatever PasskeyPolicy, and those without a marker are not.
func TestOtherOperators(t *testing.T) {
	marked := func(name string, o Owner) graph.ConfigurationPolicy {
		return graph.ConfigurationPolicy{ID: name, Name: name, Description: o.Marker(hold)}
	}
	src := &tenant{policies: []graph.ConfigurationPolicy{
		live(allow, "p1"), marked("mine too", Owner{"cluster", "uid2"}), {ID: "x", Name: "a baseline"},
		marked("west 2", Owner{"west", "u"}), marked("west 1", Owner{"west", "uid"}), marked("east", Owner{"east", "u"}),
	}}
	got, err := objects(t.Context(), src, nil, []plan.Desired{wanted(allow)}, self, now)
	want := []plan.OtherOperator{{Cluster: "east", Policies: []string{"east"}}, {Cluster: "west", Policies: []string{"west 1", "west 2"}}}
	if diff := gocmp.Diff(want, got.Others); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	src.policies = src.policies[:3]
	if got, err := objects(t.Context(), src, nil, []plan.Desired{wanted(allow)}, self, now); err != nil || got.Others != nil {
		t.Errorf("%+v, %v", got.Others, err)
	}
}

// TestPromise05_Copies: other policies with the marker are found with their targets, whichever of them is the one on
// record; of several that nobody recorded the oldest one with our name is ours.
func TestPromise05_Copies(t *testing.T) {
	at := func(p graph.ConfigurationPolicy, hour int) graph.ConfigurationPolicy {
		p.CreatedAt = time.Date(2026, 6, 1, hour, 0, 0, 0, time.UTC)
		return p
	}
	renamed := at(live(allow, "p0"), 1)
	renamed.Name = "Copy of it"
	described := at(live(allow, "p3"), 3)
	described.Description += " for kiosks"
	src := &tenant{
		policies:    []graph.ConfigurationPolicy{renamed, at(live(allow, "p2"), 9), at(live(allow, "p1"), 2), described, live(hold, "h")},
		assignments: map[string][]graph.Assignment{"p2": {{Kind: graph.TargetGroup, GroupID: "g"}}},
	}
	copies := map[string]plan.Copy{
		"p0": {ID: "p0", Name: "Copy of it"}, "p1": {ID: "p1", Name: wanted(allow).Name, SameName: true},
		"p2": {ID: "p2", Name: wanted(allow).Name, SameName: true, Assignments: []plan.Target{{Kind: plan.TargetInclude, GroupID: "g", Wire: plan.WireTarget{Kind: string(graph.TargetGroup)}}}},
		"p3": {ID: "p3", Name: wanted(allow).Name},
	}
	for record, want := range map[string]string{"": "p1", "p2": "p2", "p0": "p0", "gone": "p1"} {
		got := one(t, src, v1alpha1.TenantObject{ID: record})
		if got.ID != want || !got.Exists || len(got.Copies) != 3 {
			t.Errorf("on record %q: found %q, copies %+v", record, got.ID, got.Copies)
		}
		for _, c := range got.Copies {
			if diff := gocmp.Diff(copies[c.ID], c); diff != "" || c.ID == want {
				t.Errorf("on record %q: %s", record, diff)
			}
		}
	}
	// An admin's duplicate is not taken over when ours is gone, and is still seen.
	src.policies = []graph.ConfigurationPolicy{renamed}
	if got := one(t, src, v1alpha1.TenantObject{ID: "gone"}); got.Exists || got.ID != "gone" || !slices.ContainsFunc(got.Copies, func(c plan.Copy) bool { return c.ID == "p0" }) {
		t.Errorf("%+v", got.Observed)
	}
	// Without a record it may be ours, renamed: it is neither taken over nor made a second time.
	view, err := objects(t.Context(), src, nil, []plan.Desired{wanted(allow)}, self, now)
	var refused *Refusal
	if err != nil || !errors.As(view.Err(), &refused) || refused.Reason != v1alpha1.ReasonMarkerCopied || !strings.Contains(refused.Message, `name it "`+wanted(allow).Name+`" to have it taken over`) {
		t.Errorf("%v, %v", view.Err(), err)
	}
	if view, err := objects(t.Context(), src, []v1alpha1.TenantObject{{Role: allow.Role, Platform: allow.Platform, Revision: 1}}, nil, self, now); err != nil || view.Err() != nil || view.Objects[0].Exists {
		t.Errorf("not wanted either: %+v, %v", view, err)
	}
}

// TestCopiesThatCannotBeRead: a copy that is gone is none; one that cannot be read is left alone, and stops nothing.
func TestCopiesThatCannotBeRead(t *testing.T) {
	src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1"), live(allow, "p2")}, failFor: map[string]error{"p2": notFound}}
	if got := one(t, src, v1alpha1.TenantObject{ID: "p1"}); len(got.Copies) != 0 || !got.Exists {
		t.Errorf("%+v", got.Observed)
	}
	src.failFor["p2"] = errAway
	if got := one(t, src, v1alpha1.TenantObject{ID: "p1"}); len(got.Copies) != 1 || !got.Copies[0].Unreadable || !got.Exists {
		t.Errorf("%+v", got.Observed)
	}
}
