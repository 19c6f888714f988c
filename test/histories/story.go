// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/fastworld"
)

// ending is how the devices take the payload, for ever.
type ending string

// The endings.
const (
	healthy ending = "healthy" // every device applies it and says so
	bad     ending = "bad"     // every device fails on it
	badNext ending = "badNext" // every device fails on each payload but the first
	silent  ending = "silent"  // every device checks in, and no report comes
)

// tale is one history: what it is made of.
type tale struct {
	seed   uint64
	ending ending
	// actors that take part; nil: those that the seed draws.
	actors []string
	// rounds before the end; 0: as many as the seed draws.
	rounds int
	trace  bool
}

// story is a tale under way.
type story struct {
	tale
	ctx   context.Context
	world *fastworld.World
	// asks are the payloads that the policy has asked for so far.
	asks []int
	// round counts.
	round int
	// scenario is what the tenant goes back to in the end.
	scenario tenantsim.Scenario
	// offline is the share of the devices that are off line, and breaks says that they fail on the payload for now.
	offline float64
	breaks  bool
	scene   scene
	waves   int
	// audiences are those that waves began with, by name: people go back to them in the end.
	audiences map[string]v1alpha1.Audience
	// generation counts the newer definitions in the catalog.
	generation int
}

// random is the chance of one actor in one round. It does not depend on who else takes part.
func (s *story) random(what string) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, s.seed, "/", s.round, "/", what) // a hash takes everything
	return rand.New(rand.NewPCG(h.Sum64(), 3))
}

// drawn fills in what the tale leaves to its seed.
func (t tale) drawn() tale {
	r := rand.New(rand.NewPCG(t.seed, 4))
	endings := []ending{healthy, healthy, healthy, bad, badNext, silent}
	if e := endings[r.IntN(len(endings))]; t.ending == "" {
		t.ending = e
	}
	rounds := 6 + r.IntN(20)
	if t.rounds == 0 {
		t.rounds = rounds
	}
	var actors []string
	for _, a := range allActors {
		if r.Float64() < a.share {
			actors = append(actors, a.name)
		}
	}
	if t.actors == nil {
		t.actors = actors
	}
	return t
}

// String is how to tell it again.
func (t tale) String() string {
	out := fmt.Sprintf("-seed %d -ending %s -rounds %d -actors ", t.seed, t.ending, t.rounds)
	for i, a := range t.actors {
		if i > 0 {
			out += ","
		}
		out += a
	}
	return out
}

const (
	ringSize = 8
	vip      = "VIP"
)

// rings are the groups that waves are for.
var rings = []string{"Ring A", "Ring B", "Ring C", "Ring D"}

// begin makes the world of a tale.
func begin(t testing.TB, tl tale) *story {
	t.Helper()
	s := &story{tale: tl.drawn(), ctx: t.Context(), asks: []int{0}, audiences: map[string]v1alpha1.Audience{}}
	s.scene = drawScene(s.seed, s.ending)
	s.scenario = s.calm()
	s.world = fastworld.New(t, fastworld.Options{Seed: s.seed, Devices: 60, Catalog: s.scene.catalog(), Scenario: s.scenario, Trace: s.trace})
	s.world.Slow = s.scene.slow
	s.world.Tell("%s", s.scene)
	r := s.random("begin")
	s.important(r)
	s.must(s.world.Apply(s.ctx, s.world.Tenant()))
	excludes := r.IntN(3) == 0
	for _, policy := range s.policies() {
		if excludes {
			policy.Spec.Population.Exclude = refs(vip)
			s.world.Oracle.Excluded(s.world.Oracle.Members(vip)...)
		}
		s.must(s.world.Apply(s.ctx, policy))
	}
	for range 2 + r.IntN(2) + len(s.scene.second)/5 { // with a second policy, both have waves
		s.addWave(r)
	}
	return s
}

// calm is a tenant whose devices are all fit and in contact, and that behaves as the ending says.
func (s *story) calm() tenantsim.Scenario {
	none := func() *float64 { return ptr.To(0.0) }
	sc := tenantsim.Scenario{Groups: s.scene.groups()}
	sc.StalePercent, sc.NeverPercent, sc.UnenrolledPercent = none(), none(), none()
	sc.MissingPrerequisitePercent, sc.UnencryptedPercent, sc.OfficeHoursPercent = none(), none(), none()
	sc.Churn, sc.Throttle = tenantsim.NoChurn(), &tenantsim.Throttle{} // refusals are drawn by what is asked, see fastworld.Faults
	rule := func(definition, value string, outcome tenantsim.Outcome) {
		sc.Rules = append(sc.Rules, tenantsim.Rule{Name: string(s.ending) + " " + definition, DevicesPercent: 100, Definition: definition, Value: value, Outcome: outcome})
	}
	passkeys := func(outcome tenantsim.Outcome) { // on Windows and on macOS
		rule("passkeysenabled", "_1", outcome)
		rule("passkeysenabled", "_true", outcome)
	}
	switch s.ending {
	case bad:
		passkeys(tenantsim.OutcomeError)
	case badNext:
		rule("passkeybackupstoragelocation", "", tenantsim.OutcomeError)
		rule("passkeysyncscope", "", tenantsim.OutcomeError)
	case silent:
		passkeys(tenantsim.OutcomePending)
	}
	return sc
}

// broken is a mistake of the history itself, not of the product.
type broken struct{ err error }

func (s *story) must(err error) {
	if err != nil {
		panic(broken{err})
	}
}

// tell lives through the rounds. It ends early when a promise is broken.
func (s *story) tell() {
	for s.round = 1; s.round <= s.rounds && !s.over(); s.round++ {
		for _, a := range allActors {
			if !slices.Contains(s.actors, a.name) {
				continue
			}
			if r := s.random(a.name); r.Float64() < a.chance {
				s.world.Tell("--- %s", a.name)
				a.act(s, r)
			}
		}
		s.pass(s.random("time"))
	}
}

// over says that there is no need to go on.
func (s *story) over() bool {
	if s.world.Steps > tooLong {
		s.world.Oracle.Broke("LONG", "the story does not end: %s", s.stand())
	}
	return len(s.world.Oracle.Violations) > 0
}

// tooLong is more reconciles than any story needs.
const tooLong = 6000

// pass lets some time pass: moments, minutes, hours or a day, and now and then looks at an object that nothing woke.
func (s *story) pass(r *rand.Rand) {
	spans := []time.Duration{time.Second, time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 30 * time.Hour}
	span := time.Duration(float64(spans[r.IntN(len(spans))]) * (0.5 + r.Float64()))
	if keys := s.world.Keys(); r.IntN(3) == 0 && len(keys) > 0 {
		s.must(s.world.Step(s.ctx, keys[r.IntN(len(keys))]))
	}
	most := s.world.Steps + 60
	_, err := s.world.Run(s.ctx, span, func() bool { return s.over() || s.world.Steps > most })
	s.must(err)
}
