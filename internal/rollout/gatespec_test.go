// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestGateSpecErrors: each field that is wrong is named with its value and a remedy.
func TestGateSpecErrors(t *testing.T) {
	for _, tt := range []struct {
		change func(*v1alpha1.Gate)
		parts  []string
	}{
		{func(g *v1alpha1.Gate) { g.Promote.FloorRate = "95 %" }, []string{"gate.promote.floorRate", `"95 %"`, `"0.95"`}},
		{func(g *v1alpha1.Gate) { g.Promote.FloorRate = "" }, []string{"gate.promote.floorRate", `""`, `"0.95"`}},
		{func(g *v1alpha1.Gate) { g.Promote.Confidence = "high" }, []string{"gate.promote.confidence", `"high"`, `"0.95"`}},
		{func(g *v1alpha1.Gate) { g.Halt.Alpha = "0,05" }, []string{"gate.halt.alpha", `"0,05"`}},
		{func(g *v1alpha1.Gate) { g.Halt.ToleratedFailureRate = "few" }, []string{"gate.halt.toleratedFailureRate", `"few"`}},
		{func(g *v1alpha1.Gate) { g.Promote.FloorRate = "1.5" }, []string{"gate", "promote.floorRate", "1.5", "0.95"}},
		{func(g *v1alpha1.Gate) { g.Promote.FloorRate = "NaN" }, []string{"promote.floorRate", "NaN"}},
		{func(g *v1alpha1.Gate) { g.Promote.Confidence = "0.4" }, []string{"promote.confidence", "0.4"}},
		{func(g *v1alpha1.Gate) { g.Promote.Looks = 99 }, []string{"promote.looks", "99"}},
		{func(g *v1alpha1.Gate) { g.Promote = nil }, []string{"promote", "smoke"}},
		{func(g *v1alpha1.Gate) { g.Smoke = &v1alpha1.SmokeTest{} }, []string{"promote", "smoke", "keep one"}},
		{func(g *v1alpha1.Gate) { g.Coverage.MinPercent = 140 }, []string{"minCoverage", "1.4"}},
		{func(g *v1alpha1.Gate) { g.Coverage.MinReports = 0 }, []string{"minReports", "0"}},
		{func(g *v1alpha1.Gate) { g.Halt.MinFailures = 0 }, []string{"halt.minFailures", "0"}},
	} {
		spec := judgedBy("0.95")
		tt.change(&spec.Gate)
		_, err := GateSpec(&spec.Gate)
		for _, part := range tt.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("want %q in: %v", part, err)
			}
		}
		if _, judged := Judge(trial{spec: spec, devices: devices(good, 1)}.evidence()); judged == nil || err == nil || judged.Error() != err.Error() {
			t.Errorf("Judge says %v", judged)
		}
		if reason, message, ok := Reachable(&spec.Gate, 100); ok || reason != v1alpha1.ReasonInvalid || err != nil && message != err.Error() {
			t.Errorf("Reachable says %v %s %q", ok, reason, message)
		}
	}
	got, err := GateSpec(&judgedBy("0.95").Gate)
	if err != nil || got.MinCoverage != 0.9 || got.Halt.Alpha != 0.05 || got.Promote.FloorRate != 0.95 || got.Promote.Confidence != 0.95 || got.Halt.MinFailures != 3 || got.Smoke != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestGateHash: it is the same in every process and every release that has the same fields; each field changes it.
func TestGateHash(t *testing.T) {
	const fixed = "sha256:5456ececb4326ee0169a75776397e64fab7ac19cd1a077359006c402240ec9e5"
	base := judgedBy("0.95").Gate
	if got := GateHash(&base); got != fixed {
		t.Errorf("the hash of an unchanged gate is %s, it was %s: every wave would look changed after an upgrade", got, fixed)
	}
	seen := map[string]int{GateHash(&base): -1}
	for i, change := range []func(*v1alpha1.Gate){
		func(g *v1alpha1.Gate) { g.Bake = hours(1) }, func(g *v1alpha1.Gate) { g.Maturity = hours(1) }, func(g *v1alpha1.Gate) { g.Deadline = hours(1) },
		func(g *v1alpha1.Gate) { g.MaxTelemetryAge = hours(1) }, func(g *v1alpha1.Gate) { g.Coverage.MinReports = 7 },
		func(g *v1alpha1.Gate) { g.Coverage.MinPercent = 7 }, func(g *v1alpha1.Gate) { g.Promote.FloorRate = "0.7" },
		func(g *v1alpha1.Gate) { g.Promote.Confidence = "0.7" }, func(g *v1alpha1.Gate) { g.Promote.Looks = 7 },
		func(g *v1alpha1.Gate) { g.Halt.Alpha = "0.07" }, func(g *v1alpha1.Gate) { g.Halt.MinFailures = 7 },
		func(g *v1alpha1.Gate) { g.Halt.ToleratedFailureRate = "0.07" },
		func(g *v1alpha1.Gate) { g.Promote, g.Smoke = nil, &v1alpha1.SmokeTest{} },
		func(g *v1alpha1.Gate) { g.Promote, g.Smoke = nil, &v1alpha1.SmokeTest{MaxFailures: 7} },
	} {
		g := *base.DeepCopy()
		change(&g)
		h := GateHash(&g)
		if twin, ok := seen[h]; ok {
			t.Errorf("change %d has the hash of %d", i, twin)
		}
		seen[h] = i
	}
}

// TestReachable is gate F2: 50 clean devices prove 0.942, so that a floor of 0.95 asks for 59.
func TestReachable(t *testing.T) {
	gate := &judgedBy("0.95").Gate
	reason, message, ok := Reachable(gate, 50)
	t.Log(message)
	if ok || reason != v1alpha1.ReasonAudienceTooSmall {
		t.Errorf("%v %s", ok, reason)
	}
	for _, part := range []string{"50 devices are eligible", "0.9418", "gate.promote.floorRate asks for 0.95", "needs 59 devices", "enlarge the audience or lower the floor"} {
		if !strings.Contains(message, part) {
			t.Errorf("want %q in %q", part, message)
		}
	}
	for n, want := range map[int]bool{0: false, 58: false, 59: true, 1000: true} {
		if _, _, ok := Reachable(gate, n); ok != want {
			t.Errorf("%d devices: %v", n, ok)
		}
	}
	gate.Coverage.MinReports = 80
	if reason, message, ok := Reachable(gate, 70); ok || reason != v1alpha1.ReasonAudienceTooSmall || !strings.Contains(message, "gate.coverage.minReports asks for 80") {
		t.Errorf("%v %s %q", ok, reason, message)
	}
	smoke := smokeOf(0).Gate
	smoke.Coverage.MinReports = 5
	if _, message, ok := Reachable(&smoke, 4); ok || !strings.Contains(message, "asks for 5") {
		t.Errorf("%v %q", ok, message)
	}
	if reason, message, ok := Reachable(&smoke, 5); !ok || reason+message != "" {
		t.Errorf("%v %s %q", ok, reason, message)
	}
}

// TestFresh: a reading of exactly the largest age may be decided on, an older one may not, nor one from the future, beyond what
// clocks may differ.
func TestFresh(t *testing.T) {
	gate := &v1alpha1.Gate{MaxTelemetryAge: hours(26)}
	for h, want := range map[float64]bool{0: true, 26: true, 26 + 1./3600: false, -1. / 6: true, -1./6 - 1./3600: false, -720: false} {
		if got := Fresh(epoch, hour(h), gate); got != want {
			t.Errorf("%v hours: %v", h, got)
		}
	}
}
