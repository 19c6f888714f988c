// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// Event is one event to emit, once, after the status that it describes was written.
type Event struct {
	// Warning is false for a normal event.
	Warning bool
	// Reason is one of the reason constants of the API.
	Reason string
	// Message is the text, clipped to what the events API takes (1024 bytes).
	Message string
}

const maxNote = 1000

func event(warning bool, reason, message string) Event {
	return Event{Warning: warning, Reason: reason, Message: Clip(message, maxNote)}
}

// alarming are the conditions of which True is bad news; for all others False is.
var alarming = []string{v1alpha1.ConditionStalled, v1alpha1.ConditionDrifted, v1alpha1.ConditionThrottled, v1alpha1.ConditionAudienceOutdated, v1alpha1.ConditionGateOutdated}

// arrivals are the conditions that are worth an event only when they become True: their absence is the normal course.
var arrivals = []string{v1alpha1.ConditionApplied, v1alpha1.ConditionRolloutComplete}

// ConditionEvents gives one event for each of the named conditions whose status changed between before and after. A
// condition that appears for the first time with good news, or that disappears, is no event. Of several that change for one reason
// the first named tells it: a cluster takes events of one reason for one that is repeated, and shows either of their messages.
func ConditionEvents(before, after []metav1.Condition, kinds ...string) []Event {
	var out []Event
	for _, kind := range kinds {
		was, is := meta.FindStatusCondition(before, kind), meta.FindStatusCondition(after, kind)
		if is == nil || was != nil && was.Status == is.Status {
			continue
		}
		if slices.Contains(arrivals, kind) {
			if is.Status == metav1.ConditionTrue {
				out = append(out, event(false, is.Reason, is.Message))
			}
			continue
		}
		bad := (is.Status == metav1.ConditionTrue) == slices.Contains(alarming, kind)
		if was == nil && !bad || is.Status == metav1.ConditionUnknown || slices.ContainsFunc(out, func(e Event) bool { return e.Reason == is.Reason }) {
			continue
		}
		out = append(out, event(bad, is.Reason, is.Message))
	}
	return out
}

// bad are the phases whose beginning is a warning.
var bad = []v1alpha1.WavePhase{
	v1alpha1.PhaseHeld, v1alpha1.PhaseHalted, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRollbackIncomplete, v1alpha1.PhaseAborted,
}

// WaveEvents gives the events of one step of a wave: at most one for each thing that changed.
func WaveEvents(before, after *v1alpha1.PilotWaveStatus) []Event {
	var out []Event
	if n := len(after.History); n > 0 && (len(before.History) == 0 || before.History[len(before.History)-1].Attempt != after.History[n-1].Attempt) {
		last := after.History[n-1]
		out = append(out, event(false, v1alpha1.ReasonAttemptStarted,
			fmt.Sprintf("attempt %d ended as %s (%s): %d of %d reports failed, %d devices were exposed; attempt %d begins",
				last.Attempt, last.Outcome, last.Reason, last.K, last.N, last.Exposed, after.Attempt)))
	}
	if before.Audience == nil && after.Audience != nil {
		a := after.Audience
		out = append(out, event(false, v1alpha1.ReasonAudienceResolved,
			fmt.Sprintf("%d devices targeted, %d eligible; membership of attempt %d is frozen", a.Targeted, a.Eligible, after.Attempt)))
	}
	if n := refusedOf(after); n > refusedOf(before) {
		out = append(out, event(true, v1alpha1.ReasonMembersRefused, fmt.Sprintf(
			"the tenant does not take %d of the devices of attempt %d as members of the wave's group: they do not get the payload and do not count, the others go on%s",
			n, after.Attempt, samplesOf(after.Findings, diagnosis.ReasonMemberGone, diagnosis.ReasonMemberRefused))))
	}
	if b := after.Clocks.LastBatchAt; b != nil && (before.Clocks.LastBatchAt == nil || !before.Clocks.LastBatchAt.Equal(b)) {
		out = append(out, event(false, v1alpha1.ReasonBatchExposed, fmt.Sprintf("%d of %d eligible devices are exposed",
			eligible(after)-int(after.Devices.Pending), eligible(after))))
	}
	if before.Phase != after.Phase {
		out = append(out, event(slices.Contains(bad, after.Phase), after.Decision.Reason,
			fmt.Sprintf("%s → %s: %s", orNone(before.Phase), after.Phase, after.Decision.Message)))
	}
	if before.HandledRequests != after.HandledRequests && before.Phase == after.Phase {
		out = append(out, event(false, v1alpha1.ReasonSafetyRequestAccepted, after.Decision.Message))
	}
	var stalled []Event
	if before.Phase == after.Phase { // a move tells it already
		stalled = ConditionEvents(before.Conditions, after.Conditions, v1alpha1.ConditionStalled)
	}
	if out = append(out, stalled...); len(stalled) == 0 { // which tells it already, too
		out = append(out, ConditionEvents(before.Conditions, after.Conditions, v1alpha1.ConditionDrifted)...)
	}
	out = append(out, ConditionEvents(before.Conditions, after.Conditions, v1alpha1.ConditionAudienceOutdated, v1alpha1.ConditionGateOutdated)...)
	return append(out, pauseEvents(before.Conditions, after.Conditions)...)
}

func pauseEvents(before, after []metav1.Condition) []Event {
	was, is := meta.IsStatusConditionTrue(before, v1alpha1.ConditionPaused), meta.IsStatusConditionTrue(after, v1alpha1.ConditionPaused)
	switch {
	case is && !was:
		return []Event{event(false, v1alpha1.ReasonPaused, "paused: nothing is exposed or promoted until it is resumed")}
	case was && !is:
		return []Event{event(false, v1alpha1.ReasonProgressing, "resumed")}
	default:
		return nil
	}
}

func refusedOf(s *v1alpha1.PilotWaveStatus) int32 {
	if s.Audience == nil {
		return 0
	}
	return s.Audience.Refused
}

// samplesOf names devices of findings with one of the reasons, as the end of a sentence; empty when there are none.
func samplesOf(findings []v1alpha1.Finding, reasons ...string) string {
	var parts []string
	for _, f := range findings {
		if slices.Contains(reasons, f.Reason) && len(f.Samples) > 0 {
			parts = append(parts, fmt.Sprintf("%s (%d): %s", f.Reason, f.Count, strings.Join(f.Samples, ", ")))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}

func eligible(s *v1alpha1.PilotWaveStatus) int {
	if s.Audience == nil {
		return 0
	}
	return int(s.Audience.Eligible)
}

func orNone(p v1alpha1.WavePhase) string {
	if p == "" {
		return "new"
	}
	return string(p)
}
