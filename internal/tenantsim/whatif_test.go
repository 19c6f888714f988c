// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

const (
	evaluatePath = "/v1.0/identity/conditionalAccess/evaluate"
	deletedPath  = "/v1.0/identity/conditionalAccess/deletedItems/policies"
	office       = "67ad5377-2d78-4ac2-a867-6300cda00e85"
)

// users splits the two groups "staff" and "glass" with one user each, and gives
// the group "nest" that holds staff.
func (t *tenant) people() (staff, glass, nest, inStaff, inGlass string) {
	t.Helper()
	users := t.all("/v1.0/users?$select=id&$top=2")[:2]
	inStaff, inGlass = text(users[0], "id"), text(users[1], "id")
	group := func(name string, members ...string) string {
		bind := []string{}
		for _, m := range members {
			bind = append(bind, "https://"+testHost+"/v1.0/directoryObjects/"+m)
		}
		return text(t.want(201, "POST", "/v1.0/groups", object{"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true,
			"members@odata.bind": bind}), "id")
	}
	staff, glass = group("staff", inStaff), group("glass", inGlass)
	return staff, glass, group("nest", staff), inStaff, inGlass
}

func whatIfBody(user string, conditions object) object {
	return object{"signInIdentity": object{"@odata.type": "#microsoft.graph.userSignIn", "userId": user},
		"signInContext":    object{"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": []string{office}},
		"signInConditions": conditions}
}

