// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

const betaAccess = "/beta/identity/conditionalAccess/policies"

// leaf is a member of a document: where it stands and a value that it takes.
type leaf struct {
	path []string
	m    shape.Member
}

// membersUnder lists the writable members of a type that have no type of their own or
// are variants, and with inner also the others.
func membersUnder(s *shape.Shape, inner bool, path ...string) []leaf {
	var out []leaf
	for _, name := range sortedKeys(s.Members) {
		m, at := s.Members[name], append(slices.Clone(path), name)
		if m.ReadOnly {
			continue
		}
		nested := m.Kind == shape.Object && m.Of != nil && m.Of.Variants == nil && len(m.Of.Members) > 0
		if !nested || inner {
			out = append(out, leaf{at, m})
		}
		if nested {
			out = append(out, membersUnder(m.Of, inner, at...)...)
		}
	}
	return out
}

// sample is a value that a member takes where references are not checked.
func (l leaf) sample(t *tenant) any {
	switch name := l.path[len(l.path)-1]; {
	case strings.HasSuffix(name, "Groups"):
		return []any{t.groupID("g")}
	case strings.HasSuffix(name, "Locations"):
		return []any{"AllTrusted"}
	case name == "includeServicePrincipals" || name == "excludeServicePrincipals":
		return []any{t.sim.PrincipalID()}
	case name == "includeUserActions":
		return []any{"urn:user:registerdevice"}
	case name == "includeUsers", name == "excludeUsers", name == "includeApplications", name == "excludeApplications":
		return []any{"None"}
	case name == "id":
		return strengthPrefix + "3"
	case name == "operator":
		return "AND"
	case name == "state":
		return "disabled"
	}
	return sampleOf(l.m)
}

func sampleOf(m shape.Member) any {
	switch m.Kind {
	case shape.Bool:
		return true
	case shape.Int:
		return json.Number("5")
	case shape.Strings:
		if len(m.Values) > 0 {
			return []any{m.Values[len(m.Values)-2]}
		}
		return []any{office}
	case shape.Enum, shape.Flags:
		return m.Values[len(m.Values)-1]
	case shape.Object:
		if m.Of == nil {
			return object{"x": "y"}
		}
		if m.Of.Variants != nil {
			return object{"@odata.type": "#" + m.Of.Variants[0].TypeName}
		}
		return object{}
	default:
		return office
	}
}

// nested makes the body that names one member.
func (l leaf) nested(v any) object {
	for i := len(l.path) - 1; i > 0; i-- {
		v = object{l.path[i]: v}
	}
	return object{l.path[0]: v}
}

// of reads the member out of a document.
func (l leaf) of(doc object) (any, bool) {
	var at any = doc
	for _, name := range l.path {
		o, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = o[name]; !ok {
			return nil, false
		}
	}
	return at, true
}

// betaOnly reports whether the path leads through a member of beta.
func (l leaf) betaOnly() bool {
	s := &accessPolicyShape
	for _, name := range l.path {
		m := s.Members[name]
		if m.Beta {
			return true
		}
		s = m.Of
	}
	return false
}

// versioned is a tenant with a policy in which every part exists.
func versioned(t *testing.T) (*tenant, string) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet(GroupSpec{DisplayName: "g", Count: 5}, GroupSpec{DisplayName: "glass", Count: 2})})
	body := accessBody("p")
	conditions := body["conditions"].(object)
	conditions["users"] = object{"includeUsers": []string{"All"}, "excludeGroups": []string{tt.groupID("glass")}}
	conditions["locations"] = object{"includeLocations": []string{"All"}}
	body["sessionControls"] = object{"signInFrequency": object{"value": 4, "type": "hours", "isEnabled": true}}
	return tt, text(tt.want(201, "POST", accessPath, body), "id")
}

