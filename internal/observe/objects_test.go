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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
)

var (
	allow = plan.LevelKey(v1alpha1.PlatformWindows, 1)
	hold  = plan.LevelKey(v1alpha1.PlatformWindows, 0)
)

var (
	self = Owner{Cluster: "cluster", UID: "uid"}
	now  = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
)

func marker(k plan.Key) string { return self.Marker(k) }

func wanted(k plan.Key) plan.Desired {
	return plan.Desired{
		Key: k, Name: "Tidegate " + k.String(), Description: "mine " + marker(k), Hash: "h",
		Settings: []settings.Instance{{DefinitionID: "d", Kind: settings.InstanceChoice, Value: "d_1"}},
	}
}

func live(k plan.Key, id string) graph.ConfigurationPolicy {
	d := wanted(k)
	return graph.ConfigurationPolicy{ID: id, Name: d.Name, Description: d.Description}
}

// one observes the allow policy alone.
func one(t *testing.T, src *tenant, rec v1alpha1.TenantObject) plan.Seen {
	t.Helper()
	rec.Role, rec.Platform, rec.Revision = allow.Role, allow.Platform, allow.Revision
	got, err := objects(t.Context(), src, []v1alpha1.TenantObject{rec}, []plan.Desired{wanted(allow)}, self, now)
	if err != nil || len(got.Objects) != 1 || got.Objects[0].Err != nil {
		t.Fatalf("%v, %v", got, err)
	}
	return got.Objects[0]
}

func TestMarker(t *testing.T) {
	if got := marker(allow); got != "[tidegate cluster/uid/r1/windows]" {
		t.Error(got)
	}
	if strings.Contains(marker(hold), marker(allow)) || (Owner{"cluster", "uid2"}).Marker(allow) == marker(allow) || (Owner{"other", "uid"}).Marker(allow) == marker(allow) {
		t.Error("two objects have one marker")
	}
}

// TestObjectAsWritten: a policy that is as it should be matches in every respect, and keeps the record's targets.
func TestObjectAsWritten(t *testing.T) {
	src := &tenant{
		policies: []graph.ConfigurationPolicy{live(allow, "p1")}, settings: map[string][]graph.Setting{"p1": {{Instance: graph.ChoiceSetting("d", "d_1")}}},
		assignments: map[string][]graph.Assignment{"p1": {{Kind: graph.TargetGroup, GroupID: "g"}}},
	}
	got := one(t, src, v1alpha1.TenantObject{ID: "p1", Hash: "h", IncludeGroups: []string{"g"}, ExcludeGroups: []string{"x"}})
	want := plan.Observed{Key: allow, ID: "p1", Exists: true, SettingsMatch: true, NameMatch: true,
		Assignments: []plan.Target{{Kind: plan.TargetInclude, GroupID: "g", Wire: plan.WireTarget{Kind: string(graph.TargetGroup)}}}, Previous: plan.Previous{Include: []string{"g"}, Exclude: []string{"x"}, Hash: "h"}}
	if diff := gocmp.Diff(want, got.Observed); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	src.settings["p1"][0].Instance = graph.ChoiceSetting("d", "d_0")
	src.policies[0].Name = "renamed"
	if got := one(t, src, v1alpha1.TenantObject{ID: "p1"}); got.SettingsMatch || got.NameMatch {
		t.Errorf("%+v", got)
	}
}

