// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// throttled is a tenant whose limits run on the virtual clock.
func throttled(t *testing.T, scale float64) *tenant {
	sc := quiet()
	sc.Throttle = &Throttle{Enabled: true, Scale: scale, Clock: "virtual"}
	return newTenant(t, Options{Devices: 10, Scenario: sc})
}

// TestThrottleClasses: each workload has its own bucket, with the refusal of
// its kind, and opens again with the next window.
func TestThrottleClasses(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path string
		body         any
		passed       int // at a tenth of the limits
		status       int
		retryAfter   bool
		window       time.Duration
		text         string
	}{
		"settings catalog reads":  {"GET", policiesPath, nil, 100, 429, true, 20 * time.Second, "Too many requests"},
		"settings catalog writes": {"POST", policiesPath, object{}, 10, 429, true, 20 * time.Second, "Too many requests"},
		"devices":                 {"GET", "/v1.0/deviceManagement/managedDevices?$top=1", nil, 200, 429, true, 20 * time.Second, ""},
		"exports":                 {"GET", "/v1.0/deviceManagement/reports/exportJobs('x')", nil, 4, 429, true, time.Minute, ""},
		"query broker":            {"POST", "/beta/deviceManagement/reports/getConfigurationPolicyDevicesReport", object{}, 10, 500, false, 20 * time.Second, "query broker"},
		"identity":                {"GET", "/v1.0/users", nil, 175, 429, true, 10 * time.Second, ""},
		"identity, cheap":         {"GET", "/v1.0/users?$select=id", nil, 350, 429, true, 10 * time.Second, ""},
		"identity writes":         {"POST", "/v1.0/groups", object{}, 300, 429, true, 150 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt := throttled(t, 0.1)
			for i := range tc.passed {
				if w := tt.do(tc.method, tc.path, tc.body); w.Code == 429 || w.Code == 500 {
					t.Fatalf("request %d of %d: %d %s", i+1, tc.passed, w.Code, w.Body)
				}
			}
			w := tt.do(tc.method, tc.path, tc.body)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.text) {
				t.Fatalf("one more: %d %s", w.Code, w.Body)
			}
			wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
			if (err == nil) != tc.retryAfter || err == nil && time.Duration(wait)*time.Second != tc.window {
				t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
			if tc.status == 429 && w.Header().Get("x-ms-throttle-scope") == "" {
				t.Errorf("headers %v", w.Header())
			}
			other := "/v1.0/subscribedSkus"
			if strings.HasPrefix(name, "identity") {
				other = "/beta/deviceManagement/configurationCategories"
			}
			tt.want(200, "GET", other, nil) // its bucket is not concerned
			tt.advance(tc.window)
			if w := tt.do(tc.method, tc.path, tc.body); w.Code == 429 || w.Code == 500 {
				t.Errorf("in the next window: %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestThrottleTellsHowFull: the percentage appears above 0.8, resource units
// always.
func TestThrottleTellsHowFull(t *testing.T) {
	tt := throttled(t, 0.01) // 35 units
	for i := range 17 {
		w := tt.do("GET", "/v1.0/users", nil)
		percentage := w.Header().Get("x-ms-throttle-limit-percentage")
		if (percentage != "") != (float64(2*(i+1))/35 > 0.8) || w.Header().Get("x-ms-resource-unit") != "2" {
			t.Errorf("request %d: %q %q", i+1, percentage, w.Header().Get("x-ms-resource-unit"))
		}
	}
}

// TestBatchItemsAreThrottled: what is inside a batch counts, the batch does not.
func TestBatchItemsAreThrottled(t *testing.T) {
	tt := throttled(t, 0.01) // 35 units
	var requests []object
	for i := range 20 {
		requests = append(requests, object{"id": strconv.Itoa(i), "method": "GET", "url": "/users"})
	}
	status := map[float64]int{}
	for _, item := range objects(tt.want(200, "POST", "/v1.0/$batch", object{"requests": requests})["responses"]) {
		code, _ := item["status"].(float64)
		status[code]++
		headers, _ := item["headers"].(map[string]any)
		if code == 429 && headers["Retry-After"] != "10" {
			t.Errorf("headers %v", headers)
		}
	}
	if status[200] != 17 || status[429] != 3 {
		t.Errorf("items by status: %v", status)
	}
}

func TestThrottleOnTheRealClock(t *testing.T) {
	sc := quiet()
	sc.Throttle = &Throttle{Enabled: true, Scale: 0.01}
	tt := newTenant(t, Options{Devices: 10, Scenario: sc})
	code := 0
	for range 100 {
		if code = tt.do("GET", "/v1.0/users", nil).Code; code == 429 {
			break
		}
	}
	tt.advance(time.Hour)
	if again := tt.do("GET", "/v1.0/users", nil).Code; code != 429 || again != 429 {
		t.Errorf("%d, and %d after an hour of virtual time", code, again)
	}
}

func TestLicences(t *testing.T) {
	tt := newTenant(t, Options{Devices: 10})
	tt.scenario(func(sc *Scenario) { sc.Licences = &Licences{NoIntune: true} })
	code, message := tt.errorOf(403, "GET", "/v1.0/deviceManagement/managedDevices", nil)
	var inner struct{ Message string }
	if err := json.Unmarshal([]byte(message), &inner); err != nil || code != odata.CodeForbidden || !strings.HasPrefix(inner.Message, "An error has occurred") || strings.Contains(inner.Message, "scopes") {
		t.Errorf("%s %q %v", code, message, err)
	}
	tt.want(200, "GET", "/v1.0/groups", nil)
	plans := func() string {
		raw, err := json.Marshal(tt.want(200, "GET", "/v1.0/subscribedSkus", nil))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if p := plans(); strings.Contains(p, "INTUNE_A") || !strings.Contains(p, "AAD_PREMIUM") {
		t.Errorf("plans %s", p)
	}
	tt.scenario(func(sc *Scenario) { sc.Licences = &Licences{NoEntraP1: true} })
	if p := plans(); !strings.Contains(p, "INTUNE_A") || strings.Contains(p, "AAD_PREMIUM") {
		t.Errorf("plans %s", p)
	}
}

func TestExpireTokens(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	tt.want(204, "POST", "/_sim/tokens/expire", nil)
	if _, message := tt.errorOf(401, "GET", "/v1.0/groups", nil); !strings.Contains(message, "expired") {
		t.Errorf("message %q", message)
	}
	tt.token = tt.login()
	tt.want(200, "GET", "/v1.0/groups", nil)
}