// TestWhatIf: one policy at a time against one sign-in; the reason is the
// condition that differs.
func TestWhatIf(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	staff, glass, nest, inStaff, inGlass := tt.people()
	for name, tc := range map[string]struct {
		conditions object // of the policy, over accessBody's
		policy     object // members of the policy
		user       string
		sign       object // conditions of the sign-in
		context    object
		reason     string
	}{
		"everybody":                {reason: "notSet"},
		"report only":              {policy: object{"state": "enabledForReportingButNotEnforced"}, reason: "notSet"},
		"disabled":                 {policy: object{"state": "disabled"}, reason: "policyNotEnabled"},
		"member":                   {conditions: object{"users": object{"includeGroups": []string{staff}}}, reason: "notSet"},
		"member of a nested group": {conditions: object{"users": object{"includeGroups": []string{nest}}}, reason: "notSet"},
		"no member":                {conditions: object{"users": object{"includeGroups": []string{glass}}}, reason: "users"},
		"named":                    {conditions: object{"users": object{"includeUsers": []string{inStaff}}}, reason: "notSet"},
		"excluded group":           {conditions: object{"users": object{"includeUsers": []string{"All"}, "excludeGroups": []string{glass}}}, user: inGlass, reason: "users"},
		"excluded nested group":    {conditions: object{"users": object{"includeUsers": []string{"All"}, "excludeGroups": []string{nest}}}, reason: "users"},
		"excluded user":            {conditions: object{"users": object{"includeUsers": []string{"All"}, "excludeUsers": []string{inStaff}}}, reason: "users"},
		"guests only":              {conditions: object{"users": object{"includeUsers": []string{"GuestsOrExternalUsers"}}}, reason: "users"},
		"a role":                   {conditions: object{"users": object{"includeRoles": []string{"62e90394-69f5-4237-9190-012177145e10"}}}, reason: "users"},
		"the application":          {conditions: object{"applications": object{"includeApplications": []string{office}}}, reason: "notSet"},
		"another application":      {conditions: object{"applications": object{"includeApplications": []string{graphAppID}}}, reason: "application"},
		"excluded application":     {conditions: object{"applications": object{"includeApplications": []string{"All"}, "excludeApplications": []string{office}}}, reason: "application"},
		"a user action":            {conditions: object{"applications": object{"includeUserActions": []string{"urn:user:registersecurityinfo"}}}, reason: "application"},
		"the user action": {conditions: object{"applications": object{"includeUserActions": []string{"urn:user:registersecurityinfo"}}},
			context: object{"@odata.type": "#microsoft.graph.userActionContext", "userAction": "registerSecurityInformation"}, reason: "notSet"},
		"another user action": {conditions: object{"applications": object{"includeUserActions": []string{"urn:user:registersecurityinfo"}}},
			context: object{"@odata.type": "#microsoft.graph.userActionContext", "userAction": "registerOrJoinDevices"}, reason: "userActions"},
		"authentication context": {context: object{"@odata.type": "#microsoft.graph.authContext", "authenticationContextValue": "c1"}, reason: "authenticationContext"},
		"browser":                {conditions: object{"clientAppTypes": []string{"browser"}}, sign: object{"clientAppType": "browser"}, reason: "notSet"},
		"another client":         {conditions: object{"clientAppTypes": []string{"browser"}}, sign: object{"clientAppType": "other"}, reason: "clientApps"},
		"client not told":        {conditions: object{"clientAppTypes": []string{"browser"}}, reason: "notEnoughInformation"},
		"windows":                {conditions: object{"platforms": object{"includePlatforms": []string{"windows"}}}, sign: object{"devicePlatform": "windows"}, reason: "notSet"},
		"another platform":       {conditions: object{"platforms": object{"includePlatforms": []string{"windows"}}}, sign: object{"devicePlatform": "macOS"}, reason: "devicePlatform"},
		"excluded platform":      {conditions: object{"platforms": object{"includePlatforms": []string{"all"}, "excludePlatforms": []string{"iOS"}}}, sign: object{"devicePlatform": "iOS"}, reason: "devicePlatform"},
		"platform not told":      {conditions: object{"platforms": object{"includePlatforms": []string{"windows"}}}, reason: "notEnoughInformation"},
		"high risk":              {conditions: object{"signInRiskLevels": []string{"high"}}, sign: object{"signInRiskLevel": "high"}, reason: "notSet"},
		"no risk told":           {conditions: object{"signInRiskLevels": []string{"high"}}, reason: "signInRisk"},
		"user risk":              {conditions: object{"userRiskLevels": []string{"high"}}, sign: object{"userRiskLevel": "low"}, reason: "userRisk"},
		"insider risk":           {conditions: object{"insiderRiskLevels": "elevated"}, sign: object{"insiderRiskLevel": "minor"}, reason: "insiderRisk"},
		"every location":         {conditions: object{"locations": object{"includeLocations": []string{"All"}, "excludeLocations": []string{"AllTrusted"}}}, reason: "notSet"},
		"trusted locations":      {conditions: object{"locations": object{"includeLocations": []string{"AllTrusted"}}}, reason: "location"},
		"a device filter":        {conditions: object{"devices": object{"deviceFilter": object{"mode": "include", "rule": "device.isCompliant -eq True"}}}, reason: "notEnoughInformation"},
		"device code":            {conditions: object{"authenticationFlows": object{"transferMethods": "deviceCodeFlow"}}, sign: object{"authenticationFlow": object{"transferMethod": "deviceCodeFlow"}}, reason: "notSet"},
		"no device code":         {conditions: object{"authenticationFlows": object{"transferMethods": "deviceCodeFlow"}}, reason: "authenticationFlow"},
		"a workload":             {conditions: object{"clientApplications": object{"includeServicePrincipals": []string{"ServicePrincipalsInMyTenant"}}, "users": object{"includeUsers": []string{"None"}}}, reason: "users"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.T = t
			body := accessBody(name)
			for member, v := range tc.conditions {
				body["conditions"].(object)[member] = v
			}
			for member, v := range tc.policy {
				body[member] = v
			}
			id := text(tt.want(201, "POST", accessPath, body), "id")
			defer tt.want(204, "DELETE", accessPath+"/"+id, nil)
			user := tc.user
			if user == "" {
				user = inStaff
			}
			ask := whatIfBody(user, tc.sign)
			if tc.context != nil {
				ask["signInContext"] = tc.context
			}
			before := tt.sim.ConfigDigest()
			got := objects(tt.want(200, "POST", evaluatePath, ask)["value"])
			if len(got) != 1 || got[0]["analysisReasons"] != tc.reason || got[0]["policyApplies"] != (tc.reason == "notSet") {
				t.Fatalf("got %v, want %s", got, tc.reason)
			}
			if got[0]["id"] != id || got[0]["displayName"] != name || got[0]["grantControls"].(map[string]any)["authenticationStrength"].(map[string]any)["displayName"] != "Phishing-resistant MFA" {
				t.Errorf("the policy is not in the answer: %v", got[0])
			}
			if tt.sim.ConfigDigest() != before {
				t.Error("a question changed the tenant")
			}
		})
	}
}

