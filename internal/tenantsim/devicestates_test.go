// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// said is what Graph says of one device, in few words: usual values are left out.
type said map[string]string

// stateSays is what is special about each state, over all places that show it.
// A value "-" is null, empty or no row.
var stateSays = map[string]said{
	"agentEas":                               {"agent": "eas", "apps": "-", "encryption": "-"},
	"agentEasMdm":                            {"agent": "easMdm"},
	"agentIntuneClient":                      {"agent": "intuneClient"},
	"agentEasIntuneClient":                   {"agent": "easIntuneClient"},
	"agentConfigurationManagerClient":        {"agent": "configurationManagerClient", "apps": "-", "encryption": "-"},
	"agentConfigurationManagerClientMdm":     {"agent": "configurationManagerClientMdm"},
	"agentConfigurationManagerClientMdmEas":  {"agent": "configurationManagerClientMdmEas"},
	"agentUnknown":                           {"agent": "unknown"},
	"agentJamf":                              {"agent": "jamf", "apps": "-", "encryption": "-", "trust": "Workplace"},
	"agentGoogleCloudDevicePolicyController": {"agent": "googleCloudDevicePolicyController", "os": "Android 14", "trust": "Workplace", "encryption": "-"},
	"agentMicrosoft365ManagedMdm":            {"agent": "microsoft365ManagedMdm"},
	"agentMsSense":                           {"agent": "msSense", "apps": "-", "encryption": "-"},

	"joinedUnenrolled":     {"records": "0"},
	"workplaceUnenrolled":  {"records": "0", "trust": "Workplace", "owner": "personal"},
	"workplaceEnrolled":    {"trust": "Workplace", "owner": "personal"},
	"hybridJoined":         {"trust": "ServerAd"},
	"trustTypeMissing":     {"trust": "-"},
	"enrolledUnregistered": {"directory": "-"},
	"enrolledTwice":        {"records": "2"},
	"registeredTwice":      {},
	"reimaged":             {},
	"accountDisabled":      {"enabled": "false"},
	"deletedFromDirectory": {"directory": "-"},

	"managementRetirePending":       {"management": "retirePending"},
	"managementRetireIssued":        {"management": "retireIssued"},
	"managementRetireFailed":        {"management": "retireFailed"},
	"managementRetireCanceled":      {"management": "retireCanceled"},
	"managementWipePending":         {"management": "wipePending"},
	"managementWipeIssued":          {"management": "wipeIssued"},
	"managementWipeFailed":          {"management": "wipeFailed"},
	"managementWipeCanceled":        {"management": "wipeCanceled"},
	"managementDeletePending":       {"management": "deletePending"},
	"managementUnhealthy":           {"management": "unhealthy"},
	"managementDiscovered":          {"management": "discovered", "sync": "-", "apps": "-", "encryption": "-", "compliance": "unknown"},
	"managementUnknown":             {"management": "unknownFutureValue"},
	"coManagedIntune":               {"agent": "configurationManagerClientMdm"},
	"coManagedConfigurationManager": {"agent": "configurationManagerClientMdm", "configuration": "elsewhere"},
	"hybridGroupPolicy":             {"trust": "ServerAd"},
	"clockAhead":                    {},
	"clockBehind":                   {},

	"windows10":           {"os": "Windows 10.0.19045.5854"},
	"windows11v21H2":      {"os": "Windows 10.0.22000.3260"},
	"windows11v22H2":      {"os": "Windows 10.0.22621.1"},
	"macOS12":             {"os": "macOS 12.7.6 (21H1320)", "trust": "Workplace"},
	"macOS13":             {"os": "macOS 13.4.1 (22F82)", "trust": "Workplace"},
	"macOSX":              {"os": "Mac OS X 13.6.9", "trust": "Workplace"},
	"iOS15":               {"os": "iOS 15.8.3", "trust": "Workplace", "encryption": "-"},
	"iOS16":               {"os": "iOS 16.0", "trust": "Workplace", "encryption": "-"},
	"iOS17":               {"os": "iOS 17.5.1", "trust": "Workplace", "encryption": "-"},
	"iPadOS15":            {"os": "iPadOS 15.8", "trust": "Workplace", "encryption": "-"},
	"iPadOS17":            {"os": "iPadOS 17.0", "trust": "Workplace", "encryption": "-"},
	"android8":            {"os": "Android 8.1.0", "trust": "Workplace", "encryption": "-"},
	"android9":            {"os": "Android 9.0", "trust": "Workplace", "encryption": "-"},
	"android14":           {"os": "Android 14", "trust": "Workplace", "encryption": "-"},
	"androidForWork":      {"os": "AndroidForWork 13", "trust": "Workplace", "encryption": "-"},
	"androidEnterprise":   {"os": "AndroidEnterprise 15", "trust": "Workplace", "encryption": "-"},
	"osVersionEmpty":      {"os": "Windows "},
	"osVersionUnreadable": {"os": "Windows 10.0.x"},
	"osVersionZero":       {"os": "Windows 0.0.0.0"},
	"osNameEmpty":         {"os": " 10.0.26100.4061"},

	"edgeAtMinimum":          {"apps": "Microsoft Edge 145.0.3800.58"},
	"edgeBelowMinimum":       {"apps": "Microsoft Edge 144.0.3719.115"},
	"edge120":                {"apps": "Microsoft Edge 120.0.2210.61"},
	"edgeBetaOnly":           {"apps": "Microsoft Edge Beta 149.0.4022.10"},
	"edgeDevOnly":            {"apps": "Microsoft Edge Dev 150.0.4078.2"},
	"edgeCanaryOnly":         {"apps": "Microsoft Edge Canary 151.0.4101.0"},
	"edgeSeveralVersions":    {"apps": "Microsoft Edge 138.0.3351.140, Microsoft Edge 144.0.3719.115, Microsoft Edge 148.0.3967.54"},
	"edgeSeveralOldVersions": {"apps": "Microsoft Edge 138.0.3351.140, Microsoft Edge 144.0.3719.115, Microsoft Edge Beta 149.0.4022.10"},
	"edgeRuntimeOnly":        {"apps": "only companions"},
	"inventoryNone":          {"apps": "-"},
	"inventoryNonePersonal":  {"apps": "-", "trust": "Workplace", "owner": "personal"},
	"inventoryNoneCoManaged": {"apps": "-", "agent": "configurationManagerClientMdm"},
	"inventory24h":           {"apps": "Microsoft Edge 143.0.3650.139"},
	"inventory7d":            {"apps": "Microsoft Edge 143.0.3650.139"},

	"sync7d":     {"sync": "168h0m0s"},
	"syncOver7d": {"sync": "168h0m1s"},
	"sync30d":    {"sync": "720h0m0s"},
	"syncNever":  {"sync": "-", "apps": "-", "encryption": "-", "compliance": "unknown"},

	"notEncrypted":          {"encrypted": "false", "encryption": "notEncrypted", "compliance": "noncompliant"},
	"encryptionNotReported": {"encrypted": "false", "encryption": "-", "compliance": "noncompliant"},
	"enrolledToday":         {"encrypted": "false", "encryption": "notEncrypted", "compliance": "noncompliant", "enrolled": "6h0m0s"},

	"complianceNoncompliant":  {"compliance": "noncompliant"},
	"complianceInGracePeriod": {"compliance": "inGracePeriod"},
	"complianceUnknown":       {"compliance": "unknown"},
	"complianceConflict":      {"compliance": "conflict"},
	"complianceError":         {"compliance": "error"},
	"complianceConfigManager": {"compliance": "configManager"},
	"userNone":                {"user": "-"},
	"userOfThree":             {},
	"userTwo":                 {"second": "yes"},
}

