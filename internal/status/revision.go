// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/settings"
)

// Revised records in a policy's status which revisions there are, and what follows from the one that waves prove.
func Revised(p *v1alpha1.PasskeyPolicy, decided *revision.Result) {
	s := &p.Status
	s.Revisions, s.LastRevision, s.RevisionText = decided.Revisions, decided.LastRevision, revision.Text(decided.Revisions)
	s.PayloadHash, s.MinEdge = "", ""
	if t := decided.Target; t != nil {
		s.PayloadHash = t.PayloadHash
		// What is not a version is refused where the spec is resolved; what was pinned before is one.
		s.MinEdge, _ = settings.NewestVersion(t.MinEdge, p.Spec.Prerequisites.Edge)
	}
	if decided.TakeHandled {
		s.HandledTake = p.Annotations[v1alpha1.AnnotationTake]
	}
}

// Verdicts are those to have on record: of what the spec asks for, where that is written or cannot be; of a catalog that
// has something else by now they would tell of what nobody wrote.
func Verdicts(known []v1alpha1.SettingStatus, res *settings.Resolution, decided *revision.Result) []v1alpha1.SettingStatus {
	if res == nil || len(known) > 0 && decided.Outdated != nil && decided.Waiting == nil {
		return known
	}
	return res.Verdicts
}

// RevisionEvents tells what became of the revisions of a policy.
func RevisionEvents(decided *revision.Result) []Event {
	var out []Event
	add := func(warning bool, reason, format string, args ...any) {
		out = append(out, event(warning, reason, fmt.Sprintf(format, args...)))
	}
	if n := decided.Minted; n > 0 {
		add(false, v1alpha1.ReasonRevisionMinted, "%s of the payload is what the spec asks for now; nothing changes on a device before its wave exposes it", revision.Name(n))
	}
	if len(decided.Found) > 0 {
		add(true, v1alpha1.ReasonRevisionFound, "the status had lost %s, of which the tenant has policies: taken up as they are; nothing changes on a device", names(decided.Found))
	}
	if n := decided.Restored; n > 0 {
		add(true, v1alpha1.ReasonRevisionMinted, "the record of %s was lost and is back: the spec asks for what its waves have", revision.Name(n))
	}
	if n := decided.ReturnedTo; n > 0 {
		add(false, v1alpha1.ReasonRevisionReturned, "the spec asks for %s again", revision.Name(n))
	}
	if len(decided.Reverted) > 0 {
		add(true, v1alpha1.ReasonRevisionReverted, "taken back: %s; devices fall back to what they had before", names(decided.Reverted))
	}
	if n := decided.BecameStable; n > 0 {
		add(false, v1alpha1.ReasonRevisionStable, "every wave has proven %s", revision.Name(n))
	}
	if len(decided.Retired) > 0 {
		add(false, v1alpha1.ReasonRevisionRetired, "on no device any more: %s; its policies and groups go", names(decided.Retired))
	}
	return out
}

func names(numbers []int32) string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = revision.Name(n)
	}
	return strings.Join(out, ", ")
}

// resolved judges what the spec asks for, and what the catalog has by now in its place.
func (r *Report) resolved(p *v1alpha1.PasskeyPolicy, res *settings.Resolution, decided *revision.Result) {
	switch n := decided.Waiting; {
	case blocked(n):
		r.Add(Condition(v1alpha1.ConditionSettingsResolved, false, n.Reason, n.Message))
	case decided.NeedsCatalog:
		r.Keep = append(r.Keep, v1alpha1.ConditionSettingsResolved)
	default:
		r.Add(Condition(v1alpha1.ConditionSettingsResolved, true, v1alpha1.ReasonSettingsResolved, settingsMessage(p.Status.Settings)))
	}
	switch {
	case decided.Outdated != nil:
		r.Add(Condition(v1alpha1.ConditionPayloadOutdated, true, decided.Outdated.Reason, decided.Outdated.Message))
	case res == nil:
		r.Keep = append(r.Keep, v1alpha1.ConditionPayloadOutdated)
	}
}

// blocked says that what the spec asks for cannot be written.
func blocked(n *revision.Notice) bool {
	return n != nil && (n.Reason == v1alpha1.ReasonSettingMissing || n.Reason == v1alpha1.ReasonPayloadEqualsHold)
}

