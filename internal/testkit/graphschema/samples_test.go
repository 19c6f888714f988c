// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSamples reads payloads that other people wrote or recorded, where they lie
// beside the checkout: bodies that are right pass, and hand-written ones with
// members that no service sends are caught.
func TestSamples(t *testing.T) {
	dir := filepath.Join(sharedDir, "samples")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/graph/samples beside the checkout: foreign payloads are not read")
	}
	const policies, access = "deviceManagement/configurationPolicies", "identity/conditionalAccess/policies"
	for _, tc := range []struct {
		files, version, method, path string
		want                         string // empty: they pass
		least                        int
	}{
		{"settings-catalog/settings_catalog_configuration_policy_json__validate_create__post_*.json", "beta", "POST", policies, "", 10},
		{"settings-catalog/app_control_for_business_policy__validate_get__get_settings.json", "beta", "GET", policies + "/x/settings", "", 1},
		{"settings-catalog/settings_catalog_configuration_policy__validate_read__*.json", "beta", "GET", policies + "/x", `did you mean "settingCount"?`, 3},
		{"settings-catalog/windows_autopilot_device_preparation_policy__resource_docs__get_policy_settings.json", "beta", "GET", policies + "/x/settings", "is unknown", 1},
		{"conditional-access/conditional_access_policy__validate_create__post_conditional_access_policy_ca*_success.json", "v1.0", "POST", access, "", 10},
		{"assignment-filters/assignment_filter__validate_create__get_assignment_filter_maximal.json", "beta", "GET", "deviceManagement/assignmentFilters/x", "", 1},
	} {
		files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(tc.files)))
		if err != nil || len(files) < tc.least {
			t.Errorf("%s: %d files, %v, want %d", tc.files, len(files), err, tc.least)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			err = Validate(tc.version, tc.method, tc.path, Response, raw)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("%s: %v", filepath.Base(file), err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("%s: got %v, want an error with %q", filepath.Base(file), err, tc.want)
			}
		}
	}
}
