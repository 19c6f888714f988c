// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strings"

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
	if len(s.Gate) > 0 {
		reason := v1alpha1.ReasonGateWaiting
		if in.Evidence.State == rollout.EvidencePass {
			reason = v1alpha1.ReasonGatePassed
		}
		out = append(out, Condition(v1alpha1.ConditionGatePassed, in.Evidence.State == rollout.EvidencePass, reason, in.Evidence.Message))
	}
	return out
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
	return []string{v1alpha1.ConditionAudienceResolved, v1alpha1.ConditionTelemetryFresh, v1alpha1.ConditionAudienceOutdated, v1alpha1.ConditionGatePassed}
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
