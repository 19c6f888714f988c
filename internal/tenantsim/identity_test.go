// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

const accessPath = "/v1.0/identity/conditionalAccess/policies"

func accessBody(name string) object {
	return object{"displayName": name, "state": "enabled", "conditions": object{"clientAppTypes": []string{"all"},
		"applications": object{"includeApplications": []string{"All"}}, "users": object{"includeUsers": []string{"All"}}},
		"grantControls": object{"operator": "OR", "builtInControls": []string{}, "authenticationStrength": object{"id": strengthPrefix + "4"}}}
}

func TestConditionalAccess(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5})})
	if n := len(tt.all(accessPath)); n != 0 {
		t.Errorf("a new tenant has %d policies", n)
	}
	body := accessBody("p")
	body["conditions"].(object)["users"] = object{"includeGroups": []string{tt.groupID("g")}}
	made := tt.want(201, "POST", accessPath, body)
	id := text(made, "id")
	conditions := made["conditions"].(map[string]any)
	users := conditions["users"].(map[string]any)
	if made["modifiedDateTime"] != nil || made["sessionControls"] != nil || conditions["platforms"] != nil || len(users["excludeUsers"].([]any)) != 0 {
		t.Errorf("not canonical: %v", made)
	}
	grant := made["grantControls"].(map[string]any)
	strength := grant["authenticationStrength"].(map[string]any)
	if strength["displayName"] != "Phishing-resistant MFA" || grant["authenticationStrength@odata.context"] == nil {
		t.Errorf("the strength is not expanded: %v", grant)
	}
	tt.advance(time.Minute)
	tt.want(204, "PATCH", accessPath+"/"+id, object{"state": "disabled"})
	got := tt.want(200, "GET", accessPath+"/"+id, nil)
	if got["state"] != "disabled" || got["modifiedDateTime"] == nil || got["displayName"] != "p" {
		t.Errorf("after PATCH: %v", got)
	}
	if n := len(tt.all(accessPath + "?$filter=state eq 'disabled' and displayName eq 'p'&$select=id")); n != 1 {
		t.Errorf("%d found", n)
	}
	tt.want(204, "DELETE", accessPath+"/"+id, nil)
	tt.want(404, "GET", accessPath+"/"+id, nil)
}

