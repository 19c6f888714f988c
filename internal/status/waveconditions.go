// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/rollout"
)

// WaveConditions are the conditions of a wave beside Ready, Reconciling and Stalled.
func WaveConditions(in rollout.Input, w *v1alpha1.PilotWave) []metav1.Condition {
	s := &w.Status
	out := SafetyConditions(in)
	out = append(out,
		Condition(v1alpha1.ConditionAudienceResolved, s.Audience != nil, audienceReason(in, s), audienceMessage(in, s)),
		Condition(v1alpha1.ConditionTelemetryFresh, in.Telemetry.State == rollout.TelemetryFresh, telemetryReason(in), orDone(in.Telemetry.Message, "the fleet was read within gate.maxTelemetryAge")))
	if a := s.Audience; a != nil && a.SpecHash != "" && a.SpecHash != rollout.AudienceHash(&w.Spec.Audience) {
		out = append(out, Condition(v1alpha1.ConditionAudienceOutdated, true, v1alpha1.ReasonAudienceEdited, outdated(in)))
	}
	if rollout.GateEdited(w) {
		out = append(out, Condition(v1alpha1.ConditionGateOutdated, true, v1alpha1.ReasonGateEdited,
			"spec.gate was edited after this attempt had begun: its deadline counts at once, and all else from the next attempt on, such as after a retry"))
	}
	if c := earlierDrift(in); c != nil {
		out = append(out, *c)
	}
	if len(s.Gate) > 0 {
		reason := v1alpha1.ReasonGateWaiting
		if in.Evidence.State == rollout.EvidencePass {
			reason = v1alpha1.ReasonGatePassed
		}
		out = append(out, Condition(v1alpha1.ConditionGatePassed, in.Evidence.State == rollout.EvidencePass, reason, in.Evidence.Message))
	}
	return out
}

// earlierDrift says what the groups of earlier attempts that stand are not; nil when they are as they should be or were not read.
func earlierDrift(in rollout.Input) *metav1.Condition {
	var c metav1.Condition
	switch in.Earlier.State {
	case rollout.EarlierGone, rollout.EarlierDrifted:
		reason, message := rollout.EarlierDeparture(&in)
		c = Condition(v1alpha1.ConditionDrifted, true, reason, message)
	case rollout.EarlierUntold:
		c = Unknown(v1alpha1.ConditionDrifted, v1alpha1.ReasonLedgerLost, in.Earlier.Message)
	case rollout.EarlierWhole:
		return nil
	default:
		return nil
	}
	return &c
}

// EarlierUnread names the condition on which a look has nothing to say that did not read the groups of earlier attempts.
func EarlierUnread(in rollout.Input) []string {
	if in.Earlier.State == "" {
		return []string{v1alpha1.ConditionDrifted}
	}
	return nil
}

// WaveDeparted is the standing of a wave while the group of an earlier attempt is not what it left there: devices do not have what the
// wave stands for (P14). What is put right by itself is on its way; what stays needs a person. set are the conditions of this look,
// before are those of the one before, which stand where this one did not read the groups.
func WaveDeparted(s Standing, in rollout.Input, set, before []metav1.Condition) Standing {
	c := meta.FindStatusCondition(set, v1alpha1.ConditionDrifted)
	if c == nil && in.Earlier.State == "" {
		c = meta.FindStatusCondition(before, v1alpha1.ConditionDrifted)
	}
	switch {
	case c == nil || c.Status != metav1.ConditionTrue || s.State == Stuck:
		return s
	case c.Reason == v1alpha1.ReasonGroupLost || in.OnlyReports:
		return Standing{State: Stuck, Reason: c.Reason, Message: c.Message}
	case s.State == Current:
		return Standing{State: InProgress, Reason: c.Reason, Message: c.Message}
	}
	return s
}

// outdated says what the edit of an audience does to the running attempt.
func outdated(in rollout.Input) string {
	const head = "spec.audience was edited after this attempt had resolved it: exclusions act at once, "
	if in.Growing {
		return head + "those who are selected now join, and everything else is taken by the next attempt, such as after a retry"
	}
	return head + "everything else is taken by the next attempt, such as after a retry"
}

// SafetyConditions are those of them that follow from objects of the cluster alone.
func SafetyConditions(in rollout.Input) []metav1.Condition {
	out := []metav1.Condition{
		Condition(v1alpha1.ConditionDependenciesMet, in.Dependencies.State == rollout.DependenciesMet, dependencyReason(in), orDone(in.Dependencies.Message, "every wave in spec.dependsOn has succeeded")),
	}
	if in.Paused {
		out = append(out, Condition(v1alpha1.ConditionPaused, true, v1alpha1.ReasonPaused, "spec.paused of the wave or of its policy is true"))
	}
	return out
}

// Unread are the conditions on which a decision that was taken before anything else was read has nothing to say.
func Unread() []string {
	return []string{v1alpha1.ConditionAudienceResolved, v1alpha1.ConditionTelemetryFresh, v1alpha1.ConditionAudienceOutdated, v1alpha1.ConditionGateOutdated,
		v1alpha1.ConditionDrifted, v1alpha1.ConditionGatePassed}
}

func dependencyReason(in rollout.Input) string {
	switch in.Dependencies.State {
	case rollout.DependenciesMet:
		return v1alpha1.ReasonDependenciesMet
	case rollout.DependenciesMissing:
		return v1alpha1.ReasonDependencyMissing
	case rollout.DependenciesCycle:
		return v1alpha1.ReasonDependencyCycle
	case rollout.DependenciesFailed:
		return v1alpha1.ReasonDependencyFailed
	case rollout.DependenciesWaiting:
	}
	return v1alpha1.ReasonWaitingForDependency
}

func audienceReason(in rollout.Input, s *v1alpha1.PilotWaveStatus) string {
	switch {
	case s.Audience != nil:
		return v1alpha1.ReasonAudienceResolved
	case in.Audience.State == rollout.AudienceRefused:
		return in.Audience.Reason
	}
	return v1alpha1.ReasonResolvingAudience
}

func audienceMessage(in rollout.Input, s *v1alpha1.PilotWaveStatus) string {
	switch {
	case s.Audience != nil:
		text := fmt.Sprintf("%d devices targeted, %d eligible", s.Audience.Targeted, s.Audience.Eligible)
		if in.Audience.State == rollout.AudienceOK && in.Audience.Message != "" {
			text += "; " + in.Audience.Message
		}
		return text
	case in.Audience.State == rollout.AudienceRefused:
		return in.Audience.Message
	}
	return "not resolved yet"
}

func telemetryReason(in rollout.Input) string {
	switch in.Telemetry.State {
	case rollout.TelemetryFresh:
		return v1alpha1.ReasonTelemetryFresh
	case rollout.TelemetryStale:
		return v1alpha1.ReasonTelemetryStale
	case rollout.TelemetryMissing:
		return v1alpha1.ReasonTelemetryMissing
	case rollout.TelemetryClock:
		return v1alpha1.ReasonClockSkewed
	case rollout.TelemetryNotLoaded:
	}
	return v1alpha1.ReasonInventoryNotLoaded
}

func orDone(text, otherwise string) string {
	if strings.TrimSpace(text) == "" {
		return otherwise
	}
	return text
}
