// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// sample says what bodies a set of payloads holds.
type sample struct {
	// files is a pattern below the folder of samples; the first that fits a file
	// counts.
	files string
	dir   Direction
	// target is version and path below the root of Graph: that of a list for
	// {"value": […]}, and with an x behind it for one object. Empty: no endpoint
	// of Tidegate has such a body.
	target string
	// want is part of what is wrong; empty: nothing is.
	want string
}

// Targets of several rows.
const (
	policies  = "beta/deviceManagement/configurationPolicies"
	handMade  = `did you mean "settingCount"?` // written by hand, after a name of Terraform
	noTarget  = ""
	uploads   = "beta/deviceManagement/groupPolicyUploadedDefinitionFiles"
	strengths = "v1.0/policies/authenticationStrengthPolicies"
)

// samples covers every payload.
var samples = []sample{
	{"settings-catalog/*_json__validate_create__post_*", Response, policies, ""},
	{"settings-catalog/app_control*__get_settings.json", Response, policies + "/x/settings", ""},
	{"settings-catalog/app_control*__get_assignments.json", Response, policies + "/x/assignments", ""},
	{"settings-catalog/app_control*", Response, policies, ""},
	{"settings-catalog/list-resources__*", Response, policies, handMade},
	{"settings-catalog/settings_catalog_configuration_policy__*", Response, policies, handMade},
	{"settings-catalog/windows_autopilot*__resource_docs__get_policy_settings.json", Response, policies + "/x/settings", "is unknown"},
	{"settings-catalog/windows_autopilot*__resource_docs__policy_assignment.json", Response, noTarget, ""}, // one assignment alone
	{"settings-catalog/windows_autopilot*__resource_docs__resource.json", Response, policies, ""},
	{"settings-catalog/windows_autopilot*_get_group_owners.json", Response, "v1.0/groups/x/owners", ""},
	{"settings-catalog/windows_autopilot*_get_mobile_apps.json", Response, noTarget, ""}, // apps
	{"settings-catalog/windows_autopilot*_policy_assignments*.json", Response, policies + "/x/assignments", ""},
	{"settings-catalog/windows_autopilot*_policy_settings.json", Response, policies + "/x/settings", ""},
	{"settings-catalog/windows_autopilot*", Response, policies, handMade},

	{"captured/app_control*", Request, policies, ""},
	{"captured/*_enrollment_policy__*", Request, policies, ""},
	{"captured/windows_autopilot*__reqs__03.json", Request, policies, ""},
	{"captured/windows_autopilot*", Request, policies, `has no member "" to annotate`}, // the notes cut a name off
	{"captured/groups__group__create__0[269].json", Request, "beta/groups", ""},
	{"captured/groups__group__create__11.json", Request, "beta/groups", ""},
	{"captured/groups__group__create__12.json", Request, noTarget, ""}, // roles, beside owners
	{"captured/groups__*", Request, "beta/$batch", ""},
	{"captured/named_location__*", Response, "beta/identity/conditionalAccess/namedLocations", ""},
	{"captured/group_policy_uploaded_definition_files__create_req__01.json", Response, uploads, "is no base64"}, // cut off as well
	{"captured/group_policy_uploaded_definition_files__*", Response, uploads, ""},
	{"captured/policy_set__*", Request, noTarget, ""}, // apps

	{"conditional-access/named_location__*", Response, "v1.0/identity/conditionalAccess/namedLocations", ""},
	{"conditional-access/*", Response, "v1.0/identity/conditionalAccess/policies", ""},
	{"authentication-strength/*", Response, strengths, ""},
	{"assignment-filters/*_get_subscribed_skus_success.json", Response, "v1.0/subscribedSkus", ""},
	{"assignment-filters/*", Response, "beta/deviceManagement/assignmentFilters", ""},
	{"remediations/*", Response, "beta/deviceManagement/deviceHealthScripts", ""},
	{"groups/*", Response, "v1.0/groups", ""},
	{"users/*", Response, "v1.0/users", ""},
	{"managed-devices/*", Response, "beta/deviceManagement/managedDevices", ""},
	{"licences/*", Response, "v1.0/subscribedSkus", ""},
	{"multi-admin-approval/*", Response, "beta/deviceManagement/operationApprovalPolicies", "want #microsoft.graph.{type}"}, // by hand
	{"group-policy/*__definitions__*", Response, "beta/deviceManagement/groupPolicyDefinitions", ""},
	{"group-policy/*__presentations__*", Response, "beta/deviceManagement/groupPolicyDefinitions/x/presentations", ""},
	{"group-policy/group_policy_uploaded*_with_operations.json", Response, uploads, `"succeeded" is not a member`}, // by hand
	{"group-policy/group_policy_uploaded*", Response, uploads, ""},
	{"group-policy/*", Response, "beta/deviceManagement/groupPolicyConfigurations", ""},
}

// TestSamples reads payloads that other people wrote or recorded, where they lie
// beside the checkout: bodies that are right pass, and hand-written ones with
// members that no service sends are caught.
func TestSamples(t *testing.T) {
	dir := filepath.Join(sharedDir, "samples")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/graph/samples beside the checkout: foreign payloads are not read")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(files) < 200 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	used := map[string]int{}
	for _, file := range files {
		name := path.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file))
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		row, found := sampleOf(t, name)
		if !found {
			t.Errorf("%s: no row says what it is", name)
			continue
		}
		used[row.files]++
		refusal, err := row.check(t, raw)
		switch {
		case row.target == noTarget:
		case refusal:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: got %v, want an error with %q", name, err, row.want)
		}
	}
	for _, row := range samples {
		if used[row.files] == 0 {
			t.Errorf("%s fits no file that another row does not take", row.files)
		}
	}
	t.Logf("%d samples", len(files))
}

func sampleOf(t *testing.T, name string) (sample, bool) {
	t.Helper()
	for _, row := range samples {
		fits, err := path.Match(row.files, name)
		if err != nil {
			t.Fatal(err)
		}
		if fits {
			return row, true
		}
	}
	return sample{}, false
}

// check judges a payload as the request or answer that it is, and tells whether
// it is a refusal, which fits every endpoint.
func (row sample) check(t *testing.T, raw []byte) (refusal bool, err error) {
	t.Helper()
	var body struct{ Value, Error json.RawMessage }
	if err := json.Unmarshal(raw, &body); err != nil {
		return false, err
	}
	target := "/" + row.target
	if row.dir == Response && body.Value == nil {
		target += "/x"
	}
	header := http.Header{"Content-Type": {"application/json"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := Exchange{Method: http.MethodGet, URL: r.URL, Status: http.StatusOK, ResponseHeader: header, ResponseBody: raw}
	switch {
	case row.dir == Request:
		e = Exchange{Method: http.MethodPost, URL: r.URL, RequestHeader: header, RequestBody: raw}
	case body.Error != nil:
		e.Status = http.StatusBadRequest
	}
	return body.Error != nil, Check(e)
}
