// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func nameOf(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: Namespace, Name: name}
}

// Claims is P14, for a world in which everything has arrived: what policies and waves say of themselves is what devices feel.
func (o *Oracle) Claims() {
	o.look()
	ledgers, err := o.w.ledgers()
	if err != nil {
		o.Broke("P10", "a ledger cannot be read: %v", err)
		return
	}
	for _, p := range o.w.Policies() {
		if p.DeletionTimestamp != nil {
			continue
		}
		o.exclusions(p)
		if meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) {
			o.claimsOfPolicy(p)
			o.account(p)
		}
	}
	for _, w := range o.w.Waves() {
		o.claimsOfWave(w, ledgers[string(w.UID)][w.Status.Attempt])
	}
	for device, list := range o.now {
		for _, p := range list {
			if !p.hold && !o.isLedgered(device) && !o.isForeign(device) && !o.foreign[p.id] && !o.anyTampered(device) {
				o.Broke("P2", "a device has a revision that no ledger knows of: %s is reached by %q", o.who(device), p.name)
			}
		}
	}
}

// claimsOfPolicy: a policy that is Ready reaches every device of its population with one payload.
func (o *Oracle) claimsOfPolicy(p *v1alpha1.PasskeyPolicy) {
	var bare []string
	for _, device := range o.populationOf(p) {
		if len(o.now[device]) == 0 {
			bare = append(bare, device)
		}
	}
	if len(bare) > 0 {
		o.Broke("P14", "a policy is Ready and does not reach its population: %s, %d devices have nothing of ours, %s among them (waves %s)",
			p.Name, len(bare), o.who(bare[0]), o.wavesOf(bare[0]))
	}
}

// exclusions is P2 in the end: whom a policy excludes, or the only waves that ever exposed them do, has no revision of it, from
// whatever attempt.
func (o *Oracle) exclusions(p *v1alpha1.PasskeyPolicy) {
	for _, device := range slices.Sorted(maps.Keys(o.now)) {
		i := slices.IndexFunc(o.now[device], func(q *payload) bool { return !q.hold && q.policy == p.Name && !o.foreign[q.id] })
		if i < 0 || o.isForeign(device) {
			continue
		}
		if q := p.Spec.Population; q != nil && o.excluded(device, q.Exclude) || o.excludedByWaves(device) {
			o.Broke("P2", "an excluded device keeps a revision: %s has %q (waves %s)", o.who(device), o.now[device][i].name, o.wavesOf(device))
		}
	}
}

// excludedByWaves says that every wave that exposed a device excludes it now.
func (o *Oracle) excludedByWaves(device string) bool {
	uids := o.exposersOf(device)
	for uid := range uids {
		w := o.wave(uid)
		if w == nil || w.DeletionTimestamp != nil || o.tampered[uid] != nil || !o.excluded(device, w.Spec.Audience.Groups.Exclude) {
			return false
		}
	}
	return len(uids) > 0
}

// account is P17 in the end: how many have what, by the tenant, for a policy whose members are devices. What others did to
// single devices is left out by leaving out policies with such devices.
func (o *Oracle) account(p *v1alpha1.PasskeyPolicy) {
	n := p.Status.Population
	if n == nil || p.Spec.Unit == v1alpha1.UnitUser || p.Spec.Suspend || len(o.tampered) > 0 || len(o.foreign) > 0 {
		return
	}
	said, felt := map[int]int{0: int(n.OnHold)}, map[int]int{0: 0}
	for _, r := range n.Revisions {
		said[int(r.Revision)] = int(r.Count)
	}
	for _, device := range o.populationOf(p) {
		for _, q := range o.now[device] {
			if q.policy == p.Name {
				felt[q.revision]++
			}
		}
	}
	maps.DeleteFunc(said, func(r, count int) bool { return count == 0 && r > 0 })
	if !maps.Equal(said, felt) {
		o.Broke("P17", "the numbers of the population are not what devices have: %s says %v by revision, and devices have %v", p.Name, said, felt)
	}
}

// systemsOf are the operating systems of each platform, as Intune calls them.
var systemsOf = map[v1alpha1.Platform]string{v1alpha1.PlatformWindows: "Windows", v1alpha1.PlatformMacOS: "macOS"}

