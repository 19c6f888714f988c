// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/settings"
)

// How soon a PasskeyPolicy is looked at again, by what it waits for.
const (
	// LateLook: a tenant that does not show yet what it took.
	LateLook = 10 * time.Second
	// StoppedLook: something that only a person can change.
	StoppedLook = 5 * time.Minute
)

// Report is what one reconcile of a PasskeyPolicy came to.
type Report struct {
	Standing   Standing
	Conditions []metav1.Condition
	// Keep names conditions that were not judged and that stand as they were.
	Keep []string
	// Requeue is when to look again; zero for no time.
	Requeue time.Duration
	// Again says that a step was taken, or may have been, and that the next one wants a look at once.
	Again bool
}

// Add adds conditions.
func (r *Report) Add(list ...metav1.Condition) { r.Conditions = append(r.Conditions, list...) }

// Has says that a condition was judged.
func (r *Report) Has(kind string) bool {
	return slices.ContainsFunc(r.Conditions, func(c metav1.Condition) bool { return c.Type == kind })
}

// PolicySuspended reports on a policy that writes nothing but what a rollback takes back.
func PolicySuspended(p *v1alpha1.PasskeyPolicy, now time.Time) Report {
	r := Report{
		Standing: Standing{State: Suspended, Reason: v1alpha1.ReasonSuspended,
			Message: "suspended: nothing but what a rollback takes back is written to the tenant until spec.suspend is false"},
		Keep: []string{v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionPayloadOutdated, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted,
			v1alpha1.ConditionWaitingForApproval},
	}
	if d := plan.NextLook(p.Status.Waves, now); d > 0 {
		r.Sooner(d)
	}
	return r
}

// NotTakenBack adds what a tenant that is not looked at as a whole still has although it was taken back: devices have it, and the
// policy does not go on claiming what was true before (P14). When it is gone, what else the tenant has is not known again before
// the next whole look.
func (r *Report) NotTakenBack(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, now time.Time) {
	if len(p.Status.Revisions) == 0 {
		return // lost: nobody knows what was taken back
	}
	var left []string
	groups := plan.WaveGroups(p, waves, p.Status.Revisions, now)
	for i := range groups {
		if g := &groups[i]; !g.Admit && (g.State == v1alpha1.Admitting || g.State == v1alpha1.Admitted) {
			left = append(left, fmt.Sprintf("group %s of wave %q (attempt %d)", g.ID, g.Wave, g.Attempt))
		}
	}
	was := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionApplied)
	switch {
	case len(left) > 0:
		r.Add(Condition(v1alpha1.ConditionApplied, false, v1alpha1.ReasonRollbackWaiting,
			fmt.Sprintf("devices still have what was taken back, by %s: %s", atMost(left, 3), r.Standing.Message)))
	case was != nil && was.Reason == v1alpha1.ReasonRollbackWaiting:
		r.Add(Unknown(v1alpha1.ConditionApplied, r.Standing.Reason, "what was taken back is; whether all else is as it should be is not looked at: "+r.Standing.Message))
	default:
		return
	}
	r.Keep = slices.DeleteFunc(slices.Clone(r.Keep), func(kind string) bool { return kind == v1alpha1.ConditionApplied })
}

// PolicySeen begins the report on a look: with what is known of settings and drift.
func PolicySeen(p *v1alpha1.PasskeyPolicy, built plan.Result, res *settings.Resolution, decided *revision.Result) Report {
	var r Report
	r.resolved(p, res, decided)
	if len(built.Late) > 0 {
		r.Keep = append(r.Keep, v1alpha1.ConditionDrifted) // not judged for all
	} else {
		r.Add(drifted(p.Spec.Drift, built.Drifts))
	}
	return r
}

