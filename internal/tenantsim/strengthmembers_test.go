// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"strings"
	"testing"
)

const (
	strengthsPath   = "/v1.0/policies/authenticationStrengthPolicies"
	methodsRootPath = "/v1.0/policies/authenticationMethodsPolicy"
)

// TestCombinationConfigurations: a restriction can be read, changed and deleted
// by its id, under both roots and in both versions.
func TestCombinationConfigurations(t *testing.T) {
	certificate := object{"@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration", "appliesToCombinations": []string{"x509CertificateMultiFactor"},
		"allowedIssuers": []string{"CUSTOMIDENTIFIER:1A4248C6"}, "allowedPolicyOIDs": []string{"1.2.3"}}
	for _, root := range []string{strengthsPath, "/beta/identity/conditionalAccess/authenticationStrength/policies"} {
		t.Run(root, func(t *testing.T) {
			tt := newTenant(t, Options{Devices: 5})
			id := text(tt.want(201, "POST", root, object{"displayName": "s", "allowedCombinations": []string{"fido2", "x509CertificateMultiFactor"}}), "id")
			path := root + "/" + id + "/combinationConfigurations"
			made := tt.want(201, "POST", path, certificate)
			for name, v := range certificate {
				if !contains(made[name], v) {
					t.Errorf("%s is %v, sent %v", name, made[name], v)
				}
			}
			if list := made["allowedIssuerSkis"].([]any); len(list) != 0 {
				t.Errorf("allowedIssuerSkis %v", list)
			}
			keys := text(tt.want(201, "POST", path, object{"@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
				"appliesToCombinations": []string{"fido2"}, "allowedAAGUIDs": []string{boundAAGUID}}), "id")
			one := path + "/" + text(made, "id")
			if keys == text(made, "id") {
				t.Fatal("two restrictions have one id")
			}
			before := tt.sim.ConfigDigest()
			tt.want(204, "PATCH", one, object{"@odata.type": certificate["@odata.type"], "allowedIssuerSkis": []string{"1A4248C6AC8C2931AB2A86537818E92E7B6C97B7"}})
			got := tt.want(200, "GET", one, nil)
			if len(got["allowedIssuerSkis"].([]any)) != 1 || len(got["allowedPolicyOIDs"].([]any)) != 1 || !contains(got["allowedIssuers"], certificate["allowedIssuers"]) {
				t.Errorf("after PATCH %v", got)
			}
			if tt.sim.ConfigDigest() == before {
				t.Error("the digest does not see a change")
			}
			if _, shown := tt.want(200, "GET", path+"/"+keys, nil)["allowedIssuers"]; shown {
				t.Error("a key restriction shows issuers")
			}
			for want, body := range map[string]object{
				"at least one":      {"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": []string{}},
				"is not a GUID":     {"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "allowedAAGUIDs": []string{"x"}},
				"cannot become":     certificate,
				"does not exist on": {"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "allowedIssuers": []string{"x"}},
			} {
				if _, message := tt.errorOf(400, "PATCH", path+"/"+keys, body); !strings.Contains(message, want) {
					t.Errorf("%s: %s", want, message)
				}
			}
			// The documented example states no type, which Graph's types demand: past the check.
			w := (&walker{tenant: tt}).raw("PATCH", path+"/"+keys, `{"appliesToCombinations":["fido2"]}`)
			if w.Code != 204 {
				t.Errorf("without a type: %d %s", w.Code, w.Body)
			}
			tt.want(204, "DELETE", one, nil)
			tt.errorOf(404, "GET", one, nil)
			tt.errorOf(404, "DELETE", one, nil)
			if list := objects(tt.want(200, "GET", root+"/"+id, nil)["combinationConfigurations"]); len(list) != 1 || list[0]["id"] != keys {
				t.Errorf("left are %v", list)
			}
			tt.errorOf(404, "GET", root+"/"+strengthPrefix+"4/combinationConfigurations/"+keys, nil)
			tt.errorOf(400, "POST", root+"/"+strengthPrefix+"4/combinationConfigurations", certificate)
		})
	}
}

// TestStrengthPatch: a name is unique after a PATCH as well, and what has
// requests of its own is refused rather than lost.
func TestStrengthPatch(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	first := tt.want(201, "POST", strengthsPath, object{"displayName": "one", "description": "d", "allowedCombinations": []string{"fido2"}})
	one := strengthsPath + "/" + text(first, "id")
	tt.want(201, "POST", strengthsPath, object{"displayName": "two", "allowedCombinations": []string{"fido2"}})
	for want, body := range map[string]object{
		"exists already":                      {"displayName": "TWO"},
		"'displayName'":                       {"displayName": ""},
		"Property 'allowedCombinations'":      {"allowedCombinations": []string{"fido2"}},
		"Property 'combinationConfigurations": {"combinationConfigurations": []object{}},
	} {
		if _, message := tt.errorOf(400, "PATCH", one, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.advance(1)
	tt.want(204, "PATCH", one, object{"@odata.type": "#microsoft.graph.authenticationStrengthPolicy", "displayName": "One"})
	if got := tt.want(200, "GET", one, nil); got["displayName"] != "One" || got["description"] != "d" {
		t.Errorf("after PATCH %v", got)
	}
}

// TestStrengthUsage: the policies are there in full.
func TestStrengthUsage(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	weak := text(tt.want(201, "POST", strengthsPath, object{"displayName": "weak", "allowedCombinations": []string{"password", "fido2"}}), "id")
	for strength, list := range map[string]string{weak: "none", strengthPrefix + "4": "mfa"} {
		body := accessBody(list)
		body["grantControls"].(object)["authenticationStrength"] = object{"id": strength}
		tt.want(201, "POST", accessPath, body)
		got := tt.want(200, "GET", strengthsPath+"/"+strength+"/usage()", nil)
		used := objects(got[list])
		if len(used) != 1 || inner(used[0], "conditions")["applications"] == nil || len(objects(got["mfa"]))+len(objects(got["none"])) != 1 {
			t.Errorf("%s: %v", list, got)
		}
	}
}

// TestMethodsPolicy: the policy merges at every depth and has two shapes.
func TestMethodsPolicy(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 3})})
	beta := strings.Replace(methodsRootPath, "/v1.0", "/beta", 1)
	campaign := func(path string) map[string]any {
		return inner(inner(tt.want(200, "GET", path, nil), "registrationEnforcement"), "authenticationMethodsRegistrationCampaign")
	}
	target := object{"id": tt.groupID("g"), "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}
	answer := tt.want(200, "PATCH", methodsRootPath, object{"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{
		"state": "enabled", "includeTargets": []object{target}}}})
	if answer["displayName"] != "Authentication Methods Policy" || len(objects(answer["authenticationMethodConfigurations"])) != 1 {
		t.Errorf("answer %v", answer)
	}
	tt.want(200, "PATCH", beta, object{"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{"snoozeDurationInDays": 3, "enforceRegistrationAfterAllowedSnoozes": false}},
		"systemCredentialPreferences": object{"state": "enabled"}, "policyMigrationState": "migrationInProgress"})
	if got := campaign(methodsRootPath); got["state"] != "enabled" || got["snoozeDurationInDays"] != 3.0 || len(objects(got["includeTargets"])) != 1 || len(got) != 4 {
		t.Errorf("v1.0: %v", got)
	}
	if got := campaign(beta); got["enforceRegistrationAfterAllowedSnoozes"] != false {
		t.Errorf("beta: %v", got)
	}
	whole := tt.want(200, "GET", beta, nil)
	if got := inner(whole, "systemCredentialPreferences"); got["state"] != "enabled" || objects(got["includeTargets"])[0]["id"] != everybodyTarget || whole["policyMigrationState"] != "migrationInProgress" {
		t.Errorf("beta: %v", whole)
	}
	for want, body := range map[string]object{
		"'systemCredentialPreferences' does not": {"systemCredentialPreferences": nil},
		"'enforceRegistration":                   {"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{"enforceRegistrationAfterAllowedSnoozes": true}}},
		"The target 'x'":                         {"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{"excludeTargets": []object{{"id": "x", "targetType": "user"}}}}},
		"'authenticationMethodConfigurations'":   {"authenticationMethodConfigurations": []object{}},
		"one of default":                         {"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{"state": "on"}}},
	} {
		if _, message := tt.errorOf(400, "PATCH", methodsRootPath, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	if list := tt.all(methodsRootPath + "/authenticationMethodConfigurations"); len(list) != 1 || list[0]["id"] != "Fido2" {
		t.Errorf("methods %v", list)
	}
}

// TestFido2Merge: each member alone, in both versions; lists are replaced whole.
func TestFido2Merge(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 3})})
	for _, path := range []string{fido2Path, strings.Replace(fido2Path, "/v1.0", "/beta", 1)} {
		for _, l := range membersUnder(&fido2Shape, false) {
			name := strings.Join(l.path, ".")
			v := l.sample(tt)
			switch name {
			case "defaultPasskeyProfile":
				v = DefaultPasskeyProfile
			case "passkeyProfiles":
				v = []object{{"id": DefaultPasskeyProfile, "name": "renamed", "passkeyTypes": "deviceBound", "attestationEnforcement": "registrationOnly",
					"keyRestrictions": object{"isEnforced": true, "enforcementType": "block", "aaGuids": []string{boundAAGUID}}}}
			case "includeTargets":
				v = []object{{"id": tt.groupID("g"), "targetType": "group", "isRegistrationRequired": true, "allowedPasskeyProfiles": []string{DefaultPasskeyProfile}}}
			case "excludeTargets":
				v = []object{{"id": tt.groupID("g"), "targetType": "group"}}
			}
			before := tt.want(200, "GET", path, nil)
			body := l.nested(v)
			body["@odata.type"] = "#" + fido2Type
			tt.want(204, "PATCH", path, body)
			after := tt.want(200, "GET", path, nil)
			if got, _ := l.of(after); !contains(got, v) {
				t.Errorf("%s is %v, want %v", name, got, v)
			}
			was, _ := l.of(before)
			place(after, l.path, was)
			if !sameButNew(before, after) {
				t.Errorf("%s changed something else:\n%v\n%v", name, before, after)
			}
		}
	}
}