func TestConditionalAccessRefusals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	change := func(path string, value any) object {
		body := accessBody("p")
		at := body
		parts := strings.Split(path, "/")
		for _, p := range parts[:len(parts)-1] {
			at = at[p].(object)
		}
		at[parts[len(parts)-1]] = value
		return body
	}
	for want, body := range map[string]object{
		"one of enabled":         change("state", "on"),
		"'foo' does not exist":   change("conditions/foo", 1),
		"'who' does not exist":   change("conditions/users", object{"who": []string{}}),
		"one of all":             change("conditions/clientAppTypes", []string{"fax"}),
		"one of block":           change("grantControls/builtInControls", []string{"magic"}),
		"exclude each other":     change("grantControls/builtInControls", []string{"mfa"}),
		"excludes every other":   change("grantControls/builtInControls", []string{"block"}),
		"strength 'x' does not":  change("grantControls/authenticationStrength", object{"id": "x"}),
		"group 'x' of users":     change("conditions/users", object{"includeGroups": []string{"x"}}),
		"user 'x' of users":      change("conditions/users", object{"includeUsers": []string{"All"}, "excludeUsers": []string{"x"}}),
		"no grant control":       change("grantControls", nil),
		"'displayName'":          change("displayName", nil),
		"Collection(Edm.String)": change("conditions/users", object{"includeGroups": "x"}),
	} {
		if _, message := tt.errorOf(400, "POST", accessPath, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Policy.ReadWrite.ConditionalAccess"} })
	tt.errorOf(403, "POST", accessPath, accessBody("p"))
	tt.want(200, "GET", accessPath, nil)
}

func TestAuthenticationStrengths(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const path = "/v1.0/policies/authenticationStrengthPolicies"
	builtIn := tt.all("/v1.0/identity/conditionalAccess/authenticationStrength/policies")
	if len(builtIn) != 3 || len(builtIn[0]["allowedCombinations"].([]any)) != 19 || builtIn[1]["displayName"] != "Passwordless MFA" {
		t.Errorf("built-ins %v", builtIn)
	}
	tt.errorOf(400, "PATCH", path+"/"+strengthPrefix+"4", object{"displayName": "mine"})
	tt.errorOf(400, "DELETE", path+"/"+strengthPrefix+"4", nil)
	body := object{"displayName": "keys", "allowedCombinations": []string{"fido2", "password,sms"}, "combinationConfigurations": []object{{
		"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": []string{"fido2"}, "allowedAAGUIDs": []string{boundAAGUID}}}}
	id := text(tt.want(201, "POST", path, body), "id")
	tt.errorOf(400, "POST", path, body) // the name is taken
	for want, bad := range map[string]object{
		"one of":     {"displayName": "x", "allowedCombinations": []string{"sms,password"}}, // the order is the service's
		"maximum is": {"displayName": strings.Repeat("x", 31), "allowedCombinations": []string{"fido2"}},
		"at least":   {"displayName": "x", "allowedCombinations": []string{}},
	} {
		if _, message := tt.errorOf(400, "POST", path, bad); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.errorOf(400, "PATCH", path+"/"+id, object{"allowedCombinations": []string{"fido2"}})
	tt.want(204, "PATCH", path+"/"+id, object{"description": "d"})
	changed := tt.want(200, "POST", path+"/"+id+"/updateAllowedCombinations", object{"allowedCombinations": []string{"fido2"}})
	if fmt.Sprint(changed["previousCombinations"], changed["currentCombinations"]) != "[fido2 password,sms] [fido2]" {
		t.Errorf("%v", changed)
	}
	if n := len(objects(tt.want(200, "GET", path+"/"+id+"/combinationConfigurations", nil)["value"])); n != 1 {
		t.Errorf("%d configurations", n)
	}
	tt.want(201, "POST", path+"/"+id+"/combinationConfigurations", body["combinationConfigurations"].([]object)[0])
	access := accessBody("uses it")
	access["grantControls"].(object)["authenticationStrength"] = object{"id": id}
	policy := text(tt.want(201, "POST", accessPath, access), "id")
	if mfa := objects(tt.want(200, "GET", path+"/"+id+"/usage()", nil)["mfa"]); len(mfa) != 1 || mfa[0]["id"] != policy {
		t.Errorf("usage %v", mfa)
	}
	tt.errorOf(400, "DELETE", path+"/"+id, nil)
	tt.want(204, "DELETE", accessPath+"/"+policy, nil)
	tt.want(204, "DELETE", path+"/"+id, nil)
	for i := range 15 {
		tt.want(201, "POST", path, object{"displayName": fmt.Sprint("s", i), "allowedCombinations": []string{"fido2"}})
	}
	tt.errorOf(400, "POST", path, object{"displayName": "too many", "allowedCombinations": []string{"fido2"}})
	if n := len(tt.all("/v1.0/identity/conditionalAccess/authenticationStrength/authenticationMethodModes")); n != 17 {
		t.Errorf("%d modes", n)
	}
}

const fido2Path = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2"

// TestFido2Configuration: arrays replace, and the documented limits hold.
// TestCertificateRestrictions: what a certificate restriction says comes back.
func TestCertificateRestrictions(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	const path = "/v1.0/policies/authenticationStrengthPolicies"
	restriction := object{"@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
		"appliesToCombinations": []string{"x509CertificateMultiFactor"}, "allowedIssuerSkis": []string{"1A4248C6AC8C2931AB2A86537818E92E7B6C97B7"}}
	id := text(tt.want(201, "POST", path, object{"displayName": "c", "allowedCombinations": []string{"x509CertificateMultiFactor"},
		"combinationConfigurations": []object{restriction}}), "id")
	got := objects(tt.want(200, "GET", path+"/"+id+"/combinationConfigurations", nil)["value"])
	if len(got) != 1 || got[0]["@odata.type"] != restriction["@odata.type"] || got[0]["allowedIssuerSkis"].([]any)[0] != "1A4248C6AC8C2931AB2A86537818E92E7B6C97B7" ||
		len(got[0]["allowedPolicyOIDs"].([]any)) != 0 {
		t.Errorf("%v", got)
	}
	for name, value := range map[string]any{"appliesToCombinations": []string{"fido2"}, "allowedAAGUIDs": []string{boundAAGUID}} {
		bad := maps.Clone(restriction)
		bad[name] = value
		tt.errorOf(400, "POST", path+"/"+id+"/combinationConfigurations", bad)
	}
}

// TestRefusalsRepeat: the same wrong request gets the same answer, though three
// members are missing.
func TestRefusalsRepeat(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	_, first := tt.errorOf(400, "POST", "/v1.0/groups", object{})
	for range 50 {
		if _, again := tt.errorOf(400, "POST", "/v1.0/groups", object{}); again != first {
			t.Fatalf("%s\nthen\n%s", first, again)
		}
	}
}

func TestFido2Configuration(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 3})})
	got := tt.want(200, "GET", fido2Path, nil)
	if got["id"] != "Fido2" || len(objects(got["passkeyProfiles"])) != 1 || objects(got["includeTargets"])[0]["id"] != "all_users" {
		t.Errorf("%v", got)
	}
	policy := tt.want(200, "GET", "/v1.0/policies/authenticationMethodsPolicy", nil)
	if n := len(objects(policy["authenticationMethodConfigurations"])); n != 1 {
		t.Errorf("%d configurations", n)
	}
	profile := func(id, types, attestation string) object {
		return object{"id": id, "name": "n" + id, "passkeyTypes": types, "attestationEnforcement": attestation}
	}
	standard := profile(DefaultPasskeyProfile, "deviceBound", "disabled")
	target := func(id string, profiles ...string) object {
		return object{"targetType": "group", "id": id, "isRegistrationRequired": false, "allowedPasskeyProfiles": profiles}
	}
	patch := func(members object) object {
		members["@odata.type"] = "#" + fido2Type
		return members
	}
	all := target("all_users", DefaultPasskeyProfile)
	tt.want(204, "PATCH", fido2Path, patch(object{"passkeyProfiles": []object{standard, profile("6d1f0000-0000-4000-8000-000000000001", "deviceBound,synced", "disabled")},
		"includeTargets": []object{all, target(tt.groupID("g"), "6d1f0000-0000-4000-8000-000000000001")}}))
	if got := tt.want(200, "GET", fido2Path, nil); len(objects(got["passkeyProfiles"])) != 2 || got["state"] != "enabled" {
		t.Errorf("%v", got)
	}
	for want, body := range map[string]object{
		"'@odata.type' is required": {"state": "disabled"},
		"in use by the target":      patch(object{"passkeyProfiles": []object{standard}}), // the second profile would be gone
		"at most 3":                 patch(object{"passkeyProfiles": []object{standard, profile("a", "synced", "disabled"), profile("b", "synced", "disabled"), profile("c", "synced", "disabled")}, "includeTargets": []object{all}}),
		"cannot be attested":        patch(object{"passkeyProfiles": []object{standard, profile("a", "deviceBound,synced", "registrationOnly")}, "includeTargets": []object{all}}),
		"default passkey profile":   patch(object{"passkeyProfiles": []object{profile("a", "synced", "disabled")}, "includeTargets": []object{target("all_users", "a")}}),
		"cannot be turned off":      patch(object{"passkeyProfiles": []object{}, "includeTargets": []object{}}),
		"does not exist":            patch(object{"excludeTargets": []object{{"targetType": "group", "id": "x"}}}),
		"more than once":            patch(object{"passkeyProfiles": []object{standard, standard}, "includeTargets": []object{all}}),
		"one of deviceBound":        patch(object{"passkeyProfiles": []object{profile("a", "cloud", "disabled")}}),
		"bytes large":               patch(object{"keyRestrictions": object{"aaGuids": slices.Repeat([]string{boundAAGUID}, 600)}}),
	} {
		if _, message := tt.errorOf(400, "PATCH", fido2Path, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	tt.want(404, "GET", strings.TrimSuffix(fido2Path, "fido2")+"sms", nil)
	tt.want(200, "GET", strings.Replace(fido2Path, "/fido2", "('Fido2')", 1), nil)
}

// TestRegistrations: the nightly report and the live list agree about synced
// passkeys, and shares follow the scenario.
func TestRegistrations(t *testing.T) {
	half, none := 50.0, 0.0
	sc := quiet()
	sc.Passkeys = &Passkeys{SyncedPercent: &half, DeviceBoundPercent: &none}
	tt := newTenant(t, Options{Devices: 200, Users: 200, Scenario: sc})
	const path = "/v1.0/reports/authenticationMethods/userRegistrationDetails"
	rows := tt.all(path)
	if len(rows) != 200 || rows[0]["lastUpdatedDateTime"] != "2026-05-31T22:00:00.0000000Z" {
		t.Fatalf("%d rows, %v", len(rows), rows[0])
	}
	synced := tt.all(path + "?$filter=methodsRegistered/any(m:m eq 'passKeySynced')&$select=id")
	if len(synced) < 70 || len(synced) > 130 {
		t.Errorf("%d of 200 have a synced passkey", len(synced))
	}
	for _, row := range rows[:20] {
		live := tt.all("/v1.0/users/" + text(row, "id") + "/authentication/fido2Methods")
		has := slices.ContainsFunc(synced, func(s map[string]any) bool { return s["id"] == row["id"] })
		if len(live) != boolInt(has) || has && (live[0]["passkeyType"] != "synced" || live[0]["attestationLevel"] != "notAttested") {
			t.Errorf("user %v: report %v, live %v", row["id"], has, live)
		}
		if has {
			tt.want(200, "GET", "/v1.0/users/"+text(row, "id")+"/authentication/fido2Methods/"+text(live[0], "id"), nil)
		}
	}
	tt.errorOf(400, "GET", path+"?$skip=5", nil)
	tt.want(404, "GET", "/v1.0/users/nobody@contoso.example/authentication/fido2Methods", nil)
	tt.scenario(func(sc *Scenario) { sc.Licences = &Licences{NoEntraP1: true} })
	if code, _ := tt.errorOf(403, "GET", path, nil); code != "Authentication_RequestFromNonPremiumTenantOrB2CTenant" {
		t.Errorf("code %s", code)
	}
}

// TestSignIns: newest first, passkey evidence on beta only, details late.
func TestSignIns(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30, Users: 20, Start: time.Date(2026, 6, 3, 15, 0, 0, 0, time.UTC), Scenario: quiet()})
	rows := tt.all("/beta/auditLogs/signIns?$top=7&$filter=createdDateTime ge 2026-06-01T00:00:00Z")
	if len(rows) < 45 || len(rows) > 60 { // two whole work days and most of a third
		t.Fatalf("%d sign-ins", len(rows))
	}
	ids := map[string]bool{}
	for i, row := range rows {
		if i > 0 && text(row, "createdDateTime") > text(rows[i-1], "createdDateTime") {
			t.Fatalf("row %d is newer than the one before", i)
		}
		at, err := time.Parse(time.RFC3339, text(row, "createdDateTime"))
		if err != nil || ids[text(row, "id")] {
			t.Fatalf("row %v %v", row, err)
		}
		ids[text(row, "id")] = true
		if complete := tt.sim.Now().Sub(at) >= 2*time.Hour; complete != (len(objects(row["authenticationDetails"])) == 1) {
			t.Errorf("details of a sign-in at %s, now %s: %v", at, tt.sim.Now(), row["authenticationDetails"])
		}
	}
	if oldest := tt.all("/beta/auditLogs/signIns?$orderby=createdDateTime&$filter=createdDateTime ge 2026-06-01T00:00:00Z"); len(oldest) != len(rows) || oldest[0]["id"] != rows[len(rows)-1]["id"] {
		t.Errorf("ascending: %d rows", len(oldest))
	}
	if n := len(tt.all("/beta/auditLogs/signIns?$filter=createdDateTime ge 2026-06-02T00:00:00Z and createdDateTime lt 2026-06-03T00:00:00Z and status/errorCode eq 0")); n != 20 {
		t.Errorf("%d sign-ins on one day", n)
	}
	first := objects(tt.want(200, "GET", "/v1.0/auditLogs/signIns?$top=1", nil)["value"])[0]
	for _, name := range []string{"authenticationDetails", "authenticationRequirement", "signInEventTypes", "status/errorCode"} {
		if _, shown := first[name]; shown {
			t.Errorf("v1.0 shows %s", name)
		}
	}
	if _, message := tt.errorOf(400, "GET", "/v1.0/auditLogs/signIns?$filter=authenticationRequirement eq 'x'", nil); !strings.Contains(message, "Could not find a property named 'authenticationRequirement'") {
		t.Errorf("message %s", message)
	}
	tt.errorOf(400, "GET", "/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'interactiveUser') or signInEventTypes/any(t: t eq 'servicePrincipal')", nil)
	tt.errorOf(400, "GET", "/beta/auditLogs/signIns?$top=1001", nil)
	if n := len(tt.all("/beta/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'servicePrincipal')")); n != 0 {
		t.Errorf("%d service principal sign-ins", n)
	}
	tt.want(201, "POST", accessPath, accessBody("p"))
	if first := objects(tt.want(200, "GET", "/beta/auditLogs/signIns?$top=1", nil)["value"])[0]; len(objects(first["appliedConditionalAccessPolicies"])) != 1 {
		t.Errorf("applied %v", first["appliedConditionalAccessPolicies"])
	}
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Policy.Read.All"} })
	first = objects(tt.want(200, "GET", "/beta/auditLogs/signIns?$top=1", nil)["value"])[0]
	if _, shown := first["appliedConditionalAccessPolicies"]; shown {
		t.Error("conditional access shows without a permission")
	}
}

// TestThrottleOfIdentityPolicy: one request a second, without Retry-After.
func TestThrottleOfIdentityPolicy(t *testing.T) {
	tt := throttled(t, 1)
	tt.want(200, "GET", accessPath, nil)
	if w := tt.do("GET", accessPath, nil); w.Code != 429 || w.Header().Get("Retry-After") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	tt.advance(time.Second)
	tt.want(200, "GET", accessPath, nil)
	for i := range 6 {
		if w := tt.do("GET", "/v1.0/auditLogs/signIns?$top=1", nil); (w.Code == 429) != (i == 5) || w.Header().Get("Retry-After") != "" {
			t.Errorf("sign-ins %d: %d", i, w.Code)
		}
	}
}
