// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// Neighbours are the PasskeyPolicies of this cluster beside one, as far as that one has to know of them.
type Neighbours struct {
	// Older are those that write for the same tenant, platform and scope, and came first: whatever Tenant object or namespace
	// they are of. One that has nothing there and whose Tenant has no way in is not among them: else whoever writes a Tenant in
	// some namespace, of which an id is no secret, could keep a policy of another out. Sorted by age.
	Older []v1alpha1.PasskeyPolicy
	// Younger are those that came later and have objects in the tenant all the same, which is right as long as the two share
	// nobody. Sorted by age.
	Younger []v1alpha1.PasskeyPolicy
	// Living are the uids of all that have a Tenant for the same tenant. What another one left there nobody looks after.
	Living map[string]bool
}

// NeighboursOf lists the neighbours of a policy. c sees all namespaces that the operator works in.
func NeighboursOf(ctx context.Context, c client.Reader, p *v1alpha1.PasskeyPolicy) (Neighbours, error) {
	n := Neighbours{Living: map[string]bool{}}
	var policies v1alpha1.PasskeyPolicyList
	var tenants v1alpha1.TenantList
	if err := errors.Join(c.List(ctx, &policies), c.List(ctx, &tenants)); err != nil {
		return n, fmt.Errorf("list the other policies of the cluster: %w", err)
	}
	ids, out := map[types.NamespacedName]string{}, map[types.NamespacedName]bool{}
	for i := range tenants.Items {
		t := &tenants.Items[i]
		ids[client.ObjectKeyFromObject(t)], out[client.ObjectKeyFromObject(t)] = directory(t), outside(t)
	}
	tenant := ids[TenantOf(p)]
	for i := range policies.Items {
		q := &policies.Items[i]
		n.Living[string(q.UID)] = ids[TenantOf(q)] == tenant
		switch {
		case q.UID == p.UID || tenant == "" || ids[TenantOf(q)] != tenant || !sameObjects(p, q):
		case older(q, p):
			if !out[TenantOf(q)] || present(q) {
				n.Older = append(n.Older, *q)
			}
		case present(q):
			n.Younger = append(n.Younger, *q)
		}
	}
	for _, list := range [][]v1alpha1.PasskeyPolicy{n.Older, n.Younger} {
		slices.SortFunc(list, func(a, b v1alpha1.PasskeyPolicy) int { return age(&a, &b) })
	}
	return n, nil
}

// directory names the Microsoft tenant behind a Tenant: by the host that answers for it too, as anybody can run a host that answers
// for the id of another.
func directory(t *v1alpha1.Tenant) string {
	host := string(cmp.Or(t.Spec.Cloud, v1alpha1.CloudGlobal))
	if e := t.Spec.Endpoint; e != nil {
		host = strings.TrimSuffix(e.GraphURL, ":443")
	}
	return strings.ToLower(t.Spec.TenantID + " at " + host)
}

// outside says that a Tenant was never signed in and cannot be as it is: somebody has to change it, or the Secret, before it can.
// One that was not looked at yet, or that the tenant keeps waiting, is not outside.
func outside(t *v1alpha1.Tenant) bool {
	return t.Status.TokenExpiresAt == nil && (t.Spec.Suspend || meta.IsStatusConditionTrue(t.Status.Conditions, v1alpha1.ConditionStalled))
}

// present says that a policy has something in the tenant, or has sent it there.
func present(p *v1alpha1.PasskeyPolicy) bool {
	return slices.ContainsFunc(p.Status.Objects, func(o v1alpha1.TenantObject) bool { return o.ID != "" || o.CreateSentAt != nil })
}

// sameObjects says that two policies write settings of the same scope on a platform, or have some there: of a platform that left
// the spec devices keep what they have.
func sameObjects(p, q *v1alpha1.PasskeyPolicy) bool {
	scope := func(p *v1alpha1.PasskeyPolicy) v1alpha1.PolicyScope {
		return cmp.Or(p.Spec.Scope, v1alpha1.ScopeDevice)
	}
	theirs := platforms(q)
	return scope(p) == scope(q) && slices.ContainsFunc(platforms(p), func(f v1alpha1.Platform) bool { return slices.Contains(theirs, f) })
}

// platforms are those of the spec and those of objects on record.
func platforms(p *v1alpha1.PasskeyPolicy) []v1alpha1.Platform {
	out := slices.Clone(p.Spec.Platforms)
	for i := range p.Status.Objects {
		out = append(out, p.Status.Objects[i].Platform)
	}
	return out
}

func older(a, b *v1alpha1.PasskeyPolicy) bool { return age(a, b) < 0 }

func age(a, b *v1alpha1.PasskeyPolicy) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.UID, b.UID))
}

