// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// accessJSON is a Conditional Access policy. The arguments are what nobody knows yet, with a comma before it: conditions and
// controls.
func accessJSON(conditions, controls string) string {
	return `{"@odata.context":"x","id":"ca1","displayName":"require phishing-resistant","state":"enabled","createdDateTime":"2026-03-02T13:57:54.5031392Z","modifiedDateTime":null,
 "conditions":{"clientAppTypes":["all"],"users":{"includeUsers":["All"],"excludeGroups":["bg"],"includeGuestsOrExternalUsers":{"guestOrExternalUserTypes":"b2bCollaborationGuest","externalTenants":{"@odata.type":"#microsoft.graph.conditionalAccessAllExternalTenants","membershipKind":"all"}}},
  "applications":{"includeApplications":["All"],"includeUserActions":["urn:user:registersecurityinfo"]},"platforms":{"includePlatforms":["windows"],"excludePlatforms":[]},
  "devices":{"deviceFilter":{"mode":"exclude","rule":"device.trustType -eq \"ServerAD\""}}` + conditions + `},
 "grantControls":{"operator":"OR","builtInControls":["mfa"` + controls + `],"customAuthenticationFactors":[],"termsOfUse":[],"authenticationStrength@odata.context":"y",
  "authenticationStrength":{"id":"s4","displayName":"Phishing-resistant MFA","policyType":"builtIn","allowedCombinations":["windowsHelloForBusiness","fido2"],"createdDateTime":"2021-12-01T00:00:00Z"}},
 "sessionControls":{"signInFrequency":{"value":4,"type":"hours","isEnabled":true}}}`
}

// newerAccessJSON is one that is newer than the types.
var newerAccessJSON = accessJSON(`,"novelCondition":{"a":[1]}`, `,"novelControl"`)

// TestConditionalAccessPolicy: what the guards read is there, what they do not know is kept and can be seen.
func TestConditionalAccessPolicy(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if strings.HasSuffix(r.URL.Path, "/policies") {
			answer(w, 200, `{"value":[%s,{"id":"ca2","state":"disabled","grantControls":null,"conditions":{}}]}`, accessJSON("", ""))
			return
		}
		spoiled(w, 200, "%s", newerAccessJSON)
	})
	c := testClient(t, srv.URL)
	p, err := c.ConditionalAccessPolicy(t.Context(), "ca1")
	if err != nil {
		t.Fatal(err)
	}
	if p.State != "enabled" || p.CreatedAt.Year() != 2026 || !p.ModifiedAt.IsZero() || !strings.Contains(string(p.SessionControls), `"value":4`) {
		t.Errorf("policy %+v", p)
	}
	if got, want := string(p.Conditions.Extra["novelCondition"]), `{"a":[1]}`; got != want {
		t.Errorf("an unknown condition reads %q, want %q", got, want)
	}
	u, g := p.Conditions.Users, p.GrantControls
	if !cmp.Equal(u.IncludeUsers, []string{"All"}) || !cmp.Equal(u.ExcludeGroups, []string{"bg"}) || u.Extra["includeGuestsOrExternalUsers"] == nil {
		t.Errorf("users %+v", u)
	}
	if !cmp.Equal(g.BuiltInControls, []string{"mfa", "novelControl"}) || g.Operator != "OR" || !cmp.Equal(g.AuthenticationStrength.AllowedCombinations, []string{"windowsHelloForBusiness", "fido2"}) {
		t.Errorf("grant %+v", g)
	}
	if a := p.Conditions.Applications; !cmp.Equal(a.IncludeUserActions, []string{"urn:user:registersecurityinfo"}) || p.Conditions.Devices.DeviceFilter.Mode != "exclude" {
		t.Errorf("applications %+v", a)
	}
	all, err := c.ConditionalAccessPolicies(t.Context())
	if err != nil || len(all) != 2 || all[1].GrantControls != nil {
		t.Errorf("%+v, %v", all, err)
	}
}

// The keys of two passkey profiles.
const pp1, pp2 = "00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000a2"

