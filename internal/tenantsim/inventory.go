// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// The words of enum columns in the Devices report. Only the pairs that occur
// here are listed; the numbers follow the metadata enums and are ASSUMED.
var (
	complianceWords = map[int]string{0: "Unknown", 1: "Compliant", 2: "Noncompliant", 3: "Conflict", 4: "Error", 254: "In grace period", 255: "Managed by Configuration Manager"}
	joinWords       = map[int]string{0: "Unknown", 1: "Microsoft Entra joined", 2: "Microsoft Entra registered", 3: "Microsoft Entra hybrid joined"}
	agentWords      = map[int]string{1: "EAS", 2: "MDM", 3: "EAS and MDM", 4: "Intune client", 5: "EAS and Intune client", 8: "Configuration Manager",
		10: "Configuration Manager and MDM", 11: "Configuration Manager, MDM and EAS", 16: "Unknown", 32: "Jamf",
		64: "Google Cloud device policy controller", 258: "Microsoft 365 managed MDM", 1024: "Microsoft Defender for Endpoint"}
	ownerWords     = map[int]string{1: "Corporate", 2: "Personal"}
	encryptedWords = map[int]string{0: "Not encrypted", 1: "Encrypted"}
)

// The numbers of enum members, ASSUMED likewise.
var (
	complianceNumbers = map[string]int{"unknown": 0, "compliant": 1, "noncompliant": 2, "conflict": 3, "error": 4, "inGracePeriod": 254, "configManager": 255}
	agentNumbers      = map[string]int{"eas": 1, "mdm": 2, "easMdm": 3, "intuneClient": 4, "easIntuneClient": 5, "configurationManagerClient": 8, agentCoManaged: 10,
		"configurationManagerClientMdmEas": 11, "unknown": 16, "jamf": 32, "googleCloudDevicePolicyController": 64, "microsoft365ManagedMdm": 258, "msSense": 1024}
	joinNumbers  = map[string]int{"unknown": 0, "azureADJoined": 1, "azureADRegistered": 2, "hybridAzureADJoined": 3}
	ownerNumbers = map[string]int{"company": 1, "personal": 2}
)

// devicesExport is the inventory report of managed devices (contract b.4).
var devicesExport = &report[deviceView]{name: "Devices", columns: []column[deviceView]{
	{name: "DeviceId", kind: "String", get: func(v deviceView) any { return v.d.managedID.String() }},
	{name: "DeviceName", kind: "String", get: func(v deviceView) any { return v.name() }},
	{name: "ReferenceId", kind: "String", get: func(v deviceView) any { return v.d.deviceID.String() }},
	{name: "OS", kind: "String", get: func(v deviceView) any { return v.d.operatingSystem() }},
	{name: "OSVersion", kind: "String", get: func(v deviceView) any { return v.d.release().version }},
	{name: "LastContact", kind: "DateTime", filter: true, get: func(v deviceView) any { return v.d.lastSync }},
	{name: "CreatedDate", kind: "DateTime", filter: true, get: func(v deviceView) any { return v.d.enrolled }},
	{name: "UPN", kind: "String", get: func(v deviceView) any { return v.upn() }},
	{name: "UserId", kind: "String", get: func(v deviceView) any { return v.userID() }},
	{name: "UserName", kind: "String", get: func(v deviceView) any { return managedDevice.Lookup("userDisplayName", false).Get(v) }},
	{name: "Manufacturer", kind: "String", get: func(v deviceView) any { return v.d.manufacturer() }},
	{name: "Model", kind: "String", get: func(v deviceView) any { return v.d.modelName() }},
	{name: "SerialNumber", kind: "String", get: func(v deviceView) any { return v.serial() }},
	{name: "CompliantState", kind: "Int32", filter: true, words: complianceWords, get: func(v deviceView) any {
		return complianceNumbers[v.complianceState()]
	}},
	{name: "JoinType", kind: "Int32", words: joinWords, get: func(v deviceView) any {
		return joinNumbers[v.joinType()]
	}},
	{name: "ManagementAgents", kind: "Int32", filter: true, words: agentWords, get: func(v deviceView) any {
		return agentNumbers[v.managementAgent()]
	}},
	{name: "ManagementState", kind: "Int32", filter: true, words: managementWords(), get: func(v deviceView) any { return int(v.d.management) }},
	{name: "OwnerType", kind: "Int32", filter: true, words: ownerWords, get: func(v deviceView) any {
		return ownerNumbers[ownership(v.d, "company", "personal")]
	}},
	{name: "EncryptionStatus", kind: "Int32", words: encryptedWords, get: func(v deviceView) any {
		return boolInt(v.d.traits&traitUnencrypted == 0)
	}},
}, rows: func(s *Server, yield func(deviceView)) {
	for _, v := range s.eachDevice(isEnrolled)(-1) {
		yield(v)
	}
}}

// appRow is one application on one device, as old as the device's inventory.
type appRow struct {
	deviceView
	name, publisher, version string
}

// appInventory lists the Edge family only. The neighbours of Edge are there
// because their names begin alike (domain 4).
var appInventory = &report[appRow]{name: "AppInvRawData", columns: []column[appRow]{
	{name: "ApplicationKey", kind: "String", filter: true, get: func(r appRow) any {
		return ids.NewGUID(ids.HashText(r.name+r.version), "application", 0).String()
	}},
	{name: "ApplicationName", kind: "String", filter: true, get: func(r appRow) any { return r.name }},
	{name: "ApplicationPublisher", kind: "String", filter: true, get: func(r appRow) any { return r.publisher }},
	{name: "ApplicationShortVersion", kind: "String", get: func(r appRow) any { return r.version }},
	{name: "ApplicationVersion", kind: "String", filter: true, get: func(r appRow) any { return r.version }},
	{name: "DeviceId", kind: "String", filter: true, get: func(r appRow) any { return r.d.managedID.String() }},
	{name: "DeviceName", kind: "String", filter: true, get: func(r appRow) any { return r.deviceView.name() }},
	{name: "EmailAddress", kind: "String", get: func(r appRow) any { return r.upn() }},
	{name: "OSDescription", kind: "String", get: func(r appRow) any { return r.d.operatingSystem() }},
	{name: "OSVersion", kind: "String", get: func(r appRow) any { return r.d.release().version }},
	{name: "Platform", kind: "String", filter: true, get: func(r appRow) any { return r.d.appPlatform() }},
	{name: "UserId", kind: "String", get: func(r appRow) any { return r.userID() }},
	{name: "UserName", kind: "String", get: func(r appRow) any { return r.upn() }},
}, rows: func(s *Server, yield func(appRow)) {
	for _, v := range s.eachDevice(isEnrolled)(-1) {
		if v.d.inventory == 0 {
			continue // never reported: no row, not an old version
		}
		for name, version := range v.apps {
			yield(appRow{v, name, "Microsoft Corporation", version})
		}
	}
}}

// apps yields name and version of what the device reports: usually Edge and,
// on Windows, its two companions.
func (v deviceView) apps(yield func(name, version string) bool) {
	if special := v.d.special().inventory; special != nil {
		for _, a := range special {
			if !yield(a.name, a.version) {
				return
			}
		}
		return
	}
	edge := edgeReleases[v.d.invEdge].version
	if yield(appEdge, edge) && v.d.platform == platformWindows && yield(appUpdate, updateVersion) {
		yield(appWebView, edge)
	}
}
