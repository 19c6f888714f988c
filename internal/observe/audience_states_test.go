// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"slices"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// verdict is what the checks of domain 4 say of a device.
type verdict string

const (
	pass    verdict = "Pass"
	fail    verdict = "Fail"
	unknown verdict = "Unknown"
)

type judged struct {
	verdict verdict
	reason  string
}

var (
	passes       = judged{verdict: pass}
	notManaged   = judged{fail, diagnosis.ReasonNotManaged}
	agentUnknown = judged{unknown, diagnosis.ReasonManagementUnknown}
	otherSystem  = judged{fail, diagnosis.ReasonPlatformNotSelected}
	oldSystem    = judged{fail, diagnosis.ReasonOSTooOld}
	noVersion    = judged{unknown, diagnosis.ReasonOSUnknown}
	oldEdge      = judged{fail, diagnosis.ReasonEdgeTooOld}
	noEdge       = judged{unknown, diagnosis.ReasonEdgeUnknown}
	offline      = judged{fail, diagnosis.ReasonOffline}
	plain        = judged{fail, diagnosis.ReasonNotEncrypted}
	untold       = judged{unknown, diagnosis.ReasonEncryptionUnknown}
	leaving      = judged{fail, diagnosis.ReasonLeaving}
)

// demanded is the table of domain 4, state by state. What it calls a warning does not decide and is Pass here: the owner
// of a device that Intune manages, whatever its trustType says, and compliance.
var demanded = map[string]judged{
	// R16
	"agentEas": notManaged, "agentConfigurationManagerClient": notManaged, "agentMsSense": notManaged, "agentJamf": notManaged,
	"agentEasMdm": passes, "agentIntuneClient": passes, "agentEasIntuneClient": passes,
	"agentConfigurationManagerClientMdm": passes, "agentConfigurationManagerClientMdmEas": passes,
	"agentUnknown": agentUnknown, "agentMicrosoft365ManagedMdm": agentUnknown,
	"agentGoogleCloudDevicePolicyController": otherSystem, // takes policies, but the one at hand is not for Android
	"joinedUnenrolled":                       notManaged, "workplaceUnenrolled": notManaged,
	"workplaceEnrolled": passes, "hybridJoined": passes, "trustTypeMissing": passes, "enrolledTwice": passes,
	"registeredTwice": passes, "reimaged": passes, "coManagedIntune": passes, "hybridGroupPolicy": passes, "clockAhead": passes, "clockBehind": passes,
	"managementRetireFailed": passes, "managementWipeFailed": passes, "managementRetireCanceled": passes, "managementWipeCanceled": passes,
	"managementRetirePending": leaving, "managementRetireIssued": leaving, "managementWipePending": leaving, "managementWipeIssued": leaving,
	"managementDeletePending": leaving, "managementUnhealthy": {fail, diagnosis.ReasonUnhealthy}, "managementDiscovered": notManaged,
	"managementUnknown": {unknown, diagnosis.ReasonUnknownManagementState}, "accountDisabled": {fail, diagnosis.ReasonDisabled},
	"coManagedConfigurationManager": {fail, diagnosis.ReasonConfiguredElsewhere},
	// R17, R19: Tidegate delivers to Windows and macOS only
	"windows10": oldSystem, "windows11v21H2": oldSystem, "windows11v22H2": passes, "macOS12": oldSystem, "macOS13": passes, "macOSX": passes,
	"iOS15": otherSystem, "iOS16": otherSystem, "iOS17": otherSystem, "iPadOS15": otherSystem, "iPadOS17": otherSystem,
	"android8": otherSystem, "android9": otherSystem, "android14": otherSystem, "androidForWork": otherSystem, "androidEnterprise": otherSystem,
	"osVersionEmpty": noVersion, "osVersionUnreadable": noVersion, "osVersionZero": noVersion, "osNameEmpty": noVersion,
	// R14
	"edgeAtMinimum": passes, "edgeBelowMinimum": oldEdge, "edge120": oldEdge, "edgeSeveralVersions": passes, "edgeSeveralOldVersions": oldEdge,
	"edgeBetaOnly": noEdge, "edgeDevOnly": noEdge, "edgeCanaryOnly": noEdge, "edgeRuntimeOnly": noEdge,
	"inventoryNone": noEdge, "inventoryNonePersonal": noEdge, "inventoryNoneCoManaged": noEdge, "inventory24h": oldEdge, "inventory7d": oldEdge,
	// R20
	"sync7d": passes, "syncOver7d": offline, "sync30d": offline, "syncNever": {unknown, diagnosis.ReasonNeverSynced},
	// R21
	"notEncrypted": plain, "encryptionNotReported": untold, "enrolledToday": untold,
	// not in the founding article: information only
	"complianceNoncompliant": passes, "complianceInGracePeriod": passes, "complianceUnknown": passes, "complianceConflict": passes,
	"complianceError": passes, "complianceConfigManager": passes, "userNone": passes, "userOfThree": passes, "userTwo": passes,
}

