// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// Whatever comes in: no panic, only finite numbers, a reason and a message of
// one line, the same by what is kept of the plan, and no verdict on bad input.
func FuzzEvaluate(f *testing.F) {
	f.Add(0.95, 0.95, 1, 0.05, 0.05, 3, 59, 0.9, -1, 100, 100, 93, 1, 100, 93, 92, 1, 0, 0)
	f.Add(0.90, 0.95, 4, 0.05, 0.05, 3, 50, 1.0, -1, 100, 60, 55, 2, 55, 55, 52, 2, 1, 50)
	f.Add(0.0, 0.0, 0, 0.0, 0.0, 0, 5, 1.0, 0, 10, 10, 10, 0, 10, 10, 10, 0, 0, 0)
	f.Add(math.NaN(), math.Inf(1), -1, math.NaN(), 0.0, 0, -5, math.Inf(-1), 0, -1, 1, 2, 3, 4, 5, 6, 7, 8, 1)
	f.Add(0.9999999, 0.9999999, 20, 1e-300, 1e-9, 1, 1, 1e-300, -1, 10000000, 10000000, 10000000, 5000000, 10000000, 10000000, 5000000, 5000000, 0, 2)
	f.Fuzz(func(t *testing.T, floor, confidence float64, looks int, tolerated, alpha float64, minFailures, minReports int, coverage float64, smoke int,
		eligible, exposed, seen, seenFailed, matured, reported, succeeded, failed, conflict int, deadline int,
	) {
		spec := Spec{
			Promote:    Promote{FloorRate: floor, Confidence: confidence, Looks: looks},
			Halt:       Halt{ToleratedFailureRate: tolerated, Alpha: alpha, MinFailures: minFailures},
			MinReports: minReports, MinCoverage: coverage,
		}
		if smoke >= 0 {
			spec.Smoke = &Smoke{MaxFailures: smoke}
		}
		c := Counts{
			Eligible: eligible, Exposed: exposed, Seen: seen, SeenFailed: seenFailed,
			Matured: matured, Reported: reported, Succeeded: succeeded, Failed: failed, Conflict: conflict,
		}
		p := NewPlan(spec, min(eligible, 2_000))
		r := Evaluate(p, c, deadline)
		values := reflect.ValueOf(r)
		for i := range values.NumField() {
			if field := values.Field(i); field.Kind() == reflect.Float64 && (math.IsNaN(field.Float()) || math.IsInf(field.Float(), 0)) {
				t.Errorf("%s is %v", values.Type().Field(i).Name, field.Float())
			}
		}
		if r.Verdict == "" || r.Reason == "" || r.Message == "" || strings.ContainsAny(r.Message, "\n\r") {
			t.Errorf("incomplete result: %+v", r)
		}
		if (spec.Validate() != nil || c.Validate() != nil || reported == 0 && seenFailed == 0) && r.Verdict != VerdictNoData {
			t.Errorf("%s(%s) without usable input", r.Verdict, r.Reason)
		}
		if kept := RestorePlan(spec, p.Audience, p.Start, p.Alpha, p.Shape); Evaluate(kept, c, deadline) != r {
			t.Errorf("another verdict by what is kept of the plan %+v", p)
		}
	})
}
