// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// deviceState is one thing that can be special about a device (domain 4): what
// differs from an ordinary device in regular contact that meets every
// prerequisite. Zero fields differ in nothing.
type deviceState struct {
	name     string
	platform platform // the devices are turned into this one
	traits   trait
	// agent, trust and compliance are words of managementAgent, trustType and
	// complianceState; trust none is a device whose trustType is null.
	agent, trust, compliance string
	release                  *osRelease
	edge                     uint8   // one more than the index of the installed Edge
	inventory                []app   // the applications reported instead of the usual ones
	reports                  reports // how much the device says of itself
	contact                  int64   // seconds between the last contact and the start
	enrolled                 int64   // seconds between the enrolment and the start
	management               management
	again                    again        // what an earlier life of the machine left behind
	overwrites               passkeyState // the value that a group policy enforces
	skew                     int64        // seconds that the device's clock is ahead
}

// app is one application in the inventory of a device.
type app struct{ name, version string }

// reports says what a device tells, beside being in contact.
type reports uint8

const (
	reportsAll          reports = iota
	reportsNoApps               // no app inventory at all
	reportsNoEncryption         // no row in the encryption report
	// reportsOldEdge: the inventory was made just before Edge was updated.
	reportsOldEdgeDaily
	reportsOldEdgeWeekly
)

const (
	trustNone = "none" // in deviceState: no trustType

	hourOf     = int64(3600)
	dayOf      = 24 * hourOf
	weekOf     = 7 * dayOf
	appEdge    = "Microsoft Edge"
	appUpdate  = "Microsoft Edge Update"
	appWebView = "Microsoft Edge WebView2 Runtime"

	updateVersion = "1.3.195.61"
)

// windows, macOS and mobile are releases beside those that an ordinary fleet
// has. The names of operating systems other than those of contract c, and the
// bracket in a version of macOS, are ASSUMED (domain 4).
func windows(version string, build int) *osRelease { return &osRelease{version: version, build: build} }
func macOS(version string, major int) *osRelease   { return &osRelease{version: version, build: major} }
func mobile(system, version string) *osRelease     { return &osRelease{system: system, version: version} }