// Unpopulated adds to a failure that the groups of the population are not what the spec says: what stands in the tenant
// stays, and is not what is claimed. A tenant that is only away says nothing about them.
func (r *Report) Unpopulated() {
	if r.Standing.State != Stuck {
		return
	}
	r.Standing.Message += ". Until then hold may reach nobody of it, no wave moves, and nothing that stands in the tenant is changed but by a rollback"
	r.Keep = slices.DeleteFunc(slices.Clone(r.Keep), func(kind string) bool { return kind == v1alpha1.ConditionApplied })
	r.Add(Condition(v1alpha1.ConditionApplied, false, r.Standing.Reason, r.Standing.Message))
}

// Settled completes the report on a plan that leaves nothing to do.
func (r *Report) Settled(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, built plan.Result, now time.Time) {
	r.Requeue = p.Spec.Interval.Duration
	if slices.ContainsFunc(p.Status.Objects, func(o v1alpha1.TenantObject) bool { return o.AssignSentAt != nil }) {
		r.Sooner(plan.ReplicationLag)
	}
	if d := plan.NextLook(p.Status.Waves, now); d > 0 {
		r.Sooner(d)
	}
	switch departed := departure(p, waves); {
	case len(built.Late) > 0:
		reason := v1alpha1.ReasonAssigning
		if built.LateContent {
			reason = v1alpha1.ReasonApplying
		}
		r.notApplied(reason, strings.Join(built.Late, "; "))
		r.Sooner(LateLook)
		return
	case len(built.Notes) > 0:
		r.notApplied(notedReason(built.Drifts), strings.Join(built.Notes, "; "))
		return
	case departed != "":
		r.notApplied(v1alpha1.ReasonAssigning, departed)
	case kept(built.Drifts) != nil:
		d, back := kept(built.Drifts), "Take the edit back in the tenant"
		if p.Spec.Drift == v1alpha1.DriftReport {
			back += ", or let Tidegate do so where it may: spec.drift is Report, set it to Correct"
		}
		r.notApplied(string(d.Kind), fmt.Sprintf("devices may not have what this policy says: on %s, %s. %s; until then no wave goes on", d.Key, d.Detail, back))
		r.Standing.State = Stuck
	default:
		message := appliedMessage(p, built)
		r.Add(Condition(v1alpha1.ConditionApplied, true, v1alpha1.ReasonApplied, message))
		r.Standing = Standing{State: Current, Reason: v1alpha1.ReasonSucceeded, Message: message}
		if text := underWay(p, now); text != "" {
			r.Standing = Standing{State: InProgress, Reason: v1alpha1.ReasonAssigning, Message: text}
		}
	}
	if name, why := stalledWave(waves); name != "" {
		r.Standing = Standing{State: Stuck, Reason: v1alpha1.ReasonWaveStalled, Message: fmt.Sprintf("wave %q is stalled: %s", name, why)}
	}
}

// kept is the first edit of others that devices feel and that stays: one that is only reported, and an assignment that somebody
// added, which takes devices out of a policy or brings others under it (P14). Nil when there is none.
func kept(drifts []plan.Drift) *plan.Drift {
	i := slices.IndexFunc(drifts, func(d plan.Drift) bool {
		return d.Kind == plan.ForeignAssignment || d.Kind == plan.SettingsEdited || d.Kind == plan.AssignmentMissing || d.Kind == plan.ObjectDeleted
	})
	if i < 0 {
		return nil
	}
	return &drifts[i]
}

// notedReason is why something that is wanted was not planned. Waves wait for assignments themselves; what somebody took
// away and nobody writes back stops them.
func notedReason(drifts []plan.Drift) string {
	for _, d := range drifts {
		if d.Kind == plan.ObjectDeleted || d.Kind == plan.SettingsEdited {
			return string(d.Kind)
		}
	}
	return v1alpha1.ReasonAssigning
}

