// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"strings"
	"testing"
)

func TestSpecValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*Spec)
		want []string // what the error must mention; none means valid
	}{
		{"pilot", func(*Spec) {}, nil},
		{"smoke", func(s *Spec) { s.Promote, s.Smoke = Promote{}, &Smoke{} }, nil},
		{"smoke without halt test", func(s *Spec) { s.Promote, s.Smoke, s.Halt = Promote{}, &Smoke{}, Halt{} }, nil},
		{"nothing tolerated", func(s *Spec) { s.Halt.ToleratedFailureRate = 0 }, nil},
		{"neither promote nor smoke", func(s *Spec) { s.Promote = Promote{} }, []string{"promote: not set", "smoke"}},
		{"both promote and smoke", func(s *Spec) { s.Smoke = &Smoke{} }, []string{"promote: set", "0.95", "keep one"}},
		{"percent as floor", func(s *Spec) { s.Promote.FloorRate = 95 }, []string{"promote.floorRate: 95", "such as 0.95"}},
		{"floor of one", func(s *Spec) { s.Promote.FloorRate = 1 }, []string{"promote.floorRate: 1", "smoke"}},
		{"floor of zero", func(s *Spec) { s.Promote.FloorRate = 0 }, []string{"promote.floorRate: 0"}},
		{"floor not a number", func(s *Spec) { s.Promote.FloorRate = math.NaN() }, []string{"promote.floorRate: NaN"}},
		{"floor beyond any fleet", func(s *Spec) { s.Promote.FloorRate = 1 - 1e-9 }, []string{"promote.floorRate: 0.999999999", "lower rate"}},
		{"confidence", func(s *Spec) { s.Promote.Confidence = 1 }, []string{"promote.confidence: 1", "such as 0.95"}},
		{"significance as confidence", func(s *Spec) { s.Promote.Confidence = 0.05 }, []string{"promote.confidence: 0.05"}},
		{"no look", func(s *Spec) { s.Promote.Looks = 0 }, []string{"promote.looks: 0", "1 to 20"}},
		{"too many looks", func(s *Spec) { s.Promote.Looks = 21 }, []string{"promote.looks: 21"}},
		{"no halt test beside promote", func(s *Spec) { s.Halt = Halt{} }, []string{"halt.alpha: 0", "halt.minFailures: 0"}},
		{"tolerated rate of one", func(s *Spec) { s.Halt.ToleratedFailureRate = 1 }, []string{"halt.toleratedFailureRate: 1"}},
		{"halt alpha", func(s *Spec) { s.Halt.Alpha = 0.95 }, []string{"halt.alpha: 0.95", "such as 0.05"}},
		{"halt without failure", func(s *Spec) { s.Halt.MinFailures = 0 }, []string{"halt.minFailures: 0"}},
		{"bad halt beside smoke", func(s *Spec) { s.Promote, s.Smoke, s.Halt.Alpha = Promote{}, &Smoke{}, 2 }, []string{"halt.alpha: 2"}},
		{"negative smoke limit", func(s *Spec) { s.Promote, s.Smoke = Promote{}, &Smoke{MaxFailures: -1} }, []string{"smoke.maxFailures: -1"}},
		{"no reports", func(s *Spec) { s.MinReports = 0 }, []string{"minReports: 0"}},
		{"percent as coverage", func(s *Spec) { s.MinCoverage = 90 }, []string{"minCoverage: 90", "such as 0.9"}},
		{"no coverage", func(s *Spec) { s.MinCoverage = 0 }, []string{"minCoverage: 0"}},
		{"all at once", func(s *Spec) { s.MinReports, s.MinCoverage = -1, -1 }, []string{"minReports: -1", "minCoverage: -1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := pilot()
			tc.edit(&spec)
			checkError(t, spec.Validate(), tc.want)
			if r := judged(spec, counts(95, 95, 0)); (r.Reason == ReasonInvalidSpec) != (tc.want != nil) {
				t.Errorf("Evaluate gives %s(%s) for it", r.Verdict, r.Reason)
			}
		})
	}
}

func TestCountsValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*Counts)
		want []string
	}{
		{"consistent", func(*Counts) {}, nil},
		{"empty", func(c *Counts) { *c = Counts{} }, nil},
		{"negative", func(c *Counts) { c.Conflict, c.Succeeded = -1, c.Succeeded+1 }, []string{"conflict: -1"}},
		{"exposed outside of the audience (P2)", func(c *Counts) { c.Eligible = 99 }, []string{"exposed: 100", "0 to 99", "eligible"}},
		{"seen but not exposed", func(c *Counts) { c.Seen = 101 }, []string{"seen: 101", "exposed"}},
		{"failed but not seen", func(c *Counts) { c.SeenFailed = 1 }, []string{"failed: 2", "seenFailed"}},
		{"reported but not seen", func(c *Counts) { c.Seen = 60 }, []string{"reported: 90", "seen"}},
		{"more reports than matured devices", func(c *Counts) { c.Matured = 80 }, []string{"reported: 90", "matured"}},
		{"outcomes do not add up", func(c *Counts) { c.Succeeded-- }, []string{"reported: 90", "sum", "89"}},
		{"beyond any fleet", func(c *Counts) { c.Eligible = MaxDevices + 1 }, []string{"eligible: 10000001"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := counts(100, 90, 2)
			tc.edit(&c)
			checkError(t, c.Validate(), tc.want)
			if r := judged(pilot(), c); (r.Reason == ReasonInvalidEvidence) != (tc.want != nil) {
				t.Errorf("Evaluate gives %s(%s) for it", r.Verdict, r.Reason)
			}
		})
	}
}

func checkError(t *testing.T, err error, want []string) {
	t.Helper()
	if want == nil {
		if err != nil {
			t.Fatalf("unexpected error: %v", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("no error, want one about %q", want)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not mention %q", err, part)
		}
	}
}