// fido2JSON is the configuration of the contract. The arguments are what nobody knows yet about the second profile: words
// with a comma before them, and members with one behind.
func fido2JSON(words, members string) string {
	return `{"@odata.context":"x","@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","id":"Fido2","state":"enabled","isSelfServiceRegistrationAllowed":true,
 "isAttestationEnforced":false,"keyRestrictions":{"isEnforced":false,"enforcementType":"allow","aaGuids":[]},"defaultPasskeyProfile":"` + pp1 + `",
 "passkeyProfiles":[{"id":"` + pp1 + `","name":"Default","passkeyTypes":"deviceBound","attestationEnforcement":"registrationOnly","keyRestrictions":{"isEnforced":false,"enforcementType":"allow","aaGuids":[]}},
  {"id":"` + pp2 + `","name":"wave","passkeyTypes":"deviceBound` + words + `","attestationEnforcement":"disabled",` + members + `"keyRestrictions":{"isEnforced":true,"enforcementType":"allow","aaGuids":["a1"]}}],
 "excludeTargets":[],"includeTargets@odata.context":"y","includeTargets":[{"targetType":"group","id":"all_users","isRegistrationRequired":false,"allowedPasskeyProfiles":["` + pp1 + `"]}]}`
}

// serving is serve or serveAny.
type serving func(*testing.T, func(int, http.ResponseWriter, *http.Request, string)) *recorder

// fido2Server begins with a configuration and keeps what is patched, member by member, as the service does.
func fido2Server(t *testing.T, configuration string, serve serving) *recorder {
	t.Helper()
	state := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(configuration), &state); err != nil {
		t.Fatal(err)
	}
	return serve(t, func(_ int, w http.ResponseWriter, r *http.Request, body string) {
		if r.Method == http.MethodPatch {
			if err := json.Unmarshal([]byte(body), &state); err != nil {
				t.Error(err)
			}
			w.WriteHeader(204)
			return
		}
		raw, err := json.Marshal(state)
		if err != nil {
			t.Error(err)
		}
		answer(w, 200, "%s", raw)
	})
}

// TestTrap01_Fido2PatchIsFresh: a change after a read is sent, whole arrays travel with it, words and members that no
// model knows survive (contract 0.2.7, 0.2.11), and nothing else is touched.
func TestTrap01_Fido2PatchIsFresh(t *testing.T) {
	for name, tt := range map[string]struct {
		serve          serving
		words, members string
	}{
		"as the types have it": {serve, "", ""},
		"newer than the types": {serveAny, ",novelType", `"novelMember":{"x":1},`},
	} {
		t.Run(name, func(t *testing.T) {
			fido2PatchIsFresh(t, fido2Server(t, fido2JSON(tt.words, tt.members), tt.serve), tt.words, tt.members)
		})
	}
}

func fido2PatchIsFresh(t *testing.T, srv *recorder, words, members string) {
	c := testClient(t, srv.URL)
	before, err := c.Fido2Configuration(t.Context())
	if err != nil || len(before.PasskeyProfiles) != 2 || before.IncludeTargets[0].ID != "all_users" || !*before.SelfServiceRegistrationAllowed {
		t.Fatalf("%+v, %v", before, err)
	}
	after, err := c.UpdateFido2Configuration(t.Context(), func(f *Fido2Configuration) error {
		f.IncludeTargets = append(f.IncludeTargets, PasskeyTarget{TargetType: "group", ID: "g1", AllowedPasskeyProfiles: []string{pp2}})
		f.PasskeyProfiles[1].PasskeyTypes = "deviceBound,synced" + words
		return nil
	})
	if err != nil || len(after.IncludeTargets) != 2 || after.PasskeyProfiles[1].PasskeyTypes != "deviceBound,synced"+words {
		t.Fatalf("%+v, %v", after, err)
	}
	if before.PasskeyProfiles[1].PasskeyTypes != "deviceBound"+words {
		t.Error("the change reached what was read before")
	}
	patch := srv.all()[2]
	want := tree(t, []byte(`{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration",
	 "passkeyProfiles":[{"id":"`+pp1+`","name":"Default","passkeyTypes":"deviceBound","attestationEnforcement":"registrationOnly","keyRestrictions":{"isEnforced":false,"enforcementType":"allow","aaGuids":[]}},
	  {"id":"`+pp2+`","name":"wave","passkeyTypes":"deviceBound,synced`+words+`","attestationEnforcement":"disabled",`+members+`"keyRestrictions":{"isEnforced":true,"enforcementType":"allow","aaGuids":["a1"]}}],
	 "includeTargets":[{"targetType":"group","id":"all_users","isRegistrationRequired":false,"allowedPasskeyProfiles":["`+pp1+`"]},{"targetType":"group","id":"g1","allowedPasskeyProfiles":["`+pp2+`"]}]}`))
	if diff := cmp.Diff(want, tree(t, []byte(patch.body))); diff != "" || patch.method != http.MethodPatch ||
		patch.path != "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2" {
		t.Errorf("%s %s\n%s", patch.method, patch.path, diff)
	}
}

