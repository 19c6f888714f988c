// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Limits of a list in a message: what is left out is counted, and stands in the status of the objects.
const (
	maxRemainingPolicies = 12
	maxRemainingGroups   = 16
)

// Remains names what a policy and its waves still have in the tenant, each by name and id, hold first, as that is what
// people feel: empty when nothing is on record. Waves of other policies in the list are passed over. What is on record may
// be gone already; a create whose answer was lost is named as such.
func Remains(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave) string {
	var hold, rest []string
	restrains := false
	for i := range p.Status.Objects {
		o := &p.Status.Objects[i]
		text := remainingPolicy(o)
		switch {
		case text == "":
		case o.Role == v1alpha1.RoleHold:
			hold, restrains = append(hold, text), restrains || len(o.IncludeGroups) > 0
		default:
			rest = append(rest, text)
		}
	}
	var parts []string
	if policies := append(hold, rest...); len(policies) > 0 {
		parts = append(parts, "policies "+atMost(policies, maxRemainingPolicies))
	}
	if restrains {
		parts = append(parts, "hold still restrains "+populationText(p.Spec.Population))
	}
	if groups := remainingGroups(p, waves); len(groups) > 0 {
		parts = append(parts, "groups "+atMost(groups, maxRemainingGroups))
	}
	return strings.Join(parts, "; ")
}

// RemainsOfWave names the groups that a wave still has in the tenant; empty when none is on record.
func RemainsOfWave(w *v1alpha1.PilotWave) string {
	groups := groupsOf(w)
	if len(groups) == 0 {
		return ""
	}
	return "groups " + atMost(groups, maxRemainingGroups)
}

// LeftBehind is the event of an object that was let go by annotation although something of it stays in the tenant.
func LeftBehind(remains string) Event {
	return event(true, v1alpha1.ReasonLeftBehind, "let go by annotation; left behind in the tenant, delete it there: "+remains)
}

// remainingPolicy is one object of the tenant; empty when there is none.
func remainingPolicy(o *v1alpha1.TenantObject) string {
	switch {
	case o.ID != "":
		return fmt.Sprintf("%q (id %s)", o.Name, o.ID)
	case o.CreateSentAt != nil:
		return fmt.Sprintf("%q (perhaps: the answer to its creation was lost)", o.Name)
	}
	return ""
}

// remainingGroups are the groups of a policy's waves, those of waves that are gone too, as long as the policy knows them.
func remainingGroups(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave) []string {
	var out []string
	seen := map[string]bool{}
	for i := range waves {
		if w := &waves[i]; w.Spec.PolicyRef.Name == p.Name {
			for _, g := range groupIDs(w) {
				seen[g.id] = true
				out = append(out, g.String())
			}
		}
	}
	for i := range p.Status.Waves {
		if a := &p.Status.Waves[i]; !seen[a.GroupID] {
			seen[a.GroupID] = true
			out = append(out, waveGroup{a.Name, a.Attempt, a.GroupID}.String())
		}
	}
	slices.Sort(out)
	return out
}

func groupsOf(w *v1alpha1.PilotWave) []string {
	var out []string
	for _, g := range groupIDs(w) {
		out = append(out, g.String())
	}
	return out
}

// waveGroup is the group of one attempt of a wave.
type waveGroup struct {
	wave    string
	attempt int32
	id      string
}

// String names the group by what a person knows of it.
func (g waveGroup) String() string {
	if g.attempt == 0 {
		return fmt.Sprintf("of wave %q (id %s)", g.wave, g.id)
	}
	return fmt.Sprintf("of wave %q, attempt %d (id %s)", g.wave, g.attempt, g.id)
}

// groupIDs are the groups that a wave has on record, each once.
func groupIDs(w *v1alpha1.PilotWave) []waveGroup {
	var out []waveGroup
	add := func(attempt int32, id string) {
		if id != "" && !slices.ContainsFunc(out, func(g waveGroup) bool { return g.id == id }) {
			out = append(out, waveGroup{w.Name, attempt, id})
		}
	}
	for i := range w.Status.Attempts {
		add(w.Status.Attempts[i].Attempt, w.Status.Attempts[i].GroupID)
	}
	return out
}

// populationText names whom hold reaches, as the spec does.
func populationText(p *v1alpha1.Population) string {
	switch {
	case p == nil:
		return "the groups that it is assigned to"
	case p.All:
		return "everyone"
	}
	names := make([]string, len(p.Include))
	for i, g := range p.Include {
		if names[i] = fmt.Sprintf("%q", g.DisplayName); g.DisplayName == "" {
			names[i] = g.ID
		}
	}
	return "the members of " + strings.Join(names, ", ")
}

// atMost lists the first n parts and counts the others.
func atMost(parts []string, n int) string {
	if len(parts) <= n {
		return strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%s and %d more in status", strings.Join(parts[:n], ", "), len(parts)-n)
}

// WavesRemain reports on a deleted policy that has nothing left in the tenant, while waves of it have a group there or may be
// looking for one.
func WavesRemain(waves []v1alpha1.PilotWave) (r Report, waits bool) {
	owners := owners(waves)
	return deletionFollows(fmt.Sprintf("the policies are gone from the tenant; the groups of these waves are not: %s. Delete the waves, or set annotation %s to \"true\" to leave the groups behind",
		strings.Join(owners, ", "), v1alpha1.AnnotationReleaseFinalizer)), len(owners) > 0
}

// WavesGoFirst is the report on the deletion of a policy that leaves everything in the tenant, as long as waves go by it.
func WavesGoFirst(waves []v1alpha1.PilotWave) (r Report, waits bool) {
	owners := owners(waves)
	return deletionFollows(fmt.Sprintf("everything stays in the tenant; these waves still go by this policy: %s. Delete them, which leaves their groups in place, "+
		"or set annotation %s to \"true\" to let this policy go before them", strings.Join(owners, ", "), v1alpha1.AnnotationReleaseFinalizer)), len(owners) > 0
}

func deletionFollows(message string) Report {
	return Report{Standing: Standing{State: InProgress, Reason: v1alpha1.ReasonDeleting, Message: message}}
}

// owners are the names of the waves that have a group in the tenant or are being deleted, sorted.
func owners(waves []v1alpha1.PilotWave) []string {
	var owners []string
	for i := range waves {
		w := &waves[i]
		if hasGroup(w) || !w.DeletionTimestamp.IsZero() {
			owners = append(owners, w.Name)
		}
	}
	slices.Sort(owners)
	return owners
}

func hasGroup(w *v1alpha1.PilotWave) bool {
	return slices.ContainsFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.GroupID != "" })
}
