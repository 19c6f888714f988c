// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// unread says that the catalog is not known.
func unread(take bool) *Notice {
	what := "what the spec asks for is not resolved yet"
	if take {
		what = "annotation " + v1alpha1.AnnotationTake + " waits"
	}
	return &Notice{Reason: v1alpha1.ReasonProgressing, Message: "The tenant's settings catalog has not been read, so that " + what +
		". Devices keep what they have meanwhile; condition SettingsResolved says when the catalog cannot be read."}
}

// unlisted says that no number can be given.
func unlisted() *Notice {
	return &Notice{Reason: v1alpha1.ReasonProgressing, Message: "The policies in the tenant could not be listed, so that it is not known which revisions " +
		"there are: the number of a new one might be that of an older one. Devices keep what they have meanwhile."}
}

// waitsFor says why a third candidate cannot be made, and how to make room for it.
func (d *decision) waitsFor(older, newer int32) *Notice {
	return &Notice{Reason: v1alpha1.ReasonPayloadWaiting, Message: fmt.Sprintf(
		"The spec asks for another payload while two that are not proven are on devices: %s (%s) and %s (%s). It waits until %s has reached the devices of "+
			"%s, and changes nothing meanwhile. To make room at once, roll back the waves of one of them (annotation %s), or return the spec to the "+
			"settings of either.",
		Name(older), d.whose(older), Name(newer), d.whose(newer), Name(newer), Name(older), v1alpha1.AnnotationRollback)}
}

// losing says that the content of revisions is not recorded any more, and the way back.
func (d *decision) losing() *Notice {
	names := make([]string, len(d.Lost))
	for i, number := range d.Lost {
		names[i] = fmt.Sprintf("%s (%s)", Name(number), d.whose(number))
		for _, f := range d.unreadable {
			if f.Number == number {
				names[i] += ": " + f.Problem
			}
		}
	}
	return &Notice{Reason: v1alpha1.ReasonRevisionsLost, Message: fmt.Sprintf(
		"The record of what %s writes is gone from status, and devices may have it. Nothing new is written until that is settled; devices keep what they "+
			"have. Restore status.revisions from a backup, return the spec to the settings that these waves had, or roll back or delete these waves.",
		strings.Join(names, ", "))}
}

// whose names the waves whose groups have a revision, and its devices when they are known.
func (d *decision) whose(number int32) string {
	var parts []string
	if n, known := d.devices(number); known {
		parts = append(parts, fmt.Sprintf("%d devices", n))
	} else {
		parts = append(parts, "an unknown number of devices")
	}
	var waves []string
	for i := range d.in.Waves {
		w := &d.in.Waves[i]
		if slices.ContainsFunc(w.Attempts, func(a Attempt) bool { return a.Revision == number && a.active() }) {
			waves = append(waves, w.Name)
		}
	}
	for _, g := range d.in.Groups {
		if g.Revision == number && d.orphaned(number) && !slices.Contains(waves, g.Name) {
			waves = append(waves, g.Name)
		}
	}
	slices.Sort(waves)
	if len(waves) > 0 {
		parts = append(parts, "of waves "+strings.Join(waves, ", "))
	}
	return strings.Join(parts, " ")
}

// outdated compares what is pinned with what the catalog has now.
func (d *decision) outdated() {
	res := d.in.Resolution
	if res == nil {
		return
	}
	var lost []string
	for _, g := range res.Gone {
		if ByNumber(d.Revisions, g.Revision) != nil && !TakenBack(d.Revisions, g.Revision) {
			lost = append(lost, g.String())
		}
	}
	target := Target(d.Revisions)
	switch {
	case len(lost) > 0:
		d.Outdated = &Notice{Reason: v1alpha1.ReasonDefinitionGone, Message: fmt.Sprintf(
			"The tenant's settings catalog does not have %s any more. What is written stays in place, and whether Intune goes on delivering it is not known: "+
				"look at the policies in the Intune admin center. To take what the catalog has now, as a new revision that the waves prove, change spec.settings or "+
				"give annotation %s a new value.", strings.Join(lost, ", "), v1alpha1.AnnotationTake)}
	case target != nil && target.SettingsHash == d.in.Ask && !res.Blocked && target.PayloadHash != res.Hash:
		d.Outdated = &Notice{Reason: v1alpha1.ReasonNewerDefinition, Message: fmt.Sprintf(
			"The tenant's settings catalog has other definitions for what the spec asks for: %s. Nothing changes on any device by that. To take them, as a new revision "+
				"that the waves prove, give annotation %s a new value; the next change of spec.settings takes them too.",
			difference(target, res.Pinned), v1alpha1.AnnotationTake)}
	}
}

// difference names, platform by platform, what a revision writes and what it would
// write now.
func difference(r *v1alpha1.RevisionStatus, now []v1alpha1.PinnedPayload) string {
	var parts []string
	for i := range now {
		p := &now[i]
		have := On(r, p.Platform)
		if have == nil {
			parts = append(parts, fmt.Sprintf("on %s %s, where %s writes nothing", p.Platform, names(p.Settings, nil), Name(r.Number)))
			continue
		}
		if settings.HashPinned([]v1alpha1.PinnedPayload{*have}) == settings.HashPinned([]v1alpha1.PinnedPayload{*p}) {
			continue
		}
		before, after := names(have.Settings, p.Settings), names(p.Settings, have.Settings)
		if before == "" && after == "" {
			before, after = have.Technologies, p.Technologies
		}
		parts = append(parts, fmt.Sprintf("on %s %s in place of %s of %s", p.Platform, orNothing(after), orNothing(before), Name(r.Number)))
	}
	for i := range r.Payloads {
		gone := func(p v1alpha1.PinnedPayload) bool { return p.Platform == r.Payloads[i].Platform }
		if !slices.ContainsFunc(now, gone) {
			parts = append(parts, fmt.Sprintf("on %s nothing in place of %s of %s", r.Payloads[i].Platform, names(r.Payloads[i].Settings, nil), Name(r.Number)))
		}
	}
	return strings.Join(parts, "; ")
}

// names lists the settings that other does not have in the same way.
func names(list, other []v1alpha1.PinnedSetting) string {
	var out []string
	for _, s := range list {
		if !slices.Contains(other, s) {
			out = append(out, fmt.Sprintf("%s = %s", s.DefinitionID, s.Value))
		}
	}
	return strings.Join(out, ", ")
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
