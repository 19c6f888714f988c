// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// target is where a definition must apply.
type target struct {
	platform v1alpha1.Platform
	scope    v1alpha1.PolicyScope
}

// match is a definition that can carry a wish.
type match struct {
	def        Definition
	generation int
	allow      Instance
	baseline   *Instance // the restrictive value; nil when the definition has none
	others     []string  // ids of other definitions that would do as well
}

// windowsEdgeID is how the catalog spells an Edge policy on Windows: scope, the
// generation of the ADMX file that brought the policy, category, name. Observed
// spellings differ in the generation, so two ids may mean one policy. Chrome's
// file has its own word where microsoft_edge stands, so its twins do not match.
var windowsEdgeID = regexp.MustCompile(
	`^(device|user)_vendor_msft_policy_config_microsoft_edge(?:v([0-9]{1,6})[a-z0-9.]*)?~policy~microsoft_edge[~_]`)

// otherBrowsers are words in the id or names of another browser's twin. macOS ids
// carry no browser at all in the one spelling that was captured
// (com.apple.managedclient.preferences_…), so there the twin is known by these.
var otherBrowsers = []string{"chrome", "chromium", "brave", "firefox", "mozilla", "vivaldi"}

// find looks for the Edge policy called policy that can carry value on t. Without
// one, why says how far the search came, and unread that an entry which cannot be
// read may be the one: then it is not known to be missing. The catalog is sorted by
// id, so that the same catalog gives the same words.
func find(catalog []Definition, policy, value string, t target) (m match, why string, unread bool) {
	var named, usable []match
	why = fmt.Sprintf("no Edge definition named %s for %s among the %d that were searched", policy, place(t), len(catalog))
	for _, d := range catalog {
		if d.Unreadable {
			if d.ID == "" || isNamed(d, policy) {
				unread = true
				why = fmt.Sprintf("no usable Edge definition named %s for %s: the catalog lists an entry (id %q) of which the tenant's answer cannot be read; it is asked again", policy, place(t), d.ID)
			}
			continue
		}
		generation, ok := edgeDefinition(d, t)
		if !ok || !isNamed(d, policy) {
			continue
		}
		if isRecommended(d) {
			why = fmt.Sprintf("%s has only a recommended variant for %s, which users can override", policy, place(t))
			continue
		}
		named = append(named, match{def: d, generation: generation})
	}
	for _, m := range named {
		if err := m.fill(value, t); err != nil {
			why = fmt.Sprintf("%s: %v", m.def.ID, err)
			continue
		}
		usable = append(usable, m)
	}
	if len(usable) == 0 {
		return match{}, why, unread
	}
	if t.platform == v1alpha1.PlatformMacOS && ambiguous(usable) {
		return match{}, fmt.Sprintf("%s fits %d macOS definitions (%s) and nothing tells which is Edge's",
			policy, len(usable), strings.Join(ids(usable), ", ")), unread
	}
	return best(usable), "", false
}

// best prefers a definition that has a value to hold with, then the newest
// ADMX generation, then the smallest id. The newest generation is the file that
// Intune maintains: its options are those of the newest Edge, while older
// spellings stay in the catalog only for policies that already use them.
func best(usable []match) match {
	slices.SortFunc(usable, func(a, b match) int {
		return cmp.Or(
			compareBool(b.baseline != nil, a.baseline != nil),
			compareBool(edgeWord(b.def), edgeWord(a.def)),
			cmp.Compare(b.generation, a.generation),
			cmp.Compare(a.def.ID, b.def.ID),
		)
	})
	m := usable[0]
	m.others = ids(usable[1:])
	return m
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// ambiguous says that several macOS definitions remain and the choice would be a
// guess between products, not between spellings.
func ambiguous(usable []match) bool {
	marked := 0
	for _, m := range usable {
		if edgeWord(m.def) {
			marked++
		}
	}
	return len(usable) > 1 && marked == 0
}

// edgeDefinition says whether d is a setting of Edge that stands alone, for t, and
// which ADMX generation brought it (0 when the id does not say).
func edgeDefinition(d Definition, t target) (generation int, ok bool) {
	if d.RootDefinitionID != "" && !strings.EqualFold(d.RootDefinitionID, d.ID) {
		return 0, false
	}
	if !containsFold(d.Platforms, graphPlatform(t.platform)) || technologies(t.platform, d.Technologies) == "" {
		return 0, false
	}
	if t.platform != v1alpha1.PlatformWindows {
		return 0, !otherBrowser(d)
	}
	part := windowsEdgeID.FindStringSubmatch(strings.ToLower(d.ID))
	if part == nil || part[1] != scopePrefix(t.scope) {
		return 0, false
	}
	if n, err := strconv.Atoi(part[2]); err == nil {
		generation = n
	}
	return generation, true
}

func otherBrowser(d Definition) bool {
	text := strings.ToLower(d.ID + " " + d.Name + " " + d.DisplayName)
	return slices.ContainsFunc(otherBrowsers, func(word string) bool { return strings.Contains(text, word) })
}

// edgeWord says whether id or names mention Edge.
func edgeWord(d Definition) bool {
	return strings.Contains(strings.ToLower(d.ID+" "+d.Name+" "+d.DisplayName), "edge")
}

// isNamed compares the policy name with the definition's name and with the last
// part of its id. A recommended variant may carry the word behind the name.
func isNamed(d Definition, policy string) bool {
	return strings.EqualFold(d.Name, policy) || strings.EqualFold(policyPart(d.ID), policy)
}

// policyPart is the last part of a definition id: the policy's name in lower case,
// the same in every generation.
func policyPart(id string) string {
	id = strings.TrimSuffix(strings.ToLower(id), "_recommended")
	return id[strings.LastIndexAny(id, "_~")+1:]
}

func isRecommended(d Definition) bool {
	return strings.Contains(strings.ToLower(d.ID+" "+d.Name), "recommended")
}

// graphPlatform is Graph's word for a platform (contract a.1).
func graphPlatform(p v1alpha1.Platform) string {
	switch p {
	case v1alpha1.PlatformWindows:
		return "windows10"
	case v1alpha1.PlatformMacOS:
		return "macOS"
	default:
		return ""
	}
}

// technologies is the technologies member of a policy that carries definitions
// with the given applicability; empty when MDM cannot deliver them. Policies in
// use pair windows10 with mdm, and macOS with mdm,appleRemoteManagement as far as
// the definition has both (contract a.1).
func technologies(p v1alpha1.Platform, applicability []string) string {
	words := []string{"mdm"}
	if p == v1alpha1.PlatformMacOS {
		words = append(words, "appleRemoteManagement")
	}
	var have []string
	for _, word := range words {
		if containsFold(applicability, word) {
			have = append(have, word)
		}
	}
	return strings.Join(have, ",")
}

func scopePrefix(s v1alpha1.PolicyScope) string {
	if s == v1alpha1.ScopeUser {
		return "user"
	}
	return "device"
}

// place names platform and scope for a message; macOS ids know no scope.
func place(t target) string {
	if t.platform == v1alpha1.PlatformWindows {
		return fmt.Sprintf("%s (%s scope)", t.platform, scopePrefix(t.scope))
	}
	return string(t.platform)
}

func containsFold(list []string, word string) bool {
	return word != "" && slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), word) })
}

func ids(ms []match) []string {
	out := make([]string, 0, len(ms))
	for _, m := range ms {
		out = append(out, m.def.ID)
	}
	slices.Sort(out)
	return out
}
