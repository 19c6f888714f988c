// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// The reasons why a device is not eligible. Those that end in Unknown, and NeverSynced, say that a fact is missing.
const (
	// ReasonNotManaged: Intune has no record of the device, or something else than MDM manages it (R16).
	ReasonNotManaged = "NotManaged"
	// ReasonManagementUnknown: Intune does not say what manages the device.
	ReasonManagementUnknown = "ManagementUnknown"
	// ReasonLeaving: Intune was told to retire, wipe or delete the device.
	ReasonLeaving = "Leaving"
	// ReasonUnhealthy: Intune calls the device unhealthy: it is in contact and applies no policy.
	ReasonUnhealthy = "Unhealthy"
	// ReasonUnknownManagementState: Intune's word for the state of the device is none that is known here.
	ReasonUnknownManagementState = "UnknownManagementState"
	// ReasonConfiguredElsewhere: the device is co-managed and takes its configuration from Configuration Manager.
	ReasonConfiguredElsewhere = "ConfiguredElsewhere"
	// ReasonDisabled: the device is disabled in the directory.
	ReasonDisabled = "Disabled"
	// ReasonAccountUnknown: the directory does not say whether the device is enabled.
	ReasonAccountUnknown = "AccountUnknown"
	// ReasonOutsidePopulation: spec.population of the policy does not have the device or user (P1, P17).
	ReasonOutsidePopulation = "OutsidePopulation"
	// ReasonPopulationUnknown: whether spec.population has the device or user is not known, since members of it are hidden or
	// cannot be read (P4).
	ReasonPopulationUnknown = "PopulationUnknown"
	// ReasonPlatformNotSelected: the policy is not delivered to this operating system.
	ReasonPlatformNotSelected = "PlatformNotSelected"
	// ReasonNeverSynced: there is no time of a check-in.
	ReasonNeverSynced = "NeverSynced"
	// ReasonOffline: no check-in for longer than maxOffline (R20).
	ReasonOffline = "Offline"
	// ReasonOSTooOld: the operating system is below the minimum (R17).
	ReasonOSTooOld = "OSTooOld"
	// ReasonOSUnknown: operating system or version is empty or no version number.
	ReasonOSUnknown = "OSUnknown"
	// ReasonEdgeTooOld: Microsoft Edge is below the minimum (R14).
	ReasonEdgeTooOld = "EdgeTooOld"
	// ReasonEdgeUnknown: the app inventory has no Stable version of Edge for the device.
	ReasonEdgeUnknown = "EdgeUnknown"
	// ReasonNotEncrypted: the disk is not encrypted (R21).
	ReasonNotEncrypted = "NotEncrypted"
	// ReasonEncryptionUnknown: the device has not reported whether it is encrypted.
	ReasonEncryptionUnknown = "EncryptionUnknown"
)

// mdmAgents are the words of managementAgent for a device that takes policies from Intune (R16, contract c).
var mdmAgents = []string{
	"mdm", "easMdm", "intuneClient", "easIntuneClient", "configurationManagerClientMdm",
	"configurationManagerClientMdmEas", "googleCloudDevicePolicyController",
}

// otherAgents are the words for a device that Intune knows and does not manage.
var otherAgents = []string{"eas", "configurationManagerClient", "msSense", "jamf"}

// managementStates are what the words of managementState mean for a policy (contract c). A retirement or a wipe that
// failed or was taken back leaves the device managed: it checks in and applies policies, until somebody orders it again.
// "discovered" is a device that Intune has heard of and does not manage. ASSUMED: "unhealthy" applies no policy.
var managementStates = map[string]finding{
	"managed": {}, "retireFailed": {}, "wipeFailed": {}, "retireCanceled": {}, "wipeCanceled": {},
	"retirePending": leaving("retire"), "retireIssued": leaving("retire"),
	"wipePending": leaving("wipe"), "wipeIssued": leaving("wipe"),
	"deletePending": leaving("delete"),
	"unhealthy":     {reason: ReasonUnhealthy, detail: "Intune calls the device unhealthy: it applies no policy"},
	"discovered":    {reason: ReasonNotManaged, detail: "Intune has only discovered the device and does not manage it"},
}