// TestAccessVersions: each member of beta is shown and taken there, null or set;
// v1.0 does not know it and does not lose it.
func TestAccessVersions(t *testing.T) {
	tt, id := versioned(t)
	seen := 0
	for _, l := range membersUnder(&accessPolicyShape, true) {
		if !l.betaOnly() {
			continue
		}
		seen++
		t.Run(strings.Join(l.path, "."), func(t *testing.T) {
			tt.T = t
			v := l.sample(tt)
			if len(l.path) > 1 && l.m.Kind != shape.Strings {
				if w := tt.do("PATCH", betaAccess+"/"+id, l.nested(nil)); w.Code != 204 {
					t.Fatalf("null on beta: %s", w.Body)
				}
			}
			tt.want(204, "PATCH", betaAccess+"/"+id, l.nested(v))
			for _, value := range []any{v, nil} {
				if _, message := tt.errorOf(400, "PATCH", accessPath+"/"+id, l.nested(value)); !strings.Contains(message, "does not exist on type") {
					t.Errorf("%v on v1.0: %s", value, message)
				}
			}
			if _, shown := l.of(tt.want(200, "GET", accessPath+"/"+id, nil)); shown {
				t.Error("v1.0 shows it")
			}
			tt.want(204, "PATCH", accessPath+"/"+id, object{"description": "changed on v1.0"})
			got, shown := l.of(tt.want(200, "GET", betaAccess+"/"+id, nil))
			if !shown || !contains(got, v) {
				t.Errorf("beta shows %v, want %v", got, v)
			}
		})
	}
	if seen < 20 {
		t.Errorf("only %d members of beta", seen)
	}
}

// contains reports whether a shown value holds what was written: objects may
// show more members.
func contains(got, written any) bool {
	want, ok := written.(map[string]any)
	if !ok {
		a, err1 := json.Marshal(got)
		b, err2 := json.Marshal(written)
		return err1 == nil && err2 == nil && string(a) == string(b)
	}
	have, ok := got.(map[string]any)
	for name, v := range want {
		ok = ok && contains(have[name], v)
	}
	return ok
}

// TestAccessMerge: a PATCH that names one member changes that one, wherever it
// stands, and null takes it back (third-party 2).
func TestAccessMerge(t *testing.T) {
	tt, id := versioned(t)
	for _, l := range membersUnder(&accessPolicyShape, false) {
		t.Run(strings.Join(l.path, "."), func(t *testing.T) {
			tt.T = t
			before := tt.want(200, "GET", betaAccess+"/"+id, nil)
			v := l.sample(tt)
			if refusedAlone(l) {
				tt.errorOf(400, "PATCH", betaAccess+"/"+id, l.nested(v))
				return
			}
			tt.want(204, "PATCH", betaAccess+"/"+id, l.nested(v))
			after := tt.want(200, "GET", betaAccess+"/"+id, nil)
			if got, _ := l.of(after); !contains(got, v) {
				t.Errorf("is %v, want %v", got, v)
			}
			was, _ := l.of(before)
			place(after, l.path, was)
			delete(after, "modifiedDateTime")
			delete(before, "modifiedDateTime")
			if l.path[len(l.path)-1] != "id" && !sameButNew(before, after) {
				t.Errorf("something else changed:\n%v\n%v", before, after)
			}
			if was == nil || reflect.DeepEqual(was, []any{}) {
				if l.m.Kind == shape.Strings {
					tt.want(204, "PATCH", betaAccess+"/"+id, l.nested([]any{}))
				} else {
					tt.want(204, "PATCH", betaAccess+"/"+id, l.nested(nil))
				}
				if got, _ := l.of(tt.want(200, "GET", betaAccess+"/"+id, nil)); got != nil && !reflect.DeepEqual(got, []any{}) {
					t.Errorf("null leaves %v", got)
				}
				return
			}
			tt.want(204, "PATCH", betaAccess+"/"+id, l.nested(was))
		})
	}
	got := tt.want(200, "GET", accessPath+"/"+id, nil)
	if users := inner(inner(got, "conditions"), "users"); !reflect.DeepEqual(users["excludeGroups"], []any{tt.groupID("glass")}) {
		t.Errorf("the exclusion is gone: %v", users)
	}
}

// refusedAlone are the members whose sample excludes what the policy has.
func refusedAlone(l leaf) bool {
	name := l.path[len(l.path)-1]
	return name == "includeUserActions" || name == "includeAuthenticationContextClassReferences"
}

// place puts a value back where it was.
func place(doc object, path []string, v any) {
	for _, name := range path[:len(path)-1] {
		next, ok := doc[name].(map[string]any)
		if !ok {
			return
		}
		doc = next
	}
	doc[path[len(path)-1]] = v
}

// sameButNew compares two documents; an object without any value equals null: a
// PATCH of an inner member makes the object around it.
func sameButNew(a, b any) bool {
	switch b := b.(type) {
	case map[string]any:
		was, _ := a.(map[string]any)
		for name, v := range b {
			if !sameButNew(was[name], v) {
				return false
			}
		}
		return true
	case []any:
		return reflect.DeepEqual(a, b) || a == nil && len(b) == 0
	default:
		return reflect.DeepEqual(a, b)
	}
}