// statesTenant has devices in every state, and a group for each; perState of them.
const perState = 3

// unregistered devices have no object in the directory, so that no group holds them.
var unregistered = []string{"enrolledUnregistered", "deletedFromDirectory"}

type statesTenant struct {
	sim    *simtest.Tenant
	client *graph.Client
}

func newStatesTenant(t *testing.T) statesTenant {
	t.Helper()
	zero := 0.0
	sc := tenantsim.Scenario{StalePercent: &zero, NeverPercent: &zero, UnenrolledPercent: &zero, MissingPrerequisitePercent: &zero, UnencryptedPercent: &zero, OfficeHoursPercent: &zero}
	for _, state := range tenantsim.DeviceStates() {
		sc.Devices = append(sc.Devices, tenantsim.DeviceSpec{State: state, Count: perState})
		sc.Groups = append(sc.Groups, tenantsim.GroupSpec{DisplayName: state, From: state, Percent: 100})
	}
	sim := simtest.New(t, tenantsim.Options{Seed: 1, Devices: perState*len(sc.Devices) + 20, Scenario: sc,
		Ideal: "each device is in the one state that it stands for, and its group is read just after it was made"})
	url, ca := sim.Start()
	client, err := graph.New(graph.Config{
		TenantID: sim.TenantID(), Endpoint: &graph.Endpoint{GraphURL: url, AuthorityURL: url, CABundle: ca}, AllowedHosts: hosts.Allow(t, url), ExportPollInterval: time.Millisecond,
		Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: sim.ClientID(), Secret: sim.ClientSecret()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return statesTenant{sim, client}
}

// read reads the fleet, with the rules that an ordinary policy has then.
func (s statesTenant) read(t *testing.T) (*fleet.Inventory, diagnosis.Rules) {
	t.Helper()
	inv, err := fleet.Refresh(t.Context(), s.client, fleet.Order{}, s.sim.Clock())
	if err != nil || inv.Lists()[2].Err != nil {
		t.Fatal(err, inv.Lists()[2].Err)
	}
	return inv, diagnosis.Rules{
		Windows: "10.0.22621", MacOS: "13", Edge: "145", Encryption: v1alpha1.EncryptionRequire,
		MaxOffline: 7 * 24 * time.Hour, Maturity: 48 * time.Hour, Skew: diagnosis.DefaultSkew, AsOf: inv.AsOf,
		Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS},
	}
}

func (s statesTenant) resolve(t *testing.T, inv *fleet.Inventory, rules diagnosis.Rules, group string) audience.Candidates {
	t.Helper()
	a := &v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Include: []v1alpha1.GroupRef{{DisplayName: group}}}}
	c, err := ResolveAudience(t.Context(), s.client, inv, v1alpha1.UnitDevice, a, "salt", rules, nobody)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// says sorts the answer of Eligibility into the words of domain 4.
func says(eligible bool, reason string) verdict {
	missing := []string{diagnosis.ReasonManagementUnknown, diagnosis.ReasonUnknownManagementState, diagnosis.ReasonAccountUnknown, diagnosis.ReasonNeverSynced, diagnosis.ReasonOSUnknown, diagnosis.ReasonEdgeUnknown, diagnosis.ReasonEncryptionUnknown}
	switch {
	case eligible:
		return pass
	case slices.Contains(missing, reason):
		return unknown
	}
	return fail
}

// TestPromise04_EveryStateOfADevice: a fleet with devices in every state, read from a tenant, is judged as domain 4
// demands. What is unknown never passes, and never explains why a policy does not work.
func TestPromise04_EveryStateOfADevice(t *testing.T) {
	s := newStatesTenant(t)
	inv, rules := s.read(t)
	for _, state := range tenantsim.DeviceStates() {
		want, known := demanded[state]
		if !known && !slices.Contains(unregistered, state) {
			t.Errorf("state %s has no row here", state)
			continue
		}
		c := s.resolve(t, inv, rules, state)
		if slices.Contains(unregistered, state) {
			if len(c.Targeted) != 0 {
				t.Errorf("%s: %d devices without an object in the directory are members", state, len(c.Targeted))
			}
			continue
		}
		if len(c.Targeted) != perState {
			t.Errorf("%s: %d devices, want %d", state, len(c.Targeted), perState)
		}
		if eligible := want.verdict == pass; len(c.Eligible) != map[bool]int{true: perState}[eligible] ||
			!eligible && !slices.Equal(c.Ineligible, []v1alpha1.ReasonCount{{Reason: want.reason, Count: perState}}) {
			t.Errorf("%s: %d eligible, the others %v; want %v", state, len(c.Eligible), c.Ineligible, want)
		}
		for _, id := range c.Targeted {
			ok, reason, detail := diagnosis.Eligibility(inv.Facts(id), rules)
			if got := (judged{says(ok, reason), reason}); got != want || reason != "" && (detail == "" || diagnosis.Runbook(reason) == "") {
				t.Errorf("%s: %v (%s), want %v", state, got, detail, want)
			}
			if got, mode := judgeNotApplicable(inv.Facts(id), rules), wantMode(want); got.Mode != mode || mode != diagnosis.ModeNotApplied && got.Reason != want.reason {
				t.Errorf("%s: a policy that does not apply is %s %s, want %s %s", state, got.Mode, got.Reason, mode, want.reason)
			}
		}
	}
}

