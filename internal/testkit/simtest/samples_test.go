// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// samplesDir finds the payloads that other people recorded or wrote, where they
// lie beside the checkout.
func samplesDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(root, "..", "shared", "graph", "samples")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/graph/samples beside the checkout: foreign payloads are not sent")
	}
	return dir
}

const (
	scripts  = "/beta/deviceManagement/deviceHealthScripts"
	filters  = "/beta/deviceManagement/assignmentFilters"
	groups   = "/v1.0/groups"
	access   = "/v1.0/identity/conditionalAccess/policies"
	places   = "/v1.0/identity/conditionalAccess/namedLocations"
	strength = "/v1.0/policies/authenticationStrengthPolicies"
)

// TestSamplesAreAccepted creates what the samples describe in a tenant, with
// their made-up groups and filters replaced by real ones. Settings catalog
// policies need a catalog, and are sent by a test of the simulator itself.
func TestSamplesAreAccepted(t *testing.T) {
	dir := samplesDir(t)
	for _, tc := range []struct {
		files, target string
		least         int
	}{
		{"captured/groups__group__create__0[269].json", groups, 3},
		{"captured/groups__group__create__11.json", groups, 1},
		{"groups/group__validate_create__*.json", groups, 6},
		{"conditional-access/conditional_access_policy__*_success.json", access, 37},
		{"conditional-access/conditional_access_policy__*_success.json", "/beta" + strings.TrimPrefix(access, "/v1.0"), 37},
		{"conditional-access/named_location__*.json", places, 5},
		{"captured/named_location__create_req__0*.json", places, 3},
		{"authentication-strength/*_get_authentication_strength_policy_minimal.json", strength, 2},
		{"authentication-strength/*_get_authentication_strength_policy_maximal.json", strength, 2},
		{"authentication-strength/*__post_authentication_strength_policy_success.json", strength, 1},
		{"authentication-strength/*_policy_with_configurations.json", strength, 1},
		{"authentication-strength/*_policy_updated.json", strength, 1},
		{"assignment-filters/*_get_assignment_filter_m*imal.json", filters, 2},
		{"remediations/*_minimal.json", scripts, 7},
		{"remediations/*_maximal.json", scripts, 7},
		{"remediations/*_updated.json", scripts, 1},
	} {
		files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(tc.files)))
		if err != nil || len(files) < tc.least {
			t.Errorf("%s: %d files, %v, want %d", tc.files, len(files), err, tc.least)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) { newSender(t).create(t, file, tc.target) })
		}
	}
}

// sender is a tenant with a token, a group and a filter.
type sender struct {
	wire
	token         string
	group, filter string
	location      string
	principal     string
}

func newSender(t *testing.T) *sender {
	t.Helper()
	tn := New(t, tenantsim.Options{Ideal: "a sample is assigned just after it was made", Seed: 1, Devices: 5})
	s := &sender{wire: wire{tn, "http://tenant.example", byHandler{tn.Handler()}}, principal: tn.PrincipalID()}
	s.token = s.wire.token(t)
	s.group = s.post(t, groups, map[string]any{"displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true})
	s.filter = s.post(t, filters, map[string]any{"displayName": "f", "platform": "windows10AndLater", "rule": `(device.model -ne "x")`})
	s.location = s.post(t, places, map[string]any{"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "l", "countriesAndRegions": []string{"DE"}})
	return s
}

// post creates an object and returns its id.
func (s *sender) post(t *testing.T, target string, body any) string {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := s.send(t.Context(), t, http.MethodPost, target, "application/json", string(raw), "Authorization", "Bearer "+s.token)
	var made struct{ ID string }
	if err != nil || status != http.StatusCreated || json.Unmarshal([]byte(answer), &made) != nil || made.ID == "" {
		t.Fatalf("POST %s: %d %s, %v", target, status, answer, err)
	}
	return made.ID
}

// create sends one sample, and its assignments after it.
func (s *sender) create(t *testing.T, file, target string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	s.adapt(body)
	assignments := body["assignments"] // an answer shows them; they are written by an action of their own
	delete(body, "assignments")
	if target == groups { // these samples are answers, and the directory refuses what only it can set
		delete(body, "id")
		delete(body, "createdDateTime")
	}
	if target == strength {
		// The samples are named after tests: the service takes 30 characters (contract h).
		name, _ := body["displayName"].(string)
		body["displayName"] = name[:min(len(name), 30)]
	}
	id := s.post(t, target, body)
	if assignments == nil {
		return
	}
	sent, err := json.Marshal(map[string]any{"deviceHealthScriptAssignments": assignments})
	if err != nil {
		t.Fatal(err)
	}
	status, answer, err := s.send(t.Context(), t, http.MethodPost, target+"/"+id+"/assign", "application/json", string(sent), "Authorization", "Bearer "+s.token)
	if err != nil || status >= 300 {
		t.Errorf("assign: %d %s, %v", status, answer, err)
	}
}

// adapt replaces ids of things that the tenant does not have.
func (s *sender) adapt(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.adapt(e)
		}
	case map[string]any:
		for name, member := range v {
			switch list, isList := member.([]any); {
			case name == "groupId":
				v[name] = s.group
			case name == "deviceAndAppManagementAssignmentFilterId" && member != nil:
				v[name] = s.filter
			case (name == "includeGroups" || name == "excludeGroups") && isList && len(list) > 0:
				v[name] = []any{s.group}
			case (name == "includeLocations" || name == "excludeLocations") && isList && len(list) > 0 && len(list[0].(string)) == len(s.location):
				v[name] = []any{s.location}
			case (name == "includeServicePrincipals" || name == "excludeServicePrincipals") && isList && len(list) > 0:
				v[name] = []any{s.principal}
			default:
				s.adapt(member)
			}
		}
	}
}
