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
	for _, check := range []func(Facts, Rules) finding{checkManaged, checkPlatform, checkContact, checkOS, checkEdge} {
		if found := check(f, r); !found.passed() {
			return false, found.reason, found.detail
		}
	}
	found := checkEncryption(f, r)
	return found.passed() || r.Encryption == v1alpha1.EncryptionWarn, found.reason, found.detail
}

// unmetPrerequisite returns the first prerequisite that the device fails for certain, as the cause of a policy that
// does not work on it. Contact is judged elsewhere, and a missing fact explains nothing.
func unmetPrerequisite(f Facts, r Rules) (finding, bool) {
	checks := []func(Facts, Rules) finding{checkManaged, checkPlatform, checkOS, checkEdge}
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
