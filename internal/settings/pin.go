// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Pin is the payload of one platform as a revision keeps it: settings sorted by
// definition id. What Resolve gives has no children, and children are not kept.
func Pin(p Payload) v1alpha1.PinnedPayload {
	return v1alpha1.PinnedPayload{
		Platform: p.Platform, GraphPlatforms: p.GraphPlatforms, Technologies: p.Technologies, Settings: pinSettings(p.Allow),
	}
}

func pinSettings(list []Instance) []v1alpha1.PinnedSetting {
	sorted := slices.Clone(list)
	sortInstances(sorted)
	out := make([]v1alpha1.PinnedSetting, len(sorted))
	for i, s := range sorted {
		out[i] = v1alpha1.PinnedSetting{DefinitionID: s.DefinitionID, Kind: string(s.Kind), Value: s.Value}
	}
	return out
}

// Unpin is the payload that a revision keeps, as it is written to the tenant. Pin
// of it is p again.
func Unpin(p v1alpha1.PinnedPayload) Payload {
	out := Payload{Platform: p.Platform, GraphPlatforms: p.GraphPlatforms, Technologies: p.Technologies}
	for _, s := range p.Settings {
		out.Allow = append(out.Allow, Instance{DefinitionID: s.DefinitionID, Kind: InstanceKind(s.Kind), Value: s.Value})
	}
	sortInstances(out.Allow)
	return out
}

// HashPinned identifies all that a revision writes, on all platforms: "sha256:" and
// the hex digest. The order of platforms and settings does not matter.
func HashPinned(payloads []v1alpha1.PinnedPayload) string {
	sorted := slices.Clone(payloads)
	slices.SortFunc(sorted, func(a, b v1alpha1.PinnedPayload) int { return cmp.Compare(a.Platform, b.Platform) })
	h := sha256.New()
	for i := range sorted {
		p := Unpin(sorted[i])
		writeText(h, string(p.Platform), p.GraphPlatforms, p.Technologies)
		writeInstances(h, p.Allow)
	}
	return digest(h)
}

// AskHash identifies what a spec asks for, whatever a catalog makes of it: its
// settings, platforms as a set, scope and onMissingSetting. Absent values count as
// their defaults.
func AskHash(spec *v1alpha1.PasskeyPolicySpec) string {
	platforms := slices.Clone(spec.Platforms)
	slices.Sort(platforms)
	platforms = slices.Compact(platforms)
	s := &spec.Settings
	h := sha256.New()
	writeText(h, string(s.PasswordlessSignin), string(s.PasskeySync), string(s.PasskeyCreation), s.BackupStorageLocation, s.SyncScope,
		string(cmp.Or(spec.Scope, v1alpha1.ScopeDevice)), string(cmp.Or(spec.OnMissingSetting, v1alpha1.OnMissingBlock)))
	for _, p := range platforms {
		writeText(h, string(p))
	}
	return digest(h)
}

// Gone is a definition, or an option of one, that a revision uses and the catalog
// has no more.
type Gone struct {
	// Revision that uses it; 0 is hold.
	Revision int32
	// Platform of the policy.
	Platform v1alpha1.Platform
	// DefinitionID that was pinned.
	DefinitionID string
	// Option that was pinned, when the definition is there and only its option is gone.
	Option string
}

// String names what is gone, and who has it.
func (g Gone) String() string {
	owner := "hold"
	if g.Revision > 0 {
		owner = fmt.Sprintf("r%d", g.Revision)
	}
	if g.Option != "" {
		return fmt.Sprintf("option %s of %s (%s on %s)", g.Option, g.DefinitionID, owner, g.Platform)
	}
	return fmt.Sprintf("%s (%s on %s)", g.DefinitionID, owner, g.Platform)
}

// gone lists what live revisions use and the catalog lacks. A catalog without any
// entry says nothing: it may be one that may not be seen (P4).
func gone(catalog []Definition, revisions []v1alpha1.RevisionStatus) []Gone {
	if len(catalog) == 0 {
		return nil
	}
	byID := make(map[string]*Definition, len(catalog))
	for i := range catalog {
		if catalog[i].Unreadable && catalog[i].ID == "" {
			return nil // it may be any
		}
		byID[strings.ToLower(catalog[i].ID)] = &catalog[i]
	}
	var out []Gone
	for i := range revisions {
		r := &revisions[i]
		if r.State == v1alpha1.RevisionReverted || r.State == v1alpha1.RevisionRetired {
			continue // on its way out
		}
		for _, p := range r.Payloads {
			for _, s := range p.Settings {
				d := byID[strings.ToLower(s.DefinitionID)]
				switch {
				case d == nil:
					out = append(out, Gone{Revision: r.Number, Platform: p.Platform, DefinitionID: s.DefinitionID})
				case d.Unreadable: // it is there, which is all that is known
				case s.Kind == string(InstanceChoice) && !hasOption(d, s.Value):
					out = append(out, Gone{Revision: r.Number, Platform: p.Platform, DefinitionID: s.DefinitionID, Option: s.Value})
				}
			}
		}
	}
	return out
}

func hasOption(d *Definition, itemID string) bool {
	return slices.ContainsFunc(d.Options, func(o Option) bool { return strings.EqualFold(o.ItemID, itemID) })
}