// TestAccessModified: the first change shows although the clock stands still
// (third-party 10).
func TestAccessModified(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	id := text(tt.want(201, "POST", accessPath, accessBody("p")), "id")
	if got := tt.want(200, "GET", accessPath+"/"+id, nil); got["modifiedDateTime"] != nil {
		t.Errorf("new: %v", got["modifiedDateTime"])
	}
	tt.want(204, "PATCH", accessPath+"/"+id, object{"state": "disabled"})
	if got := tt.want(200, "GET", accessPath+"/"+id, nil); got["modifiedDateTime"] == nil || got["modifiedDateTime"] != got["createdDateTime"] {
		t.Errorf("changed: %v", got["modifiedDateTime"])
	}
}

// TestAccessRequired: what is documented as required, in the service's words
// where they are known, on create and when a PATCH would take it away.
func TestAccessRequired(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	id := text(tt.want(201, "POST", accessPath, accessBody("p")), "id")
	for want, conditions := range map[string]object{
		"1064: 'clientAppTypes'":        {"clientAppTypes": []string{}},
		"1011: 'applications'":          {"applications": object{"includeApplications": []string{}}},
		"1012: 'applications'":          {"applications": object{"includeApplications": []string{"All"}, "includeUserActions": []string{"urn:user:registerdevice"}}},
		"1903: 'users'":                 {"users": object{"includeUsers": []string{}}},
		"cannot be combined":            {"users": object{"includeUsers": []string{"guestsorexternalusers"}, "includeGuestsOrExternalUsers": object{"guestOrExternalUserTypes": "internalGuest"}}},
		"the locations to include":      {"locations": object{"excludeLocations": []string{"AllTrusted"}}},
		"The role 'All'":                {"users": object{"includeRoles": []string{"All"}}},
		"The application 'Office'":      {"applications": object{"includeApplications": []string{"Office"}}},
		"appId":                         {"applications": object{"includeApplications": []string{tt.sim.PrincipalID()}}},
		"The user action":               {"applications": object{"includeApplications": []string{}, "includeUserActions": []string{"urn:x"}}},
		"The named location":            {"locations": object{"includeLocations": []string{office}}},
		"The service principal":         {"clientApplications": object{"includeServicePrincipals": []string{office}}},
		"names no type that is":         {"users": object{"includeUsers": []string{"None"}, "includeGuestsOrExternalUsers": object{"externalTenants": object{"membershipKind": "all"}}}},
		"one of include, exclude":       {"devices": object{"deviceFilter": object{"mode": "all"}}},
		"to the expected type: one of ": {"insiderRiskLevels": "high"},
	} {
		body := accessBody("q")
		for name, v := range conditions {
			body["conditions"].(object)[name] = v
		}
		for method, send := range map[string]object{"POST": body, "PATCH": {"conditions": conditions}} {
			path := map[string]string{"POST": accessPath, "PATCH": accessPath + "/" + id}[method]
			if _, message := tt.errorOf(400, method, path, send); !strings.Contains(message, want) {
				t.Errorf("%s %v: %s, want %s", method, conditions, message, want)
			}
		}
	}
	for _, name := range []string{"clientAppTypes", "applications", "users"} {
		body := accessBody("q")
		delete(body["conditions"].(object), name)
		tt.errorOf(400, "POST", accessPath, body)
		tt.errorOf(400, "PATCH", accessPath+"/"+id, object{"conditions": object{name: nil}})
	}
	if got := tt.want(200, "GET", accessPath+"/"+id, nil); got["modifiedDateTime"] != nil {
		t.Error("a refusal changed the policy")
	}
}

// TestAccessDanglingReference: a policy whose group is gone can still be changed,
// but not be given the group again.
func TestAccessDanglingReference(t *testing.T) {
	tt, id := versioned(t)
	glass := tt.groupID("glass")
	tt.want(204, "DELETE", "/v1.0/groups/"+glass, nil)
	tt.want(204, "PATCH", accessPath+"/"+id, object{"state": "disabled"})
	tt.errorOf(400, "PATCH", accessPath+"/"+id, object{"conditions": object{"users": object{"excludeGroups": []string{glass}}}})
}

