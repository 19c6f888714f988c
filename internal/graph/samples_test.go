// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samplesDir finds the folder of recorded bodies beside the repository. A clone without it skips.
func samplesDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "graph", "samples")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("skipped: no recorded bodies beside the repository")
	}
	return dir
}

// sampleBodies lists the objects of the files that match: of a collection its items.
func sampleBodies(t *testing.T, pattern string, keep func(map[string]any) bool) map[string]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(samplesDir(t), pattern))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]json.RawMessage{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Value []json.RawMessage `json:"value"`
		}
		items := []json.RawMessage{raw}
		if json.Unmarshal(raw, &page) == nil && page.Value != nil {
			items = page.Value
		}
		for i, item := range items {
			var object map[string]any
			if json.Unmarshal(item, &object) == nil && object["error"] == nil && keep(object) {
				found[fmt.Sprintf("%s#%d", filepath.Base(file), i)] = item
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no sample matches %s", pattern)
	}
	return found
}

// has keeps the objects that have all of some members.
func has(names ...string) func(map[string]any) bool {
	return func(object map[string]any) bool {
		for _, name := range names {
			if _, ok := object[name]; !ok {
				return false
			}
		}
		return true
	}
}

// wireForm is a body as an equal write would look: without the annotation of the answer, and with settings as they are
// sent, by type and without their position.
func wireForm(body map[string]any) map[string]any {
	delete(body, "@odata.context")
	settings, ok := body["settings"].([]any)
	if !ok {
		return body
	}
	for _, s := range settings {
		if setting, ok := s.(map[string]any); ok {
			delete(setting, "id")
			setting["@odata.type"] = "#microsoft.graph.deviceManagementConfigurationSetting"
		}
	}
	return body
}

// roundTrip decodes a body into a model, renders the model and compares.
func roundTrip[T any](t *testing.T, bodies map[string]json.RawMessage) {
	t.Helper()
	for name, raw := range bodies {
		var model T
		if err := json.Unmarshal(raw, &model); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := marshal(model)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(wireForm(tree(t, raw)), wireForm(tree(t, out))); diff != "" {
			t.Errorf("%s lost something (-read +written):\n%s", name, diff)
		}
		again, err := marshal(model)
		if err != nil || string(again) != string(out) {
			t.Errorf("%s: equal values give other bytes (%v)", name, err)
		}
	}
	t.Logf("%d bodies", len(bodies))
}

// TestSamplesRoundTrip: what others recorded goes through the models without loss.
func TestSamplesRoundTrip(t *testing.T) {
	t.Run("configuration policies", func(t *testing.T) {
		// Some files were written by hand, with a list where the wire has a text of flags.
		onTheWire := func(o map[string]any) bool {
			_, text := o["technologies"].(string)
			return text && has("name", "platforms")(o)
		}
		roundTrip[ConfigurationPolicy](t, sampleBodies(t, "settings-catalog/*.json", onTheWire))
	})
	t.Run("groups", func(t *testing.T) {
		roundTrip[Group](t, sampleBodies(t, "groups/*.json", has("displayName", "securityEnabled")))
	})
	t.Run("captured groups", func(t *testing.T) {
		roundTrip[Group](t, sampleBodies(t, "captured/groups__*.json", has("displayName", "mailEnabled")))
	})
	t.Run("remediations", func(t *testing.T) {
		roundTrip[Remediation](t, sampleBodies(t, "remediations/*.json", has("displayName", "publisher")))
	})
	t.Run("conditional access", func(t *testing.T) {
		roundTrip[ConditionalAccessPolicy](t, sampleBodies(t, "conditional-access/conditional_access_policy*.json", has("conditions")))
	})
	t.Run("authentication strengths", func(t *testing.T) {
		roundTrip[AuthenticationStrength](t, sampleBodies(t, "authentication-strength/*.json", has("allowedCombinations")))
	})
	t.Run("filters", func(t *testing.T) {
		roundTrip[AssignmentFilter](t, sampleBodies(t, "assignment-filters/*.json", has("rule")))
	})
}

// TestSampleSettings: recorded pages of settings, with kinds that no metadata knows.
func TestSampleSettings(t *testing.T) {
	bodies := sampleBodies(t, "settings-catalog/*.json", has("settingInstance"))
	for name, raw := range bodies {
		var s Setting
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := marshal(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tree(t, raw)["settingInstance"], tree(t, out)["settingInstance"]); diff != "" {
			t.Errorf("%s lost something:\n%s", name, diff)
		}
	}
	t.Logf("%d settings", len(bodies))
}

// TestSampleAssignments: the targets and schedules of recorded remediations survive reading and sending.
func TestSampleAssignments(t *testing.T) {
	n := 0
	for name, raw := range sampleBodies(t, "remediations/*.json", has("assignments")) {
		var body struct {
			Assignments []json.RawMessage `json:"assignments"`
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		for _, item := range body.Assignments {
			var w wireRemediationAssignment
			if err := json.Unmarshal(item, &w); err != nil {
				t.Fatal(err)
			}
			a, err := w.assignment("x")
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			n++
			target, err := a.target("x")
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			sent := map[string]any{"id": a.ID, "target": target}
			if a.Schedule != nil {
				if sent["runSchedule"], err = a.Schedule.wire("x"); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			out, err := marshal(sent)
			if err != nil {
				t.Fatal(err)
			}
			want := tree(t, item)
			delete(want, "runRemediationScript") // reads back false whatever was sent (contract d)
			if diff := cmp.Diff(want, tree(t, out)); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
	}
	if n == 0 {
		t.Error("no assignment in any sample")
	}
}

// TestSampleErrors: recorded refusals keep their code, and "not found" is told from everything else.
func TestSampleErrors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(samplesDir(t), "*", "*not_found*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e := parseError("x", 404, nil, raw, noon, redactText)
		if e.Kind != KindNotFound || e.Code == "" || strings.ContainsAny(e.Message, "\r\n{}") {
			t.Errorf("%s: %+v", filepath.Base(file), e)
		}
	}
}
