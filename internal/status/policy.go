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

// PolicySeen begins the report on a look in which the settings were searched for: complete where they are blocked, otherwise
// with what is known of settings and drift.
func PolicySeen(v *plan.View, built plan.Result) Report {
	if v.Catalog.Blocked {
		message := v.Catalog.BlockMessage
		return Report{
			Standing:   Standing{State: Stuck, Reason: v1alpha1.ReasonSettingMissing, Message: message},
			Conditions: []metav1.Condition{Condition(v1alpha1.ConditionSettingsResolved, false, v1alpha1.ReasonSettingMissing, message)},
			Keep:       []string{v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted, v1alpha1.ConditionWaitingForApproval},
			Requeue:    StoppedLook,
		}
	}
	r := Report{Conditions: []metav1.Condition{
		Condition(v1alpha1.ConditionSettingsResolved, true, v1alpha1.ReasonSettingsResolved, settingsMessage(v.Catalog.Verdicts)),
	}}
	if len(built.Late) > 0 {
		r.Keep = []string{v1alpha1.ConditionDrifted} // not judged for all
	} else {
		r.Add(drifted(built.Drifts))
	}
	return r
}

// Settled completes the report on a plan that leaves nothing to do.
func (r *Report) Settled(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, built plan.Result) {
	r.Requeue = p.Spec.Interval.Duration
	if slices.ContainsFunc(p.Status.Objects, func(o v1alpha1.TenantObject) bool { return o.AssignSentAt != nil }) {
		r.Requeue = min(r.Requeue, plan.ReplicationLag)
	}
	switch {
	case len(built.Late) > 0:
		reason := v1alpha1.ReasonAssigning
		if built.LateContent {
			reason = v1alpha1.ReasonApplying
		}
		r.notApplied(reason, strings.Join(built.Late, "; "))
		r.Requeue = LateLook
		return
	case len(built.Notes) > 0:
		r.notApplied(v1alpha1.ReasonPayloadWaiting, strings.Join(built.Notes, "; "))
		return
	}
	message := appliedMessage(p, built)
	r.Add(Condition(v1alpha1.ConditionApplied, true, v1alpha1.ReasonApplied, message))
	r.Standing = Standing{State: Current, Reason: v1alpha1.ReasonSucceeded, Message: message}
	if name, why := stalledWave(waves); name != "" {
		r.Standing = Standing{State: Stuck, Reason: v1alpha1.ReasonWaveStalled, Message: fmt.Sprintf("wave %q is stalled: %s", name, why)}
	}
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

// NotAlone stops a policy that shares its tenant with the operator of another cluster: each would hold back, assign and
// judge devices without knowing of the other (P6). What is there stays; removals that are asked for still happen.
func (r *Report) NotAlone(others []plan.OtherOperator) {
	c := NotAlone(others)
	r.Add(c)
	r.Standing = Standing{State: Stuck, Reason: c.Reason, Message: c.Message}
	r.Requeue = StoppedLook
}

// NotAlone is condition Applied of a policy whose tenant another operator works on, too.
func NotAlone(others []plan.OtherOperator) metav1.Condition {
	parts := make([]string, len(others))
	for i, o := range others {
		parts[i] = fmt.Sprintf("%s (%d policies, for example %q)", o.Cluster, len(o.Policies), o.Policies[0])
	}
	return Condition(v1alpha1.ConditionApplied, false, v1alpha1.ReasonOtherOperator, fmt.Sprintf(
		"the tenant holds policies of the Tidegate of another cluster, by the uid of its namespace kube-system: %s. Only one may work on a tenant: "+
			"delete the PasskeyPolicies of the other cluster, or, where that cluster is gone, delete its policies in the tenant or take the marker out of their descriptions",
		strings.Join(parts, ", ")))
}

// ApplyingReason tells waves whether only assignments are moving, which is what they wait for themselves, or whether the
// tenant does not have the payload yet.
func ApplyingReason(actions []plan.Action) string {
	if slices.ContainsFunc(actions, func(a plan.Action) bool { return a.Kind != plan.Assign }) {
		return v1alpha1.ReasonApplying
	}
	return v1alpha1.ReasonAssigning
}

// PolicyProgress sums the waves of a policy up: its columns in s, and conditions RolloutComplete and, where spec.paused is
// set, Paused.
func PolicyProgress(s *v1alpha1.PasskeyPolicyStatus, waves []v1alpha1.PilotWave, paused bool) []metav1.Condition {
	done := 0
	s.CurrentWave = ""
	for i := range waves {
		w := &waves[i]
		switch {
		case w.Status.Phase == v1alpha1.PhaseSucceeded:
			done++
		case s.CurrentWave == "" && w.Status.Phase != v1alpha1.PhasePending && w.Status.Phase != "":
			s.CurrentWave = w.Name
		}
	}
	s.WaveProgress = fmt.Sprintf("%d/%d", done, len(waves))
	complete := Condition(v1alpha1.ConditionRolloutComplete, false, v1alpha1.ReasonRolloutInProgress, s.WaveProgress+" waves have succeeded")
	switch {
	case len(waves) == 0:
		complete = Condition(v1alpha1.ConditionRolloutComplete, false, v1alpha1.ReasonNoWaves, "no PilotWave refers to this policy")
	case done == len(waves):
		complete = Condition(v1alpha1.ConditionRolloutComplete, true, v1alpha1.ReasonRolloutComplete, s.WaveProgress+" waves have succeeded")
	}
	if !paused {
		return []metav1.Condition{complete}
	}
	return []metav1.Condition{complete, Condition(v1alpha1.ConditionPaused, true, v1alpha1.ReasonPaused, "spec.paused stops every wave of this policy")}
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

func drifted(list []plan.Drift) metav1.Condition {
	if len(list) == 0 {
		return Condition(v1alpha1.ConditionDrifted, false, v1alpha1.ReasonNoDrift, "no foreign edit was found")
	}
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = fmt.Sprintf("%s %s: %s", d.Key.Platform, d.Key.Role, d.Detail)
	}
	return Condition(v1alpha1.ConditionDrifted, true, string(list[0].Kind), strings.Join(parts, "; "))
}