func TestWhatIfAppliedOnlyAndWorkloads(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	_, _, _, user, _ := tt.people()
	off := accessBody("off")
	off["state"] = "disabled"
	tt.want(201, "POST", accessPath, off)
	tt.want(201, "POST", accessPath, accessBody("on"))
	workload := accessBody("workload")
	workload["conditions"].(object)["users"] = object{"includeUsers": []string{"None"}}
	workload["conditions"].(object)["clientApplications"] = object{"includeServicePrincipals": []string{"ServicePrincipalsInMyTenant"}, "excludeServicePrincipals": []string{tt.sim.graphPrincipal()}}
	workload["grantControls"] = object{"operator": "OR", "builtInControls": []string{"block"}}
	tt.want(201, "POST", accessPath, workload)
	ask := whatIfBody(user, nil)
	for _, version := range []string{"/v1.0", "/beta"} {
		ask["appliedPoliciesOnly"] = false
		if n := len(objects(tt.want(200, "POST", strings.Replace(evaluatePath, "/v1.0", version, 1), ask)["value"])); n != 3 {
			t.Errorf("%s: %d policies", version, n)
		}
		ask["appliedPoliciesOnly"] = true
		got := objects(tt.want(200, "POST", strings.Replace(evaluatePath, "/v1.0", version, 1), ask)["value"])
		if len(got) != 1 || got[0]["displayName"] != "on" {
			t.Errorf("%s: %v", version, got)
		}
	}
	for principal, want := range map[string]string{tt.sim.PrincipalID(): "workload", tt.sim.graphPrincipal(): ""} {
		ask["signInIdentity"] = object{"@odata.type": "#microsoft.graph.servicePrincipalSignIn", "servicePrincipalId": principal}
		got := objects(tt.want(200, "POST", evaluatePath, ask)["value"])
		if len(got) != min(len(want), 1) || want != "" && got[0]["displayName"] != want {
			t.Errorf("%s: %v", principal, got)
		}
	}
}

func TestWhatIfRefusals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	_, _, _, user, _ := tt.people()
	good := whatIfBody(user, object{"devicePlatform": "windows"})
	tt.want(200, "POST", evaluatePath, good)
	for want, body := range map[string]object{
		"'signInIdentity'":                with(good, object{"signInIdentity": nil}),
		"'signInContext'":                 with(good, object{"signInContext": nil}),
		"'who' does not exist":            with(good, object{"who": 1}),
		"names no type":                   with(good, object{"signInIdentity": object{"userId": user}}),
		"of 'signInContext' is '#x'":      with(good, object{"signInContext": object{"@odata.type": "#x"}}),
		"the user '":                      with(good, object{"signInIdentity": object{"@odata.type": "#microsoft.graph.userSignIn", "userId": office}}),
		"'userId'":                        with(good, object{"signInIdentity": object{"@odata.type": "#microsoft.graph.userSignIn"}}),
		"'includeApplications'":           with(good, object{"signInContext": object{"@odata.type": "#microsoft.graph.applicationContext"}}),
		"literal 'beos'":                  with(good, object{"signInConditions": object{"devicePlatform": "beos"}}),
		"'moon' does not exist":           with(good, object{"signInConditions": object{"moon": "full"}}),
		"'trust' does not exist on type ": with(good, object{"signInConditions": object{"deviceInfo": object{"trust": "x"}}}),
		"'appliedPoliciesOnly'":           with(good, object{"appliedPoliciesOnly": "yes"}),
	} {
		code, message := tt.errorOf(400, "POST", evaluatePath, body)
		if code != odata.CodeRequestBadRequest || !strings.Contains(strings.ToLower(message), strings.ToLower(want)) {
			t.Errorf("%s: %s %s", want, code, message)
		}
	}
	tt.errorOf(400, "POST", evaluatePath+"?$top=1", good)
	tt.errorOf(405, "GET", evaluatePath, nil)
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Policy.Read.All"} })
	if code, _ := tt.errorOf(403, "POST", evaluatePath, good); code != odata.CodeDenied {
		t.Errorf("code %s", code)
	}
}

