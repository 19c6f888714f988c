// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// maxMessage is the longest condition message that is written, in bytes; the API server refuses more than 32768.
const maxMessage = 2048

// State is what an object as a whole is doing, in kstatus terms.
type State int

// The states of an object.
const (
	// InProgress: Ready is False and Reconciling is True. The object moves by itself.
	InProgress State = iota
	// Current: Ready is True.
	Current
	// Stuck: Ready is False and Stalled is True. A person is needed.
	Stuck
	// Suspended: Ready is Unknown, and neither Reconciling nor Stalled is there. A person has asked for no look at the
	// tenant, so nobody knows whether it is as the spec says: a spec that was never applied must not be called healthy.
	Suspended
)

// Standing is the summary from which Ready, Reconciling and Stalled follow.
type Standing struct {
	State           State
	Reason, Message string
}

// Condition builds one condition; Conditions fills in time and generation.
func Condition(kind string, is bool, reason, message string) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
	if is {
		c.Status = metav1.ConditionTrue
	}
	return c
}

// Unknown builds one condition whose truth is not known.
func Unknown(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

// Conditions merges set into current and adds Ready, Reconciling and Stalled from the standing. A condition that is in
// current but in neither set nor keep is removed, so that nothing outlives its cause. Transition times move only when a
// status changes: an equal input gives an equal output (P12).
func Conditions(current []metav1.Condition, generation int64, now time.Time, s Standing, set []metav1.Condition, keep ...string) []metav1.Condition {
	want := append(standing(s), set...)
	out := make([]metav1.Condition, 0, len(want))
	for _, c := range current {
		if slices.Contains(keep, c.Type) || slices.ContainsFunc(want, func(w metav1.Condition) bool { return w.Type == c.Type }) {
			out = append(out, c)
		}
	}
	for _, c := range want {
		c.ObservedGeneration = generation
		c.LastTransitionTime = v1alpha1.Stamp(now)
		c.Message = Clip(c.Message, maxMessage)
		meta.SetStatusCondition(&out, c)
	}
	slices.SortFunc(out, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return out
}

func standing(s Standing) []metav1.Condition {
	ready := Condition(v1alpha1.ConditionReady, s.State == Current, s.Reason, s.Message)
	switch s.State {
	case InProgress:
		return []metav1.Condition{ready, Condition(v1alpha1.ConditionReconciling, true, s.Reason, s.Message)}
	case Stuck:
		return []metav1.Condition{ready, Condition(v1alpha1.ConditionStalled, true, s.Reason, s.Message)}
	case Suspended:
		return []metav1.Condition{Unknown(v1alpha1.ConditionReady, s.Reason, s.Message)}
	case Current:
	}
	return []metav1.Condition{ready}
}

// Clip shortens a message to at most limit bytes, at the end of a rune.
func Clip(message string, limit int) string {
	if len(message) <= limit {
		return message
	}
	cut := limit - len("…")
	for cut > 0 && message[cut]&0xC0 == 0x80 { // never inside a rune
		cut--
	}
	return message[:cut] + "…"
}