func leaving(verb string) finding {
	return finding{reason: ReasonLeaving, detail: fmt.Sprintf("Intune was told to %s the device", verb)}
}

// finding is what one prerequisite check says. The zero finding is a pass.
type finding struct {
	reason, detail string
	// unknown says that a fact is missing, so that the device neither passes nor fails.
	unknown bool
}

func (f finding) passed() bool { return f.reason == "" }

// Eligibility says whether a wave may expose the device. The checks run in the order of diagnosis and the first that
// does not pass gives the reason, one of the constants above; a fact that is missing does not pass (R13: an unmet
// prerequisite fails silently on the device). detail says what was found and what is required.
//
// An eligible device has a reason only where the rule is Warn: NotEncrypted or EncryptionUnknown, to be counted.
func Eligibility(f Facts, r Rules) (eligible bool, reason, detail string) {
	_, eligible, found := examine(f, r)
	return eligible, found.reason, found.detail
}

// examine runs the checks in their order and returns how many the device passed before the one that decides.
func examine(f Facts, r Rules) (passed int, eligible bool, decides finding) {
	checks := []func(Facts, Rules) finding{checkManaged, checkState, checkPlatform, checkContact, checkOS, checkEdge}
	for i, check := range checks {
		if found := check(f, r); !found.passed() {
			return i, false, found
		}
	}
	found := checkEncryption(f, r)
	return len(checks), found.passed() || r.Encryption == v1alpha1.EncryptionWarn, found
}

// unmetPrerequisite returns the first prerequisite that the device fails for certain, as the cause of a policy that
// does not work on it. Contact is judged elsewhere, and a missing fact explains nothing.
func unmetPrerequisite(f Facts, r Rules) (finding, bool) {
	checks := []func(Facts, Rules) finding{checkManaged, checkState, checkPlatform, checkOS, checkEdge}
	if r.Encryption == v1alpha1.EncryptionRequire {
		checks = append(checks, checkEncryption)
	}
	for _, check := range checks {
		if found := check(f, r); !found.passed() && !found.unknown {
			return found, true
		}
	}
	return finding{}, false
}

func checkManaged(f Facts, _ Rules) finding {
	switch {
	case !f.Managed:
		return finding{reason: ReasonNotManaged, detail: "Intune has no record of the device"}
	case slices.Contains(mdmAgents, f.ManagementAgent):
		return finding{}
	case slices.Contains(otherAgents, f.ManagementAgent):
		return finding{reason: ReasonNotManaged, detail: fmt.Sprintf("management agent is %s, which takes no policy from Intune", f.ManagementAgent)}
	}
	return finding{reason: ReasonManagementUnknown, detail: fmt.Sprintf("management agent is %q, which is not known to take policies from Intune", f.ManagementAgent), unknown: true}
}

// checkState finds the devices that Intune has and that no policy reaches all the same: on their way out, configured by
// something else, or disabled in the directory.
func checkState(f Facts, _ Rules) finding {
	found, known := managementStates[f.ManagementState]
	switch {
	case !known:
		return finding{reason: ReasonUnknownManagementState, detail: fmt.Sprintf("management state is %q, which is not known here", f.ManagementState), unknown: true}
	case !found.passed():
		return found
	case f.ConfiguredElsewhere:
		return finding{reason: ReasonConfiguredElsewhere, detail: "the device is co-managed, and its device configuration is with Configuration Manager"}
	case f.Account == AccountDisabled:
		return finding{reason: ReasonDisabled, detail: "the device is disabled in the directory"}
	case f.Account == AccountUnknown:
		return finding{reason: ReasonAccountUnknown, detail: "the directory does not say whether the device is enabled", unknown: true}
	}
	return finding{}
}

