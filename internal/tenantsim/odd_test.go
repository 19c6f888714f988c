// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestOddPages: whoever follows nextLink until it is absent gets every item once,
// whatever the pages look like; equal tenants have equal pages.
func TestOddPages(t *testing.T) {
	shapes := func(seed uint64, target string) (ids []string, pages []int) {
		sc := quiet()
		sc.Odd = &Odd{Pages: true}
		tt := newTenant(t, Options{Seed: seed, Devices: 130, Scenario: sc})
		for target != "" {
			page := tt.want(200, "GET", target, nil)
			items := objects(page["value"])
			pages = append(pages, len(items))
			for _, item := range items {
				ids = append(ids, text(item, "id"))
			}
			target, _ = page["@odata.nextLink"].(string)
			if len(pages) > 200 {
				t.Fatal("the list does not end")
			}
		}
		return ids, pages
	}
	empty, short := false, false
	for _, target := range []string{"/v1.0/deviceManagement/managedDevices?$top=40", "/v1.0/devices?$top=40", "/v1.0/users?$top=25&$count=false", "/beta/deviceManagement/configurationSettings"} {
		whole, _ := New(Options{Seed: 1, Devices: 130, Scenario: quiet()})
		want := len((&tenant{T: t, sim: whole, token: (&tenant{T: t, sim: whole}).login()}).all(target))
		for seed := range uint64(8) {
			ids, pages := shapes(seed, target)
			unique := slices.Compact(slices.Sorted(slices.Values(ids)))
			if len(ids) != want || len(unique) != want {
				t.Errorf("seed %d, %s: %d items, %d different, want %d", seed, target, len(ids), len(unique), want)
			}
			for i, n := range pages[:len(pages)-1] {
				empty = empty || n == 0
				short = short || i == 0 && n > 0 && n < 40 && strings.Contains(target, "40")
			}
			if again, samePages := shapes(seed, target); !slices.Equal(ids, again) || !slices.Equal(pages, samePages) {
				t.Errorf("seed %d, %s: another run has pages %v, not %v", seed, target, samePages, pages)
			}
		}
	}
	if !empty || !short {
		t.Errorf("empty pages %t, short first pages %t", empty, short)
	}
}

// TestOddPagesBreakTheNaive: who stops at an empty page, who takes a first page that
// is shorter than asked for as the last, and who stops when @odata.count says that
// there is nothing, loses something on some tenant, with or without options; who
// follows nextLink does not.
func TestOddPagesBreakTheNaive(t *testing.T) {
	for base, options := range map[string][]string{
		"/beta/deviceManagement/configurationPolicies": {"$top=4", "$top=4&$filter=contains(name,'p')", "$top=4&$expand=assignments"},
		"/beta/deviceManagement/configurationSettings": {"$top=20", "$top=20&$filter=contains(id,'edge')", "$top=9&$search=%22password%22"},
		"/v1.0/deviceManagement/managedDevices":        {"$top=9", "$top=9&$filter=operatingSystem eq 'Windows'", "$top=9&$orderby=deviceName"},
	} {
		for _, option := range options {
			lost := map[string]bool{}
			for seed := uint64(0); seed < 30 && len(lost) < 3; seed++ {
				want, naive := oddReaders(t, seed, base+"?"+option)
				for who, got := range naive {
					if got < want {
						lost[who] = true
					}
				}
			}
			for _, who := range []string{"stops at empty", "stops at short", "trusts the count"} {
				if !lost[who] {
					t.Errorf("%s?%s: a client that %s gets everything", base, option, who)
				}
			}
		}
	}
}

// oddReaders reads a list to its end. It returns how many items there are, and how
// many each naive client has read when it stops.
func oddReaders(t *testing.T, seed uint64, target string) (all int, naive map[string]int) {
	t.Helper()
	sc := quiet()
	sc.Odd = &Odd{Pages: true}
	tt := newTenant(t, Options{Seed: seed, Devices: 40, Scenario: sc})
	if strings.Contains(target, "configurationPolicies") {
		for i := range 14 {
			tt.createPolicy(allowBody(fmt.Sprintf("p%02d", i)))
		}
	}
	naive, first := map[string]int{}, 0
	stop := func(who string) {
		if _, stopped := naive[who]; !stopped {
			naive[who] = all
		}
	}
	for target != "" {
		page := tt.want(200, "GET", target, nil)
		n := len(objects(page["value"]))
		all += n
		first = max(first, n)
		if n == 0 {
			stop("stops at empty")
		}
		if n < first || n == 0 {
			stop("stops at short")
		}
		if page["@odata.count"] == 0.0 {
			stop("trusts the count")
		}
		target, _ = page["@odata.nextLink"].(string)
	}
	return all, naive
}

// TestOddPagesKeepSkip: what $skip skips is never shown, odd or not.
func TestOddPagesKeepSkip(t *testing.T) {
	for seed := range uint64(10) {
		sc := quiet()
		sc.Odd = &Odd{Pages: true}
		tt := newTenant(t, Options{Seed: seed, Devices: 30, Scenario: sc})
		if n := len(tt.all("/v1.0/deviceManagement/managedDevices?$skip=10&$top=7")); n != 20 {
			t.Errorf("seed %d: %d devices after the first ten of 30", seed, n)
		}
	}
}