// TestPromise05_Adoption: without an id, or with one that the tenant does not know, a policy is found by its marker.
func TestPromise05_Adoption(t *testing.T) {
	sent := &metav1.Time{Time: time.Unix(1, 0)}
	stranger := live(allow, "p0")
	stranger.Description = "a copy without the marker"
	for name, tt := range map[string]struct {
		rec      v1alpha1.TenantObject
		policies []graph.ConfigurationPolicy
		want     plan.Observed
	}{
		"never made":               {v1alpha1.TenantObject{}, []graph.ConfigurationPolicy{stranger}, plan.Observed{}},
		"create open, not found":   {v1alpha1.TenantObject{CreateSentAt: sent}, nil, plan.Observed{CreateOpen: true}},
		"create open, found":       {v1alpha1.TenantObject{CreateSentAt: sent}, []graph.ConfigurationPolicy{stranger, live(allow, "p1")}, plan.Observed{ID: "p1", Exists: true}},
		"status lost":              {v1alpha1.TenantObject{}, []graph.ConfigurationPolicy{live(allow, "p1")}, plan.Observed{ID: "p1", Exists: true}},
		"status from a backup":     {v1alpha1.TenantObject{ID: "older"}, []graph.ConfigurationPolicy{live(allow, "p1")}, plan.Observed{ID: "p1", Exists: true}},
		"gone":                     {v1alpha1.TenantObject{ID: "p1"}, []graph.ConfigurationPolicy{stranger}, plan.Observed{ID: "p1"}},
		"gone, with a stale entry": {v1alpha1.TenantObject{ID: "p1", CreateSentAt: sent}, nil, plan.Observed{ID: "p1"}},
		"another role's marker":    {v1alpha1.TenantObject{}, []graph.ConfigurationPolicy{{ID: "h1", Name: wanted(allow).Name, Description: marker(hold)}}, plan.Observed{}},
	} {
		got := one(t, &tenant{policies: tt.policies}, tt.rec)
		if got.ID != tt.want.ID || got.Exists != tt.want.Exists || got.CreateOpen != tt.want.CreateOpen {
			t.Errorf("%s: %+v", name, got.Observed)
		}
	}
}

// TestAssignOpenIsSeen: the journal's mark reaches the plan.
func TestAssignOpenIsSeen(t *testing.T) {
	src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1")}}
	for _, at := range []*metav1.Time{nil, {Time: time.Unix(1, 0)}} {
		if got := one(t, src, v1alpha1.TenantObject{ID: "p1", AssignSentAt: at}); got.AssignOpen != (at != nil) {
			t.Errorf("%v: %+v", at, got.Observed)
		}
	}
}

// TestPromise06_NotOwned: a policy under our id without our marker is refused, with the remedy.
func TestPromise06_NotOwned(t *testing.T) {
	p := live(allow, "p1")
	p.Description = marker(hold)
	rec := []v1alpha1.TenantObject{{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "p1"}}
	view, err := objects(t.Context(), &tenant{policies: []graph.ConfigurationPolicy{p}}, rec, []plan.Desired{wanted(allow)}, self, now)
	var refused *Refusal
	if err != nil || !errors.As(view.Err(), &refused) || refused.Reason != v1alpha1.ReasonObjectNotOwned || !strings.Contains(refused.Message, marker(allow)) || !strings.Contains(refused.Message, "put the marker back, or delete the policy") {
		t.Errorf("%v", err)
	}
}

