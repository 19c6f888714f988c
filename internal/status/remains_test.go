// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func remaining(name string) v1alpha1.PilotWave {
	w := v1alpha1.PilotWave{Spec: v1alpha1.PilotWaveSpec{PolicyRef: v1alpha1.LocalRef{Name: "pkp"}}}
	w.Name = name
	return w
}

// TestPromise07_RemainsAreNamed: each thing in the tenant by name and id, hold and whom it restrains before all else.
func TestPromise07_RemainsAreNamed(t *testing.T) {
	p := &v1alpha1.PasskeyPolicy{}
	p.Name = "pkp"
	if got := Remains(p, []v1alpha1.PilotWave{remaining("a")}); got != "" {
		t.Errorf("nothing remains: %q", got)
	}
	sent := metav1.NewTime(time.Unix(1, 0))
	p.Spec.Population = &v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: "Everyone"}, {ID: "g9"}}}
	p.Status.Objects = []v1alpha1.TenantObject{
		{Role: v1alpha1.RoleAllow, Name: "A", ID: "1"}, {Role: v1alpha1.RoleHold, Name: "H", ID: "2", IncludeGroups: []string{"g0"}},
		{Role: v1alpha1.RoleAllow, Name: "L", CreateSentAt: &sent}, {Role: v1alpha1.RoleAllow, Name: "never made"},
	}
	p.Status.Waves = []v1alpha1.WaveAdmission{{Name: "a", GroupID: "g1"}, {Name: "gone", Attempt: 2, GroupID: "g5"}}
	a, b, other := remaining("a"), remaining("b"), remaining("c")
	a.Status.Attempt, a.Status.Attempts = 1, []v1alpha1.WaveAttempt{{Attempt: 1, GroupID: "g1"}}
	b.Status.Attempts = []v1alpha1.WaveAttempt{{Attempt: 1, GroupID: "g2"}, {Attempt: 2, GroupID: "g3"}, {Attempt: 3}}
	b.Status.Attempt = 2
	other.Spec.PolicyRef.Name = "another"
	other.Status.Attempts = []v1alpha1.WaveAttempt{{Attempt: 1, GroupID: "g4"}}
	want := `policies "H" (id 2), "A" (id 1), "L" (perhaps: the answer to its creation was lost); ` +
		`hold still restrains the members of "Everyone", g9; ` +
		`groups of wave "a", attempt 1 (id g1), of wave "b", attempt 1 (id g2), of wave "b", attempt 2 (id g3), of wave "gone", attempt 2 (id g5)`
	if got := Remains(p, []v1alpha1.PilotWave{b, a, other}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := RemainsOfWave(&b); got != `groups of wave "b", attempt 1 (id g2), of wave "b", attempt 2 (id g3)` {
		t.Errorf("%s", got)
	}
	if none := remaining("d"); RemainsOfWave(&none) != "" {
		t.Error("a wave without a group has one")
	}
	p.Status.Objects[1].IncludeGroups = nil
	if got := Remains(p, nil); strings.Contains(got, "restrains") {
		t.Errorf("an unassigned hold restrains nobody: %s", got)
	}
}

// TestRemainsPopulation: whom hold reaches, in the words of the spec.
func TestRemainsPopulation(t *testing.T) {
	for want, p := range map[string]*v1alpha1.Population{
		"everyone":                          {All: true},
		"the groups that it is assigned to": nil,
		`the members of "X"`:                {Include: []v1alpha1.GroupRef{{ID: "1", DisplayName: "X"}}},
	} {
		if got := populationText(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestRemainsFitAMessage: a policy with more than a message takes says how much it left out.
func TestRemainsFitAMessage(t *testing.T) {
	p := &v1alpha1.PasskeyPolicy{}
	p.Name = "pkp"
	w := remaining("w")
	for i := range 40 {
		p.Status.Objects = append(p.Status.Objects, v1alpha1.TenantObject{Name: fmt.Sprintf("P%d", i), ID: "x"})
		w.Status.Attempts = append(w.Status.Attempts, v1alpha1.WaveAttempt{Attempt: 1, GroupID: fmt.Sprintf("g%d", i)})
	}
	got := Remains(p, []v1alpha1.PilotWave{w})
	for _, part := range []string{" and 28 more in status; groups", " and 24 more in status"} {
		if !strings.Contains(got, part) {
			t.Errorf("want %q in %s", part, got)
		}
	}
}