// departure says that a wave which has succeeded does not have its devices under its revision any more; empty when none.
func departure(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave) string {
	for i := range waves {
		w := &waves[i]
		if w.Status.Phase != v1alpha1.PhaseSucceeded || !w.DeletionTimestamp.IsZero() {
			continue
		}
		c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionStalled)
		if c != nil && c.Status == metav1.ConditionTrue && c.Reason == v1alpha1.ReasonGroupLost {
			return fmt.Sprintf("the group of wave %q, which has succeeded, is gone from the tenant: %s", w.Name, c.Message)
		}
		at := slices.IndexFunc(p.Status.Waves, func(a v1alpha1.WaveAdmission) bool {
			return a.UID == string(w.UID) && a.Attempt == w.Status.Attempt
		})
		switch {
		case at < 0:
			return fmt.Sprintf("wave %q has succeeded with attempt %d, whose group is not assigned yet", w.Name, w.Status.Attempt)
		case p.Status.Waves[at].State != v1alpha1.Admitted:
			a := &p.Status.Waves[at]
			return fmt.Sprintf("wave %q has succeeded, and its group %s is %s since %s: assignments of it were taken away, or the tenant lost them. They are written again "+
				"where spec.drift is Correct; under Report, put them back or set spec.drift to Correct", w.Name, a.GroupID, a.State, Time(a.Since.Time))
		}
	}
	return ""
}

