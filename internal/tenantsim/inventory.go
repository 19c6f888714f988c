// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// The words of enum columns in the Devices report. Only the pairs that occur
// here are listed; the numbers follow the metadata enums and are ASSUMED.
var (
	complianceWords = map[int]string{0: "Unknown", 1: "Compliant", 2: "Noncompliant"}
	joinWords       = map[int]string{0: "Unknown", 1: "Microsoft Entra joined", 2: "Microsoft Entra registered", 3: "Microsoft Entra hybrid joined"}
	agentWords      = map[int]string{2: "MDM", 10: "Configuration Manager and MDM"}
	ownerWords      = map[int]string{1: "Corporate", 2: "Personal"}
	encryptedWords  = map[int]string{0: "Not encrypted", 1: "Encrypted"}
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
	{name: "UserName", kind: "String", get: func(v deviceView) any { return managedDevice.lookup("userDisplayName", false).get(v) }},
	{name: "Manufacturer", kind: "String", get: func(v deviceView) any { return v.d.manufacturer() }},
	{name: "Model", kind: "String", get: func(v deviceView) any { return v.d.modelName() }},
	{name: "SerialNumber", kind: "String", get: func(v deviceView) any { return v.serial() }},
	{name: "CompliantState", kind: "Int32", filter: true, words: complianceWords, get: func(v deviceView) any {
		return map[string]int{"compliant": 1, "noncompliant": 2}[v.complianceState()]
	}},
	{name: "JoinType", kind: "Int32", words: joinWords, get: func(v deviceView) any {
		return map[string]int{"AzureAd": 1, "Workplace": 2, "ServerAd": 3}[v.trustType()]
	}},
	{name: "ManagementAgents", kind: "Int32", filter: true, words: agentWords, get: func(v deviceView) any {
		if v.d.traits&traitCoManaged != 0 && v.d.platform == platformWindows {
			return 10
		}
		return 2
	}},
	{name: "OwnerType", kind: "Int32", filter: true, words: ownerWords, get: func(deviceView) any { return 1 }},
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
		return newGUID(hashText(r.name+r.version), "application", 0).String()
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
	{name: "Platform", kind: "String", filter: true, get: func(r appRow) any {
		if r.d.platform == platformMacOS {
			return "macOS"
		}
		return "Windows"
	}},
	{name: "UserId", kind: "String", get: func(r appRow) any { return r.userID() }},
	{name: "UserName", kind: "String", get: func(r appRow) any { return r.upn() }},
}, rows: func(s *Server, yield func(appRow)) {
	for _, v := range s.eachDevice(isEnrolled)(-1) {
		if v.d.inventory == 0 {
			continue // never reported: no row, not an old version
		}
		edge := edgeReleases[v.d.invEdge].version
		yield(appRow{v, "Microsoft Edge", "Microsoft Corporation", edge})
		if v.d.platform == platformWindows {
			yield(appRow{v, "Microsoft Edge Update", "Microsoft Corporation", "1.3.195.61"})
			yield(appRow{v, "Microsoft Edge WebView2 Runtime", "Microsoft Corporation", edge})
		}
	}
}}