// usual is what is said of a device in no special state.
var usual = said{"records": "1", "directory": "yes", "agent": "mdm", "os": "current", "apps": "current", "sync": "recent", "enrolled": "long ago",
	"encrypted": "true", "encryption": "encrypted", "compliance": "compliant", "owner": "company", "user": "yes",
	"enabled": "true", "management": "managed", "configuration": "Intune", "second": "-"}

const perState = 3

func stateTenant(t *testing.T) *tenant {
	t.Helper()
	sc := quiet()
	for _, state := range DeviceStates() {
		sc.Devices = append(sc.Devices, DeviceSpec{State: state, Count: perState})
		sc.Groups = append(sc.Groups, GroupSpec{DisplayName: state, From: state, Percent: 100})
	}
	return newTenant(t, Options{Devices: perState*len(DeviceStates()) + 50, Scenario: sc})
}

// places are the lists that show devices, by the id of the managed device or by
// deviceId of the directory.
type places struct {
	v1, beta, encryption map[string]map[string]any
	directory            map[string]map[string]any
	export               map[string]map[string]string
	apps, detected       map[string][]string
	records              map[string][]string // managed device ids by deviceId
}

func readLists(tt *tenant) places {
	by := func(key string, items []map[string]any) map[string]map[string]any {
		out := map[string]map[string]any{}
		for _, item := range items {
			out[text(item, key)] = item
		}
		return out
	}
	l := places{
		v1:         by("id", tt.all("/v1.0/deviceManagement/managedDevices")),
		beta:       by("id", tt.all("/beta/deviceManagement/managedDevices")),
		encryption: by("id", tt.all("/beta/deviceManagement/managedDeviceEncryptionStates")),
		directory:  by("deviceId", tt.all("/v1.0/devices")),
		export:     map[string]map[string]string{}, apps: map[string][]string{}, detected: map[string][]string{}, records: map[string][]string{},
	}
	_, rows := tt.export(object{"reportName": "Devices"})
	for _, r := range rows {
		l.export[r["DeviceId"]] = r
	}
	_, rows = tt.export(object{"reportName": "AppInvRawData"})
	for _, r := range rows {
		l.apps[r["DeviceId"]] = append(l.apps[r["DeviceId"]], r["ApplicationName"]+" "+r["ApplicationVersion"])
	}
	for _, a := range tt.all("/v1.0/deviceManagement/detectedApps") {
		for _, d := range tt.all("/v1.0/deviceManagement/detectedApps/" + text(a, "id") + "/managedDevices?$select=id") {
			l.detected[text(d, "id")] = append(l.detected[text(d, "id")], text(a, "displayName")+" "+text(a, "version"))
		}
	}
	for id, d := range l.v1 {
		l.records[text(d, "azureADDeviceId")] = append(l.records[text(d, "azureADDeviceId")], id)
	}
	return l
}

