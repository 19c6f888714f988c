// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package memberrule

import (
	"regexp"
	"strings"
)

// shape is what a property holds.
type shape int

const (
	text shape = iota + 1
	boolean
	list
)

// properties are the documented ones by kind, in lower case. Names are compared
// without regard to case.
var properties = map[Kind]map[string]shape{
	Users: shapes(map[shape]string{
		boolean: "accountenabled dirsyncenabled",
		list:    "othermails proxyaddresses",
		text: "city country companyname department displayname employeeid facsimiletelephonenumber givenname jobtitle mail " +
			"mailnickname mobile objectid onpremisesdistinguishedname onpremisessecurityidentifier passwordpolicies " +
			"physicaldeliveryofficename postalcode preferredlanguage sipproxyaddress state streetaddress surname telephonenumber " +
			"usagelocation userprincipalname usertype " + extensionAttributes(),
	}),
	Devices: shapes(map[shape]string{
		boolean: "accountenabled isrooted",
		list:    "devicephysicalids systemlabels",
		text: "devicecategory deviceid devicemanagementappid devicemanufacturer devicemodel displayname deviceostype deviceosversion " +
			"deviceownership devicetrusttype enrollmentprofilename managementtype objectid profiletype " + extensionAttributes(),
	}),
}

func extensionAttributes() string {
	var out []string
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"} {
		out = append(out, "extensionattribute"+n)
	}
	return strings.Join(out, " ")
}

func shapes(names map[shape]string) map[string]shape {
	out := map[string]shape{}
	for s, list := range names {
		for _, name := range strings.Fields(list) {
			out[name] = s
		}
	}
	return out
}

// customProperty is a directory extension of an application.
var customProperty = regexp.MustCompile(`^extension_[0-9a-f]{32}_\w+$`)

// property finds what a name such as user.department means.
func property(name string) (Kind, string, shape, bool) {
	prefix, rest, _ := strings.Cut(strings.ToLower(name), ".")
	kind := map[string]Kind{"user": Users, "device": Devices}[prefix]
	if s, known := properties[kind][rest]; known {
		return kind, rest, s, true
	}
	if kind == Users && customProperty.MatchString(rest) {
		return kind, rest, text, true
	}
	return 0, "", 0, false
}