// judgeNotApplicable is the diagnosis of a device on which, three days after its exposure, the policy does not apply.
func judgeNotApplicable(f diagnosis.Facts, rules diagnosis.Rules) diagnosis.Outcome {
	f.ExposedAt = rules.AsOf.Add(-72 * time.Hour)
	f.Report = &diagnosis.Report{At: rules.AsOf.Add(-time.Minute), Status: diagnosis.StatusNotApplicable}
	return diagnosis.Judge(f, rules)
}

// wantMode follows the order of domain 5.1: contact, failed prerequisites, and then the policy itself.
func wantMode(j judged) diagnosis.Mode {
	switch {
	case j.reason == diagnosis.ReasonOffline, j.reason == diagnosis.ReasonNeverSynced:
		return diagnosis.ModeStale
	case j.verdict == fail:
		return diagnosis.ModePrerequisite
	}
	return diagnosis.ModeNotApplied
}

// TestInventoryCatchesUp: a device whose Edge was updated passes once the app inventory follows, after a day or a week, and
// "not encrypted" is believed a day after the enrolment.
func TestInventoryCatchesUp(t *testing.T) {
	s := newStatesTenant(t)
	for _, step := range []struct {
		advance     time.Duration
		daily, week int
	}{{36 * time.Hour, perState, 0}, {156 * time.Hour, perState, perState}} {
		if err := s.sim.Advance(step.advance); err != nil {
			t.Fatal(err)
		}
		inv, rules := s.read(t)
		daily, week := s.resolve(t, inv, rules, "inventory24h"), s.resolve(t, inv, rules, "inventory7d")
		// A device that was enrolled on the day of the start has told by now that it is not encrypted.
		if c := s.resolve(t, inv, rules, "enrolledToday"); !slices.Equal(c.Ineligible, []v1alpha1.ReasonCount{{Reason: diagnosis.ReasonNotEncrypted, Count: perState}}) {
			t.Errorf("at %s enrolledToday is %v", inv.AsOf, c.Ineligible)
		}
		if len(daily.Eligible) != step.daily || len(week.Eligible) != step.week {
			t.Errorf("at %s %d and %d devices pass, want %d and %d", inv.AsOf, len(daily.Eligible), len(week.Eligible), step.daily, step.week)
		}
	}
}

// TestOneDevicePerMachine: of several Intune records the newest check-in stands for the device, records that belong to no
// device of the directory are counted aside, and the devices of a user are each there once.
func TestOneDevicePerMachine(t *testing.T) {
	s := newStatesTenant(t)
	inv, rules := s.read(t)
	if want := 3 * perState; inv.Unjoined != want {
		t.Errorf("%d records are not joined, want %d: older enrolments, unregistered devices and deleted ones", inv.Unjoined, want)
	}
	for _, id := range s.resolve(t, inv, rules, "enrolledTwice").Targeted {
		d, _ := inv.Device(id)
		if !d.Encrypted || inv.AsOf.Sub(d.LastSync) > 24*time.Hour {
			t.Errorf("%s is known by its older record: %+v", d.Name, d)
		}
		if n := count(inv.ByUser(userID(t, d)), id); n != 1 {
			t.Errorf("%s is %d times among the devices of its user", d.Name, n)
		}
	}
	shared := s.resolve(t, inv, rules, "userNone")
	for _, id := range shared.Targeted {
		if d, _ := inv.Device(id); d.UserID != "" {
			t.Errorf("%s has the user %s", d.Name, d.UserID)
		}
	}
	three := s.resolve(t, inv, rules, "userOfThree").Targeted
	first, _ := inv.Device(three[0])
	owned := inv.ByUser(userID(t, first))
	for _, id := range three {
		if count(owned, id) != 1 {
			t.Errorf("device %s is %d times among the devices of its user", id, count(owned, id))
		}
	}
}

func userID(t *testing.T, d fleet.Device) audience.ID {
	t.Helper()
	id, err := audience.ParseID(d.UserID)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func count(ids []audience.ID, id audience.ID) (n int) {
	for _, other := range ids {
		if other == id {
			n++
		}
	}
	return n
}