func isCurrent(d *device) bool {
	return d.special().release == nil && (d.platform == platformMacOS && d.osVersion < currentMac || d.platform == platformWindows && d.osVersion < currentWindows)
}

// of puts together what the lists say about a device of the fleet.
func (l places) of(tt *tenant, i int) said {
	v := tt.sim.device(int32(i))
	deviceID := v.d.deviceID.String()
	out := said{"records": fmt.Sprint(len(l.records[deviceID])), "directory": "-", "trust": "AzureAd"}
	if deviceID == (ids.GUID{}).String() {
		out["records"] = "1" // all of them share the id of zeros
	}
	if entra := l.directory[deviceID]; entra != nil {
		out["directory"] = "yes"
		out["trust"] = cmp.Or(text(entra, "trustType"), "-")
		out["owner"] = strings.ToLower(text(entra, "deviceOwnership"))
	}
	out["enabled"] = "true"
	if entra := l.directory[deviceID]; entra != nil {
		out["enabled"] = fmt.Sprint(entra["accountEnabled"])
	}
	managed := l.v1[v.d.managedID.String()]
	if managed == nil {
		return out
	}
	out["agent"], out["owner"], out["compliance"] = text(managed, "managementAgent"), text(managed, "managedDeviceOwnerType"), text(managed, "complianceState")
	out["os"] = text(managed, "operatingSystem") + " " + text(managed, "osVersion")
	if isCurrent(v.d) {
		out["os"] = "current"
	}
	out["management"], out["configuration"], out["second"] = text(managed, "managementState"), "Intune", "-"
	if workloads, _ := managed["configurationManagerClientEnabledFeatures"].(map[string]any); workloads["deviceConfiguration"] == false {
		out["configuration"] = "elsewhere"
	}
	if people, _ := l.beta[v.d.managedID.String()]["usersLoggedOn"].([]any); len(people) > 1 {
		out["second"] = "yes"
	}
	out["encrypted"], out["user"] = fmt.Sprint(managed["isEncrypted"]), "yes"
	if text(managed, "userId") == "" && text(managed, "userPrincipalName") == "" {
		out["user"] = "-"
	}
	out["encryption"] = "-"
	if row := l.encryption[v.d.managedID.String()]; row != nil {
		out["encryption"] = text(row, "encryptionState")
	}
	out["sync"] = age(tt, text(managed, "lastSyncDateTime"), 8*time.Hour, "recent")
	out["enrolled"] = age(tt, text(managed, "enrolledDateTime"), 0, "long ago")
	out["apps"] = edges(l.apps[v.d.managedID.String()])
	return out
}

