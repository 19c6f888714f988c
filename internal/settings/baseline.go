// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// baselineOf is what hold sets on one platform for the settings that were found
// there: the restrictive value of each that has one. Which value the spec asks for
// does not matter.
func baselineOf(payload Payload, found []finding) v1alpha1.PinnedPayload {
	var list []Instance
	for _, f := range found {
		if f.write == nil || f.write.baseline == nil {
			continue
		}
		same := func(i Instance) bool { return i.DefinitionID == f.write.baseline.DefinitionID }
		if !slices.ContainsFunc(list, same) {
			list = append(list, *f.write.baseline)
		}
	}
	base := payload
	base.Allow = list
	return Pin(base)
}

// equalsHold lists the settings that ask for the very value that hold sets: a wave
// that brings it would change nothing, and take the hold for its success.
func equalsHold(found []finding, mode v1alpha1.PolicyMode) []string {
	if mode != v1alpha1.ModeGate {
		return nil
	}
	var names []string
	for _, f := range found {
		if f.write != nil && f.write.baseline != nil && sameInstance(f.write.allow, *f.write.baseline) {
			names = append(names, fmt.Sprintf("%s: %s on %s", f.status.Setting, f.value, f.status.Platform))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("spec.settings: %s is what hold already sets in mode Gate for everyone whom no wave has admitted, so that a wave "+
		"would bring nothing. To take the setting back from admitted devices, roll back their waves (annotation %s) or return spec.settings to "+
		"the earlier values; to turn it off everywhere without a hold, create a PasskeyPolicy with mode: EnforceOnly.",
		strings.Join(names, ", "), v1alpha1.AnnotationRollback)}
}

// holdsNobody says that hold would have nothing to set on the platform of a
// payload: mode Gate would promise a restraint that no device feels (domain 2.6).
// A baseline that is fixed is not extended, that would hold every device of the
// platform at once (P13).
func holdsNobody(payload Payload, base v1alpha1.PinnedPayload, revisions []v1alpha1.RevisionStatus) string {
	if fixed, ok := fixedBaseline(revisions); ok {
		if len(heldOn(fixed, payload.Platform)) > 0 {
			return ""
		}
		return fmt.Sprintf("spec.platforms: %s came after hold was fixed, with the first settings of this PasskeyPolicy. Hold has nothing for it, and "+
			"to extend it would hold every device there at once. Create another PasskeyPolicy for %s and remove it here.", payload.Platform, payload.Platform)
	}
	if len(base.Settings) > 0 {
		return ""
	}
	return fmt.Sprintf("spec.mode: Gate needs a setting with a restrictive value for hold to set, and %s on %s has none. Set passkeyCreation, or "+
		"passkeySync, or create the PasskeyPolicy with mode: EnforceOnly, which restrains no one.",
		strings.Join(definitionIDs(payload.Allow), ", "), payload.Platform)
}

// notHeld says of each setting that came after hold was fixed that nobody is held
// back from it. Hold knows a policy by its name, in whatever generation.
func notHeld(found []finding, revisions []v1alpha1.RevisionStatus) {
	fixed, ok := fixedBaseline(revisions)
	if !ok {
		return
	}
	for i := range found {
		f := &found[i]
		if f.write == nil || f.write.baseline == nil { // the latter says so already
			continue
		}
		same := func(s v1alpha1.PinnedSetting) bool { return policyPart(s.DefinitionID) == policyPart(f.write.def.ID) }
		if !slices.ContainsFunc(heldOn(fixed, f.status.Platform), same) {
			f.status.Why += "; hold was fixed before and does not have it, so nobody is held back from it"
		}
	}
}

// fixedBaseline is what hold sets since the first ask; false before that.
func fixedBaseline(revisions []v1alpha1.RevisionStatus) ([]v1alpha1.PinnedPayload, bool) {
	i := slices.IndexFunc(revisions, func(r v1alpha1.RevisionStatus) bool { return r.State == v1alpha1.RevisionBaseline })
	if i < 0 {
		return nil, false
	}
	return revisions[i].Payloads, true
}

func heldOn(baseline []v1alpha1.PinnedPayload, platform v1alpha1.Platform) []v1alpha1.PinnedSetting {
	for _, p := range baseline {
		if p.Platform == platform {
			return p.Settings
		}
	}
	return nil
}
