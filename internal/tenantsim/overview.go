// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "net/http"

// deviceOverview counts managed devices by operating system. It has no Linux
// bucket (contract c).
func deviceOverview(c *call) (*reply, error) {
	s := c.server
	windows, macOS, dual := 0, 0, 0
	for _, v := range s.eachDevice(isEnrolled)(-1) {
		windows += boolInt(v.d.platform == platformWindows)
		macOS += boolInt(v.d.platform == platformMacOS)
		dual += boolInt(v.d.platform == platformWindows && v.d.traits&traitCoManaged != 0)
	}
	return c.entityReply(http.StatusOK, "deviceManagement/managedDeviceOverview/$entity", object{
		"id":                  newGUID(s.options.Seed, "managedDeviceOverview", 0).String(),
		"enrolledDeviceCount": windows + macOS, "mdmEnrolledCount": windows + macOS, "dualEnrolledDeviceCount": dual,
		"deviceOperatingSystemSummary": object{
			"windowsCount": windows, "macOSCount": macOS, "configMgrDeviceCount": dual, "androidCount": 0, "iosCount": 0, "windowsMobileCount": 0, "unknownCount": 0,
			"androidDedicatedCount": 0, "androidDeviceAdminCount": 0, "androidFullyManagedCount": 0, "androidWorkProfileCount": 0, "androidCorporateWorkProfileCount": 0},
		"deviceExchangeAccessStateSummary": object{"allowedDeviceCount": 0, "blockedDeviceCount": 0, "quarantinedDeviceCount": 0,
			"unavailableDeviceCount": 0, "unknownDeviceCount": windows + macOS},
	}), nil
}
