// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// platform is an operating system family, as a bit of a set of platforms.
type platform uint8

const (
	platformWindows platform = 1 << iota
	platformMacOS
	platformIOS // iPhone and iPad: one platform for policies and filters
	platformAndroid
	platformLinux // of policies only: the fleet has no such device

	platformPhones = platformIOS | platformAndroid
)

func (p platform) phone() bool { return p&platformPhones != 0 }

// osRelease is one operating system version.
type osRelease struct {
	version string
	build   int    // Windows build, or macOS major version; 0: neither
	system  string // operatingSystem; empty: the usual name of the platform
}

// systemEmpty stands for an operatingSystem without a name.
const systemEmpty = "-"

// The first currentWindows and currentMac entries meet every prerequisite;
// the rest do not (R17: Windows 11 22H2 is build 22621, macOS 13).
var windowsReleases = []osRelease{
	{"10.0.26100.4061", 26100, ""}, {"10.0.26200.5603", 26200, ""}, {"10.0.22631.5335", 22631, ""}, {"10.0.22621.5335", 22621, ""},
	{"10.0.19045.5854", 19045, ""}, {"10.0.22000.3260", 22000, ""},
}

var macReleases = []osRelease{{"15.5", 15, ""}, {"26.1", 26, ""}, {"14.8", 14, ""}, {"12.7.6", 12, ""}}

// The first currentPhone entries of each list meet R19 (iOS 16, Android 9).
var (
	iosReleases = []osRelease{{"18.5", 0, "iOS"}, {"26.1", 0, "iOS"}, {"17.7.2", 0, "iOS"}, {"18.5", 0, "iPadOS"}, {"15.8.3", 0, "iOS"}}

	androidReleases = []osRelease{{"15", 0, "AndroidEnterprise"}, {"14", 0, "AndroidForWork"}, {"16", 0, "AndroidEnterprise"},
		{"14", 0, "Android"}, {"8.1.0", 0, "Android"}}
)

const (
	currentWindows = 4
	currentMac     = 3
	currentPhone   = 4
)

// releases are the versions that an ordinary fleet has of the platform, and how
// many of them meet every prerequisite.
func (p platform) releases() (all []osRelease, current int) {
	switch p {
	case platformMacOS:
		return macReleases, currentMac
	case platformIOS:
		return iosReleases, currentPhone
	case platformAndroid:
		return androidReleases, currentPhone
	}
	return windowsReleases, currentWindows
}

// models hold a bare quote on purpose: real exports do (contract b.4).
var windowsModels = []string{"Latitude 7450", "ThinkPad X1 Carbon Gen 12", "Surface Laptop 7", `EliteBook 840 14"`, "Virtual Machine"}
var windowsMakers = []string{"Dell Inc.", "LENOVO", "Microsoft Corporation", "HP", "Microsoft Corporation"}
var macModels = []string{"MacBook Pro", "MacBook Air", "iMac", "Mac mini"}

// models is how many models the fleet has of the platform; a phone's follows
// from its kind.
func (p platform) models() int {
	switch {
	case p == platformMacOS:
		return len(macModels)
	case p.phone():
		return 1
	}
	return len(windowsModels)
}

// mobileKinds are the words for a kind of mobile device: operatingSystem of the
// directory, beta deviceType, model, maker, and platform of the detected apps.
// Words of enums are from the metadata; which belongs to which is ASSUMED.
var mobileKinds = map[string]struct{ directory, deviceType, model, maker, apps string }{
	"iOS":               {"IPhone", "iPhone", "iPhone 15", "Apple", "ios"},
	"iPadOS":            {"IPad", "iPad", "iPad Air", "Apple", "ios"},
	"Android":           {"Android", "android", "Galaxy S24", "samsung", "androidDeviceAdministrator"},
	"AndroidForWork":    {"AndroidForWork", "androidForWork", "Pixel 8", "Google", "androidWorkProfile"},
	"AndroidEnterprise": {"AndroidEnterprise", "androidEnterprise", "Pixel 8", "Google", "androidDedicatedAndFullyManaged"},
}

// appleShare of the phones are iPhones and iPads. ASSUMED.
const appleShare = 0.6

// drawPlatform decides what a device is. The share of Macs is of the computers.
func (s *Server) drawPlatform(i int32) platform {
	switch {
	case s.draw(i, "phone")*100 < s.scenario.PhonesPercent:
		if s.draw(i, "apple") < appleShare {
			return platformIOS
		}
		return platformAndroid
	case s.draw(i, "platform") < 0.15:
		return platformMacOS
	}
	return platformWindows
}

func (d *device) release() osRelease {
	if r := d.special().release; r != nil {
		return *r
	}
	all, _ := d.platform.releases()
	return all[d.osVersion]
}

func (d *device) operatingSystem() string {
	switch system := d.release().system; {
	case system == systemEmpty:
		return ""
	case system != "":
		return system
	case d.platform == platformMacOS:
		return "macOS"
	}
	return "Windows"
}

// directorySystem is the operating system in the words of the directory.
func (d *device) directorySystem() string {
	switch {
	case d.platform == platformMacOS:
		return "MacMDM"
	case d.platform.phone():
		return mobileKinds[d.operatingSystem()].directory
	}
	return "Windows"
}

// policyPlatform is the platform in the words of UnifiedPolicyPlatformType, for
// phones ASSUMED to be those of the policies.
func (d *device) policyPlatform() string { return d.platformWord("Windows10") }

// appPlatform is the operating system in the words of the app inventory report.
func (d *device) appPlatform() string { return d.platformWord("Windows") }

// platformWord names the platform; reports differ in what they call Windows.
func (d *device) platformWord(windows string) string {
	switch d.platform {
	case platformMacOS:
		return "macOS"
	case platformIOS:
		return "iOS"
	case platformAndroid:
		return "Android"
	}
	return windows
}

// detectedAppPlatform is the same in the words of detectedApps (contract c).
func (d *device) detectedAppPlatform() string {
	switch {
	case d.platform == platformMacOS:
		return "macOS"
	case d.platform.phone():
		return mobileKinds[d.operatingSystem()].apps
	}
	return "windows"
}

func (d *device) modelName() string {
	switch {
	case d.platform == platformMacOS:
		return macModels[d.model]
	case d.platform.phone():
		return mobileKinds[d.operatingSystem()].model
	}
	return windowsModels[d.model]
}

func (d *device) manufacturer() string {
	switch {
	case d.platform == platformMacOS:
		return "Apple"
	case d.platform.phone():
		return mobileKinds[d.operatingSystem()].maker
	}
	return windowsMakers[d.model]
}
