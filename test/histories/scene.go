// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/fastworld"
)

// scene is where a history takes place: what people wrote before it begins and do not change in it.
type scene struct {
	// users: the policies are of unit User, and every group holds people.
	users bool
	// mac: the policies are for macOS as well, in a tenant of a fictitious catalog that has one setting for both.
	mac bool
	// second is how a second policy stands to the first: "", disjoint or overlapping populations.
	second string
	// all: the population is everyone.
	all bool
	// slow: the operator looks seldom, so that more time passes.
	slow bool

	restart v1alpha1.RestartFrom
	window  time.Duration
	drift   v1alpha1.DriftAction
}

// The relations of a second policy to the first.
const (
	disjoint = "disjoint"
	overlap  = "overlap"
	// second is its name.
	second = "second"
)

// drawScene draws a scene. badNext needs payloads that the catalog with macOS lacks.
func drawScene(seed uint64, e ending) scene {
	r := rand.New(rand.NewPCG(seed, 5))
	c := scene{users: r.IntN(7) == 0, slow: r.IntN(3) > 0, restart: v1alpha1.RestartFirstWave, window: 720 * time.Hour, drift: v1alpha1.DriftCorrect}
	c.mac = r.IntN(5) == 0 && e != badNext
	switch r.IntN(10) {
	case 0:
		c.second = overlap
	case 1, 2:
		c.second = disjoint
	default:
		c.all = r.IntN(6) == 0
	}
	if r.IntN(3) == 0 {
		c.restart = v1alpha1.RestartEarliestIncomplete
	}
	if r.IntN(3) == 0 {
		c.window = []time.Duration{0, 6 * time.Hour, 72 * time.Hour}[r.IntN(3)]
	}
	if r.IntN(6) == 0 {
		c.drift = v1alpha1.DriftReport
	}
	return c
}

// String is the scene in a few words.
func (c scene) String() string {
	var out []string
	for _, word := range []struct {
		is   bool
		name string
	}{{c.users, "users"}, {c.mac, "mac"}, {c.second != "", c.second}, {c.all, "all"}, {c.slow, "slow"}, {c.restart != v1alpha1.RestartFirstWave, "incomplete first"}, {c.window != 720*time.Hour, "window " + c.window.String()}, {c.drift == v1alpha1.DriftReport, "report"}} {
		if word.is {
			out = append(out, word.name)
		}
	}
	return "scene: " + strings.Join(out, ", ")
}

func (c scene) catalog() string {
	if c.mac {
		return tenantsim.CatalogMacOSPasskeys
	}
	return "article"
}

// groups are those of the tenant's own.
func (c scene) groups() []tenantsim.GroupSpec {
	unit := "device"
	if c.users {
		unit = "user"
	}
	out := []tenantsim.GroupSpec{{DisplayName: fastworld.Everyone, From: "everything", Percent: 100, Unit: unit}}
	for i, ring := range rings {
		if !c.mac {
			out = append(out, tenantsim.GroupSpec{DisplayName: ring, Count: ringSize, From: "windows", Unit: unit})
			continue
		}
		parts := []string{ring + " Windows", ring + " macOS"}
		out = append(out, tenantsim.GroupSpec{DisplayName: parts[0], Count: ringSize - 3, From: "windows", Unit: unit},
			tenantsim.GroupSpec{DisplayName: parts[1], Percent: 100 / float64(len(rings)-i), From: "macos", Unit: unit}, tenantsim.GroupSpec{DisplayName: ring, Groups: parts, Unit: unit})
	}
	return append(out, tenantsim.GroupSpec{DisplayName: vip, Unit: unit})
}

// important puts one or two of each ring, and some of no ring, among the important people. It is long ago when the story
// begins.
func (s *story) important(r *rand.Rand) {
	who := map[string]bool{}
	for _, ring := range rings {
		for range 1 + r.IntN(2) {
			member, err := pick(r, s.world.Oracle.Members(ring))
			s.must(err)
			who[member] = true
		}
	}
	for range 3 {
		member, err := pick(r, s.pool())
		s.must(err)
		who[member] = true
	}
	id := s.world.Oracle.GroupID(vip)
	for _, member := range slices.Sorted(maps.Keys(who)) {
		s.must(s.world.Portal("POST", "/v1.0/groups/"+id+"/members/$ref", memberRef(member), nil))
		s.world.Oracle.Joined(vip, member)
	}
	s.world.Advance(3 * time.Hour)
}