// populationOf are the managed devices that a policy has to reach, in order.
func (o *Oracle) populationOf(p *v1alpha1.PasskeyPolicy) []string {
	q := p.Spec.Population
	if p.Spec.Mode != v1alpha1.ModeGate || q == nil || p.Spec.Suspend {
		return nil
	}
	var out []string
	for _, platform := range p.Spec.Platforms {
		for _, device := range o.Managed(systemsOf[platform]) {
			everyone := q.All && (p.Spec.Unit != v1alpha1.UnitUser || o.owners[device] != "")
			if (everyone || o.in(device, q.Include)) && !o.in(device, q.Exclude) {
				out = append(out, device)
			}
		}
	}
	return out
}

// served says that a policy is for the operating system of a device.
func (o *Oracle) served(p *v1alpha1.PasskeyPolicy, device string) bool {
	return slices.ContainsFunc(p.Spec.Platforms, func(platform v1alpha1.Platform) bool { return systemsOf[platform] == o.systems[device] })
}

// claimsOfWave: who succeeded has given the devices of its attempt a revision, who rolled back has taken it away. exposed are
// those of the current attempt: whom an earlier one brought something, and this one does not want, keeps that.
func (o *Oracle) claimsOfWave(w *v1alpha1.PilotWave, exposed []string) {
	if w.DeletionTimestamp != nil || meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) {
		return
	}
	policy := o.policy(w.Spec.PolicyRef.Name)
	for _, device := range o.devicesOf(exposed) {
		if o.isDropped(device) || o.isForeign(device) || policy == nil || !o.served(policy, device) {
			continue
		}
		switch w.Status.Phase {
		case v1alpha1.PhaseSucceeded:
			if !o.has(device, func(p *payload) bool { return p.revision >= int(w.Status.Revision) && !p.hold }) {
				o.Broke("P14", "a wave has succeeded and a device of it does not have its revision: wave %s, %s has [%s]", w.Name, o.who(device), names(o.now[device]))
			}
		case v1alpha1.PhaseRolledBack:
			if len(o.exposersOf(device)) == 1 && o.has(device, func(p *payload) bool { return p.revision == int(w.Status.Revision) && !p.hold }) {
				o.Broke("P14", "a wave has rolled back and a device of it keeps the revision: wave %s, %s has [%s]", w.Name, o.who(device), names(o.now[device]))
			}
		}
	}
}

// Remains is P7: what is left of ours in the tenant, by name.
func (o *Oracle) Remains() []string {
	o.look()
	var out []string
	snapshot := o.w.Sim.Snapshot(false)
	for _, p := range snapshot.Policies {
		if slices.ContainsFunc(o.payloads, func(q *payload) bool { return q.id == p.ID }) {
			out = append(out, "policy "+p.Name)
		}
	}
	for _, g := range snapshot.Groups {
		if o.groups[g.ID] != "" && !o.let[g.ID] && !g.Deleted {
			out = append(out, "group "+g.DisplayName+" "+g.UniqueName)
		}
	}
	return out
}

// Describe is what the tenant has of ours, one line for each object: its assignments and how many devices it reaches.
func (o *Oracle) Describe() []string {
	o.look()
	var out []string
	for _, p := range o.w.Sim.Snapshot(false).Policies {
		reached := 0
		for _, list := range o.now {
			if slices.ContainsFunc(list, func(q *payload) bool { return q.id == p.ID }) {
				reached++
			}
		}
		out = append(out, fmt.Sprintf("%s reaches %d: %v", p.Name, reached, p.Assignments))
	}
	return out
}

func (o *Oracle) has(device string, is func(*payload) bool) bool {
	return slices.ContainsFunc(o.now[device], is)
}

func (o *Oracle) anyTampered(device string) bool {
	for uid := range o.exposersOf(device) {
		if o.tampered[uid] != nil {
			return true
		}
	}
	return false
}

// devicesOf are the managed devices of the entries of a ledger, which are devices or users.
func (o *Oracle) devicesOf(entries []string) []string {
	var out []string
	for device := range o.systems {
		if slices.ContainsFunc(o.selves(device), func(id string) bool { return slices.Contains(entries, id) }) {
			out = append(out, device)
		}
	}
	slices.Sort(out)
	return out
}
