// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Baseline is revision 0, hold; nil in mode EnforceOnly and before the first ask
// was resolved.
func Baseline(list []v1alpha1.RevisionStatus) *v1alpha1.RevisionStatus {
	return inState(list, v1alpha1.RevisionBaseline)
}

// Target is the revision that waves bring: the candidate, else the stable one. Nil
// before the first.
func Target(list []v1alpha1.RevisionStatus) *v1alpha1.RevisionStatus {
	if r := inState(list, v1alpha1.RevisionCandidate); r != nil {
		return r
	}
	return Stable(list)
}

// Stable is the last revision that every wave has proven; nil when there is none.
func Stable(list []v1alpha1.RevisionStatus) *v1alpha1.RevisionStatus {
	return inState(list, v1alpha1.RevisionStable)
}

// inState is the newest revision in a state.
func inState(list []v1alpha1.RevisionStatus, state v1alpha1.RevisionState) *v1alpha1.RevisionStatus {
	var found *v1alpha1.RevisionStatus
	for i := range list {
		if r := &list[i]; r.State == state && (found == nil || r.Number > found.Number) {
			found = r
		}
	}
	return found
}

// ByNumber is the revision of a number; nil when the list has none.
func ByNumber(list []v1alpha1.RevisionStatus, number int32) *v1alpha1.RevisionStatus {
	for i := range list {
		if list[i].Number == number {
			return &list[i]
		}
	}
	return nil
}

// Live are the revisions that have objects in the tenant, in the order of the list:
// all but the retired. A reverted one keeps its objects until its groups are
// withdrawn.
func Live(list []v1alpha1.RevisionStatus) []v1alpha1.RevisionStatus {
	var out []v1alpha1.RevisionStatus
	for i := range list {
		if list[i].State != v1alpha1.RevisionRetired {
			out = append(out, list[i])
		}
	}
	return out
}

// TakenBack says that no attempt may have its group in the include of a revision:
// it was reverted or retired. A number that the list does not have is not taken
// back by that (see Result.Lost).
func TakenBack(list []v1alpha1.RevisionStatus, number int32) bool {
	r := ByNumber(list, number)
	return r != nil && (r.State == v1alpha1.RevisionReverted || r.State == v1alpha1.RevisionRetired)
}

// On is what a revision writes on a platform; nil when it has nothing there, and
// then its groups play no part there.
func On(r *v1alpha1.RevisionStatus, platform v1alpha1.Platform) *v1alpha1.PinnedPayload {
	for i := range r.Payloads {
		if r.Payloads[i].Platform == platform {
			return &r.Payloads[i]
		}
	}
	return nil
}

// Name of a revision in words: r2, or hold for revision 0.
func Name(number int32) string {
	if number == 0 {
		return "hold"
	}
	return fmt.Sprintf("r%d", number)
}

// Text is the table view of a list: "r2, stable r1" while r2 is under way, "r2" once
// it is stable or nothing is stable yet, empty before the first.
func Text(list []v1alpha1.RevisionStatus) string {
	target, stable := Target(list), Stable(list)
	switch {
	case target == nil:
		return ""
	case stable == nil || stable.Number == target.Number:
		return Name(target.Number)
	default:
		return fmt.Sprintf("%s, stable %s", Name(target.Number), Name(stable.Number))
	}
}