// Waits ends a report with why what the spec asks for is not what waves prove. What is live stands meanwhile, and what is
// wrong with it is told first.
func (r *Report) Waits(n *revision.Notice) {
	if n == nil {
		return
	}
	rest := r.Standing
	switch {
	case blocked(n) && rest.State == Stuck && rest.Reason != "":
		r.Standing.Message += "; besides: " + n.Message
		r.Sooner(StoppedLook)
		return
	case blocked(n):
		r.Standing = Standing{State: Stuck, Reason: n.Reason, Message: n.Message}
		r.Sooner(StoppedLook)
	case n.Reason == v1alpha1.ReasonPayloadWaiting && rest.State != Stuck:
		r.Standing = Standing{State: InProgress, Reason: n.Reason, Message: n.Message}
	default:
		return
	}
	if rest.State != Current && rest.Message != "" {
		r.Standing.Message += "; besides: " + rest.Message
	}
}

// Sooner asks for the next look within d.
func (r *Report) Sooner(d time.Duration) {
	if r.Requeue == 0 || d < r.Requeue {
		r.Requeue = d
	}
}

// Lost reports that devices may have revisions of which no record is left: their objects are not touched.
func Lost(n *revision.Notice) Report {
	return Report{
		Standing:   Standing{State: Stuck, Reason: n.Reason, Message: n.Message},
		Conditions: []metav1.Condition{Condition(v1alpha1.ConditionApplied, false, n.Reason, n.Message)},
		Keep:       []string{v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionPayloadOutdated, v1alpha1.ConditionDrifted, v1alpha1.ConditionWaitingForApproval},
		Requeue:    StoppedLook,
	}
}

// FoundGroups tells that groups were found in the tenant of which the status had no entry.
func FoundGroups(found []v1alpha1.WaveAdmission) []Event {
	var out []Event
	for i := range found {
		a := &found[i]
		out = append(out, event(true, v1alpha1.ReasonRevisionFound, fmt.Sprintf(
			"group %s of attempt %d of wave %q has %s in the tenant, and the status had no record of that: its members keep what they have", a.GroupID, a.Attempt, a.Name, revision.Name(a.Revision))))
	}
	return out
}

// Forgotten ends a report with what a person has to decide on after the status was lost: devices have a revision that is later
// than what the spec asks for, or by a group that no wave claims.
func (r *Report) Forgotten(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave) {
	var parts []string
	if t := revision.Target(p.Status.Revisions); t != nil {
		for _, found := range revision.Beyond(p.Status.Revisions) {
			parts = append(parts, fmt.Sprintf("%s is on devices and later than %s, which the spec asks for. To go on with it, set spec.settings to what it writes (status.revisions); "+
				"to take it back, ask its waves for a rollback (annotation %s)", revision.Name(found.Number), revision.Name(t.Number), v1alpha1.AnnotationRollback))
		}
	}
	for i := range p.Status.Waves {
		a := &p.Status.Waves[i]
		owned := func(w v1alpha1.PilotWave) bool { return string(w.UID) == a.UID }
		if !a.Found || a.State == v1alpha1.Withdrawn || a.State == v1alpha1.Withdrawing || slices.ContainsFunc(waves, owned) {
			continue
		}
		parts = append(parts, fmt.Sprintf("the members of group %s (%q, attempt %d) have %s, and its wave does not exist here. To let them fall back to what they had before, name "+
			"the group in annotation %s", a.GroupID, a.Name, a.Attempt, revision.Name(a.Revision), v1alpha1.AnnotationLetGo))
	}
	if len(parts) == 0 || r.Standing.State == Stuck && r.Standing.Reason != v1alpha1.ReasonWaveStalled {
		return
	}
	was := r.Standing
	r.Standing = Standing{State: Stuck, Reason: v1alpha1.ReasonRevisionFound, Message: "the status was older than the tenant: " + strings.Join(parts, "; ") + ". Nothing changes on a device until then"}
	if was.State != Current && was.Message != "" {
		r.Standing.Message += "; besides: " + was.Message
	}
}
