// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	locationsPath        = "/v1.0/identity/conditionalAccess/namedLocations"
	locationsDeletedPath = "/v1.0/identity/conditionalAccess/deletedItems/namedLocations"
	defaultsPath         = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"
)

func cidr(kind, address string) object {
	return object{"@odata.type": "#microsoft.graph." + kind, "cidrAddress": address}
}

func offices(name string, trusted bool, ranges ...object) object {
	return object{"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": name, "isTrusted": trusted, "ipRanges": append([]object{}, ranges...)}
}

func countries(name string, codes ...string) object {
	return object{"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": name, "countriesAndRegions": append([]string{}, codes...)}
}

// TestNamedLocations: life of a location of either kind in both versions.
func TestNamedLocations(t *testing.T) {
	for _, version := range []string{"/v1.0", "/beta"} {
		t.Run(version, func(t *testing.T) {
			tt := newTenant(t, Options{Devices: 5})
			path, bin := strings.Replace(locationsPath, "/v1.0", version, 1), strings.Replace(locationsDeletedPath, "/v1.0", version, 1)
			ip := tt.want(201, "POST", path, offices("office", false, cidr("iPv4CidrRange", "12.34.221.11/22"), cidr("iPv6CidrRange", "2001:0:9d38:90d6:0:0:0:0/63")))
			land := tt.want(201, "POST", path, countries("DACH", "DE", "AT", "CH"))
			if ip["isTrusted"] != false || land["countryLookupMethod"] != "clientIpAddress" || land["includeUnknownCountriesAndRegions"] != false {
				t.Errorf("defaults: %v, %v", ip, land)
			}
			if _, has := land["isTrusted"]; has {
				t.Error("a country has isTrusted")
			}
			if got := objects(ip["ipRanges"]); got[0]["cidrAddress"] != "12.34.221.11/22" || got[1]["@odata.type"] != "#microsoft.graph.iPv6CidrRange" {
				t.Errorf("ranges %v", got)
			}
			if n := len(tt.all(path + "?$filter=displayName eq 'DACH'&$select=id,isTrusted")); n != 1 {
				t.Errorf("%d found", n)
			}
			tt.advance(time.Minute)
			id := text(ip, "id")
			tt.want(204, "PATCH", path+"/"+id, object{"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": true})
			got := tt.want(200, "GET", path+"/"+id, nil)
			if got["isTrusted"] != true || got["displayName"] != "office" || len(objects(got["ipRanges"])) != 2 || got["modifiedDateTime"] == got["createdDateTime"] {
				t.Errorf("after PATCH %v", got)
			}
			tt.errorOf(400, "DELETE", path+"/"+id, nil) // trusted
			tt.want(204, "PATCH", path+"/"+id, object{"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false})
			tt.want(204, "DELETE", path+"/"+id, nil)
			tt.errorOf(404, "GET", path+"/"+id, nil)
			if gone := tt.all(bin); len(gone) != 1 || gone[0]["deletedDateTime"] == nil || gone[0]["displayName"] != "office" {
				t.Errorf("the bin holds %v", gone)
			}
			tt.want(200, "GET", bin+"/"+id, nil)
			tt.want(200, "POST", bin+"/"+id+"/restore", nil)
			if list := tt.all(path); len(list) != 2 || list[0]["id"] != id {
				t.Errorf("after the restore: %v", list)
			}
			tt.want(204, "DELETE", path+"/"+id, nil)
			tt.want(204, "DELETE", bin+"/"+id, nil)
			tt.errorOf(404, "POST", bin+"/"+id+"/restore", nil)
		})
	}
}

func TestNamedLocationRefusals(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	good := text(tt.want(201, "POST", locationsPath, offices("o", false, cidr("iPv4CidrRange", "10.0.0.0/8"))), "id")
	many := slices.Repeat([]object{cidr("iPv4CidrRange", "192.0.2.0/24")}, maxLocationRanges+1)
	for want, body := range map[string]object{
		"names no type":                   {"displayName": "x", "countriesAndRegions": []string{"DE"}},
		"'displayName'":                   {"@odata.type": "#microsoft.graph.countryNamedLocation", "countriesAndRegions": []string{"DE"}},
		"'ipRanges' of resource":          {"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "x"},
		"has 0 ranges":                    offices("x", false),
		"has 2001 ranges":                 offices("x", false, many...),
		"'1.2.3.4' of":                    offices("x", false, cidr("iPv4CidrRange", "1.2.3.4")),
		"'1.2.3.0/33' of":                 offices("x", false, cidr("iPv4CidrRange", "1.2.3.0/33")),
		"'0.0.0.0/7' of":                  offices("x", false, cidr("iPv4CidrRange", "0.0.0.0/7")),
		"'2001:db8::/32' of":              offices("x", false, cidr("iPv4CidrRange", "2001:db8::/32")),
		"'1.2.3.4/32' of":                 offices("x", false, cidr("iPv6CidrRange", "1.2.3.4/32")),
		"'10.0.0.9' of":                   offices("x", false, object{"@odata.type": "#microsoft.graph.iPv4Range", "lowerAddress": "10.0.0.9", "upperAddress": "10.0.0.1"}),
		"'lowerAddress'":                  offices("x", false, object{"@odata.type": "#microsoft.graph.iPv4Range", "upperAddress": "10.0.0.1"}),
		"where 'microsoft.graph.ipRange'": offices("x", false, object{"cidrAddress": "10.0.0.1/32"}),
		"'germany' of":                    countries("x", "germany"),
		"'de' of":                         countries("x", "de"),
		"at least one country":            countries("x"),
		"'isTrusted' does not exist":      {"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "x", "countriesAndRegions": []string{"DE"}, "isTrusted": true},
	} {
		if _, message := tt.errorOf(400, "POST", locationsPath, body); !strings.Contains(message, want) {
			t.Errorf("%s: %s", want, message)
		}
	}
	for want, body := range map[string]object{
		"names no type":         {"displayName": "x"},
		"cannot become":         {"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "x"},
		"needs a displayName":   {"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": nil},
		"'cidr' does not exist": {"@odata.type": "#microsoft.graph.ipNamedLocation", "cidr": "x"},
	} {
		if _, message := tt.errorOf(400, "PATCH", locationsPath+"/"+good, body); !strings.Contains(message, want) {
			t.Errorf("PATCH %s: %s", want, message)
		}
	}
	used := accessBody("p")
	used["conditions"].(object)["locations"] = object{"includeLocations": []string{"All"}, "excludeLocations": []string{good}}
	policy := text(tt.want(201, "POST", accessPath, used), "id")
	if _, message := tt.errorOf(400, "DELETE", locationsPath+"/"+good, nil); !strings.Contains(message, policy) {
		t.Error(message)
	}
	tt.want(204, "DELETE", accessPath+"/"+policy, nil)
	tt.want(204, "DELETE", locationsPath+"/"+good, nil)
	if _, message := tt.errorOf(400, "POST", accessPath+"/"+policy+"/restore", nil); !strings.Contains(message, good) {
		t.Errorf("a policy comes back without its location: %s", message)
	}
	for i := range maxNamedLocations {
		tt.want(201, "POST", locationsPath, countries(fmt.Sprint(i), "DE"))
	}
	tt.errorOf(400, "POST", locationsPath, countries("one too many", "DE"))
	tt.scenario(func(sc *Scenario) { sc.MissingRoles = []string{"Policy.ReadWrite.ConditionalAccess"} })
	tt.errorOf(403, "POST", locationsPath, countries("x", "DE"))
}

// TestBounds: the ends of a prefix, by brute force over all addresses around it.
func TestBounds(t *testing.T) {
	for bits := 8; bits <= 32; bits++ {
		prefix := netip.PrefixFrom(netip.MustParseAddr("12.34.221.11"), bits)
		first, last, ok := rangeBounds(cidr("iPv4CidrRange", prefix.String()))
		if !ok || !prefix.Contains(first) || !prefix.Contains(last) || prefix.Contains(first.Prev()) || prefix.Contains(last.Next()) {
			t.Errorf("%s is %s to %s, %v", prefix, first, last, ok)
		}
	}
	for bits := 1; bits <= 128; bits++ {
		prefix := netip.PrefixFrom(netip.MustParseAddr("2001:db8::a5"), bits)
		first, last, ok := rangeBounds(cidr("iPv6CidrRange", prefix.String()))
		if !ok || !prefix.Contains(first) || !prefix.Contains(last) || prefix.Contains(first.Prev()) || prefix.Contains(last.Next()) {
			t.Errorf("%s is %s to %s, %v", prefix, first, last, ok)
		}
	}
}

// TestWhatIfLocations: named locations, the words for all of them, and what the
// request does not tell.
func TestWhatIfLocations(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	_, _, _, user, _ := tt.people()
	trusted := text(tt.want(201, "POST", locationsPath, offices("hq", true, cidr("iPv4CidrRange", "198.51.100.0/24"))), "id")
	branch := text(tt.want(201, "POST", locationsPath, offices("branch", false, cidr("iPv6CidrRange", "2001:db8::/32"),
		object{"@odata.type": "#microsoft.graph.iPv4Range", "lowerAddress": "203.0.113.5", "upperAddress": "203.0.113.9"})), "id")
	dach := text(tt.want(201, "POST", locationsPath, countries("DACH", "DE", "AT", "CH")), "id")
	for name, tc := range map[string]struct {
		include, exclude []string
		sign             object
		reason           string
	}{
		"in":                         {[]string{trusted}, nil, object{"ipAddress": "198.51.100.7"}, "notSet"},
		"out":                        {[]string{trusted}, nil, object{"ipAddress": "198.51.101.7"}, "location"},
		"no address":                 {[]string{trusted}, nil, nil, "notEnoughInformation"},
		"mapped address":             {[]string{trusted}, nil, object{"ipAddress": "::ffff:198.51.100.7"}, "notSet"},
		"v6":                         {[]string{branch}, nil, object{"ipAddress": "2001:db8:1::1"}, "notSet"},
		"range":                      {[]string{branch}, nil, object{"ipAddress": "203.0.113.9"}, "notSet"},
		"beyond the range":           {[]string{branch}, nil, object{"ipAddress": "203.0.113.10"}, "location"},
		"one of two":                 {[]string{branch, trusted}, nil, object{"ipAddress": "198.51.100.7"}, "notSet"},
		"country":                    {[]string{dach}, nil, object{"country": "at"}, "notSet"},
		"another country":            {[]string{dach}, nil, object{"country": "FR"}, "location"},
		"country by address":         {[]string{dach}, nil, object{"ipAddress": "198.51.100.7"}, "notEnoughInformation"},
		"all":                        {[]string{"All"}, nil, nil, "notSet"},
		"all, in any case":           {[]string{"all"}, nil, nil, "notSet"},
		"all but trusted, trusted":   {[]string{"All"}, []string{"AllTrusted"}, object{"ipAddress": "198.51.100.7"}, "location"},
		"all but trusted, elsewhere": {[]string{"All"}, []string{"AllTrusted"}, object{"ipAddress": "192.0.2.1"}, "notSet"},
		"all but trusted, unknown":   {[]string{"All"}, []string{"AllTrusted"}, nil, "notEnoughInformation"},
		"all but one":                {[]string{"All"}, []string{branch}, object{"ipAddress": "203.0.113.5"}, "location"},
		"not trusted":                {[]string{"AllTrusted"}, nil, object{"ipAddress": "203.0.113.5"}, "location"},
		"trusted addresses":          {[]string{trustedAddressesID}, nil, object{"ipAddress": "203.0.113.5"}, "location"},
		"exclusion wins":             {[]string{dach}, []string{branch}, object{"country": "DE", "ipAddress": "203.0.113.5"}, "location"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.T = t
			body := accessBody("p")
			body["conditions"].(object)["locations"] = object{"includeLocations": tc.include, "excludeLocations": append([]string{}, tc.exclude...)}
			id := text(tt.want(201, "POST", accessPath, body), "id")
			defer tt.want(204, "DELETE", accessPath+"/"+id, nil)
			if got := objects(tt.want(200, "POST", evaluatePath, whatIfBody(user, tc.sign))["value"]); len(got) != 1 || got[0]["analysisReasons"] != tc.reason {
				t.Errorf("%v, want %s", got[0]["analysisReasons"], tc.reason)
			}
		})
	}
	tt.T = t
	tt.errorOf(400, "POST", evaluatePath, whatIfBody(user, object{"ipAddress": "here"}))
}

// TestWhatIfBetaConditions: conditions of beta are judged or said to be unknown,
// for v1.0 as well, which cannot show them.
func TestWhatIfBetaConditions(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20, Scenario: quiet()})
	_, _, _, user, _ := tt.people()
	agent := func(id string) object {
		return object{"@odata.type": "#microsoft.graph.agentSignIn", "agentServicePrincipalId": id}
	}
	const other = "11111111-2222-4333-8444-555555555555"
	betaEvaluate := strings.Replace(evaluatePath, "/v1.0", "/beta", 1)
	for name, tc := range map[string]struct {
		conditions, identity, sign object
		reason                     string
	}{
		"device states":       {object{"deviceStates": object{"includeStates": []string{"All"}}}, nil, nil, "notEnoughInformation"},
		"device ids":          {object{"devices": object{"includeDevices": []string{office}}}, nil, nil, "notEnoughInformation"},
		"empty devices":       {object{"devices": object{"includeDevices": []string{}}}, nil, nil, "notSet"},
		"times":               {object{"times": object{"x": 1}}, nil, nil, "notEnoughInformation"},
		"network traffic":     {object{"applications": object{"includeApplications": []string{"All"}, "networkAccess": object{}}}, nil, nil, "notEnoughInformation"},
		"an agent":            {object{"clientApplications": object{"includeAgentIdServicePrincipals": []string{"All"}}}, agent(office), nil, "notSet"},
		"the agent":           {object{"clientApplications": object{"includeAgentIdServicePrincipals": []string{office}}}, agent(office), nil, "notSet"},
		"another agent":       {object{"clientApplications": object{"includeAgentIdServicePrincipals": []string{office}}}, agent(other), nil, "agentIdentities"},
		"an excluded agent":   {object{"clientApplications": object{"includeAgentIdServicePrincipals": []string{"All"}, "excludeAgentIdServicePrincipals": []string{office}}}, agent(office), nil, "agentIdentities"},
		"a filter of agents":  {object{"clientApplications": object{"agentIdServicePrincipalFilter": object{"mode": "include", "rule": "x"}}}, agent(office), nil, "notEnoughInformation"},
		"the agent's risk":    {object{"clientApplications": object{"includeAgentIdServicePrincipals": []string{"All"}}, "agentIdRiskLevels": "medium,high"}, agent(office), object{"agentIdRiskLevel": "high"}, "notSet"},
		"no risk of an agent": {object{"clientApplications": object{"includeAgentIdServicePrincipals": []string{"All"}}, "agentIdRiskLevels": "high"}, agent(office), nil, "agentIdRisk"},
		"a user":              {object{"agentIdRiskLevels": "high"}, nil, nil, "agentIdRisk"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.T = t
			body := accessBody("p")
			for member, v := range tc.conditions {
				body["conditions"].(object)[member] = v
			}
			id := text(tt.want(201, "POST", betaAccess, body), "id")
			defer tt.want(204, "DELETE", betaAccess+"/"+id, nil)
			ask := whatIfBody(user, tc.sign)
			if tc.identity != nil {
				ask["signInIdentity"] = tc.identity
			}
			got := objects(tt.want(200, "POST", betaEvaluate, ask, "Prefer", "include-unknown-enum-members")["value"])
			if len(got) != 1 || got[0]["analysisReasons"] != tc.reason {
				t.Errorf("%v, want %s", got[0]["analysisReasons"], tc.reason)
			}
			if tc.identity != nil {
				tt.errorOf(400, "POST", evaluatePath, ask) // v1.0 knows no agents
				return
			}
			want := tc.reason
			if strings.HasPrefix(want, "agent") {
				want = unknownFuture
			}
			if got := objects(tt.want(200, "POST", evaluatePath, ask)["value"]); got[0]["analysisReasons"] != want {
				t.Errorf("v1.0: %v, want %s", got[0]["analysisReasons"], want)
			}
		})
	}
}

// TestSecurityDefaults: they and enabled policies exclude each other.
func TestSecurityDefaults(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	got := tt.want(200, "GET", defaultsPath, nil)
	if got["isEnabled"] != false || got["id"] != "00000000-0000-0000-0000-000000000005" {
		t.Errorf("a new tenant has %v", got)
	}
	report := accessBody("report")
	report["state"] = "enabledForReportingButNotEnforced"
	reportOnly := text(tt.want(201, "POST", accessPath, report), "id")
	before := tt.sim.ConfigDigest()
	tt.want(204, "PATCH", defaultsPath, object{"isEnabled": true})
	if tt.sim.ConfigDigest() == before {
		t.Error("the digest does not see it")
	}
	if got := tt.want(200, "GET", strings.Replace(defaultsPath, "v1.0", "beta", 1)+"?$select=isEnabled", nil); got["isEnabled"] != true || got["id"] != nil {
		t.Errorf("after: %v", got)
	}
	for _, refused := range []struct {
		method, path string
		body         object
	}{{"POST", accessPath, accessBody("on")}, {"PATCH", accessPath + "/" + reportOnly, object{"state": "enabled"}}} {
		if _, message := tt.errorOf(400, refused.method, refused.path, refused.body); !strings.Contains(message, "Security defaults must be disabled") {
			t.Errorf("%s: %s", refused.method, message)
		}
	}
	tt.want(204, "PATCH", defaultsPath, object{"isEnabled": false})
	tt.want(204, "PATCH", accessPath+"/"+reportOnly, object{"state": "enabled"})
	if _, message := tt.errorOf(400, "PATCH", defaultsPath, object{"isEnabled": true}); !strings.Contains(message, reportOnly) {
		t.Error(message)
	}
	tt.errorOf(400, "PATCH", defaultsPath, object{"isEnabled": nil})
	tt.errorOf(400, "PATCH", defaultsPath, object{"enabled": true})
	tt.errorOf(405, "DELETE", defaultsPath, nil)
	tt.scenario(func(sc *Scenario) {
		sc.MissingRoles = []string{"Policy.ReadWrite.SecurityDefaults", "Policy.ReadWrite.ConditionalAccess"}
	})
	tt.errorOf(403, "PATCH", defaultsPath, object{"isEnabled": false})
}

// TestRangesAreReplaced: a list in a change replaces the old one, of objects as well.
func TestRangesAreReplaced(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	for _, root := range []string{"/v1.0/", "/beta/"} {
		path := root + locationsContext
		id := text(tt.want(201, "POST", path, offices("o", false, cidr("iPv4CidrRange", "192.0.2.0/24"))), "id")
		tt.want(204, "PATCH", path+"/"+id, object{"@odata.type": "#microsoft.graph.ipNamedLocation", "ipRanges": []object{cidr("iPv4CidrRange", "203.0.113.0/24")}})
		ranges := objects(tt.want(200, "GET", path+"/"+id, nil)["ipRanges"])
		if len(ranges) != 1 || ranges[0]["cidrAddress"] != "203.0.113.0/24" {
			t.Errorf("%s: the ranges are %v", path, ranges)
		}
	}
}
