// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/naming"
	"github.com/tidegate/tidegate/internal/settings"
)

// Want lists the tenant objects that a policy should have, by platform and revision: hold in mode Gate, then every revision
// that is live, and every one that is not while it has a group that devices may not have let go of. describe gives the
// description of an object, with its marker.
//
// Hold includes the population. A revision includes its admitted groups. All exclude what the population excludes, and the
// groups of all later revisions that have something on the platform.
func Want(p *v1alpha1.PasskeyPolicy, revisions []v1alpha1.RevisionStatus, pop Population, groups []Group, describe func(Key) string) []Desired {
	w := wishes{policy: p, revisions: revisions, population: pop, groups: groups, describe: describe}
	var out []Desired
	for i := range revisions {
		r := &revisions[i]
		if r.Number == 0 && p.Spec.Mode != v1alpha1.ModeGate || r.Number > 0 && !live(r) && !w.held(r.Number) {
			continue
		}
		for j := range r.Payloads {
			if len(r.Payloads[j].Settings) > 0 {
				out = append(out, w.object(r, &r.Payloads[j]))
			}
		}
	}
	slices.SortFunc(out, func(a, b Desired) int { return compareKeys(a.Key, b.Key) })
	return out
}

func live(r *v1alpha1.RevisionStatus) bool {
	return r.State != v1alpha1.RevisionReverted && r.State != v1alpha1.RevisionRetired
}

// wishes is what the wanted objects follow from.
type wishes struct {
	policy     *v1alpha1.PasskeyPolicy
	revisions  []v1alpha1.RevisionStatus
	population Population
	groups     []Group
	describe   func(Key) string
}

// held says that a revision has a group that is not yet done with.
func (w *wishes) held(revision int32) bool {
	return slices.ContainsFunc(w.groups, func(g Group) bool {
		return g.Revision == revision && (g.Admit || g.State != "" && g.State != v1alpha1.Withdrawn)
	})
}

func (w *wishes) object(r *v1alpha1.RevisionStatus, pay *v1alpha1.PinnedPayload) Desired {
	key := LevelKey(pay.Platform, r.Number)
	inst := instances(pay.Settings)
	d := Desired{
		Key: key, Name: Name(w.policy.Namespace, w.policy.Name, key), Description: w.describe(key),
		Platforms: pay.GraphPlatforms, Technologies: pay.Technologies, Settings: inst,
		Hash:     settings.HashInstances(pay.GraphPlatforms, pay.Technologies, inst),
		Everyone: everyone(w.policy.Spec.Unit), Retiring: r.Number > 0 && !live(r),
		Exclude: slices.Clone(w.population.Exclude),
	}
	for i := range w.groups {
		g := &w.groups[i]
		switch {
		case g.Revision == r.Number && g.Admit:
			d.Include = append(d.Include, g.ID)
			if g.Occupied {
				d.Occupied = append(d.Occupied, g.ID)
			}
			if g.Occupied && !g.Cleared {
				d.KeepOnly = append(d.KeepOnly, g.ID)
			}
		case g.Revision > r.Number && g.Excluded(pay.Platform) && w.on(g.Revision, pay.Platform):
			d.Exclude = append(d.Exclude, g.ID)
		}
	}
	if r.Number == 0 {
		d.Include = w.population.Include
		if pop := w.policy.Spec.Population; pop != nil && pop.All {
			d.Include = []string{Everyone}
		}
	}
	return d
}

// on says that a revision has something on a platform. Of one that nobody knows any more that is taken to be so.
func (w *wishes) on(revision int32, platform v1alpha1.Platform) bool {
	i := slices.IndexFunc(w.revisions, func(r v1alpha1.RevisionStatus) bool { return r.Number == revision })
	return i < 0 || slices.ContainsFunc(w.revisions[i].Payloads, func(p v1alpha1.PinnedPayload) bool {
		return p.Platform == platform && len(p.Settings) > 0
	})
}

func instances(pinned []v1alpha1.PinnedSetting) []settings.Instance {
	out := make([]settings.Instance, len(pinned))
	for i, s := range pinned {
		out[i] = settings.Instance{DefinitionID: s.DefinitionID, Kind: settings.InstanceKind(s.Kind), Value: s.Value}
	}
	return out
}

// everyone is the kind of target that means everybody of a unit (contract a.5).
func everyone(unit v1alpha1.Unit) TargetKind {
	if unit == v1alpha1.UnitUser {
		return TargetAllUsers
	}
	return TargetAllDevices
}

// Name of a policy in the tenant, such as "Tidegate prod/passkeys Windows r2", or "… Windows Hold" for hold. It is for
// people; the marker in the description is what counts.
func Name(namespace, name string, key Key) string {
	return naming.Fit(fmt.Sprintf("Tidegate %s/%s", namespace, name), fmt.Sprintf(" %s %s", key.Platform, key.Level()), naming.MaxPolicyName)
}
