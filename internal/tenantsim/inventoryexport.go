// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"slices"
)

// inventoryExport is DevicesWithInventory: the Devices report under other
// headers (contract b.4). Names, headers, aliases and filters are those of
// Microsoft's list of exports; of its columns, the ones that the fleet can fill.
// That it shows words whatever localizationType says is ASSUMED: the contract
// says only that it pays no attention.
var inventoryExport = &report[deviceView]{name: "DevicesWithInventory", wordsOnly: true, columns: inventoryColumns(), rows: devicesExport.rows}

func inventoryColumns() []column[deviceView] {
	text := func(name, header string, get func(deviceView) any) column[deviceView] {
		return column[deviceView]{name: name, header: header, kind: "String", get: get}
	}
	out := []column[deviceView]{
		taken("DeviceId", "Device ID"), taken("DeviceName", "Device name"), taken("CreatedDate", "Enrollment date"), taken("LastContact", "Last check-in"),
		taken("ReferenceId", "Microsoft Entra Device ID"), taken("OSVersion", "OS version"), taken("SerialNumber", "Serial number"),
		taken("Manufacturer", ""), taken("Model", ""), taken("UserId", ""), taken("UPN", "Primary user UPN"), taken("UserName", "Primary user display name"),
		text("UserEmail", "Primary user email address", func(v deviceView) any { return v.upn() }),
		text("CategoryName", "Category", func(deviceView) any { return "" }),
		taken("CompliantState", "Compliance"), taken("OwnerType", "Ownership"), taken("JoinType", ""), taken("ManagementAgents", ""),
		text("DeviceType", "OS", func(v deviceView) any { return v.d.operatingSystem() }),
		taken("ManagementState", "Device state"),
		text("JailBroken", "Jailbroken", func(deviceView) any { return "Unknown" }),
		{name: "IsEncrypted", header: "Encrypted", kind: "Boolean", get: func(v deviceView) any { return v.d.traits&traitUnencrypted == 0 }},
		{name: "IsManaged", kind: "Boolean", get: func(deviceView) any { return true }},
		text("EnrollmentType", "", func(v deviceView) any { return v.enrollmentType() }),
	}
	out = withFilters(out, "CategoryName", "CompliantState", "CreatedDate", "DeviceType", "EnrollmentType", "JailBroken", "LastContact",
		"ManagementAgents", "ManagementState", "OwnerType")
	for i := range out {
		out[i].onRequest = slices.Contains([]string{"EnrollmentType", "ManagementAgents", "IsManaged"}, out[i].name)
		out[i].alias = map[string]string{"CompliantState": "ComplianceState", "DeviceType": "OS"}[out[i].name]
	}
	return out
}

// taken is a column of the Devices report under another header.
func taken(name, header string) column[deviceView] {
	out := *devicesExport.column(name)
	out.header = cmp.Or(header, name)
	return out
}
