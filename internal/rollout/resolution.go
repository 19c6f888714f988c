// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// Resolving says whether candidates are needed: the audience is not frozen, or was refused and may be better now.
func (w World) Resolving() bool {
	s := &w.Wave.Status
	return w.GroupID() == "" && (s.Phase == v1alpha1.PhaseResolving || s.Phase == v1alpha1.PhaseHeld && s.HeldPhase == v1alpha1.PhaseResolving)
}

// audience is the result of resolving it.
func (w World) audience() AudienceFact {
	f := AudienceFact{}
	refused := w.Refusal()
	switch {
	case refused != nil:
		f.State, f.Reason, f.Message = AudienceRefused, refused.Reason, refused.Message
	case w.Wave.Status.Phase == v1alpha1.PhaseHeld && w.Candidates != nil, w.GroupID() != "":
		f.State, f.Message = AudienceOK, w.refusedMembers()
	}
	return f
}

// refusedMembers says whom of the audience the tenant did not take into the group, and what to do about it; empty when it took
// all. The wave goes on without them.
func (w World) refusedMembers() string {
	if !w.Frozen() {
		return ""
	}
	n, first := 0, ""
	for _, e := range w.Record().Entries {
		if e.Refused == audience.RefusedNot {
			continue
		}
		if n++; n == 1 {
			first = e.ID.String() + ", which the tenant does not take as a member"
			if e.Refused == audience.RefusedGone {
				first = e.ID.String() + ", which the directory no longer has"
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of them were refused by the tenant and are left out, such as %s: mend it there, and a later attempt takes them", n, first)
}

// Refusal is why the wave may not or cannot work with its audience; nil when nothing speaks against it.
func (w World) Refusal() *Cause {
	if w.GroupID() != "" {
		return nil // it is frozen; a growing one is looked at by Joiners
	}
	if w.Refused != nil || w.Candidates == nil {
		return w.Refused
	}
	c := w.Candidates
	reason, message, ok := audience.Check(len(c.Targeted), len(c.Eligible), w.Wave.Spec.Audience)
	if ok {
		reason, message, ok = Reachable(&w.Wave.Spec.Gate, len(c.Eligible))
	}
	if ok {
		return nil
	}
	if len(c.Ineligible) > 0 {
		message += fmt.Sprintf(" (ineligible: %s)", reasonCounts(c.Ineligible))
	}
	return &Cause{Reason: reason, Message: message}
}

func reasonCounts(list []v1alpha1.ReasonCount) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = fmt.Sprintf("%s %d", c.Reason, c.Count)
	}
	return strings.Join(parts, ", ")
}