// TestFido2UpdateEdges: nothing is sent for no change; an array can be emptied; bad changes stay here; a lost edit shows.
func TestFido2UpdateEdges(t *testing.T) {
	srv := fido2Server(t, fido2JSON("", ""), serve)
	c := testClient(t, srv.URL)
	if _, err := c.UpdateFido2Configuration(t.Context(), func(*Fido2Configuration) error { return nil }); err != nil || srv.count() != 1 {
		t.Errorf("%v, %d requests for no change", err, srv.count())
	}
	stop := errors.New("stop")
	if _, err := c.UpdateFido2Configuration(t.Context(), func(*Fido2Configuration) error { return stop }); err != stop { //nolint:errorlint // as it is
		t.Errorf("got %v", err)
	}
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("00000000-0000-0000-0000-%012d", i)
	}
	for want, change := range map[string]func(*Fido2Configuration){
		"at most 3":                             func(f *Fido2Configuration) { f.PasskeyProfiles = append(f.PasskeyProfiles, f.PasskeyProfiles...) },
		"passkey profile " + strconv.Quote(pp1): func(f *Fido2Configuration) { f.PasskeyProfiles = f.PasskeyProfiles[1:] },
		"the tenant takes 20480":                func(f *Fido2Configuration) { f.PasskeyProfiles[0].KeyRestrictions.AAGUIDs = many },
		`target "g9" allows passk`: func(f *Fido2Configuration) {
			f.IncludeTargets = []PasskeyTarget{{ID: "g9", AllowedPasskeyProfiles: []string{"none"}}}
		},
	} {
		_, err := c.UpdateFido2Configuration(t.Context(), func(f *Fido2Configuration) error { change(f); return nil })
		if e := wantKind(t, err, KindInvalid); !strings.Contains(e.Message, want) {
			t.Errorf("message %q does not say %q", e.Message, want)
		}
	}
	after, err := c.UpdateFido2Configuration(t.Context(), func(f *Fido2Configuration) error { f.IncludeTargets = nil; return nil })
	if err != nil || len(after.IncludeTargets) != 0 {
		t.Errorf("%+v, %v", after, err)
	}
	last := srv.all()[srv.count()-2]
	if last.body != `{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","includeTargets":[]}` {
		t.Errorf("sent %s", last.body)
	}
	deaf := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPatch {
			w.WriteHeader(204)
			return
		}
		answer(w, 200, "%s", fido2JSON("", ""))
	})
	_, err = testClient(t, deaf.URL).UpdateFido2Configuration(t.Context(), func(f *Fido2Configuration) error { f.State = "disabled"; return nil })
	wantKind(t, err, KindConflict)
}

// TestSignIns: the evidence of a passkey, the window, duplicates, and a log without its policies.
func TestSignIns(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		const row = `{"id":"66ea","createdDateTime":"2026-10-02T08:31:02Z","userId":"0f4e","userPrincipalName":"0f4e","appDisplayName":"Office 365","isInteractive":true,"correlationId":"1c2d",
		 "conditionalAccessStatus":"success","authenticationRequirement":"singleFactorAuthentication","status":{"errorCode":0,"failureReason":"Other.","additionalDetails":null},
		 "authenticationDetails":[{"authenticationStepDateTime":"2026-10-02T08:31:02Z","authenticationMethod":"Passkey (synced)","authenticationMethodDetail":"","succeeded":true,"authenticationStepResultDetail":"","authenticationStepRequirement":"Primary authentication"}],
		 "appliedConditionalAccessPolicies":[{"id":"5b1c","displayName":"w1","enforcedGrantControls":["Mfa"],"enforcedSessionControls":[],"result":"reportOnlySuccess"}],
		 "deviceDetail":{"deviceId":"2f77","displayName":"PC-001","operatingSystem":"Windows10","browser":"Edge 142.0"}}`
		answer(w, 200, `{"value":[%s,%s,{"id":"77","status":{"errorCode":50074},"authenticationDetails":null,"deviceDetail":null}]}`, row, row)
	})
	var got []SignIn
	q := SignInQuery{Since: noon, Until: noon.Add(time.Hour), UserID: "0f'4e", EventType: "interactiveUser"}
	if err := testClient(t, srv.URL).SignIns(t.Context(), q, func(s SignIn) error { got = append(got, s); return nil }); err != nil {
		t.Fatal(err)
	}
	yes := true
	want := []SignIn{{ID: "66ea", CorrelationID: "1c2d", CreatedAt: time.Date(2026, 10, 2, 8, 31, 2, 0, time.UTC), UserID: "0f4e", UserPrincipalName: "0f4e",
		AppDisplayName: "Office 365", FailureReason: "Other.", IsInteractive: true, ConditionalAccessStatus: "success",
		Steps:           []SignInStep{{Method: "Passkey (synced)", Requirement: "Primary authentication", Succeeded: &yes}},
		AppliedPolicies: []AppliedPolicy{{ID: "5b1c", DisplayName: "w1", Result: "reportOnlySuccess", GrantControls: []string{"Mfa"}}}, AppliedPoliciesKnown: true,
		DeviceID: "2f77", OperatingSystem: "Windows10", Browser: "Edge 142.0"}, {ID: "77", ErrorCode: 50074}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f := mustQuery(t, srv.all()[0].query).Get("$filter"); f != "createdDateTime ge 2026-11-22T12:00:00Z and createdDateTime le 2026-11-22T12:59:59.9999999Z and userId eq '0f''4e' and signInEventTypes/any(t: t eq 'interactiveUser')" {
		t.Errorf("filter %s", f)
	}
	for method, want := range map[string]bool{"Passkey (device-bound)": true, "passkey (synced)": true, "FIDO2 security key": true, "Password": false, "Windows Hello for Business": false} {
		if (SignInStep{Method: method}).IsPasskey() != want {
			t.Errorf("%s: %v", method, !want)
		}
	}
}