// age is the time since then, or a word for what is shorter than a limit, or
// longer than a day without one.
func age(tt *tenant, stamp string, limit time.Duration, word string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return err.Error()
	}
	since := tt.sim.Now().Sub(at)
	switch {
	case stamp == neverTime:
		return "-"
	case since <= limit, limit == 0 && since > 24*time.Hour:
		return word
	}
	return since.String()
}

// edges are the applications less the companions of Edge.
func edges(apps []string) string {
	var out []string
	for _, a := range apps {
		if !strings.HasPrefix(a, appUpdate) && !strings.HasPrefix(a, appWebView) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	switch {
	case len(apps) == 0:
		return "-"
	case len(out) == 0:
		return "only companions"
	}
	for _, r := range edgeReleases[:currentEdge] {
		if len(out) == 1 && out[0] == appEdge+" "+r.version {
			return "current"
		}
	}
	return strings.Join(out, ", ")
}

// TestDeviceStates: Graph says of a device in a state what the state is about,
// and of everything else what it says of an ordinary device.
func TestDeviceStates(t *testing.T) {
	tt := stateTenant(t)
	l := readLists(tt)
	seen := map[string]int{}
	for i := range tt.sim.options.Devices {
		d := &tt.sim.fleet.devices[i]
		state := d.special().name
		seen[state]++
		special, known := stateSays[state]
		switch {
		case state == "":
			continue
		case !known:
			t.Errorf("state %s has no row here", state)
			continue
		}
		want := maps.Clone(usual)
		want["trust"] = "AzureAd"
		if d.platform == platformMacOS {
			want["trust"] = "Workplace"
		}
		maps.Copy(want, special)
		if want["directory"] == "-" {
			want["trust"] = "AzureAd" // nobody says otherwise
		}
		if want["records"] == "0" {
			want = said{"records": "0", "directory": "yes", "trust": want["trust"], "owner": want["owner"], "enabled": "true"}
		}
		if diff := gocmp.Diff(want, l.of(tt, i)); diff != "" {
			t.Errorf("%s: %s (-want +got)", state, diff)
		}
	}
	for state := range stateSays {
		if seen[state] != perState {
			t.Errorf("%d devices in state %s, want %d", seen[state], state, perState)
		}
	}
}

// exportWords are the words of the Devices report for enum members of a managed
// device.
var exportWords = map[string]string{
	"eas": "EAS", "mdm": "MDM", "easMdm": "EAS and MDM", "intuneClient": "Intune client", "easIntuneClient": "EAS and Intune client",
	"configurationManagerClient": "Configuration Manager", "configurationManagerClientMdm": "Configuration Manager and MDM",
	"configurationManagerClientMdmEas": "Configuration Manager, MDM and EAS", "unknown": "Unknown", "jamf": "Jamf",
	"googleCloudDevicePolicyController": "Google Cloud device policy controller", "microsoft365ManagedMdm": "Microsoft 365 managed MDM",
	"msSense":            "Microsoft Defender for Endpoint",
	"compliance unknown": "Unknown", "compliance compliant": "Compliant", "compliance noncompliant": "Noncompliant", "compliance conflict": "Conflict",
	"compliance error": "Error", "compliance inGracePeriod": "In grace period", "compliance configManager": "Managed by Configuration Manager",
	"join unknown": "Unknown", "join azureADJoined": "Microsoft Entra joined", "join azureADRegistered": "Microsoft Entra registered",
	"join hybridAzureADJoined": "Microsoft Entra hybrid joined",
}

// managementWord are the words of the Devices report for managementState.
var managementWord = map[string]string{"managed": "Managed", "retirePending": "Retire pending", "retireIssued": "Retire issued", "retireFailed": "Retire failed",
	"retireCanceled": "Retire canceled", "wipePending": "Wipe pending", "wipeIssued": "Wipe issued", "wipeFailed": "Wipe failed", "wipeCanceled": "Wipe canceled",
	"deletePending": "Delete pending", "unhealthy": "Unhealthy", "discovered": "Discovered", "unknownFutureValue": "Unknown"}

// TestDeviceStatesAgree: what one place says of a device, the others say too.
func TestDeviceStatesAgree(t *testing.T) {
	tt := stateTenant(t)
	l := readLists(tt)
	if len(l.v1) != len(l.beta) || len(l.v1) != len(l.export) || len(l.v1) < len(DeviceStates())*perState {
		t.Fatalf("%d devices on v1.0, %d on beta, %d in the export", len(l.v1), len(l.beta), len(l.export))
	}
	for id, d := range l.v1 {
		b, row := l.beta[id], l.export[id]
		name := text(d, "deviceName")
		same := func(what string, values ...any) {
			t.Helper()
			for _, v := range values[1:] {
				if fmt.Sprint(v) != fmt.Sprint(values[0]) {
					t.Errorf("%s: %s is %v", name, what, values)
				}
			}
		}
		for key, v := range d {
			same(key, v, b[key])
		}
		same("operating system", d["operatingSystem"], row["OS"])
		same("version", d["osVersion"], row["OSVersion"])
		same("directory id", d["azureADDeviceId"], row["ReferenceId"])
		same("user", d["userId"], row["UserId"])
		same("UPN", d["userPrincipalName"], row["UPN"])
		same("owner", d["managedDeviceOwnerType"], b["ownerType"], map[string]string{"Corporate": "company", "Personal": "personal"}[row["OwnerType_loc"]])
		same("encryption", d["isEncrypted"], row["EncryptionStatus"] == "1")
		same("word for the agent", exportWords[text(d, "managementAgent")], row["ManagementAgents_loc"])
		same("word for compliance", exportWords["compliance "+text(d, "complianceState")], row["CompliantState_loc"])
		same("word for the join type", exportWords["join "+text(b, "joinType")], row["JoinType_loc"])
		if e := l.encryption[id]; e != nil {
			same("encryption state", d["isEncrypted"], e["encryptionState"] == "encrypted")
			same("version in the encryption report", d["osVersion"], e["osVersion"])
			same("type in the encryption report", b["deviceType"], e["deviceType"])
		}
		slices.Sort(l.apps[id])
		slices.Sort(l.detected[id])
		same("applications", l.apps[id], l.detected[id])
		same("word for the state of management", managementWord[text(d, "managementState")], row["ManagementState_loc"])
		entra := l.directory[text(d, "azureADDeviceId")]
		if entra == nil && text(d, "azureADDeviceId") != (ids.GUID{}).String() {
			same("registered, although the object is deleted", d["azureADRegistered"], true)
			continue
		}
		if entra == nil {
			same("registered", d["azureADRegistered"], false)
			same("registration state", d["deviceRegistrationState"], "notRegistered")
			same("join type", b["joinType"], "unknown")
			continue
		}
		same("registered", d["azureADRegistered"], true)
		same("registration state", d["deviceRegistrationState"], "registered")
		same("join type", b["joinType"], map[string]string{"AzureAd": "azureADJoined", "ServerAd": "hybridAzureADJoined", "Workplace": "azureADRegistered", "": "unknown"}[text(entra, "trustType")])
		if len(l.records[text(d, "azureADDeviceId")]) == 1 {
			same("version in the directory", d["osVersion"], entra["operatingSystemVersion"])
			same("name in the directory", d["deviceName"], entra["displayName"])
		}
	}
}
