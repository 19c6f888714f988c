// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/rollout"
)

// TestFoundGroups: which of the groups that a revision includes, and of which the status knows nothing, are the policy's own. The
// group of another policy's wave, living or gone, is somebody's edit; the id on record is the directory's.
func TestFoundGroups(t *testing.T) {
	const id, shown = "aaaa-1111", "AAAA-1111"
	policy := func(uid types.UID) *v1alpha1.PasskeyPolicy {
		p := &v1alpha1.PasskeyPolicy{}
		p.UID = uid
		return p
	}
	made := func(wave, of types.UID) graph.Group {
		w := &v1alpha1.PilotWave{}
		w.Name, w.Namespace, w.UID = "early", "passkeys", wave
		name, description := rollout.GroupText(w, 2, of)
		return graph.Group{ID: id, DisplayName: name, Description: description, UniqueName: rollout.GroupName(w, 2)}
	}
	own := v1alpha1.PilotWave{}
	own.Name, own.UID = "early", "wave-1"
	edited := made("wave-1", "policy-1")
	edited.Description = "somebody wrote something else"
	strange := made("wave-9", "policy-1")
	strange.UniqueName = "tidegate-wave-9-x"
	for name, tt := range map[string]struct {
		group graph.Group
		want  string
	}{
		"of a wave of this policy":                       {made("wave-1", "policy-1"), "early wave-1 2 " + id},
		"of a wave of this policy, with another text":    {edited, "early wave-1 2 " + id},
		"of a wave of this policy that is gone":          {made("wave-9", "policy-1"), "Tidegate wave passkeys/early attempt 2 wave-9 2 " + id},
		"of a wave of another policy":                    {made("wave-7", "policy-2"), ""},
		"of a wave that is gone, and does not say whose": {graph.Group{ID: id, UniqueName: "tidegate-wave-9-2"}, ""},
		"of nobody": {graph.Group{ID: id, DisplayName: "Ring A"}, ""},
		"of a name that only begins like one of an attempt": {strange, ""},
	} {
		list := []Assigned{{plan.LevelKey(v1alpha1.PlatformWindows, 1), []plan.Target{{Kind: plan.TargetInclude, GroupID: shown}}}}
		found, err := FoundGroups(t.Context(), &tenant{groups: []graph.Group{tt.group}}, policy("policy-1"), []v1alpha1.PilotWave{own}, list, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, a := range found {
			got = fmt.Sprintf("%s %s %d %s", a.Name, a.UID, a.Attempt, a.GroupID)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if _, description := rollout.GroupText(&own, 1, types.UID(strings.Repeat("x", 36))); rollout.PolicyOfGroup(description) != types.UID(strings.Repeat("x", 36)) {
		t.Errorf("the description does not tell the policy: %q", description)
	}
}