// TestAccessRestore: deletion is soft (contract h).
func TestAccessRestore(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	first := text(tt.want(201, "POST", accessPath, accessBody("first")), "id")
	second := text(tt.want(201, "POST", accessPath, accessBody("second")), "id")
	if got := tt.want(200, "GET", accessPath+"/"+first+"?$select=id,deletedDateTime", nil); got["deletedDateTime"] != nil {
		t.Errorf("a live policy: %v", got)
	}
	tt.errorOf(404, "POST", accessPath+"/"+first+"/restore", nil)
	whole := tt.sim.ConfigDigest()
	tt.want(204, "DELETE", accessPath+"/"+first, nil)
	without := tt.sim.ConfigDigest()
	tt.advance(time.Minute)
	bin := tt.all(deletedPath)
	if len(bin) != 1 || bin[0]["id"] != first || bin[0]["deletedDateTime"] == nil || bin[0]["state"] != "enabled" {
		t.Fatalf("the recycle bin: %v", bin)
	}
	tt.want(200, "GET", deletedPath+"/"+first, nil)
	tt.errorOf(404, "GET", accessPath+"/"+first, nil)
	tt.errorOf(400, "POST", accessPath+"/"+first+"/restore", object{"x": 1})
	for _, root := range []string{accessPath, deletedPath} {
		got := tt.want(200, "POST", root+"/"+first+"/restore", nil)
		if got["id"] != first || got["displayName"] != "first" || got["modifiedDateTime"] == nil {
			t.Errorf("restored: %v", got)
		}
		if list := tt.all(accessPath + "?$select=id"); len(list) != 2 || list[0]["id"] != first || list[1]["id"] != second {
			t.Errorf("after restore: %v", list)
		}
		if tt.sim.ConfigDigest() != whole {
			t.Error("the tenant differs from before")
		}
		if len(tt.all(deletedPath)) != 0 {
			t.Error("still in the recycle bin")
		}
		tt.want(204, "DELETE", accessPath+"/"+first, nil)
	}
	if tt.sim.ConfigDigest() != without || without == whole {
		t.Error("the digest does not see the recycle bin")
	}
	journal := tt.sim.Journal().Records
	if last := journal[len(journal)-1]; !last.Changed || last.Before != whole || last.After != without {
		t.Errorf("the journal: %+v", last)
	}
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Policy.ReadWrite.ConditionalAccess"} })
	tt.errorOf(403, "POST", accessPath+"/"+first+"/restore", nil)
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = nil })
	tt.want(204, "DELETE", deletedPath+"/"+first, nil)
	tt.errorOf(404, "POST", accessPath+"/"+first+"/restore", nil)
	tt.want(204, "DELETE", accessPath+"/"+second, nil)
	tt.advance(keptAccess - time.Second)
	if len(tt.all(deletedPath)) != 1 {
		t.Error("gone too early")
	}
	tt.advance(time.Second)
	if len(tt.all(deletedPath)) != 0 {
		t.Error("kept for ever")
	}
}

// TestAccessRestoreChecksAgain: what a policy refers to may be gone by then.
func TestAccessRestoreChecksAgain(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	staff, _, _, _, _ := tt.people()
	body := accessBody("p")
	body["conditions"].(object)["users"] = object{"includeGroups": []string{staff}}
	id := text(tt.want(201, "POST", accessPath, body), "id")
	tt.want(204, "DELETE", accessPath+"/"+id, nil)
	tt.want(204, "DELETE", "/v1.0/groups/"+staff, nil)
	if _, message := tt.errorOf(400, "POST", accessPath+"/"+id+"/restore", nil); !strings.Contains(message, staff) {
		t.Error(message)
	}
}

// TestAccessRestoreLags: a restored policy is not readable at once where reads lag.
func TestAccessRestoreLags(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	tt.scenario(func(sc *Scenario) { sc.Lag = &Lag{Read: Fixed(time.Minute), List: Fixed(time.Minute)} })
	id := text(tt.want(201, "POST", accessPath, accessBody("p")), "id")
	tt.advance(time.Minute)
	tt.want(204, "DELETE", accessPath+"/"+id, nil)
	tt.advance(time.Minute)
	tt.errorOf(404, "GET", accessPath+"/"+id, nil)
	tt.want(200, "POST", accessPath+"/"+id+"/restore", nil)
	tt.errorOf(404, "GET", accessPath+"/"+id, nil)
	tt.advance(time.Minute)
	tt.want(200, "GET", accessPath+"/"+id, nil)
	if n := len(tt.all(accessPath)); n != 1 {
		t.Errorf("%d policies", n)
	}
}

func TestMethodModes(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	got := map[string]string{}
	for _, m := range tt.all("/v1.0/identity/conditionalAccess/authenticationStrength/authenticationMethodModes") {
		got[text(m, "id")] = text(m, "authenticationMethod")
	}
	for mode, method := range map[string]string{"fido2": "fido2", "deviceBasedPush": "microsoftAuthenticator", "temporaryAccessPassOneTime": "temporaryAccessPass",
		"x509CertificateMultiFactor": "x509Certificate", "federatedSingleFactor": "federation", "qrCodePin": "qrCodePin"} {
		if got[mode] != method {
			t.Errorf("%s is of %q, want %q", mode, got[mode], method)
		}
	}
}
