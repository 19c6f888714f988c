// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// universe are all groups of the simulated tenants; a device is any subset.
var universe = []string{"g0", "g1", "g2", "g3", "g4", "g5"}

// policy is one policy of a simulated tenant, with what the operator remembers.
type policy struct {
	known              bool // the operator has an entry for it
	id                 string
	exists             bool
	settings, nameOK   bool
	open               bool
	targets            []Target
	previous           Previous
	copies             int    // how often it was created
	writtenHash, wants string // of the settings in the tenant, and desired
}

// world is a simulated tenant and the operator's memory of it.
type world struct {
	policies map[Key]*policy
	desired  []Desired
	named    map[Key]targets // ours at the start, before edits are forgotten
}

func key(role v1alpha1.ObjectRole, platform v1alpha1.Platform) Key {
	return Key{Role: role, Platform: platform}
}

// randomWorld is a tenant in any state that edits, crashes and changed wishes can
// leave.
func randomWorld(rng *rand.Rand) *world {
	w := &world{policies: map[Key]*policy{}, named: map[Key]targets{}}
	for _, platform := range []v1alpha1.Platform{v1alpha1.PlatformMacOS, v1alpha1.PlatformWindows} {
		for _, role := range []v1alpha1.ObjectRole{v1alpha1.RoleAllow, v1alpha1.RoleHold} {
			k := key(role, platform)
			p := randomPolicy(rng, k)
			w.policies[k] = p
			if rng.IntN(8) > 0 {
				d := Desired{Key: k, Name: "tidegate " + k.String(), Hash: "new", Include: some(rng, 3), Exclude: some(rng, 5)}
				if rng.IntN(2) == 0 { // most plans change little
					d.Include, d.Exclude = nudge(rng, p.previous.Include), nudge(rng, p.previous.Exclude)
				}
				w.desired = append(w.desired, d)
			}
		}
	}
	for _, d := range w.desired {
		w.policies[d.Key].wants = d.Hash
		if w.policies[d.Key].writtenHash != "new" {
			w.policies[d.Key].settings = false
		}
	}
	w.remember()
	return w
}

// remember notes which targets are the operator's own: by last record or by wish.
func (w *world) remember() {
	for k, p := range w.policies {
		n := targets{include: newSet(p.previous.Include), exclude: newSet(p.previous.Exclude)}
		for _, d := range w.desired {
			if d.Key == k {
				n.include, n.exclude = n.include.union(newSet(d.Include)), n.exclude.union(newSet(d.Exclude))
			}
		}
		w.named[k] = n
	}
}

func randomPolicy(rng *rand.Rand, k Key) *policy {
	p := &policy{known: rng.IntN(8) > 0}
	if !p.known {
		return p
	}
	p.previous = Previous{Include: some(rng, 3), Exclude: some(rng, 4), Hash: []string{"", "old", "new", "new"}[rng.IntN(4)]}
	p.writtenHash = p.previous.Hash
	if rng.IntN(6) == 0 {
		p.writtenHash = "edited"
	}
	switch rng.IntN(8) {
	case 0: // never created
		p.previous = Previous{}
	case 1:
		p.open, p.previous = true, Previous{}
		p.exists = rng.IntN(2) == 0 // what a look-up will find
	case 2:
		p.id = "gone-" + k.String()
	default:
		p.exists, p.id = true, "id-"+k.String()
	}
	if p.exists {
		p.copies = 1
		p.settings, p.nameOK = p.writtenHash == "new", rng.IntN(6) > 0
		if !p.open {
			p.targets = edit(rng, p.previous)
		}
	}
	return p
}

