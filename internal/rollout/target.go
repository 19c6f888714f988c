// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/revision"
)

// Target is what the policy wants its waves to bring; zero when it cannot say.
func (w World) Target() Target {
	if w.Policy == nil {
		return Target{}
	}
	var t Target
	list := w.Policy.Status.Revisions
	if r := revision.Target(list); r != nil {
		t.Revision, t.PayloadHash = r.Number, r.PayloadHash
	}
	if r := revision.Stable(list); r != nil {
		t.Stable = r.Number
	}
	return t
}

// restartFrom is where a new revision begins.
func (w World) restartFrom() v1alpha1.RestartFrom {
	if w.Policy == nil {
		return ""
	}
	return w.Policy.Spec.RestartFrom
}

// payload compares the revision of the attempt with the one that the policy wants.
func (w World) payload() Fact[PayloadState] {
	have, want := w.Wave.Status.Revision, w.Target().Revision
	switch {
	case have == 0:
		if old := w.leftover(); old != 0 {
			return FactOf(PayloadReverted, fmt.Sprintf("PasskeyPolicy %q returned from %s to %s", w.Policy.Name, revision.Name(old), revision.Name(want)))
		}
		return FactOf(PayloadNotCompared, "")
	case w.Policy != nil && revision.TakenBack(w.Policy.Status.Revisions, have):
		return FactOf(PayloadReverted, fmt.Sprintf("PasskeyPolicy %q returned from %s to %s", w.Policy.Name, revision.Name(have), revision.Name(want)))
	case want == 0:
		return FactOf(PayloadNotCompared, "")
	case have == want:
		return FactOf(PayloadSame, "")
	case have < want:
		return FactOf(PayloadChanged, fmt.Sprintf(
			"PasskeyPolicy %q wants %s: evidence for %s proves nothing about it", w.Policy.Name, revision.Name(want), revision.Name(have)))
	}
	if revision.ByNumber(w.Policy.Status.Revisions, have) != nil {
		return FactOf(PayloadNotCompared, fmt.Sprintf("PasskeyPolicy %q asks for %s, and this attempt brings %s, which came later and was not taken back: see its conditions",
			w.Policy.Name, revision.Name(want), revision.Name(have)))
	}
	return FactOf(PayloadNotCompared, fmt.Sprintf("PasskeyPolicy %q has no record of %s, which this attempt brings: see its conditions", w.Policy.Name, revision.Name(have)))
}

// leftover is the latest revision that was reverted and that an earlier attempt may have left on devices; 0 for none. One that
// came before the target is no leftover: it retires when its devices have the target.
func (w World) leftover() int32 {
	var latest int32
	for i := range w.Wave.Status.Attempts {
		a := &w.Wave.Status.Attempts[i]
		if w.Policy != nil && a.Revision > max(latest, w.Target().Revision) && revision.TakenBack(w.Policy.Status.Revisions, a.Revision) && w.mayHaveDevices(a) {
			latest = a.Revision
		}
	}
	return latest
}

// bringing is the revision whose reports count for the wave: that of the attempt, or the one that it is about to bring.
func (w World) bringing() int32 {
	if r := w.Wave.Status.Revision; r != 0 {
		return r
	}
	return w.Target().Revision
}

// objects lists the tenant ids of the policy's objects of one revision; 0 is hold.
func (w World) objects(number int32) []string {
	if w.Policy == nil {
		return nil
	}
	var out []string
	for i := range w.Policy.Status.Objects {
		if o := &w.Policy.Status.Objects[i]; o.Revision == number && o.ID != "" && (number == 0) == (o.Role == v1alpha1.RoleHold) {
			out = append(out, o.ID)
		}
	}
	return out
}