// rivals are those of the older policies whose population shares somebody with that of p, and of the younger ones when p is about
// to take in more than it has: they were there first. Where that cannot be told it is taken to be so: two policies on one device
// are a conflict that Intune decides by chance.
func rivals(ctx context.Context, src MemberSource, p *v1alpha1.PasskeyPolicy, own *Population, n *Neighbours) ([]plan.Rival, error) {
	var out []plan.Rival
	first := slices.Clone(n.Older)
	if own.widens(p) {
		first = append(first, n.Younger...)
	}
	for i := range first {
		q := &first[i]
		why, err := overlap(ctx, src, p, own, q)
		if err != nil {
			return nil, fmt.Errorf("compare with PasskeyPolicy %s/%s: %w", q.Namespace, q.Name, err)
		}
		if why != "" {
			out = append(out, plan.Rival{Policy: q.Namespace + "/" + q.Name, Why: why})
		}
	}
	return out, nil
}

// widens says that the population is to include a group that the hold of p does not include yet, or to give one back that it
// excluded. Whoever joins the groups is another matter: that stops the younger policy alone.
func (p *Population) widens(of *v1alpha1.PasskeyPolicy) bool {
	s := &of.Status
	if len(s.Objects) == 0 {
		return true // nothing is written yet
	}
	include, exclude := slices.Clone(p.Include), slices.Clone(p.Exclude)
	if p.All {
		include = append(include, plan.Everyone)
	}
	for i := range s.Waves {
		exclude = append(exclude, s.Waves[i].GroupID)
	}
	return slices.ContainsFunc(s.Objects, func(o v1alpha1.TenantObject) bool {
		return o.Role == v1alpha1.RoleHold && (!within(include, o.IncludeGroups) || !within(o.ExcludeGroups, exclude))
	})
}

// within says that every id of a is among those of b.
func within(a, b []string) bool {
	return !slices.ContainsFunc(a, func(id string) bool {
		return !slices.ContainsFunc(b, func(other string) bool { return strings.EqualFold(id, other) })
	})
}

// overlap says whom two populations share, or why that is not known; empty when they share nobody.
func overlap(ctx context.Context, src MemberSource, p *v1alpha1.PasskeyPolicy, own *Population, q *v1alpha1.PasskeyPolicy) (string, error) {
	switch {
	case p.Spec.Population == nil:
		return "whom this policy is for is not known without a population", nil
	case q.Spec.Population == nil:
		return "whom it is for is not known without a population", nil
	case p.Spec.UnitOrDefault() != q.Spec.UnitOrDefault():
		return "one holds devices and the other users, and which devices they share is not known", nil
	}
	theirs, err := ResolvePopulation(ctx, src, q.Spec.Population, q.Spec.UnitOrDefault())
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		return "its population cannot be read: " + refused.Message, nil
	case graph.KindOf(err) == graph.KindForbidden:
		return "its population cannot be read: " + graph.Readable(err), nil
	case err != nil:
		return "", err
	}
	return own.shares(&theirs), nil
}

// shares says whom two populations of one unit share, or why that is not known; empty when they share nobody. Whoever either
// of them excludes is in no other's way.
func (p *Population) shares(q *Population) string {
	for _, pair := range [][2]*Population{{p, q}, {q, p}} {
		if a, b := pair[0], pair[1]; a.All && (b.All || len(without(without(b.included, b.excluded), a.excluded)) > 0 || !b.Complete()) {
			return "one of the two is for everyone"
		}
	}
	for _, id := range p.Include {
		if slices.ContainsFunc(q.Include, func(other string) bool { return strings.EqualFold(id, other) }) {
			return "both include group " + id
		}
	}
	if hidden := slices.Concat(p.Hidden, q.Hidden); len(hidden) > 0 {
		return "the members of " + strings.Join(hidden, ", ") + " may not be listed, so that it is not known whether they share anybody"
	}
	if n := p.Unreadable + q.Unreadable; n > 0 {
		return fmt.Sprintf("%d of their members cannot be read, so that it is not known whether they share anybody", n)
	}
	mine, theirs := without(p.included, p.excluded), without(q.included, q.excluded)
	if n := len(mine) - len(without(mine, theirs)); n > 0 {
		return fmt.Sprintf("they share %s", counted(n, p.Unit))
	}
	return ""
}

// leftovers are the policies in the tenant that this cluster's operator made for PasskeyPolicies that are gone, as far as they
// are for platforms of p: orphaned, or left behind when a finalizer was released.
func leftovers(all []graph.ConfigurationPolicy, self Owner, p *v1alpha1.PasskeyPolicy, n *Neighbours) []plan.Rival {
	names := map[string][]string{}
	for i := range all {
		m := anyMarker.FindStringSubmatch(all[i].Description)
		if m == nil || m[1] != self.Cluster || m[2] == self.UID || n.Living[m[2]] {
			continue
		}
		if slices.ContainsFunc(p.Spec.Platforms, func(f v1alpha1.Platform) bool { return strings.EqualFold(string(f), m[4]) }) {
			names[m[2]] = append(names[m[2]], all[i].Name)
		}
	}
	var out []plan.Rival
	for uid, list := range names {
		slices.Sort(list)
		out = append(out, plan.Rival{Gone: uid, Policies: list})
	}
	slices.SortFunc(out, func(a, b plan.Rival) int { return cmp.Compare(a.Gone, b.Gone) })
	return out
}
