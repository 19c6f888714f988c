// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// beside is a policy of a namespace that was made at a minute, for groups.
func beside(namespace, name string, minute int, groups ...string) *v1alpha1.PasskeyPolicy {
	p := &v1alpha1.PasskeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.NewTime(now.Add(time.Duration(minute) * time.Minute))},
		Spec: v1alpha1.PasskeyPolicySpec{
			TenantRef: v1alpha1.LocalRef{Name: "corp"}, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}, Mode: v1alpha1.ModeGate, Population: &v1alpha1.Population{},
		},
	}
	for _, g := range groups {
		p.Spec.Population.Include = append(p.Spec.Population.Include, v1alpha1.GroupRef{ID: g})
	}
	p.Spec.Population.All = len(groups) == 0
	return p
}

// TestNeighboursOf: those count that write for the same tenant, by whatever Tenant object, platform and scope, and came first;
// of two made in one second that with the lower uid.
func TestNeighboursOf(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	tenant := func(namespace, id string) *v1alpha1.Tenant {
		return &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "corp"}, Spec: v1alpha1.TenantSpec{TenantID: id}}
	}
	self := beside("ns", "m-self", 10)
	user, mac := beside("ns", "user", 0), beside("ns", "mac", 0)
	user.Spec.Scope, mac.Spec.Platforms = v1alpha1.ScopeUser, []v1alpha1.Platform{v1alpha1.PlatformMacOS}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(tenant("ns", "AAAA"), tenant("east", "aaaa"), tenant("west", "bbbb"),
		self, user, mac, beside("east", "first", 1), beside("west", "other-tenant", 1), beside("ns", "a-twin", 10), beside("ns", "z-twin", 10), beside("ns", "younger", 11)).Build()
	n, err := NeighboursOf(t.Context(), c, self)
	if err != nil || len(n.Living) != 8 || n.Living["uid-other-tenant"] || !n.Living["uid-younger"] || len(n.Older) != 2 || n.Older[0].Name != "first" || n.Older[1].Name != "a-twin" {
		t.Errorf("%v: %v, %+v", err, n.Living, n.Older)
	}
}

// TestPromise16_NeighbourWithoutAWayIn: the id of a Microsoft tenant is no secret. Whoever writes it into a Tenant of their own
// namespace keeps no policy of that tenant's owner out: a Tenant that points to another host is another tenant, and one that never
// came in and cannot does not count, until it has something in the tenant.
func TestPromise16_NeighbourWithoutAWayIn(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	stalled := []metav1.Condition{{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonCredentialRefused}}
	signedIn := metav1.NewTime(now)
	for name, tt := range map[string]struct {
		change func(ten *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy)
		counts bool
	}{
		"not looked at yet": {func(*v1alpha1.Tenant, *v1alpha1.PasskeyPolicy) {}, true},
		"same cloud, named": {func(ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) { ten.Spec.Cloud = v1alpha1.CloudGlobal }, true},
		"its own host": {func(ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) {
			ten.Spec.Endpoint = &v1alpha1.TenantEndpoint{GraphURL: "https://evil"}
		}, false},
		"another cloud": {func(ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) { ten.Spec.Cloud = v1alpha1.CloudChina }, false},
		"refused":       {func(ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) { ten.Status.Conditions = stalled }, false},
		"suspended":     {func(ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) { ten.Spec.Suspend = true }, false},
		"refused now": {func(ten *v1alpha1.Tenant, _ *v1alpha1.PasskeyPolicy) {
			ten.Status.Conditions, ten.Status.TokenExpiresAt = stalled, &signedIn
		}, true},
		"refused, and there": {func(ten *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy) {
			ten.Status.Conditions, p.Status.Objects = stalled, []v1alpha1.TenantObject{{ID: "x"}}
		}, true},
		"refused, and on its way": {func(ten *v1alpha1.Tenant, p *v1alpha1.PasskeyPolicy) {
			ten.Status.Conditions, p.Status.Objects = stalled, []v1alpha1.TenantObject{{CreateSentAt: &signedIn}}
		}, true},
	} {
		theirs, policy := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Namespace: "east", Name: "corp"}, Spec: v1alpha1.TenantSpec{TenantID: "aaaa"}}, beside("east", "first", 1)
		tt.change(theirs, policy)
		self := beside("ns", "self", 10)
		c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(theirs, policy, self,
			&v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "corp"}, Spec: v1alpha1.TenantSpec{TenantID: "AAAA"}}).Build()
		n, err := NeighboursOf(t.Context(), c, self)
		if err != nil || (len(n.Older) == 1) != tt.counts {
			t.Errorf("%s: %v, %d older ones, want one: %t", name, err, len(n.Older), tt.counts)
		}
	}
}