// exported is a policy as tools export it from beta: annotations, members that
// are read-only, the strength in full, and null for what it does not use.
func exported() object {
	return object{
		"@odata.context": "https://graph.microsoft.com/beta/$metadata#identity/conditionalAccess/policies/$entity",
		"id":             office, "templateId": nil, "createdDateTime": "2025-06-07T19:27:53.9045247Z", "modifiedDateTime": nil, "deletedDateTime": nil,
		"displayName": "exported", "state": "enabledForReportingButNotEnforced", "partialEnablementStrategy": nil,
		"conditions": object{
			"userRiskLevels@odata.type": "#Collection(microsoft.graph.riskLevel)", "userRiskLevels": []string{}, "signInRiskLevels": []string{},
			"clientAppTypes": []string{"all"}, "servicePrincipalRiskLevels": []string{}, "insiderRiskLevels": nil, "agentIdRiskLevels": nil,
			"platforms": nil, "locations": nil, "times": nil, "deviceStates": nil, "devices": nil, "clients": nil, "clientApplications": nil, "authenticationFlows": nil,
			"applications": object{"includeApplications": []string{"Office365"}, "excludeApplications": []string{}, "includeUserActions": []string{},
				"includeAuthenticationContextClassReferences": []string{}, "applicationFilter": nil, "networkAccess": nil, "globalSecureAccess": nil},
			"users": object{"includeUsers": []string{"All"}, "excludeUsers": []string{}, "includeGroups": []string{}, "excludeGroups": []string{}, "includeRoles": []string{},
				"excludeRoles": []string{}, "includeGuestsOrExternalUsers": nil, "excludeGuestsOrExternalUsers": object{"guestOrExternalUserTypes": "internalGuest,serviceProvider",
					"externalTenants": object{"@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants", "membershipKind": "enumerated", "members": []string{office}}}}},
		"grantControls": object{"operator": "OR", "builtInControls": []string{}, "customAuthenticationFactors": []string{}, "termsOfUse": []string{},
			"authenticationStrength@odata.context": "https://graph.microsoft.com/beta/$metadata#x",
			"authenticationStrength": object{"id": strengthPrefix + "4", "createdDateTime": "2021-12-01T00:00:00Z", "modifiedDateTime": "2021-12-01T00:00:00Z",
				"displayName": "Phishing-resistant MFA", "description": "d", "policyType": "builtIn", "requirementsSatisfied": "mfa",
				"allowedCombinations": []string{"fido2"}, "combinationConfigurations": []object{}}},
		"sessionControls": object{"disableResilienceDefaults": nil, "applicationEnforcedRestrictions": nil, "cloudAppSecurity": nil, "signInFrequency": nil,
			"persistentBrowser": object{"mode": "never", "isEnabled": true}, "continuousAccessEvaluation": object{"mode": "strictLocation"}, "secureSignInSession": nil,
			"networkAccessSecurity": nil, "globalSecureAccessFilteringProfile": nil},
	}
}

// TestExportedAccessPolicy: beta takes an export and shows it again; v1.0 refuses
// each member that it does not have.
func TestExportedAccessPolicy(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	made := tt.want(201, "POST", betaAccess, exported())
	if made["id"] == office || made["modifiedDateTime"] != nil {
		t.Errorf("read-only members were taken: %v", made)
	}
	sent := exported()
	for _, name := range []string{"conditions", "sessionControls"} {
		for member, v := range sent[name].(object) {
			if !strings.Contains(member, "@") && !contains(made[name].(map[string]any)[member], v) {
				t.Errorf("%s.%s is %v, want %v", name, member, made[name].(map[string]any)[member], v)
			}
		}
	}
	if n := len(inner(inner(made, "grantControls"), "authenticationStrength")["allowedCombinations"].([]any)); n != 3 {
		t.Errorf("the strength has %d combinations: it is a reference, not what was sent", n)
	}
	if _, message := tt.errorOf(400, "POST", accessPath, exported()); !strings.Contains(message, "does not exist on type") {
		t.Errorf("v1.0: %s", message)
	}
	stable := tt.want(200, "GET", accessPath+"/"+text(made, "id"), nil)
	delete(stable, "@odata.context")
	for _, name := range []string{"id", "createdDateTime", "modifiedDateTime"} {
		delete(stable, name)
	}
	tt.want(201, "POST", accessPath, stable) // what v1.0 shows, v1.0 takes
}

// TestRiskRemediation: a member of an evolvable enum shows when it is asked for.
func TestRiskRemediation(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	body := accessBody("p")
	body["grantControls"] = object{"operator": "AND", "builtInControls": []string{"riskRemediation", "mfa"}}
	id := text(tt.want(201, "POST", accessPath, body), "id")
	for want, headers := range map[string][]string{"unknownFutureValue": nil, "riskRemediation": {"Prefer", "include-unknown-enum-members"}} {
		got := texts(inner(tt.want(200, "GET", accessPath+"/"+id, nil, headers...), "grantControls")["builtInControls"])
		if !slices.Equal(got, []string{want, "mfa"}) {
			t.Errorf("%v: %v", headers, got)
		}
	}
}
