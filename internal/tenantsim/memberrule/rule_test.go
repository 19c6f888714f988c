// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package memberrule

import (
	"strings"
	"testing"
)

type facts map[string]any

func (f facts) Value(property string) any { return f[property] }

var (
	ana = facts{"accountenabled": true, "department": "Sales", "displayname": "Ana O'Neil", "jobtitle": `The "boss"`, "usertype": "Member",
		"othermails": []string{"ana@contoso.example", "a@fabrikam.example"}, "proxyaddresses": []string{}}
	laptop = facts{"accountenabled": false, "deviceostype": "Windows", "deviceosversion": "10.0.26100.4061", "deviceownership": "Company",
		"displayname": "PC-000001", "devicephysicalids": []string{"[USER-HWID]:1", "[ZTDId]:2"}, "isrooted": nil}
)

func TestMatches(t *testing.T) {
	for rule, want := range map[string]bool{
		`user.department -eq "Sales"`:                                                        true,
		`(user.department -eq "sales")`:                                                      true,
		`(USER.Department -EQ 'SALES')`:                                                      true,
		`user.department eq "Sales"`:                                                         true,
		`user.department -ne "Sales"`:                                                        false,
		`user.city -ne "Oslo"`:                                                               true,
		`user.city -eq null`:                                                                 true,
		`user.city -eq $null`:                                                                true,
		`user.department -ne $NULL`:                                                          true,
		`user.department -startsWith "sa"`:                                                   true,
		`user.department -notStartsWith "sa"`:                                                false,
		`user.department -contains "ale"`:                                                    true,
		`user.department -notContains "ale"`:                                                 false,
		`user.city -notContains "x"`:                                                         true,
		`user.department -match "^s.*s$"`:                                                    true,
		`user.department -notMatch "^x"`:                                                     true,
		`user.department -in ["HR","sales"]`:                                                 true,
		`user.department -notIn ["HR"]`:                                                      true,
		`user.displayName -eq "Ana O'Neil"`:                                                  true,
		`user.displayName -eq 'Ana O''Neil'`:                                                 true,
		"user.jobTitle -eq \"The `\"boss`\"\"":                                               true,
		`user.accountEnabled -eq true`:                                                       true,
		`user.accountEnabled -ne True`:                                                       false,
		`user.dirSyncEnabled -eq true`:                                                       false,
		`user.dirSyncEnabled -eq null`:                                                       true,
		`user.otherMails -any (_ -startsWith "a@")`:                                          true,
		`user.otherMails -any _ -startsWith "a@"`:                                            true,
		`user.otherMails -all (_ -contains "contoso")`:                                       false,
		`user.otherMails -all (_ -contains "a")`:                                             true,
		`user.proxyAddresses -all (_ -contains "a")`:                                         false,
		`user.proxyAddresses -any (_ -contains "a")`:                                         false,
		`user.otherMails -contains "fabrikam"`:                                               true,
		`user.extension_c272a57b722d4eb29bfe327874ae79cb_OfficeNumber -eq "1"`:               false,
		`user.extensionAttribute7 -eq null`:                                                  true,
		`not (user.department -eq "Sales")`:                                                  false,
		`-not user.city -eq "Oslo"`:                                                          true,
		`user.city -eq "x" -or user.department -eq "Sales" -and user.userType -eq "Member"`:  true,
		`user.department -eq "Sales" -or user.city -eq "x" -and user.userType -eq "Guest"`:   true,
		`(user.department -eq "Sales" -or user.city -eq "x") -and user.userType -eq "Guest"`: false,
		`-not user.department -eq "HR" -and user.userType -eq "Guest"`:                       false, // -not binds before -and
		`user.memberof -any (group.objectId -in ['2f5a1a5c-0000-4000-8000-000000000000'])`:   false,
		`user.assignedPlans -any (assignedPlan.servicePlanId -eq "x" -and assignedPlan.capabilityStatus -eq "Enabled")`: false,
		`Direct Reports for "62e19b97-8b3d-4d4a-a106-4ce66896a863"`:                                                     false,
		`(device.deviceOSType -eq "Windows") -and (device.deviceOwnership -eq "Company")`:                               true,
		`device.devicePhysicalIds -any (_ -contains "[ZTDId]")`:                                                         true,
		`device.devicePhysicalIDs -any _ -eq "[OrderID]:1"`:                                                             false,
		`device.accountEnabled -eq false`:                                                                               true,
		`device.isRooted -eq null`:                                                                                      true,
		`device.deviceOSVersion -startsWith "10.0.2"`:                                                                   true,
	} {
		r, err := Parse(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		who := ana
		if r.Kind == Devices {
			who = laptop
		}
		if got := r.Matches(who); got != want {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
		if wantSuspect := strings.Contains(rule, "memberof"); r.Suspect != wantSuspect {
			t.Errorf("%s: suspect %v", rule, r.Suspect)
		}
	}
}

func TestInvalid(t *testing.T) {
	for rule, want := range map[string]string{
		``:                           "a property is expected",
		`user.department`:            "an operator is expected",
		`user.department -eq`:        "a value is expected",
		`user.department -eq Sales`:  "write text in quotes",
		`user.department -eq "Sales`: "has no end",
		`user.shoeSize -eq "9"`:      "'user.shoeSize' is not supported",
		`group.id -eq "9"`:           "'group.id' is not supported",
		`device.department -eq "9"`:  "'device.department' is not supported",
		`device.extension_c272a57b722d4eb29bfe327874ae79cb_x -eq "1"`: "not supported",
		`user.department -eq "a" -and device.deviceId -eq "b"`:        "for users or for devices",
		`user.department -near "a"`:                                   "an operator is expected",
		`user.department -in "a"`:                                     "does not fit",
		`user.department -eq ["a"]`:                                   "does not fit",
		`user.department -in [a]`:                                     "text in quotes is expected",
		`user.department -in ["a" "b"]`:                               "']' is expected",
		`user.department -in []`:                                      "text in quotes is expected",
		`user.department -eq true`:                                    "does not fit",
		`user.accountEnabled -eq "true"`:                              "does not fit",
		`user.accountEnabled -contains true`:                          "does not fit",
		`user.department -contains null`:                              "does not fit",
		`user.department -match "("`:                                  "pattern",
		`user.department -any (_ -eq "a")`:                            "holds one value",
		`user.otherMails -any (x -eq "a")`:                            "_ is expected",
		`user.memberOf -eq "x"`:                                       "needs the operator",
		`user.memberOf -any (user.city -in ['x'])`:                    "is not expected",
		`(user.department -eq "a"`:                                    "')' is expected",
		`user.department -eq "a")`:                                    "')' is not expected",
		`user.department -eq "a" user.city -eq "b"`:                   "is not expected",
		`user.department -eq "a" && user.city -eq "b"`:                "'&' is not expected",
		strings.Repeat("(", 200) + `user.city -eq "a"`:                "nested more than",
		`user.city -eq "` + strings.Repeat("a", 3072) + `"`:           "at most 3072",
	} {
		if _, err := Parse(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error %v does not say %q", rule, err, want)
		}
	}
}

// FuzzParse: nothing makes the parser panic, and what it takes is for one kind
// and can be evaluated.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`user.department -eq "Sales"`, `-not (device.deviceId -in ["a",'b'])`, `user.otherMails -any ((_ -match "a"))`, `x`, "'`"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		r, err := Parse(rule)
		if err != nil {
			return
		}
		if r.Kind != Users && r.Kind != Devices {
			t.Errorf("%q is for nobody", rule)
		}
		r.Matches(facts{})
	})
}