// TestRivals: populations that share somebody, by group or by member, and those of which that is not known.
func TestRivals(t *testing.T) {
	device := func(n string) graph.Member {
		return graph.Member{ID: "00000000-0000-4000-8000-00000000000" + n, Kind: graph.MemberDevice}
	}
	src := &tenant{
		groups: []graph.Group{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "hidden", Visibility: "HiddenMembership"}},
		members: map[string][]graph.Member{
			"a": {device("1"), device("2")}, "b": {device("2"), device("3")}, "c": {device("4")},
		},
	}
	excluding := func(p *v1alpha1.PasskeyPolicy, id string) *v1alpha1.PasskeyPolicy {
		p.Spec.Population.Exclude = []v1alpha1.GroupRef{{ID: id}}
		return p
	}
	users, unpopulated := beside("ns", "q", 0, "a"), beside("ns", "q", 0)
	users.Spec.Unit, unpopulated.Spec.Population = v1alpha1.UnitUser, nil
	for name, tt := range map[string]struct {
		p, q *v1alpha1.PasskeyPolicy
		why  string
	}{
		"everyone":                   {beside("ns", "p", 1), beside("ns", "q", 0, "c"), "for everyone"},
		"everyone but these":         {excluding(beside("ns", "p", 1), "c"), beside("ns", "q", 0, "c"), ""},
		"both everyone":              {beside("ns", "p", 1), excluding(beside("ns", "q", 0), "c"), "for everyone"},
		"one group":                  {beside("ns", "p", 1, "a", "c"), beside("ns", "q", 0, "c"), "both include group c"},
		"one member":                 {beside("ns", "p", 1, "a"), beside("ns", "q", 0, "b"), "they share 1 device"},
		"a member that one leaves":   {beside("ns", "p", 1, "a"), excluding(beside("ns", "q", 0, "b"), "a"), ""},
		"nobody":                     {beside("ns", "p", 1, "a"), beside("ns", "q", 0, "c"), ""},
		"members that nobody sees":   {beside("ns", "p", 1, "a"), beside("ns", "q", 0, "hidden"), "may not be listed"},
		"a group that is gone":       {beside("ns", "p", 1, "a"), beside("ns", "q", 0, "gone"), "its population cannot be read: group gone does not exist"},
		"users beside devices":       {beside("ns", "p", 1, "c"), users, "one holds devices and the other users"},
		"without a population":       {beside("ns", "p", 1, "c"), unpopulated, "not known without a population"},
		"without one, and the other": {unpopulated, beside("ns", "q", 0, "c"), "not known without a population"},
	} {
		own, err := ResolvePopulation(t.Context(), src, tt.p.Spec.Population, tt.p.Spec.UnitOrDefault())
		if err != nil {
			t.Fatal(err)
		}
		got, err := rivals(t.Context(), src, tt.p, &own, &Neighbours{Older: []v1alpha1.PasskeyPolicy{*tt.q}})
		if err != nil || len(got) > 0 != (tt.why != "") || len(got) > 0 && (got[0].Policy != "ns/q" || !strings.Contains(got[0].Why, tt.why)) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// TestLeftovers: what a policy that is gone has left is found by its marker, on the platforms of ours.
func TestLeftovers(t *testing.T) {
	made := func(name, cluster, uid string, platform v1alpha1.Platform) graph.ConfigurationPolicy {
		return graph.ConfigurationPolicy{Name: name, Description: Owner{Cluster: cluster, UID: uid}.Marker(plan.LevelKey(platform, 2))}
	}
	all := []graph.ConfigurationPolicy{
		made("b", "here", "gone", v1alpha1.PlatformWindows), made("a", "here", "gone", v1alpha1.PlatformWindows), made("mac", "here", "gone", v1alpha1.PlatformMacOS),
		made("ours", "here", "self", v1alpha1.PlatformWindows), made("living", "here", "living", v1alpha1.PlatformWindows), made("theirs", "there", "x", v1alpha1.PlatformWindows), {Name: "none"},
	}
	got := leftovers(all, Owner{Cluster: "here", UID: "self"}, beside("ns", "p", 0), &Neighbours{Living: map[string]bool{"living": true}})
	if len(got) != 1 || got[0].Gone != "gone" || strings.Join(got[0].Policies, " ") != "a b" {
		t.Errorf("%+v", got)
	}
}