// deviceStates are in the order of the rows of domain 4. Index 0 is an ordinary
// device, which no scenario names. A device in a state meets everything that the
// state does not touch.
var deviceStates = slices.Concat([]deviceState{{}},
	// R16: what manages the device. Every word of managementAgent but mdm.
	[]deviceState{
		{name: "agentEas", agent: "eas", traits: traitNoPolicy, reports: reportsNoApps},
		{name: "agentEasMdm", agent: "easMdm"},
		{name: "agentIntuneClient", agent: "intuneClient", platform: platformWindows},
		{name: "agentEasIntuneClient", agent: "easIntuneClient", platform: platformWindows},
		{name: "agentConfigurationManagerClient", agent: "configurationManagerClient", platform: platformWindows, traits: traitNoPolicy, reports: reportsNoApps},
		{name: "agentConfigurationManagerClientMdm", agent: agentCoManaged, platform: platformWindows, traits: traitCoManaged},
		{name: "agentConfigurationManagerClientMdmEas", agent: "configurationManagerClientMdmEas", platform: platformWindows, traits: traitCoManaged},
		{name: "agentUnknown", agent: "unknown"},
		{name: "agentJamf", agent: "jamf", platform: platformMacOS, traits: traitNoPolicy, reports: reportsNoApps},
		{name: "agentGoogleCloudDevicePolicyController", agent: "googleCloudDevicePolicyController", platform: platformAndroid, release: mobile("Android", "14")},
		{name: "agentMicrosoft365ManagedMdm", agent: "microsoft365ManagedMdm"},
		{name: "agentMsSense", agent: "msSense", platform: platformWindows, traits: traitNoPolicy, reports: reportsNoApps},
	},
	// R16: registration and enrolment, which need not go together.
	[]deviceState{
		{name: "joinedUnenrolled", platform: platformWindows, traits: traitUnenrolled, trust: "AzureAd"},
		{name: "workplaceUnenrolled", platform: platformWindows, traits: traitUnenrolled | traitPersonal, trust: "Workplace"},
		{name: "workplaceEnrolled", platform: platformWindows, traits: traitPersonal, trust: "Workplace"},
		{name: "hybridJoined", platform: platformWindows, traits: traitHybrid},
		{name: "trustTypeMissing", platform: platformWindows, trust: trustNone},
		{name: "enrolledUnregistered", traits: traitNoEntra},
		{name: "enrolledTwice", again: againRecord},
		{name: "registeredTwice", platform: platformWindows, again: againObject},
		{name: "reimaged", platform: platformWindows, again: againRecord | againObject},
		{name: "accountDisabled", traits: traitDisabled},
		{name: "deletedFromDirectory", traits: traitDeleted},
	},
	// managementState (contract c), and who else manages the device.
	[]deviceState{
		{name: "managementRetirePending", management: managementRetirePending},
		{name: "managementRetireIssued", management: managementRetireIssued},
		{name: "managementRetireFailed", management: managementRetireFailed},
		{name: "managementRetireCanceled", management: managementRetireCanceled},
		{name: "managementWipePending", management: managementWipePending},
		{name: "managementWipeIssued", management: managementWipeIssued},
		{name: "managementWipeFailed", management: managementWipeFailed},
		{name: "managementWipeCanceled", management: managementWipeCanceled},
		{name: "managementDeletePending", management: managementDeletePending},
		{name: "managementUnhealthy", management: managementUnhealthy},
		{name: "managementDiscovered", management: managementDiscovered, traits: traitNoPolicy | traitNever, reports: reportsNoApps},
		{name: "managementUnknown", management: managementUnknown},
		{name: "coManagedIntune", platform: platformWindows, agent: agentCoManaged, traits: traitCoManaged},
		{name: "coManagedConfigurationManager", platform: platformWindows, agent: agentCoManaged, traits: traitCoManaged | traitWorkloadElsewhere},
		{name: "hybridGroupPolicy", platform: platformWindows, traits: traitHybrid, overwrites: passkeyBlocked},
		{name: "clockAhead", platform: platformWindows, skew: 5 * hourOf},
		{name: "clockBehind", platform: platformWindows, skew: -3 * hourOf},
	},
	// R17 and R19: operating systems.
	[]deviceState{
		{name: "windows10", platform: platformWindows, release: windows("10.0.19045.5854", 19045)},
		{name: "windows11v21H2", platform: platformWindows, release: windows("10.0.22000.3260", 22000)},
		{name: "windows11v22H2", platform: platformWindows, release: windows("10.0.22621.1", 22621)},
		{name: "macOS12", platform: platformMacOS, release: macOS("12.7.6 (21H1320)", 12)},
		{name: "macOS13", platform: platformMacOS, release: macOS("13.4.1 (22F82)", 13)},
		{name: "macOSX", platform: platformMacOS, release: &osRelease{system: "Mac OS X", version: "13.6.9", build: 13}},
		{name: "iOS15", platform: platformIOS, release: mobile("iOS", "15.8.3")},
		{name: "iOS16", platform: platformIOS, release: mobile("iOS", "16.0")},
		{name: "iOS17", platform: platformIOS, release: mobile("iOS", "17.5.1")},
		{name: "iPadOS15", platform: platformIOS, release: mobile("iPadOS", "15.8")},
		{name: "iPadOS17", platform: platformIOS, release: mobile("iPadOS", "17.0")},
		{name: "android8", platform: platformAndroid, release: mobile("Android", "8.1.0")},
		{name: "android9", platform: platformAndroid, release: mobile("Android", "9.0")},
		{name: "android14", platform: platformAndroid, release: mobile("Android", "14")},
		{name: "androidForWork", platform: platformAndroid, release: mobile("AndroidForWork", "13")},
		{name: "androidEnterprise", platform: platformAndroid, release: mobile("AndroidEnterprise", "15")},
		{name: "osVersionEmpty", platform: platformWindows, release: windows("", 0)},
		{name: "osVersionUnreadable", platform: platformWindows, release: windows("10.0.x", 0)},
		{name: "osVersionZero", platform: platformWindows, release: windows("0.0.0.0", 0)},
		{name: "osNameEmpty", platform: platformWindows, release: &osRelease{system: systemEmpty, version: "10.0.26100.4061", build: 26100}},
	},
	// R14: Edge, as the app inventory shows it.
	[]deviceState{
		{name: "edgeAtMinimum", edge: 1 + edge145},
		{name: "edgeBelowMinimum", edge: 1 + edge144},
		{name: "edge120", edge: 1 + edge120},
		{name: "edgeBetaOnly", edge: 1 + edgeNone, inventory: []app{{appEdge + " Beta", "149.0.4022.10"}}},
		{name: "edgeDevOnly", edge: 1 + edgeNone, inventory: []app{{appEdge + " Dev", "150.0.4078.2"}}},
		{name: "edgeCanaryOnly", edge: 1 + edgeNone, inventory: []app{{appEdge + " Canary", "151.0.4101.0"}}},
		{name: "edgeSeveralVersions", edge: 1 + edge148, inventory: []app{
			{appEdge, edgeReleases[edge138].version}, {appEdge, edgeReleases[edge148].version}, {appEdge, edgeReleases[edge144].version}}},
		{name: "edgeSeveralOldVersions", edge: 1 + edge144, inventory: []app{
			{appEdge, edgeReleases[edge144].version}, {appEdge + " Beta", "149.0.4022.10"}, {appEdge, edgeReleases[edge138].version}}},
		{name: "edgeRuntimeOnly", platform: platformWindows, edge: 1 + edgeNone, inventory: []app{{appUpdate, updateVersion}, {appWebView, edgeReleases[edge148].version}}},
		{name: "inventoryNone", reports: reportsNoApps},
		{name: "inventoryNonePersonal", platform: platformWindows, traits: traitPersonal, trust: "Workplace", reports: reportsNoApps},
		{name: "inventoryNoneCoManaged", platform: platformWindows, agent: agentCoManaged, traits: traitCoManaged, reports: reportsNoApps},
		{name: "inventory24h", platform: platformWindows, edge: 1 + edge148, reports: reportsOldEdgeDaily},
		{name: "inventory7d", edge: 1 + edge148, reports: reportsOldEdgeWeekly},
	},
	// R20: contact.
	[]deviceState{
		{name: "sync7d", traits: traitStale, contact: weekOf},
		{name: "syncOver7d", traits: traitStale, contact: weekOf + 1},
		{name: "sync30d", traits: traitStale, contact: 30 * dayOf},
		{name: "syncNever", traits: traitNever},
	},
	// R21: encryption.
	[]deviceState{
		{name: "notEncrypted", traits: traitUnencrypted},
		{name: "encryptionNotReported", traits: traitUnencrypted, reports: reportsNoEncryption},
		{name: "enrolledToday", traits: traitUnencrypted, enrolled: 6 * hourOf, contact: hourOf},
	},
	// Compliance, and who uses the device.
	[]deviceState{
		{name: "complianceNoncompliant", compliance: "noncompliant"},
		{name: "complianceInGracePeriod", compliance: "inGracePeriod"},
		{name: "complianceUnknown", compliance: "unknown"},
		{name: "complianceConflict", compliance: "conflict"},
		{name: "complianceError", compliance: "error"},
		{name: "complianceConfigManager", compliance: "configManager"},
		{name: "userNone", traits: traitShared},
		{name: "userOfThree", traits: traitSameUser},
		{name: "userTwo", platform: platformWindows, traits: traitSecondUser},
	})