// edit is what others make of the targets that we wrote.
func edit(rng *rand.Rand, wrote Previous) (out []Target) {
	for _, id := range wrote.Include {
		if rng.IntN(6) > 0 {
			out = append(out, Target{Kind: TargetInclude, GroupID: id})
		}
	}
	for _, id := range wrote.Exclude {
		if rng.IntN(6) > 0 {
			out = append(out, Target{Kind: TargetExclude, GroupID: id})
		}
	}
	for range rng.IntN(3) {
		kind := []TargetKind{TargetInclude, TargetExclude, TargetExclude, TargetAllDevices, TargetAllUsers, TargetOther}[rng.IntN(6)]
		t := Target{Kind: kind}
		if kind == TargetInclude || kind == TargetExclude {
			t.GroupID = universe[rng.IntN(len(universe))]
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func some(rng *rand.Rand, most int) []string {
	var out []string
	for range rng.IntN(most + 1) {
		if id := universe[rng.IntN(len(universe))]; !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// nudge adds or takes one group, or none.
func nudge(rng *rand.Rand, ids []string) []string {
	id := universe[rng.IntN(len(universe))]
	switch {
	case rng.IntN(2) == 0:
		return slices.Clone(ids)
	case slices.Contains(ids, id):
		return slices.DeleteFunc(slices.Clone(ids), func(s string) bool { return s == id })
	default:
		return append(slices.Clone(ids), id)
	}
}

// observe is what the operator reads. A policy with an open create is not found
// by its id, because nobody knows the id.
func (w *world) observe() []Observed {
	var out []Observed
	for k, p := range w.policies {
		if !p.known {
			continue
		}
		o := Observed{
			Key: k, ID: p.id, Exists: p.exists && !p.open, CreateOpen: p.open, Previous: p.previous,
			SettingsMatch: p.settings, NameMatch: p.nameOK,
		}
		if o.Exists {
			o.Assignments = slices.Clone(p.targets)
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Observed) int { return strings.Compare(a.String(), b.String()) })
	return out
}

// do executes one action in the tenant, and records it unless the answer is lost.
func (w *world) do(t *testing.T, a Action, lost bool) {
	t.Helper()
	p := w.policies[a.Key]
	if a.Kind != Create && a.Kind != LookUp && (!p.exists || a.ID != "" && a.ID != p.id) {
		t.Fatalf("%s acts on %+v", a, *p)
	}
	switch a.Kind {
	case Create:
		if p.exists || p.open {
			t.Fatalf("%s makes a second policy", a)
		}
		p.known, p.exists, p.open, p.id, p.targets = true, true, lost, "id-"+a.Key.String(), nil
		p.copies++
		p.settings, p.nameOK, p.previous, p.writtenHash = true, true, Previous{Hash: p.wants}, p.wants
		if lost {
			p.id = ""
		}
	case LookUp:
		p.open, p.id = false, ""
		if p.exists {
			p.id = "id-" + a.Key.String()
		}
	case Replace:
		p.settings, p.nameOK, p.writtenHash = true, true, p.wants
		if !lost {
			p.previous.Hash = p.wants
		}
	case Rename:
		p.nameOK = true
	case Assign:
		p.targets = slices.Clone(a.KeepForeign)
		for _, id := range a.Include {
			p.targets = append(p.targets, Target{Kind: TargetInclude, GroupID: id})
		}
		for _, id := range a.Exclude {
			p.targets = append(p.targets, Target{Kind: TargetExclude, GroupID: id})
		}
		if !lost {
			p.previous.Include, p.previous.Exclude = a.IntentInclude, a.IntentExclude
		}
	case Delete:
		*p = policy{copies: p.copies - 1}
	default:
		t.Fatalf("unknown action %s", a)
	}
	if p.exists && p.copies != 1 && !strings.HasPrefix(p.id, "gone") {
		t.Fatalf("%s: %d policies", a, p.copies)
	}
}

// conflicts lists the devices that hold and our own part of allow both target:
// every subset of the universe is tried.
func (w *world) conflicts() map[string]bool {
	out := map[string]bool{}
	for _, platform := range []v1alpha1.Platform{v1alpha1.PlatformMacOS, v1alpha1.PlatformWindows} {
		allow, hold := w.policies[key(v1alpha1.RoleAllow, platform)], w.policies[key(v1alpha1.RoleHold, platform)]
		named := w.named[key(v1alpha1.RoleAllow, platform)].include
		for device := range 1 << len(universe) {
			byUs := allow.reaches(device, func(t Target) bool { return t.Kind == TargetInclude && named.has(t.GroupID) })
			if byUs && hold.reaches(device, func(Target) bool { return true }) {
				out[fmt.Sprintf("%s/%06b", platform, device)] = true
			}
		}
	}
	return out
}

// reaches says whether the policy reaches a device by an inclusion that counts.
func (p *policy) reaches(device int, counts func(Target) bool) bool {
	reached := false
	for _, t := range p.targets {
		member := slices.Contains([]TargetKind{TargetAllDevices, TargetAllUsers, TargetOther}, t.Kind)
		if i := slices.Index(universe, t.GroupID); i >= 0 {
			member = device&(1<<i) != 0
		}
		if member && t.Kind == TargetExclude {
			return false
		}
		reached = reached || member && counts(t)
	}
	return p.exists && reached
}
