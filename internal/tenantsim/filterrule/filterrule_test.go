// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package filterrule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// facts are those of one device or app.
type facts map[string]string

func (f facts) Fact(property string) string { return f[property] }

var laptop = facts{"deviceName": "PC-000001", "manufacturer": "Dell Inc.", "model": "Latitude 7450", "osVersion": "10.0.22631.5335",
	"operatingSystemVersion": "10.0.22631.5335", "deviceOwnership": "Corporate", "operatingSystemSKU": "Enterprise", "cpuArchitecture": "amd64",
	"deviceTrustType": "Hybrid Azure AD joined"}

const windowsPlatform = "windows10AndLater"

func TestMatches(t *testing.T) {
	for text, want := range map[string]bool{
		`(device.deviceOwnership -eq "Corporate")`:                                                                 true,
		`(device.deviceOwnership -eq "corporate")`:                                                                 true,
		`(DEVICE.DEVICEOWNERSHIP -EQ "Corporate")`:                                                                 true,
		`(device.deviceOwnership -eq "Personal")`:                                                                  false,
		`device.deviceOwnership -ne "Personal"`:                                                                    true,
		`(device.deviceOwnership eq "Corporate")`:                                                                  true, // the dash is optional
		`(device.deviceName -startsWith "PC-") and (device.model -contains "latitude")`:                            true,
		`(device.deviceName -startswith "PC-") -and (device.model -contains "latitude")`:                           true,
		`(device.deviceName -eq "x") or (device.manufacturer -in ["LENOVO","Dell Inc."])`:                          true,
		`(device.deviceName -eq "x") -or (device.model -eq "x")`:                                                   false,
		`(device.manufacturer -notIn ["LENOVO"])`:                                                                  true,
		`(device.manufacturer -notIn ["LENOVO", "dell inc."])`:                                                     false,
		`(device.model -notContains "Latitude")`:                                                                   false,
		`not (device.model -contains "Latitude")`:                                                                  false,
		`NOT (device.model -contains "x") AND (device.deviceTrustType -eq "Hybrid Azure AD joined")`:               true,
		`(device.deviceTrustType -in ["Hybrid Azure AD joined","Azure AD joined"])`:                                true,
		`(device.cpuArchitecture -in ["x86", "arm64"])`:                                                            false,
		`(device.operatingSystemVersion -ge 10.0.22631.0)`:                                                         true,
		`(device.operatingSystemVersion -gt 10.0.22631.5335)`:                                                      false,
		`(device.operatingSystemVersion -lt 10.0.9999)`:                                                            false, // by number, not by text
		`(device.operatingSystemVersion -le 11)`:                                                                   true,
		`(device.operatingSystemVersion -eq 10.0.22631.5335.0)`:                                                    true,
		`(device.operatingSystemVersion -eq "10.0.22631.5335")`:                                                    true,
		`(device.operatingSystemVersion -ne "10.0.22631.5335")`:                                                    false,
		`(device.osVersion -startsWith "10.0.2263")`:                                                               true,
		`(device.deviceCategory -eq $null)`:                                                                        true,
		`(device.deviceCategory -eq null)`:                                                                         true,
		`(device.model -ne $Null)`:                                                                                 true,
		`(device.enrollmentProfileName -ne "x")`:                                                                   true,
		`(device.enrollmentProfileName -startsWith "x")`:                                                           false,
		`((device.deviceName -eq "x") or (device.model -ne "y")) and (device.operatingSystemSKU -eq "Enterprise")`: true,
		"(device.deviceName\t-eq\r\n\"PC-000001\")":                                                                true,
		`(device.model -eq "x") and (device.model -eq "y") or (device.deviceOwnership -eq "Corporate")`:            true, // and binds tighter
		`(device.model -contains "")`:                                                                              true,
	} {
		rule, err := Parse(text, windowsPlatform)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := rule.Matches(laptop); got != want {
			t.Errorf("%s is %v", text, got)
		}
		if again, err := Parse(rule.String(), windowsPlatform); err != nil || again.String() != rule.String() || again.Matches(laptop) != want {
			t.Errorf("%s is written as %s: %v", text, rule, err)
		}
	}
	if (Rule{}).Matches(laptop) || (Rule{}).String() != "" {
		t.Error("the zero rule matches")
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "property such as device.",
		`deviceName -eq "x"`:          "property such as device.",
		`(app.model -eq "x")`:         "property such as device.",
		`(device.nope -eq "x")`:       "'device.nope' does not exist",
		`(device.model -is "x")`:      "'-is' is not supported",
		`(device.model "x")`:          "operator such as -eq",
		`(device.model -gt "x")`:      "'-gt' is not supported for device.model",
		`(device.osVersion -gt "10")`: "'-gt' is not supported for device.osVersion",
		`(device.operatingSystemVersion -startsWith 10)`:            "not supported",
		`(device.operatingSystemVersion -in ["10.0"])`:              "not supported",
		`(device.deviceOwnership -in ["Personal"])`:                 "not supported",
		`(device.deviceTrustType -startsWith "Azure")`:              "not supported",
		`(device.operatingSystemVersion -ge "10.0")`:                "without quotes",
		`(device.operatingSystemVersion -ge 10.x)`:                  "without quotes",
		`(device.operatingSystemVersion -eq "ten")`:                 "not a version",
		`(device.operatingSystemVersion -eq 99999999999)`:           "without quotes",
		`(device.model -eq x)`:                                      "double quotes",
		`(device.model -eq 'x')`:                                    "double quotes",
		`(device.model -eq "x)`:                                     "unterminated",
		`(device.model -eq "x"`:                                     "')' expected",
		`(device.model -eq "x"))`:                                   "unexpected text",
		`(device.model -in "x")`:                                    "a list such as",
		`(device.model -in [])`:                                     "double quotes",
		`(device.model -in ["x" "y"])`:                              "',' or ']'",
		`(device.model -eq ["x"])`:                                  "double quotes",
		`(device.model -contains $null)`:                            "$null goes with",
		`(device.deviceOwnership -eq "Mine")`:                       "not one of",
		`(device.cpuArchitecture -in ["amd64","x64"])`:              "'x64' is not one of",
		`(device.isRooted -eq "True")`:                              "does not exist for the platform windows10AndLater",
		`(device.deviceManagementType -eq "AOSP userless devices")`: "does not exist",
		`(device.appVersion -eq "1")`:                               "does not exist",
		`(device.model -eq "x") (device.model -eq "y")`:             "unexpected text",
		`(device.model -eq "x") orr (device.model -eq "y")`:         "unexpected text",
		strings.Repeat("(", 50):                                     "nested too deeply",
		strings.Repeat("not ", 50):                                  "nested too deeply",
		strings.Repeat("x", MaxLength+1):                            "at most 3072",
		"\xff":                                                      "UTF-8",
	} {
		if _, err := Parse(text, windowsPlatform); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, platform := range []string{"", "unknown", "solaris", "Windows10AndLater"} {
		if _, err := Parse(`(device.model -eq "x")`, platform); err == nil || !strings.Contains(err.Error(), "no rule can be written") {
			t.Errorf("platform %q: %v", platform, err)
		}
	}
	// The limit counts characters, not bytes.
	if _, err := Parse(`(device.model -eq "`+strings.Repeat("ä", MaxLength-21)+`")`, windowsPlatform); err != nil {
		t.Errorf("3072 characters: %v", err)
	}
}

// page is the reference page once more, read by itself: property by property with
// its operators, its values on one platform each, and the platforms.
var page = []struct {
	property, operators, platforms, value string
}{
	{"device.cpuArchitecture", "eq ne in notIn", "macOS windows10AndLater", "arm64"},
	{"device.deviceCategory", "eq ne in notIn startsWith contains notContains", "android androidForWork androidAOSP iOS macOS windows10AndLater", "Engineering devices"},
	{"device.deviceManagementType", "eq ne", "androidForWork androidAOSP", "Corporate-owned fully managed"},
	{"device.deviceName", "eq ne in notIn startsWith contains notContains", "android androidForWork androidAOSP iOS macOS windows10AndLater", "Scott's Device"},
	{"device.deviceOwnership", "eq ne", "android androidForWork androidAOSP iOS macOS windows10AndLater", "Personal"},
	{"device.deviceTrustType", "eq ne in notIn", "windows10AndLater", "Azure AD registered"},
	{"device.enrollmentProfileName", "eq ne in notIn startsWith contains notContains", "androidForWork androidAOSP iOS windows10AndLater", "DEP iPhones"},
	{"device.isRooted", "eq ne", "android androidForWork androidAOSP iOS", "True"},
	{"device.manufacturer", "eq ne in notIn startsWith contains notContains", "android androidForWork androidAOSP iOS macOS windows10AndLater", "Microsoft"},
	{"device.model", "eq ne in notIn startsWith contains notContains", "android androidForWork androidAOSP iOS macOS windows10AndLater", "Surface Book 3"},
	{"device.operatingSystemVersion", "eq ne gt ge lt le", "android androidForWork androidAOSP iOS macOS windows10AndLater", "14.2.1"},
	{"device.osVersion", "eq ne in notIn startsWith contains notContains", "android androidForWork androidAOSP iOS macOS windows10AndLater", "10.15.3 (19D2064)"},
	{"device.operatingSystemSKU", "eq ne in notIn startsWith contains notContains", "windows10AndLater", "EnterpriseSN"},
	{"app.appVersion", "eq ne in notIn startsWith contains notContains", mamAll, "14.2.1"},
	{"app.deviceManagementType", "eq ne", "androidMobileApplicationManagement iOSMobileApplicationManagement", "Unmanaged"},
	{"app.deviceManufacturer", "eq ne in notIn startsWith contains notContains", mamAll, "Microsoft"},
	{"app.deviceModel", "eq ne in notIn startsWith contains notContains", mamAll, "RealityDevice"},
	{"app.operatingSystemVersion", "eq ne gt ge lt le", mamAll, "10.0.22000.1000"},
	{"app.osVersion", "eq ne in notIn startsWith contains notContains", mamAll, "10.15.3"},
}

const mamAll = "androidMobileApplicationManagement iOSMobileApplicationManagement windowsMobileApplicationManagement"

// TestReferencePage: every property with every operator on every platform is a
// rule exactly where the page says so.
func TestReferencePage(t *testing.T) {
	tried := 0
	for _, platform := range []string{"android", "androidForWork", "androidAOSP", "iOS", "macOS", "windows10AndLater",
		"androidMobileApplicationManagement", "iOSMobileApplicationManagement", "windowsMobileApplicationManagement"} {
		for _, line := range page {
			for _, op := range allOperators {
				value := `"` + line.value + `"`
				switch {
				case strings.HasSuffix(line.property, ".operatingSystemVersion"):
					value = line.value
				case takesList(op):
					value = "[" + value + "]"
				}
				text := fmt.Sprintf("(%s -%s %s)", line.property, op, value)
				want := slices.Contains(strings.Fields(line.platforms), platform) && slices.Contains(strings.Fields(line.operators), op)
				if _, err := Parse(text, platform); (err == nil) != want {
					t.Errorf("%s for %s: %v", text, platform, err)
				}
				tried++
			}
		}
		for _, property := range Properties(platform) {
			if !slices.ContainsFunc(page, func(l struct{ property, operators, platforms, value string }) bool { return l.property == property }) {
				t.Errorf("%s is on no page", property)
			}
		}
	}
	if tried < 1800 {
		t.Errorf("%d tried", tried)
	}
	if Properties("unknown") != nil {
		t.Error("a platform that is none has properties")
	}
}

// TestApps: rules of managed apps, with the values that only one platform has.
func TestApps(t *testing.T) {
	edge := facts{"appVersion": "147.0.3", "deviceManagementType": "Unmanaged", "deviceManufacturer": "Apple", "deviceModel": "iPhone15,2", "operatingSystemVersion": "18.5", "osVersion": "18.5"}
	for text, want := range map[string]bool{
		`(app.appVersion -startsWith "147.") and (app.deviceManagementType -eq "Unmanaged")`: true,
		`(app.operatingSystemVersion -lt 17)`:                                                false,
		`(app.deviceModel -startsWith "iPad")`:                                               false,
		`(app.deviceManagementType -ne "Account Driven User Enrollment")`:                    true,
	} {
		rule, err := Parse(text, "iOSMobileApplicationManagement")
		if err != nil || rule.Matches(edge) != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for text, platform := range map[string]string{
		`(app.deviceManagementType -eq "AOSP userless devices")`: "iOSMobileApplicationManagement",
		`(app.deviceManagementType -eq "Managed")`:               "androidMobileApplicationManagement",
		`(app.deviceManagementType -eq "managed")`:               "windowsMobileApplicationManagement",
		`(device.model -eq "x")`:                                 "iOSMobileApplicationManagement",
		`(app.deviceName -eq "x")`:                               "iOSMobileApplicationManagement",
	} {
		if _, err := Parse(text, platform); err == nil {
			t.Errorf("%s is a rule for %s", text, platform)
		}
	}
	if apps, known := Apps("iOSMobileApplicationManagement"); !apps || !known {
		t.Error("managed apps of iOS")
	}
	if apps, known := Apps("iOS"); apps || !known {
		t.Error("devices of iOS")
	}
	if _, known := Apps("unknown"); known {
		t.Error("unknown")
	}
}

// TestVersions: order of versions by brute force over small ones.
func TestVersions(t *testing.T) {
	var all [][3]int
	for a := range 3 {
		for b := range 3 {
			for c := range 3 {
				all = append(all, [3]int{a, b, c})
			}
		}
	}
	write := func(v [3]int) string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }
	for i, left := range all {
		for k, right := range all { // the list is in ascending order
			holds := map[string]bool{"eq": i == k, "ne": i != k, "gt": i > k, "ge": i >= k, "lt": i < k, "le": i <= k}
			for op, want := range holds {
				rule, err := Parse("(device.operatingSystemVersion -"+op+" "+write(right)+")", "macOS")
				if err != nil || rule.Matches(facts{"operatingSystemVersion": write(left)}) != want {
					t.Fatalf("%v %s %v: %v, want %v", left, op, right, err, want)
				}
			}
		}
	}
	for op, want := range map[string]bool{"lt": false, "ge": false, "eq": false, "ne": true} {
		if rule, err := Parse("device.operatingSystemVersion -"+op+" 1.0", "macOS"); err != nil || rule.Matches(facts{}) != want {
			t.Errorf("without a version %s is not %v: %v", op, want, err)
		}
	}
}

// FuzzParse: no input crashes, and a rule means the same when it is written out
// and parsed again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`(device.deviceOwnership -eq "Corporate") and (device.operatingSystemVersion -ge 10.0.22631.0)`,
		`not ((device.model -in ["a","b"]) or (device.model -ne $null))`, `device.deviceName startsWith "x"`, `((((`, `-not -and`,
		`(device.operatingSystemVersion -eq "1.2")`, `DEVICE.isRooted -eq null`,
	} {
		f.Add(seed, windowsPlatform)
		f.Add(strings.ReplaceAll(seed, "device.", "app."), "iOSMobileApplicationManagement")
	}
	f.Fuzz(func(t *testing.T, text, platform string) {
		rule, err := Parse(text, platform)
		if err != nil {
			return
		}
		written := rule.String()
		again, err := Parse(written, platform)
		if err != nil {
			if strings.Contains(err.Error(), "nested too deeply") || len(written) > MaxLength {
				return // writing adds parentheses
			}
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		for _, f := range []facts{laptop, {}, {"model": "a", "operatingSystemVersion": "9"}} {
			if again.String() != written || again.Matches(f) != rule.Matches(f) {
				t.Fatalf("%q became %q", written, again)
			}
		}
	})
}
