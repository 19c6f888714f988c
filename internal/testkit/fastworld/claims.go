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
		if p.DeletionTimestamp == nil && meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) {
			o.claimsOfPolicy(p)
		}
	}
	for _, w := range o.w.Waves() {
		o.claimsOfWave(w, ledgers[string(w.UID)])
	}
	for device, list := range o.now {
		for _, p := range list {
			if !p.hold && !o.ledgered[device] && !o.foreign[device] && !o.foreign[p.id] {
				o.Broke("P2", "a device has a revision that no ledger knows of: %s is reached by %q", o.who(device), p.name)
			}
		}
	}
}

// claimsOfPolicy: a policy that is Ready reaches every device of its population with one payload.
func (o *Oracle) claimsOfPolicy(p *v1alpha1.PasskeyPolicy) {
	if p.Spec.Mode != v1alpha1.ModeGate || p.Spec.Population == nil || p.Spec.Suspend {
		return
	}
	var bare []string
	for _, device := range slices.Sorted(maps.Keys(o.onWindows())) {
		if !o.in(device, p.Spec.Population.Include) || o.in(device, p.Spec.Population.Exclude) || o.foreign[device] {
			continue
		}
		if len(o.now[device]) == 0 {
			bare = append(bare, device)
		}
	}
	if len(bare) > 0 {
		o.Broke("P14", "a policy is Ready and does not reach its population: %s, %d devices have nothing of ours, %s among them (waves %s)",
			p.Name, len(bare), o.who(bare[0]), o.wavesOf(bare[0]))
	}
}

// onWindows are the managed devices that a policy for Windows can reach.
func (o *Oracle) onWindows() map[string]bool {
	if o.windows == nil {
		o.windows = map[string]bool{}
		for _, d := range o.w.Sim.Snapshot(true).Devices {
			if d.ManagedID != "" && d.Facts.OperatingSystem == "Windows" {
				o.windows[d.ObjectID] = true
			}
		}
	}
	return o.windows
}

// claimsOfWave: who succeeded has given its devices a revision, who rolled back has taken it away.
func (o *Oracle) claimsOfWave(w *v1alpha1.PilotWave, exposed []string) {
	if w.DeletionTimestamp != nil || meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) {
		return
	}
	for _, device := range exposed {
		if o.foreign[device] || o.dropped[device] {
			continue
		}
		has := slices.ContainsFunc(o.now[device], func(p *payload) bool { return !p.hold })
		switch w.Status.Phase {
		case v1alpha1.PhaseSucceeded:
			if !has {
				o.Broke("P14", "a wave has succeeded and a device of it has no revision: wave %s, %s has [%s]", w.Name, o.who(device), names(o.now[device]))
			}
		case v1alpha1.PhaseRolledBack:
			if has && len(o.exposers[device]) == 1 && !o.stable[w.Spec.PolicyRef.Name] {
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
		if o.groups[g.ID] != "" && !g.Deleted {
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
