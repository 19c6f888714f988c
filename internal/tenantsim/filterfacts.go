// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/filterrule"
)

// deviceFacts are what a filter rule can ask about a managed device.
type deviceFacts struct{ v deviceView }

var _ filterrule.Facts = deviceFacts{}

// Fact returns the value of a property; empty where the tenant knows none, as for
// the category and the enrolment profile, which no device has.
func (f deviceFacts) Fact(property string) string {
	v := f.v
	switch property {
	case "deviceName":
		return v.name()
	case "manufacturer":
		return v.d.manufacturer()
	case "model":
		return v.d.modelName()
	case "osVersion", "operatingSystemVersion":
		return v.d.release().version
	case "deviceOwnership":
		return ownership(v.d, "Corporate", "Personal")
	case "deviceTrustType":
		return map[string]string{"": "Unknown", "AzureAd": "Azure AD joined", "Workplace": "Azure AD registered", "ServerAd": "Hybrid Azure AD joined"}[v.trustType()]
	case "isRooted":
		return "Unknown" // as jailBroken of the managed device
	case "operatingSystemSKU":
		return "Enterprise"
	case "cpuArchitecture":
		if v.d.platform == platformMacOS {
			return "arm64"
		}
		return "amd64"
	case "deviceManagementType":
		return managementType(v)
	}
	return ""
}

// managementType of an Android device follows from its kind and its owner; which
// kind stands for which type is ASSUMED.
func managementType(v deviceView) string {
	switch {
	case v.d.operatingSystem() == "AndroidForWork" && ownership(v.d, "", "personal") == "":
		return "Corporate-owned with work profile"
	case v.d.operatingSystem() == "AndroidForWork":
		return "Personally-owned work profile"
	case v.d.operatingSystem() == "AndroidEnterprise":
		return "Corporate-owned fully managed"
	}
	return ""
}

// filterDevices are the devices that a filter of a platform is about. A
// platform that is not here reaches no device: retired ones, AOSP, and managed
// apps, which the tenant does not have.
var filterDevices = map[string]platform{
	"windows10AndLater": platformWindows, "windows81AndLater": platformWindows, "macOS": platformMacOS, "iOS": platformIOS,
	"android": platformAndroid, "androidForWork": platformAndroid, "androidWorkProfile": platformAndroid,
}

// androidSystems are the operating systems, as managed devices show them, that
// each of Android's platforms holds; which holds which is ASSUMED.
var androidSystems = map[string][]string{
	"android": {"Android"}, "androidForWork": {"AndroidEnterprise", "AndroidForWork"}, "androidWorkProfile": {"AndroidForWork"},
}

// reachedBy reports whether a device is of the platform that a filter is for.
func reachedBy(platform string, d *device) bool {
	if d.platform&filterDevices[platform] == 0 {
		return false
	}
	return d.platform != platformAndroid || slices.Contains(androidSystems[platform], d.operatingSystem())
}

// managementOf is the management type that a filter of a platform has.
func managementOf(platform string) string {
	if apps, _ := filterrule.Apps(platform); apps {
		return "apps"
	}
	return "devices"
}