// DeviceStates lists the words for DeviceSpec.State, in the order of domain 4.
func DeviceStates() []string {
	out := make([]string, 0, len(deviceStates)-1)
	for _, st := range deviceStates[1:] {
		out = append(out, st.name)
	}
	return out
}

// DeviceSpec puts devices into a state.
type DeviceSpec struct {
	// State is one of DeviceStates.
	State string `json:"state"`
	// Count of devices, or Percent of the fleet.
	Count   int     `json:"count,omitempty"`
	Percent float64 `json:"percent,omitempty"`
}

func (d DeviceSpec) validate() error {
	switch {
	case stateIndex(d.State) == 0:
		return fmt.Errorf("state %q: write one of %s", d.State, strings.Join(DeviceStates(), ", "))
	case d.Count < 0:
		return fmt.Errorf("count is %d: write 1 or more", d.Count)
	case (d.Count > 0) == (d.Percent > 0):
		return fmt.Errorf("state %s: write either count or percent", d.State)
	}
	return nil
}

// stateIndex is 0 for a name that is not known.
func stateIndex(name string) uint8 {
	return uint8(max(0, slices.IndexFunc(deviceStates, func(st deviceState) bool { return name != "" && st.name == name })))
}

// dealStates gives each device its state, in an order of its own, no device two;
// nil when the scenario names none.
func (s *Server) dealStates() ([]uint8, error) {
	if len(s.scenario.Devices) == 0 {
		return nil, nil
	}
	type drawn struct {
		at float64
		i  int32
	}
	order := make([]drawn, s.options.Devices)
	for i := range order {
		order[i] = drawn{s.draw(int32(i), "state"), int32(i)}
	}
	slices.SortFunc(order, func(a, b drawn) int { return cmp.Compare(a.at, b.at) })
	out := make([]uint8, len(order))
	for k, spec := range s.scenario.Devices {
		want := spec.Count
		if spec.Percent > 0 {
			want = int(float64(len(out))*spec.Percent/100 + 0.5)
		}
		if want > len(order) {
			return nil, fmt.Errorf("scenario: devices[%d] wants %d devices in state %s, only %d of %d are left: add devices or lower the count", k, want, spec.State, len(order), len(out))
		}
		for _, d := range order[:want] {
			out[d.i] = stateIndex(spec.State)
		}
		order = order[want:]
	}
	return out, nil
}

// special is what the device's state changes.
func (d *device) special() *deviceState { return &deviceStates[d.state] }

// enterState changes what the state says about contact, inventory and people.
// nth numbers the devices in the same state from 0.
func (s *Server) enterState(d *device, nth int, now int64) {
	st := d.special()
	switch {
	case d.traits&traitShared != 0:
		d.user = -1
	case d.traits&traitSameUser != 0:
		d.user = int32(nth / 3 % len(s.users)) // three devices each, beside those that the user has anyway
	}
	if d.management = st.management; d.management.leaves() {
		d.left = now
	}
	if d.traits&traitDisabled != 0 {
		d.disabled = d.lastSync
	}
	d.effective = st.overwrites
	if st.contact != 0 {
		d.lastSync = now - st.contact
	}
	if st.enrolled != 0 {
		d.enrolled = now - st.enrolled
	}
	switch st.reports {
	case reportsNoApps:
		d.inventory = 0
	case reportsOldEdgeDaily, reportsOldEdgeWeekly:
		d.inventory, d.invEdge = now, edge143
	}
	if d.traits&traitNoEntra != 0 {
		d.deviceID = ids.GUID{} // not registered: all zeros (contract c)
	}
}