// TestOddStatuses: each operation of the switch answers with either status, does
// its work, and has no body.
func TestOddStatuses(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusNoContent} {
		sc := quiet()
		sc.Odd = &Odd{Statuses: map[string]int{}}
		for _, name := range OddStatuses() {
			sc.Odd.Statuses[name] = status
		}
		tt := newTenant(t, Options{Devices: 5, Scenario: sc})
		policy := text(tt.want(201, "POST", policiesPath, allowBody("p")), "id")
		script := text(tt.want(201, "POST", "/beta/deviceManagement/deviceHealthScripts", object{"displayName": "s", "publisher": "x", "detectionScriptContent": "ZXhpdCAw"}), "id")
		filter := text(tt.want(201, "POST", "/beta/deviceManagement/assignmentFilters", object{"displayName": "f", "platform": "windows10AndLater", "rule": `(device.deviceName -eq "x")`}), "id")
		for _, step := range []struct {
			method, target string
			body           any
		}{
			{"POST", "/beta/deviceManagement/deviceHealthScripts/" + script + "/assign", object{"deviceHealthScriptAssignments": []object{}}},
			{"DELETE", policiesPath + "/" + policy, nil},
			{"DELETE", "/beta/deviceManagement/deviceHealthScripts/" + script, nil},
			{"DELETE", "/beta/deviceManagement/assignmentFilters/" + filter, nil},
		} {
			if w := tt.do(step.method, step.target, step.body); w.Code != status || w.Body.Len() > 0 {
				t.Errorf("%s %s: %d %s, want %d without a body", step.method, step.target, w.Code, w.Body, status)
			}
			if step.method == "DELETE" {
				tt.errorOf(404, "GET", step.target, nil)
			}
		}
	}
}

func TestOddIsChecked(t *testing.T) {
	for yaml, want := range map[string]string{
		"odd: {statuses: {deletePolicy: 200, assignScript: 204}}": "",
		"odd: {statuses: {deleteGroup: 200}}":                     `odd.statuses "deleteGroup": write one of`,
		"odd: {statuses: {deletePolicy: 201}}":                    "odd.statuses.deletePolicy is 201: write 200 or 204",
		"odd: {pages: 3}":                                         "pages",
		"throttle: {nowAndThenPercent: 101}":                      "throttle.nowAndThenPercent is 101: write a percentage",
	} {
		_, err := ParseScenario([]byte(yaml))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
	for name, op := range oddStatuses {
		if !slices.ContainsFunc(routes, func(r route) bool { return r.method == op.method && r.pattern == op.pattern }) {
			t.Errorf("%s: no route %s %s", name, op.method, op.pattern)
		}
	}
}

// TestNowAndThen: about the asked share of requests is refused in the form of the
// service behind the route, equal runs refuse the same ones, and nothing is
// written by what was refused.
func TestNowAndThen(t *testing.T) {
	run := func() (trace []string) {
		sc := quiet()
		sc.Throttle = &Throttle{NowAndThenPercent: 20}
		tt := newTenant(t, Options{Seed: 3, Devices: 5, Scenario: sc}) // signs in
		made := 0
		for i := range 200 {
			w := tt.do("GET", "/v1.0/users?$top=1", nil)
			trace = append(trace, fmt.Sprint("users ", w.Code, w.Header().Get("Retry-After")))
			w = tt.do("GET", "/beta/auditLogs/signIns?$top=1", nil)
			trace = append(trace, fmt.Sprint("signIns ", w.Code, w.Header().Get("Retry-After")))
			w = tt.do("POST", "/beta/deviceManagement/reports/getConfigurationPolicyNonComplianceReport", object{"top": 1})
			trace = append(trace, fmt.Sprint("report ", w.Code, strings.Contains(w.Body.String(), "query broker")))
			w = tt.do("POST", "/v1.0/groups", object{"displayName": fmt.Sprint("g", i), "mailEnabled": false, "mailNickname": fmt.Sprint("g", i), "securityEnabled": true})
			made += boolInt(w.Code == 201)
		}
		if n := len(tt.sim.groups) - len(tt.sim.scenario.groupSpecs()); made == 200 || made == 0 || n != made {
			t.Errorf("%d groups were created, %d are there", made, n)
		}
		return trace
	}
	trace := run()
	count := map[string]int{}
	for _, line := range trace {
		count[line]++
	}
	for _, line := range []string{"users 4291", "users 4292", "signIns 429", "report 500 true"} {
		if count[line] < 5 || count[line] > 60 {
			t.Errorf("%q came %d times of 200", line, count[line])
		}
	}
	for line := range count {
		if !slices.Contains([]string{"users 200", "users 4291", "users 4292", "signIns 200", "signIns 429", "report 200 false", "report 500 true"}, line) {
			t.Errorf("unexpected: %s", line)
		}
	}
	if again := run(); !slices.Equal(trace, again) {
		t.Error("an equal run was refused at other requests")
	}
	for i := range routes { // whatever can be refused has a form to be refused in
		if work := routes[i].work; work != "" && !slices.ContainsFunc(limits, func(l limit) bool { return l.work == work }) {
			t.Errorf("%s: no limit of %s", routes[i].pattern, work)
		}
	}
}