// policies are as people write them in this scene.
func (s *story) policies() []*v1alpha1.PasskeyPolicy {
	first := s.world.Policy()
	out := []*v1alpha1.PasskeyPolicy{first}
	if s.scene.all {
		first.Spec.Population = &v1alpha1.Population{All: true}
	}
	if s.scene.second != "" {
		other := s.world.Policy()
		other.Name = second
		out = append(out, other)
		if s.scene.second == disjoint {
			first.Spec.Population = &v1alpha1.Population{Include: refs(rings[:2]...)}
			other.Spec.Population = &v1alpha1.Population{Include: refs(rings[2:]...)}
		}
	}
	for _, p := range out {
		p.Spec.Settings = payloads[s.asks[len(s.asks)-1]]
		p.Spec.RestartFrom, p.Spec.RevertWindow, p.Spec.Drift = s.scene.restart, metav1.Duration{Duration: s.scene.window}, s.scene.drift
		if s.scene.users {
			p.Spec.Unit = v1alpha1.UnitUser
		}
		if s.scene.mac {
			p.Spec.Platforms = []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS}
		}
	}
	return out
}

func refs(names ...string) []v1alpha1.GroupRef {
	var out []v1alpha1.GroupRef
	for _, n := range names {
		out = append(out, v1alpha1.GroupRef{DisplayName: n})
	}
	return out
}

// policyOf is the policy for whose waves a ring is.
func (s *story) policyOf(ring int) string {
	if s.scene.second != "" && ring >= 2 {
		return second
	}
	return fastworld.PolicyName
}

// pool are those whom people may put into a group: managed Windows devices of the population, or their users.
func (s *story) pool() []string {
	devices := s.world.Oracle.Managed("Windows")
	if !s.scene.users {
		return devices
	}
	var out []string
	for _, d := range devices {
		if u := s.world.Oracle.Owner(d); u != "" {
			out = append(out, u)
		}
	}
	return out
}

// gate is the gate that waves begin with, and that people go back to in the end.
func (s *story) gate(name string) v1alpha1.Gate {
	g := s.world.Wave(name, rings[0]).Spec.Gate
	if s.random("gate of "+name).IntN(4) == 0 {
		g.Promote, g.Smoke = nil, &v1alpha1.SmokeTest{}
	}
	return g
}

// addWave adds a wave on the next ring, after another one or beside it.
func (s *story) addWave(r *rand.Rand) {
	ring := s.waves % len(rings)
	name := fmt.Sprintf("w%d", s.waves+1)
	wave := s.world.Wave(name, rings[ring])
	wave.Spec.PolicyRef.Name = s.policyOf(ring)
	s.waves++
	var others []*v1alpha1.PilotWave
	for _, w := range s.world.Waves() {
		if w.Spec.PolicyRef == wave.Spec.PolicyRef {
			others = append(others, w)
		}
	}
	if len(others) > 0 && r.IntN(3) > 0 {
		wave.Spec.DependsOn = []v1alpha1.WaveDependency{{Name: others[r.IntN(len(others))].Name}}
	}
	wave.Spec.Exposure.BatchSize = int32(2 + r.IntN(8))
	wave.Spec.Exposure.Interval = metav1.Duration{Duration: time.Duration(1+r.IntN(6)) * time.Hour}
	if r.IntN(3) == 0 {
		wave.Spec.Audience.Membership = v1alpha1.MembershipGrowing
	}
	if r.IntN(5) == 0 {
		wave.Spec.Audience.Slice = &v1alpha1.Slice{Percent: ptr.To(int32(75))}
	}
	wave.Spec.Gate = s.gate(name)
	if s.ending == bad || s.ending == badNext || r.IntN(2) == 0 {
		wave.Spec.OnFailure.Action = v1alpha1.FailureRollback
	}
	s.audiences[name] = *wave.Spec.Audience.DeepCopy()
	s.must(s.world.Apply(s.ctx, wave))
}
