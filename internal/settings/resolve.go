// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Resolve says how each setting asked for can be delivered on each platform and
// what is to be written for it. The answer does not depend on the order of the
// catalog or of the platforms.
//
// A literal name of the article that the tenant knows wins. passkeyCreation is
// the same thing as PolicyPasskeys and resolves to it. The others have no policy
// of their own in Edge: they are Missing, unless the request allows a substitute
// or to leave them out (P11).
func Resolve(in Request) Resolution {
	in.Catalog = slices.Clone(in.Catalog)
	slices.SortFunc(in.Catalog, func(a, b Definition) int { return strings.Compare(a.ID, b.ID) })
	in.Platforms = slices.Clone(in.Platforms)
	slices.Sort(in.Platforms)
	in.Platforms = slices.Compact(in.Platforms)

	res := Resolution{Gone: gone(in.Catalog, in.Revisions)}
	var blocks []string
	minEdge, err := NewestVersion(in.PrerequisiteEdge)
	if err != nil {
		blocks = append(blocks, fmt.Sprintf("spec.prerequisites.edge: %v", err))
	}
	found := resolveAll(in)
	if in.Mode == v1alpha1.ModeGate {
		notHeld(found, in.Revisions)
	}
	for _, f := range found {
		res.Verdicts = append(res.Verdicts, f.status)
	}
	if text := undelivered(found, in); text != "" {
		blocks = append(blocks, text)
	}
	for _, platform := range in.Platforms {
		blocks = append(blocks, res.deliver(platform, of(platform, found), in)...)
	}
	if len(in.Platforms) == 0 {
		blocks = append(blocks, "spec.platforms is empty: name Windows, MacOS or both")
	}
	res.MinEdge = minEdge
	if writesPasskeys(found) {
		res.NeedsEdge = minEdgePasskeys
		// The error of the prerequisite is among the blocks already.
		if raised, err := NewestVersion(in.PrerequisiteEdge, minEdgePasskeys); err == nil {
			res.MinEdge = raised
		}
	}
	equal := equalsHold(found, in.Mode)
	if len(blocks)+len(equal) > 0 {
		return res.block(equal, blocks)
	}
	res.Hash = HashPinned(res.Pinned)
	return res
}

// deliver adds what one platform gets; the problems say why it cannot be written.
func (r *Resolution) deliver(platform v1alpha1.Platform, found []finding, in Request) (problems []string) {
	payload, problem := buildPayload(platform, found)
	if problem != "" {
		problems = append(problems, problem)
	}
	r.Pinned = append(r.Pinned, Pin(payload))
	if in.Mode != v1alpha1.ModeGate {
		return problems
	}
	base := baselineOf(payload, found)
	if problem == "" {
		if text := holdsNobody(payload, base, in.Revisions); text != "" {
			problems = append(problems, text)
		}
	}
	if len(base.Settings) > 0 {
		r.Baseline = append(r.Baseline, base)
	}
	return problems
}

// block is the answer that nothing may be written: no part of a payload is left in it.
func (r *Resolution) block(equal, others []string) Resolution {
	r.Blocked, r.BlockReason = true, v1alpha1.ReasonSettingMissing
	if len(equal) > 0 {
		r.BlockReason = v1alpha1.ReasonPayloadEqualsHold
	}
	r.BlockMessage = strings.Join(slices.Concat(equal, others), " ")
	r.Pinned, r.Baseline = nil, nil
	return *r
}

func of(platform v1alpha1.Platform, found []finding) []finding {
	return slices.DeleteFunc(slices.Clone(found), func(f finding) bool { return f.status.Platform != platform })
}

// finding is one wish on one platform: the verdict and, if there is something to
// write, with what.
type finding struct {
	status v1alpha1.SettingStatus
	policy string // the name that matched
	value  string // that the spec asks for
	write  *match
}

func resolveAll(in Request) []finding {
	var out []finding
	for _, w := range wishes(in.Settings) {
		for _, platform := range in.Platforms {
			t := target{platform: platform, scope: cmp.Or(in.Scope, v1alpha1.ScopeDevice)}
			f := resolveOne(w, t, in)
			f.status.Setting, f.status.Platform = w.field, platform
			out = append(out, f)
		}
	}
	return out
}