// TestGroupDelta: pages are merged, the last word on a member counts, the link goes on verbatim and only to the own host.
func TestGroupDelta(t *testing.T) {
	var root string
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case strings.Contains(r.URL.RawQuery, "deltatoken=old"):
			answer(w, 410, `{"error":{"code":"resyncRequired","message":"Resync required"}}`)
		case strings.Contains(r.URL.RawQuery, "deltatoken"):
			answer(w, 200, `{"value":[{"id":"g1","@removed":{"reason":"changed"}}],"@odata.deltaLink":"%s/v1.0/groups/delta?$deltatoken=T2"}`, root)
		case n == 1:
			answer(w, 200, `{"@odata.nextLink":"%s/v1.0/groups/delta?$skiptoken=S","value":[{"id":"g1","displayName":"Pilot","members@delta":[{"@odata.type":"#microsoft.graph.device","id":"d1"},{"@odata.type":"#microsoft.graph.user","id":"u1"}]}]}`, root)
		default:
			answer(w, 200, `{"value":[{"id":"g2"},{"id":"g1","members@delta":[{"@odata.type":"#microsoft.graph.device","id":"d2","@removed":{"reason":"deleted"}},{"@odata.type":"#microsoft.graph.device","id":"d1","@removed":{"reason":"deleted"}}]}],"@odata.deltaLink":"%s/v1.0/groups/delta?$deltatoken=T1+%%2c"}`, root)
		}
	})
	root = srv.URL
	c := testClient(t, srv.URL)
	d, err := c.GroupDelta(t.Context(), []string{"g1", "g2"}, "")
	if err != nil {
		t.Fatal(err)
	}
	name := "Pilot"
	want := []GroupChange{{GroupID: "g1", DisplayName: &name, Joined: []Member{{ID: "u1", Kind: MemberUser}}, Left: []string{"d2", "d1"}}, {GroupID: "g2"}}
	if diff := cmp.Diff(want, d.Changes); diff != "" {
		t.Error(diff)
	}
	if q := mustQuery(t, srv.all()[0].query); q.Get("$filter") != "id eq 'g1' or id eq 'g2'" || q.Get("$select") != "id,displayName,members" {
		t.Errorf("asked %v", q)
	}
	d2, err := c.GroupDelta(t.Context(), nil, d.Link)
	if err != nil || len(d2.Changes) != 1 || !d2.Changes[0].Deleted || !strings.HasSuffix(d2.Link, "T2") {
		t.Errorf("%+v, %v", d2, err)
	}
	if last := srv.all()[2]; last.query != "$deltatoken=T1+%2c" || last.header.Get("Accept") == "" {
		t.Errorf("the link went out as %s", last.query)
	}
	_, err = c.GroupDelta(t.Context(), nil, root+"/v1.0/groups/delta?$deltatoken=old")
	wantKind(t, err, KindGone)
	sent := srv.count()
	_, err = c.GroupDelta(t.Context(), nil, "https://evil.example/v1.0/groups/delta?$deltatoken=x")
	wantKind(t, err, KindInvalid)
	if srv.count() != sent {
		t.Error("a foreign link was followed")
	}
}