// underWay says for which groups Intune is given the time to act on assignments; empty for none.
func underWay(p *v1alpha1.PasskeyPolicy, now time.Time) string {
	var parts []string
	for i := range p.Status.Waves {
		a := &p.Status.Waves[i]
		if a.State != v1alpha1.Admitting && a.State != v1alpha1.Withdrawing {
			continue
		}
		text := fmt.Sprintf("group %s of wave %q (attempt %d, %s) is %s since %s", a.GroupID, a.Name, a.Attempt, revision.Name(a.Revision), a.State, Time(a.Since.Time))
		if d := plan.NextLook([]v1alpha1.WaveAdmission{*a}, now); d > 0 {
			text += fmt.Sprintf(", and Intune may take until %s to act on its assignments", Time(now.Add(d)))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

func (r *Report) notApplied(reason, message string) {
	r.Standing = Standing{State: InProgress, Reason: reason, Message: message}
	r.Add(Condition(v1alpha1.ConditionApplied, false, reason, message))
}

func appliedMessage(p *v1alpha1.PasskeyPolicy, built plan.Result) string {
	message := "every policy in the tenant is as it should be"
	if p.Spec.Drift == v1alpha1.DriftReport && len(built.Drifts) > 0 {
		message = "every policy in the tenant is as it was written, but for what condition Drifted names: spec.drift is Report"
	}
	if p.Spec.Mode == v1alpha1.ModeEnforceOnly {
		message += "; mode EnforceOnly restrains no one: Edge allows passkeys by default"
	}
	return message
}

// NotAlone is condition Applied of a policy whose tenant others work on, too: each would hold back, assign and judge devices
// without knowing of the other (P6). What is there stays; removals that are asked for still happen. False when nobody does.
func NotAlone(v *plan.View) (metav1.Condition, bool) {
	switch {
	case len(v.Others) > 0:
		return Condition(v1alpha1.ConditionApplied, false, v1alpha1.ReasonOtherOperator, otherOperators(v.Others)), true
	case len(v.Rivals) > 0:
		return Condition(v1alpha1.ConditionApplied, false, v1alpha1.ReasonOtherPolicy, rivals(v.Rivals)), true
	}
	return metav1.Condition{}, false
}

// NotAlone ends the report of a policy that is not alone, see the function of that name.
func (r *Report) NotAlone(c metav1.Condition) {
	r.Add(c)
	r.Standing = Standing{State: Stuck, Reason: c.Reason, Message: c.Message}
	r.Requeue = StoppedLook
}

func otherOperators(others []plan.OtherOperator) string {
	parts := make([]string, len(others))
	for i, o := range others {
		parts[i] = fmt.Sprintf("%s (%d policies, for example %q)", o.Cluster, len(o.Policies), o.Policies[0])
	}
	return fmt.Sprintf(
		"the tenant holds policies of the Tidegate of another cluster, by the uid of its namespace kube-system: %s. Only one may work on a tenant: "+
			"delete the PasskeyPolicies of the other cluster, or, where that cluster is gone, delete its policies in the tenant or take the marker out of their descriptions",
		strings.Join(parts, ", "))
}

func rivals(list []plan.Rival) string {
	parts := make([]string, len(list))
	for i, r := range list {
		if r.Gone == "" {
			parts[i] = fmt.Sprintf("PasskeyPolicy %s came first for the same tenant, platform and scope, and %s. Two on one device are a conflict: exclude whom they share "+
				"from spec.population of one, or delete one of the two", r.Policy, r.Why)
			continue
		}
		parts[i] = fmt.Sprintf("a PasskeyPolicy that is gone, or has no Tenant object for this tenant any more (uid %s), has left %d policies in the tenant, for example %q: "+
			"delete them there, or take the marker out of their descriptions if they are to stay and reach nobody of this population", r.Gone, len(r.Policies), r.Policies[0])
	}
	return "nothing is written beside another PasskeyPolicy but what takes back: " + strings.Join(parts, "; ")
}

// ApplyingReason tells waves whether only assignments are moving, which is what they wait for themselves, or whether the
// tenant does not have the payload yet.
func ApplyingReason(actions []plan.Action) string {
	if slices.ContainsFunc(actions, func(a plan.Action) bool { return a.Kind != plan.Assign }) {
		return v1alpha1.ReasonApplying
	}
	return v1alpha1.ReasonAssigning
}

// PolicyProgress sums the waves of a policy up: its columns in the status, and conditions RolloutComplete and, where
// spec.paused is set, Paused. It ends the report: whether the tenant is as it should be is judged by then, or stands.
func (r *Report) PolicyProgress(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, account string) {
	s, target, done := &p.Status, int32(0), 0
	if t := revision.Target(s.Revisions); t != nil {
		target = t.Number
	}
	s.CurrentWave = ""
	for i := range waves {
		w := &waves[i]
		switch {
		case succeededOn(w, target):
			done++
		case s.CurrentWave == "" && w.Status.Phase != v1alpha1.PhasePending && w.Status.Phase != "":
			s.CurrentWave = w.Name
		}
	}
	s.WaveProgress = fmt.Sprintf("%d/%d", done, len(waves))
	r.Add(r.complete(p, waves, done, account))
	if p.Spec.Paused {
		r.Add(Condition(v1alpha1.ConditionPaused, true, v1alpha1.ReasonPaused, "spec.paused stops every wave of this policy"))
	}
}

func succeededOn(w *v1alpha1.PilotWave, revision int32) bool {
	return w.Status.Phase == v1alpha1.PhaseSucceeded && w.Status.Revision == revision && w.DeletionTimestamp.IsZero() && rollout.Regressed(&w.Status) == nil
}

// complete judges whether the rollout is over: every wave has proven what the spec asks for and stands by it, and nobody
// who can be reached is on hold.
func (r *Report) complete(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, done int, account string) metav1.Condition {
	no := func(reason, format string, args ...any) metav1.Condition {
		message := fmt.Sprintf(format, args...)
		if account != "" {
			message += "; " + account
		}
		return Condition(v1alpha1.ConditionRolloutComplete, false, reason, message)
	}
	progress := p.Status.WaveProgress + " waves have succeeded"
	if t := revision.Target(p.Status.Revisions); t != nil {
		progress += " on " + revision.Name(t.Number)
	}
	switch {
	case len(waves) == 0:
		return no(v1alpha1.ReasonNoWaves, "no PilotWave refers to this policy")
	case done < len(waves):
		return no(v1alpha1.ReasonRolloutInProgress, "%s", progress)
	case !r.stands(p, v1alpha1.ConditionApplied):
		return no(v1alpha1.ReasonRolloutInProgress, "%s, and the tenant is not as it should be: condition Applied says why", progress)
	}
	for i := range waves {
		if c := meta.FindStatusCondition(waves[i].Status.Conditions, v1alpha1.ConditionReady); c == nil || c.Status != metav1.ConditionTrue {
			return no(v1alpha1.ReasonRolloutInProgress, "%s, and wave %q is not Ready: its conditions say why", progress, waves[i].Name)
		}
	}
	switch population := p.Status.Population; {
	case p.Spec.Mode != v1alpha1.ModeGate:
	case population == nil:
		return no(v1alpha1.ReasonStillOnHold, "%s; who is still on hold is not known until the fleet and the members of spec.population were read", progress)
	case population.Members == 0:
		return Unknown(v1alpha1.ConditionRolloutComplete, v1alpha1.ReasonPopulationEmpty, progress+"; spec.population selects nobody: its groups were emptied, or the tenant does not show their "+
			"members, and neither says that nobody is left to hold back. Put the members back or name the groups that are meant")
	case population.OnHold > 0:
		return no(v1alpha1.ReasonStillOnHold, "%s", progress)
	}
	if account != "" {
		progress += "; " + account
	}
	return Condition(v1alpha1.ConditionRolloutComplete, true, v1alpha1.ReasonRolloutComplete, progress)
}

// stands says that a condition is True in the report, or that it was and is kept.
func (r *Report) stands(p *v1alpha1.PasskeyPolicy, kind string) bool {
	if slices.Contains(r.Keep, kind) && !r.Has(kind) {
		return meta.IsStatusConditionTrue(p.Status.Conditions, kind)
	}
	return meta.IsStatusConditionTrue(r.Conditions, kind)
}

func stalledWave(waves []v1alpha1.PilotWave) (name, why string) {
	for i := range waves {
		if c := meta.FindStatusCondition(waves[i].Status.Conditions, v1alpha1.ConditionStalled); c != nil && c.Status == metav1.ConditionTrue {
			return waves[i].Name, c.Message
		}
	}
	return "", ""
}

func settingsMessage(list []v1alpha1.SettingStatus) string {
	n := map[v1alpha1.SettingVerdict]int{}
	for _, s := range list {
		n[s.Verdict]++
	}
	text := fmt.Sprintf("%d resolved", n[v1alpha1.SettingResolved])
	for _, v := range []v1alpha1.SettingVerdict{v1alpha1.SettingSubstituted, v1alpha1.SettingSkipped, v1alpha1.SettingMissing, v1alpha1.SettingUnsupported} {
		if n[v] > 0 {
			text += fmt.Sprintf(", %d %s", n[v], strings.ToLower(string(v)))
		}
	}
	return text + "; status.settings has each with its reason"
}

// drifted names what others edited, and where Tidegate leaves it, the way back. What was deleted nobody but Tidegate can make again.
func drifted(mode v1alpha1.DriftAction, list []plan.Drift) metav1.Condition {
	if len(list) == 0 {
		return Condition(v1alpha1.ConditionDrifted, false, v1alpha1.ReasonNoDrift, "no foreign edit was found")
	}
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = fmt.Sprintf("%s %s: %s", d.Key.Platform, d.Key.Level(), d.Detail)
	}
	text := strings.Join(parts, "; ")
	if mode == v1alpha1.DriftReport {
		deleted := func(d plan.Drift) bool { return d.Kind == plan.ObjectDeleted }
		back := "take the edit back in the tenant, or set spec.drift to Correct"
		switch {
		case !slices.ContainsFunc(list, func(d plan.Drift) bool { return !deleted(d) }):
			back = "set spec.drift to Correct, which makes it again"
		case slices.ContainsFunc(list, deleted):
			back += ", which alone makes again what was deleted"
		}
		text += ". The way back: " + back
	}
	return Condition(v1alpha1.ConditionDrifted, true, string(list[0].Kind), text)
}