// TestTargets: groups are Include and Exclude; what carries a filter or comes of a policy set is other, and all that
// it takes to send it back is kept.
func TestTargets(t *testing.T) {
	list := []graph.Assignment{
		{Kind: graph.TargetExclusionGroup, GroupID: "x", Source: "direct"}, {Kind: graph.TargetGroup, GroupID: "f", FilterID: "filter", FilterType: "exclude"},
		{Kind: graph.TargetGroup, GroupID: "s", Source: "policySets"}, {Kind: graph.TargetAllDevices}, {Kind: graph.TargetAllLicensedUsers},
		{Kind: graph.TargetOther, Raw: []byte(`{"@odata.type":"#x"}`)}, {Kind: graph.TargetGroup, GroupID: "g"},
	}
	src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1")}, assignments: map[string][]graph.Assignment{"p1": list}}
	wire := func(k graph.TargetKind) plan.WireTarget { return plan.WireTarget{Kind: string(k)} }
	want := []plan.Target{
		{Kind: plan.TargetExclude, GroupID: "x", Wire: wire(graph.TargetExclusionGroup)},
		{Kind: plan.TargetOther, GroupID: "f", FilterID: "filter", Wire: plan.WireTarget{Kind: string(graph.TargetGroup), FilterType: "exclude"}},
		{Kind: plan.TargetOther, GroupID: "s", Wire: wire(graph.TargetGroup)},
		{Kind: plan.TargetAllDevices, Wire: wire(graph.TargetAllDevices)}, {Kind: plan.TargetAllUsers, Wire: wire(graph.TargetAllLicensedUsers)},
		{Kind: plan.TargetOther, Wire: plan.WireTarget{Kind: string(graph.TargetOther), Raw: `{"@odata.type":"#x"}`}},
		{Kind: plan.TargetInclude, GroupID: "g", Wire: wire(graph.TargetGroup)},
	}
	if diff := gocmp.Diff(want, one(t, src, v1alpha1.TenantObject{ID: "p1"}).Observed.Assignments); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestObjectsOnRecord: what is wanted comes first, then what is only on record; of that settings are not read.
func TestObjectsOnRecord(t *testing.T) {
	src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1"), live(hold, "p2")}}
	rec := []v1alpha1.TenantObject{{Role: hold.Role, Platform: hold.Platform, ID: "p2", Name: wanted(hold).Name}, {Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "p1"}}
	view, err := objects(t.Context(), src, rec, []plan.Desired{wanted(allow)}, self, now)
	if got := view.Objects; err != nil || len(got) != 2 || got[0].Key != allow || got[1].Key != hold || !got[1].Exists || got[1].SettingsMatch || src.count("PolicySettings") != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	rec[0].ID = "" // lost: the record's own name finds it
	if got, err := objects(t.Context(), src, rec[:1], nil, self, now); err != nil || len(got.Objects) != 1 || got.Objects[0].ID != "p2" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestPromise04_UnreadableIsNoAnswer: without the list nothing is known; an object that cannot be read says so, shows
// nothing, and stands in nobody's way.
func TestPromise04_UnreadableIsNoAnswer(t *testing.T) {
	rec := []v1alpha1.TenantObject{{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "p1"}}
	src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1"), live(hold, "p2")}, fail: map[string]error{"ConfigurationPolicies": errAway}}
	if got, err := objects(t.Context(), src, rec, []plan.Desired{wanted(allow)}, self, now); !errors.Is(err, errAway) || got.Objects != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, call := range []string{"ConfigurationPolicy", "Assignments", "PolicySettings"} {
		src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1"), live(hold, "p2")}, fail: map[string]error{call: errAway}}
		got, err := objects(t.Context(), src, rec, []plan.Desired{wanted(allow)}, self, now)
		if err != nil || !errors.Is(got.Err(), errAway) || got.Objects[0].Exists || got.Objects[0].ID != "" || got.Objects[0].Key != allow {
			t.Errorf("%s: %+v, %v", call, got, err)
		}
	}
	src = &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1"), live(hold, "p2")}, failFor: map[string]error{"p1": errAway}}
	got, err := objects(t.Context(), src, rec, []plan.Desired{wanted(allow), wanted(hold)}, self, now)
	if err != nil || got.Objects[0].Err == nil || got.Objects[1].Err != nil || !got.Objects[1].Exists {
		t.Errorf("one of two: %+v, %v", got, err)
	}
}

// TestRecorded: by the ids on record alone, without a list and without settings.
func TestRecorded(t *testing.T) {
	src := &tenant{policies: []graph.ConfigurationPolicy{live(allow, "p1"), live(hold, "p2")}, fail: map[string]error{"ConfigurationPolicies": errAway, "PolicySettings": errAway},
		failFor: map[string]error{"p2": errAway}, assignments: map[string][]graph.Assignment{"p1": {{Kind: graph.TargetGroup, GroupID: "g"}}}}
	got := Recorded(t.Context(), src, []v1alpha1.TenantObject{
		{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "p1"}, {Role: hold.Role, Platform: hold.Platform, ID: "p2"}, {Role: hold.Role, Platform: v1alpha1.PlatformMacOS, ID: "gone"},
	}, self, now)
	if len(got) != 3 || !got[0].Exists || len(got[0].Observed.Assignments) != 1 || !errors.Is(got[1].Err, errAway) || got[2].Err != nil || got[2].Exists {
		t.Errorf("%+v", got)
	}
}

// TestPromise05_NotShownYet: a policy that was made a moment ago and is not shown is not gone.
func TestPromise05_NotShownYet(t *testing.T) {
	for ago, gone := range map[time.Duration]bool{0: false, ReplicationLag - time.Second: false, ReplicationLag: true} {
		rec := v1alpha1.TenantObject{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "p1", Name: "n", AppliedAt: &metav1.Time{Time: now.Add(-ago)}}
		got, err := objects(t.Context(), &tenant{}, []v1alpha1.TenantObject{rec}, []plan.Desired{wanted(allow)}, self, now)
		if err != nil || (got.Err() == nil) != gone || !gone && graph.KindOf(got.Err()) != graph.KindTransient {
			t.Errorf("%s ago: %v, %v", ago, got.Err(), err)
		}
	}
}

// TestSameSettings: order does not matter, everything else does.
func TestSameSettings(t *testing.T) {
	want := []settings.Instance{
		{DefinitionID: "b", Kind: settings.InstanceString, Value: "x"}, {DefinitionID: "n", Kind: settings.InstanceInteger, Value: "7"},
		{DefinitionID: "a", Kind: settings.InstanceChoice, Value: "a_1", Children: []settings.Instance{
			{DefinitionID: "c1", Kind: settings.InstanceInteger, Value: "1"}, {DefinitionID: "c2", Kind: settings.InstanceString, Value: "y"}}},
	}
	same := func() []graph.Setting {
		return []graph.Setting{
			{Instance: graph.ChoiceSetting("a", "a_1", graph.StringSetting("c2", "y"), graph.IntegerSetting("c1", 1))},
			{Instance: graph.IntegerSetting("n", 7)}, {Instance: graph.StringSetting("b", "x")},
		}
	}
	if !SameSettings(want, same()) || !SameSettings(nil, nil) {
		t.Error("the same settings are different")
	}
	for name, change := range map[string]func(s []graph.Setting) []graph.Setting{
		"one less": func(s []graph.Setting) []graph.Setting { return s[:2] },
		"one more": func(s []graph.Setting) []graph.Setting {
			return append(s, graph.Setting{Instance: graph.StringSetting("z", "")})
		},
		"value":      func(s []graph.Setting) []graph.Setting { s[2].Instance = graph.StringSetting("b", "X"); return s },
		"number":     func(s []graph.Setting) []graph.Setting { s[1].Instance = graph.IntegerSetting("n", 8); return s },
		"kind":       func(s []graph.Setting) []graph.Setting { s[1].Instance = graph.StringSetting("n", "7"); return s },
		"definition": func(s []graph.Setting) []graph.Setting { s[2].Instance = graph.StringSetting("B", "x"); return s },
		"child": func(s []graph.Setting) []graph.Setting {
			s[0].Instance = graph.ChoiceSetting("a", "a_1", graph.IntegerSetting("c1", 1))
			return s
		},
		"child's value": func(s []graph.Setting) []graph.Setting {
			s[0].Instance = graph.ChoiceSetting("a", "a_1", graph.StringSetting("c2", "z"), graph.IntegerSetting("c1", 1))
			return s
		},
		"a kind that we never write": func(s []graph.Setting) []graph.Setting {
			s[2].Instance = graph.SettingInstance{DefinitionID: "b", Kind: "Collection"}
			return s
		},
		"such a kind in a child": func(s []graph.Setting) []graph.Setting {
			s[0].Instance = graph.ChoiceSetting("a", "a_1", graph.SettingInstance{DefinitionID: "c1", Kind: "Collection"}, graph.StringSetting("c2", "y"))
			return s
		},
	} {
		if SameSettings(want, change(same())) {
			t.Errorf("%s: no difference is seen", name)
		}
	}
	first := want[0].DefinitionID
	SameSettings(want, same())
	if want[0].DefinitionID != first {
		t.Error("the caller's list was sorted in place")
	}
}

// TestDefinition: a catalog entry becomes a plain value.
func TestDefinition(t *testing.T) {
	got := definition(&graph.SettingDefinition{
		ID: "id", Name: "n", DisplayName: "dn", CategoryID: "c", RootDefinitionID: "r", Platform: "windows10, macOS,", Technologies: "mdm", Kind: "ChoiceSettingDefinition",
		Options: []graph.SettingOption{{ItemID: "i", DisplayName: "on", Value: true}, {ItemID: "j", Value: nil}},
	})
	want := settings.Definition{ID: "id", Name: "n", DisplayName: "dn", CategoryID: "c", RootDefinitionID: "r", Platforms: []string{"windows10", "macOS"},
		Technologies: []string{"mdm"}, Kind: settings.KindChoice, Options: []settings.Option{{ItemID: "i", DisplayName: "on", Value: "true"}, {ItemID: "j"}}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for in, out := range map[string]string{"SimpleSettingDefinition": settings.KindSimple, "RedirectSettingDefinition": "RedirectSettingDefinition"} {
		if got := definition(&graph.SettingDefinition{Kind: in}); got.Kind != out || got.Platforms != nil {
			t.Errorf("%+v", got)
		}
	}
}

// TestCatalogs: answers are kept for a day, for one client; a failure is kept not at all, and Drop asks again.
func TestCatalogs(t *testing.T) {
	src := &tenant{}
	for _, term := range settings.SearchTerms() {
		src.defs = append(src.defs, graph.SettingDefinition{ID: term}, graph.SettingDefinition{ID: term + "_" + strings.Join(settings.SearchTerms(), "_")})
	}
	c, key, now := NewCatalogs(), types.NamespacedName{Name: "corp"}, time.Unix(1_800_000_000, 0)
	terms := len(settings.SearchTerms())
	ask := func(src *tenant, at time.Time) []settings.Definition {
		t.Helper()
		defs, err := c.Definitions(t.Context(), key, src, at)
		if err != nil {
			t.Fatal(err)
		}
		return defs
	}
	first := ask(src, now)
	ids := make([]string, len(first))
	for i := range first {
		ids[i] = first[i].ID
	}
	slices.Sort(ids)
	if len(ids) != 2*terms || len(slices.Compact(ids)) != 2*terms || len(src.calls) != terms {
		t.Errorf("%d definitions from %d searches", len(first), len(src.calls))
	}
	for _, step := range []struct {
		name  string
		do    func()
		calls int
	}{
		{"again", func() { ask(src, now.Add(time.Hour)) }, 0},
		{"just below a day", func() { ask(src, now.Add(catalogAge-time.Second)) }, 0},
		{"a clock that went back", func() { ask(src, now.Add(-time.Hour)) }, terms},
		{"after a day", func() { ask(src, now.Add(catalogAge)) }, terms},
		{"dropped", func() { c.Drop(key); ask(src, now.Add(catalogAge)) }, terms},
	} {
		before := len(src.calls)
		step.do()
		if got := len(src.calls) - before; got != step.calls {
			t.Errorf("%s: %d searches, want %d", step.name, got, step.calls)
		}
	}
	other := &tenant{}
	if ask(other, now.Add(catalogAge)); len(other.calls) != terms {
		t.Errorf("another client: %d searches", len(other.calls))
	}
	broken := &tenant{fail: map[string]error{"SettingDefinitions": errAway}}
	for range 2 {
		if defs, err := c.Definitions(t.Context(), key, broken, now); !errors.Is(err, errAway) || defs != nil {
			t.Errorf("%v, %v", defs, err)
		}
	}
	if len(broken.calls) != 2 {
		t.Errorf("a failure was kept: %v", broken.calls)
	}
}