// Unreachable says whether no policy object can reach the device at all, and by which reason: Intune does not manage it, it
// is leaving or disabled, takes its configuration from elsewhere, or runs a system that the policy is not delivered to
// (P17). A device that lacks a prerequisite, is off line, or of which a fact is missing is not out of reach: assigned
// objects get to it sooner or later.
func Unreachable(f Facts, r Rules) (reason string, out bool) {
	for _, check := range []func(Facts, Rules) finding{checkManaged, checkState, checkPlatform} {
		if found := check(f, r); !found.passed() && !found.unknown {
			return found.reason, true
		}
	}
	return "", false
}

// checkPlatform stands before the check of the last contact although domain 5.1 has no place for it: the operating
// system does not age, and advice to bring a device back on line helps nobody if the policy does not reach its kind.
func checkPlatform(f Facts, r Rules) finding {
	if strings.TrimSpace(f.OperatingSystem) == "" {
		return finding{reason: ReasonOSUnknown, detail: "Intune names no operating system", unknown: true}
	}
	if platform, ok := platformOf(f.OperatingSystem); ok && slices.Contains(r.Platforms, platform) {
		return finding{}
	}
	return finding{reason: ReasonPlatformNotSelected, detail: fmt.Sprintf("operating system is %s, the policy is delivered to %s", f.OperatingSystem, join(r.Platforms))}
}

func checkContact(f Facts, r Rules) finding {
	if f.LastSync.IsZero() || r.AsOf.IsZero() {
		return finding{reason: ReasonNeverSynced, detail: "Intune has no time of a check-in", unknown: true}
	}
	if silent := r.AsOf.Sub(f.LastSync); silent > r.MaxOffline {
		return finding{reason: ReasonOffline, detail: fmt.Sprintf("last check-in %s, required within %s", f.LastSync.UTC().Format(time.RFC3339), r.MaxOffline)}
	}
	return finding{}
}

func checkOS(f Facts, r Rules) finding {
	platform, _ := platformOf(f.OperatingSystem)
	minimum := r.Windows
	if platform == v1alpha1.PlatformMacOS {
		minimum = r.MacOS
	}
	return checkVersion(f.OSVersion, minimum, f.OperatingSystem, ReasonOSTooOld, ReasonOSUnknown)
}

func checkEdge(f Facts, r Rules) finding {
	return checkVersion(f.EdgeVersion, r.Edge, "Microsoft Edge", ReasonEdgeTooOld, ReasonEdgeUnknown)
}

func checkVersion(found, minimum, product, tooOld, unknown string) finding {
	have, ok := InventoryVersion(found)
	if !ok {
		return finding{reason: unknown, detail: fmt.Sprintf("version of %s is %q in the inventory, required %s", product, found, minimum), unknown: true}
	}
	want, err := settings.ParseVersion(minimum)
	if err != nil {
		// The API server lets no such rule through; if one comes, no device can be known to meet it.
		return finding{reason: unknown, detail: fmt.Sprintf("what %s has to be is unknown: %v", product, err), unknown: true}
	}
	if have.Compare(want) < 0 {
		return finding{reason: tooOld, detail: fmt.Sprintf("%s is %s, required %s", product, found, minimum)}
	}
	return finding{}
}

func checkEncryption(f Facts, r Rules) finding {
	switch {
	case r.Encryption == v1alpha1.EncryptionIgnore:
		return finding{}
	case !f.EncryptionKnown:
		return finding{reason: ReasonEncryptionUnknown, detail: "the device has not reported whether its disk is encrypted", unknown: true}
	case !f.Encrypted:
		return finding{reason: ReasonNotEncrypted, detail: "the disk is not encrypted"}
	}
	return finding{}
}

func join(platforms []v1alpha1.Platform) string {
	names := make([]string, len(platforms))
	for i, p := range platforms {
		names[i] = string(p)
	}
	slices.Sort(names)
	return strings.Join(names, " and ")
}
