// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// maxSamples is how many devices a finding names: enough to start looking, too few to fill the status.
const maxSamples = 5

type findingKey struct {
	mode   Mode
	reason string
}

// group collects the devices of one finding. samples are the first names in order, so that the order in which devices
// are added changes nothing (P12).
type group struct {
	count   int32
	samples []string
}

func (t *Tally) note(o Outcome, name string) {
	if o.Mode == "" {
		return
	}
	if t.findings == nil {
		t.findings = map[findingKey]*group{}
	}
	key := findingKey{o.Mode, o.Reason}
	g := t.findings[key]
	if g == nil {
		g = &group{}
		t.findings[key] = g
	}
	g.count++
	g.sample(name)
}

// Refused notes whom the tenant does not take as a member: a finding, and no outcome, for the wave does not expose them.
func (t *Tally) Refused(reason, name string) {
	t.note(Outcome{Mode: ModePrerequisite, Reason: reason}, name)
}

func (g *group) sample(name string) {
	if name == "" {
		return
	}
	if len(g.samples) == maxSamples && name >= g.samples[maxSamples-1] {
		return
	}
	at, _ := slices.BinarySearch(g.samples, name)
	g.samples = slices.Insert(g.samples, at, name)
	g.samples = g.samples[:min(len(g.samples), maxSamples)]
}

// Findings returns one entry per failure mode and reason, the most frequent first, then by mode and reason.
func (t *Tally) Findings() []v1alpha1.Finding {
	findings := make([]v1alpha1.Finding, 0, len(t.findings))
	for key, g := range t.findings {
		findings = append(findings, v1alpha1.Finding{
			Mode:    string(key.mode),
			Reason:  key.reason,
			Count:   g.count,
			Samples: slices.Clone(g.samples),
			Runbook: Runbook(key.reason),
		})
	}
	slices.SortFunc(findings, func(a, b v1alpha1.Finding) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Mode, b.Mode), strings.Compare(a.Reason, b.Reason))
	})
	return findings
}

// Runbook says what to do about a reason of an ineligible device or of an outcome. It is empty for a reason that asks
// for nothing, such as PolicyApplied.
func Runbook(reason string) string { return runbooks[reason] }

// runbooks follow domain 5.2.
var runbooks = map[string]string{
	ReasonNotManaged:             "Enrol the device in Intune MDM; Workplace Join alone is not enough. If it was retired, remove it from the group.",
	ReasonManagementUnknown:      "Look up the device in the Intune admin center and confirm that it is enrolled in MDM.",
	ReasonLeaving:                "Remove the device from the group, or cancel the retirement or wipe in the Intune admin center.",
	ReasonUnhealthy:              "Look the device up in the Intune admin center: repair its management agent, or enrol it again.",
	ReasonUnknownManagementState: "Look the device up in the Intune admin center; if it is managed there as any other, report the word as missing in Tidegate.",
	ReasonConfiguredElsewhere:    "Move the co-management workload \"Device configuration\" to Intune for the device, or exclude it from the groups.",
	ReasonDisabled:               "Enable the device in the Entra admin center, or remove it from the group.",
	ReasonAccountUnknown:         "Check that the application may read devices (Device.Read.All): the directory did not say whether the device is enabled.",
	ReasonOutsidePopulation:      "Add the group to spec.population of the policy, so that hold reaches it until its wave does, or take it out of the wave's groups.",
	ReasonPopulationUnknown:      "Name groups in spec.population of the policy whose members can be read: security groups without hidden membership and without members of unknown kind.",
	ReasonNoDevice:               "Have the person sign in on a device that Intune manages, or remove them from the group.",
	ReasonPlatformNotSelected:    "Exclude devices of this operating system from the wave's groups, or add their platform to spec.platforms of the policy.",
	ReasonNeverSynced:            "Start a sync on the device (Company Portal, or Sync in the Intune admin center) and check that its enrolment finished.",
	ReasonOffline:                "Ask the owner to bring the device on line; if it is no longer in use, retire it in Intune.",
	ReasonOSTooOld:               "Update the operating system, or exclude the device from the wave.",
	ReasonOSUnknown:              "Start a sync so that the device reports its operating system and version.",
	ReasonEdgeTooOld:             "Update Microsoft Edge on the device, then allow a day for the app inventory to follow.",
	ReasonEdgeUnknown:            "Check that Microsoft Edge Stable is installed; the app inventory can lag by a day, for some enrolments by seven.",
	ReasonNotEncrypted:           "Turn on BitLocker or FileVault, or set spec.prerequisites.encryption of the policy to Warn.",
	ReasonEncryptionUnknown:      "Start a sync so that the device reports its encryption; a newly enrolled device needs up to a day.",
	ReasonPolicyError:            "Open the policy's device status in the Intune admin center for the error code, and edge://policy on a sample device.",
	ReasonNonCompliant:           "Compare edge://policy on a sample device with the policy: the value was written and does not hold.",
	ReasonPolicyConflict:         "Find the other profile or baseline that sets the same Edge setting (Intune admin center, per-setting status) and align or unassign it; on hybrid devices look at group policy too.",
	ReasonNotApplicable:          "Check edition, Edge channel and the scope of the policy: the device says that the setting is not meant for it.",
	ReasonNoResult:               "Check membership of the wave's group, exclusions and filters in the Intune admin center; then start a sync on a sample device.",
	ReasonNoCheckIn:              "Find out whether the device is in use; start a sync, and check its network access to Intune.",
	ReasonSilent:                 "Treat as a possible effect of the policy: check a sample device for network, sign-in and enrolment before exposing more.",
	ReasonReportOlder:            "The device has not reported since it was exposed: start a sync on a sample device and look at its policy status.",
	ReasonMemberGone:             "Nothing, where it was retired or replaced; a device that was enrolled again is another one, which the next attempt takes up. See MembersRefused in the operations guide.",
	ReasonMemberRefused:          "Look the object up in the Entra admin center: its kind, and whether it may be a member of a security group. A retry asks again. See MembersRefused in the operations guide.",
	ReasonReportFromFuture:       "Check the clock of this cluster against the tenant's: a result is dated after the inventory was read.",
}
