// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package filterrule

import (
	"slices"
	"strings"
)

// kind says which operators and values a property takes.
type kind int

const (
	kindText    kind = iota // any text, whole or in part
	kindChoice              // one of the listed values, -eq and -ne
	kindList                // one of the listed values, also in a list
	kindVersion             // dotted numbers, ordered
)

// operators by kind.
var operators = map[kind][]string{
	kindText:    {"eq", "ne", "startsWith", "contains", "notContains", "in", "notIn"},
	kindChoice:  {"eq", "ne"},
	kindList:    {"eq", "ne", "in", "notIn"},
	kindVersion: {"eq", "ne", "gt", "ge", "lt", "le"},
}

// allOperators in the spelling of the reference page.
var allOperators = []string{"eq", "ne", "startsWith", "contains", "notContains", "in", "notIn", "gt", "ge", "lt", "le"}

// family is a group of platforms that share properties.
type family string

const (
	androidAdmin      family = "Android device administrator"
	androidEnterprise family = "Android Enterprise"
	androidAOSP       family = "Android (AOSP)"
	ios               family = "iOS/iPadOS"
	macOS             family = "macOS"
	windows           family = "Windows"
)

// target is what a platform of a filter is about: devices or apps of a family.
type target struct {
	of   family
	apps bool
}

// platforms are the members of devicePlatformType that a filter can be about.
// Those of retired Windows versions are taken for Windows. ASSUMED.
var platforms = map[string]target{
	"android": {of: androidAdmin}, "androidForWork": {of: androidEnterprise}, "androidWorkProfile": {of: androidEnterprise}, "androidAOSP": {of: androidAOSP},
	"iOS": {of: ios}, "macOS": {of: macOS}, "windows10AndLater": {of: windows}, "windows81AndLater": {of: windows}, "windowsPhone81": {of: windows},
	"androidMobileApplicationManagement": {androidEnterprise, true}, "iOSMobileApplicationManagement": {ios, true},
	"windowsMobileApplicationManagement": {windows, true},
}

// property is one that a rule can name.
type property struct {
	name string
	kind kind
	// values of a choice by family; the entry of "" holds for all that have none.
	values map[family][]string
	// on are the families that have the property; nil: all.
	on []family
}

// managementTypes are the values that Android has for devices and apps alike.
var managementTypes = []string{
	"Corporate-owned dedicated devices with Entra ID Shared mode", "Corporate-owned dedicated devices without Entra ID Shared mode",
	"Corporate-owned with work profile", "Corporate-owned fully managed", "Personally-owned work profile",
	"AOSP user-associated devices", "AOSP userless devices",
}

// deviceProperties are the managed device properties of the reference page.
// Where it says "or unknown values", Unknown is taken.
var deviceProperties = []property{
	{name: "cpuArchitecture", kind: kindList, on: []family{macOS, windows},
		values: map[family][]string{windows: {"amd64", "x86", "arm64", "unknown"}, macOS: {"x64", "arm64", "unknown"}}},
	{name: "deviceCategory"},
	{name: "deviceManagementType", kind: kindChoice, on: []family{androidEnterprise, androidAOSP}, values: map[family][]string{"": managementTypes}},
	{name: "deviceName"},
	{name: "deviceOwnership", kind: kindChoice, values: map[family][]string{"": {"Personal", "Corporate", "Unknown"}}},
	{name: "deviceTrustType", kind: kindList, on: []family{windows},
		values: map[family][]string{"": {"Azure AD joined", "Azure AD registered", "Hybrid Azure AD joined", "Unknown"}}},
	{name: "enrollmentProfileName", on: []family{androidEnterprise, androidAOSP, ios, windows}},
	{name: "isRooted", kind: kindChoice, on: []family{androidAdmin, androidEnterprise, androidAOSP, ios}, values: map[family][]string{"": {"True", "False", "Unknown"}}},
	{name: "manufacturer"},
	{name: "model"},
	{name: "operatingSystemSKU", on: []family{windows}},
	{name: "operatingSystemVersion", kind: kindVersion},
	{name: "osVersion"},
}

// appProperties are the managed app properties of the reference page.
var appProperties = []property{
	{name: "appVersion"},
	{name: "deviceManagementType", kind: kindChoice, on: []family{androidEnterprise, ios}, values: map[family][]string{
		androidEnterprise: append([]string{"Unmanaged", "Android device administrator", "Android Enterprise"}, managementTypes...),
		ios: {"Unmanaged", "Automated Device Enrollment user-associated devices", "Automated Device Enrollment userless devices",
			"Account Driven User Enrollment", "Device Enrollment with Company Portal and Web Enrollment", "Managed"},
	}},
	{name: "deviceManufacturer"},
	{name: "deviceModel"},
	{name: "operatingSystemVersion", kind: kindVersion},
	{name: "osVersion"},
}

// entity is the word before the dot.
func (t target) entity() string {
	if t.apps {
		return "app"
	}
	return "device"
}

// property finds a property of the target in any case.
func (t target) property(name string) (property, bool) {
	all := deviceProperties
	if t.apps {
		all = appProperties
	}
	i := slices.IndexFunc(all, func(p property) bool { return strings.EqualFold(p.name, name) })
	if i < 0 || all[i].on != nil && !slices.Contains(all[i].on, t.of) {
		return property{}, false
	}
	return all[i], true
}

// choices are the values that the property takes for a family; nil: any text.
func (p property) choices(of family) []string {
	if own := p.values[of]; own != nil {
		return own
	}
	return p.values[""]
}

// Apps reports whether a filter of the platform is about managed apps, and
// whether there is such a platform.
func Apps(platform string) (apps, known bool) {
	t, known := platforms[platform]
	return t.apps, known
}

// Properties are the properties that a rule of the platform can name, such as
// device.model, in the order of the alphabet.
func Properties(platform string) []string {
	t, known := platforms[platform]
	if !known {
		return nil
	}
	all := deviceProperties
	if t.apps {
		all = appProperties
	}
	var out []string
	for _, p := range all {
		if _, has := t.property(p.name); has {
			out = append(out, t.entity()+"."+p.name)
		}
	}
	slices.Sort(out)
	return out
}