func resolveOne(w wish, t target, in Request) finding {
	if graphPlatform(t.platform) == "" {
		return verdict(v1alpha1.SettingUnsupported, fmt.Sprintf("%s has no settings catalog that Tidegate writes", t.platform))
	}
	m, literalWhy, unread := find(in.Catalog, w.literal, w.value, t)
	if literalWhy == "" {
		return written(v1alpha1.SettingResolved, w, w.literal, m, t, "")
	}
	why := literalWhy
	if w.mapped != "" {
		m, mappedWhy, mappedUnread := find(in.Catalog, w.mapped, w.value, t)
		if mappedWhy == "" {
			return written(v1alpha1.SettingResolved, w, w.mapped, m, t, "")
		}
		why, unread = why+"; "+mappedWhy, unread || mappedUnread
	}
	if unread { // what cannot be read is not absent: nothing is left out or replaced for it
		return verdict(v1alpha1.SettingMissing, why)
	}
	switch in.OnMissing {
	case v1alpha1.OnMissingSkip:
		return verdict(v1alpha1.SettingSkipped, why+"; left out as onMissingSetting: Skip asks, nothing is written for it")
	case v1alpha1.OnMissingSubstitute:
		return substitute(w, t, in.Catalog, why)
	case v1alpha1.OnMissingBlock: // says only that it is missing
	}
	if w.hopeless != "" {
		return verdict(v1alpha1.SettingUnsupported, why+"; "+w.hopeless)
	}
	return verdict(v1alpha1.SettingMissing, why)
}

// substitute takes what comes nearest to a setting that Edge does not have.
func substitute(w wish, t target, catalog []Definition, why string) finding {
	switch {
	case w.hopeless != "":
		return verdict(v1alpha1.SettingUnsupported, why+"; "+w.hopeless)
	case w.substitute != "":
		m, substituteWhy, _ := find(catalog, w.substitute, w.value, t)
		if substituteWhy != "" {
			return verdict(v1alpha1.SettingMissing, why+"; nor its substitute: "+substituteWhy)
		}
		return written(v1alpha1.SettingSubstituted, w, w.substitute, m, t, w.advice)
	case w.advice != "":
		return verdict(v1alpha1.SettingSubstituted, "nothing is written, Edge has no such policy: "+w.advice)
	default:
		return verdict(v1alpha1.SettingMissing, why+"; nothing can stand in for it")
	}
}

func verdict(v v1alpha1.SettingVerdict, why string) finding {
	return finding{status: v1alpha1.SettingStatus{Verdict: v, Why: why}}
}

func written(v v1alpha1.SettingVerdict, w wish, policy string, m match, t target, note string) finding {
	why := []string{fmt.Sprintf("writes %s = %s", policy, w.value)}
	if v == v1alpha1.SettingSubstituted {
		why[0] += fmt.Sprintf(" in place of %s, which Edge does not have", w.literal)
	}
	if m.baseline == nil {
		why = append(why, "it has no restrictive value, so hold leaves it alone")
	}
	if len(m.others) > 0 {
		why = append(why, fmt.Sprintf("also matched %s; the newest ADMX generation is used", strings.Join(m.others, ", ")))
	}
	if t.platform == v1alpha1.PlatformMacOS && t.scope == v1alpha1.ScopeUser {
		why = append(why, "macOS definitions have no user scope, it applies to the device")
	}
	if note != "" {
		why = append(why, note)
	}
	return finding{
		status: v1alpha1.SettingStatus{Verdict: v, DefinitionIDs: []string{m.def.ID}, Why: strings.Join(why, "; ")},
		policy: policy,
		value:  w.value,
		write:  &m,
	}
}

// undelivered says which settings block the policy, what was searched for them
// and what can be done; empty when none does.
func undelivered(found []finding, in Request) string {
	var lines []string
	for _, f := range found {
		if v := f.status.Verdict; v == v1alpha1.SettingMissing || v == v1alpha1.SettingUnsupported {
			lines = append(lines, fmt.Sprintf("%s on %s is %s (%s)", f.status.Setting, f.status.Platform, v, f.status.Why))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	remedy := "Set spec.onMissingSetting to Substitute (the nearest real Edge setting, or advice on what to look at yourself) or to Skip (left out, shown " +
		"in status), remove the setting, or wait until the tenant's settings catalog has it."
	if in.OnMissing == v1alpha1.OnMissingSubstitute {
		remedy = "Set spec.onMissingSetting to Skip (left out, shown in status), remove the setting, or wait until the " +
			"tenant's settings catalog has it."
	}
	if in.OnMissing == v1alpha1.OnMissingSkip {
		remedy = "Remove the platform from spec.platforms."
	}
	return strings.Join(lines, "; ") + ". " + remedy
}

func definitionIDs(list []Instance) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].DefinitionID
	}
	return out
}

func writesPasskeys(found []finding) bool {
	return slices.ContainsFunc(found, func(f finding) bool { return f.policy == PolicyPasskeys })
}

// NewestVersion is the highest of the versions given, as it was written; empty
// ones do not count.
func NewestVersion(versions ...string) (string, error) {
	newest := ""
	for _, v := range versions {
		if v == "" {
			continue
		}
		if newest == "" {
			if _, err := ParseVersion(v); err != nil {
				return "", err
			}
			newest = v
			continue
		}
		c, err := CompareVersions(v, newest)
		if err != nil {
			return "", err
		}
		if c > 0 {
			newest = v
		}
	}
	return newest, nil
}
