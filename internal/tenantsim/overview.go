// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// deviceOverview counts managed devices by operating system. It has no Linux
// bucket (contract c).
func deviceOverview(c *call) (*reply, error) {
	s := c.server
	on := map[platform]int{}
	android := map[string]int{}
	all, dual := 0, 0
	for _, v := range s.eachDevice(isEnrolled)(-1) {
		all++
		on[v.d.platform]++
		if v.d.platform == platformAndroid {
			android[v.d.operatingSystem()]++
		}
		dual += boolInt(v.d.platform == platformWindows && v.d.traits&traitCoManaged != 0)
	}
	return c.entityReply(http.StatusOK, "deviceManagement/managedDeviceOverview/$entity", object{
		"id":                  ids.NewGUID(s.options.Seed, "managedDeviceOverview", 0).String(),
		"enrolledDeviceCount": all, "mdmEnrolledCount": all, "dualEnrolledDeviceCount": dual,
		"deviceOperatingSystemSummary": object{
			"windowsCount": on[platformWindows], "macOSCount": on[platformMacOS], "configMgrDeviceCount": dual,
			"androidCount": on[platformAndroid], "iosCount": on[platformIOS], "windowsMobileCount": 0, "unknownCount": 0,
			// Which kind of Android counts where is ASSUMED.
			"androidDedicatedCount": 0, "androidDeviceAdminCount": android["Android"], "androidFullyManagedCount": android["AndroidEnterprise"],
			"androidWorkProfileCount": android["AndroidForWork"], "androidCorporateWorkProfileCount": 0},
		"deviceExchangeAccessStateSummary": object{"allowedDeviceCount": 0, "blockedDeviceCount": 0, "quarantinedDeviceCount": 0,
			"unavailableDeviceCount": 0, "unknownDeviceCount": all},
	}), nil
}
