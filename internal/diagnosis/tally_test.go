// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis_test

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/gate"
)

var (
	readAt    = time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)
	waveRules = diagnosis.Rules{
		Windows: "10.0.22621", MacOS: "13", Edge: "145", Encryption: v1alpha1.EncryptionRequire,
		MaxOffline: 168 * time.Hour, Maturity: 48 * time.Hour, Skew: diagnosis.DefaultSkew,
		Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}, AsOf: readAt,
	}
)

// device is one that is healthy and was exposed 72 hours before the reading.
func device(change func(*diagnosis.Facts)) diagnosis.Facts {
	f := diagnosis.Facts{
		Managed: true, ManagementAgent: "mdm", ManagementState: "managed", Account: diagnosis.AccountEnabled, OperatingSystem: "Windows", OSVersion: "10.0.26100.1", EdgeVersion: "145.0.1.1",
		Encrypted: true, EncryptionKnown: true, LastSync: readAt.Add(-time.Hour), ExposedAt: readAt.Add(-72 * time.Hour),
	}
	change(&f)
	return f
}

func reports(status int) func(*diagnosis.Facts) {
	return func(f *diagnosis.Facts) {
		f.Report = &diagnosis.Report{At: readAt.Add(-24 * time.Hour), Status: status}
	}
}

func counts(t *diagnosis.Tally) gate.Counts {
	return gate.Counts{
		Eligible: t.Eligible, Exposed: t.Exposed, Seen: t.Seen, SeenFailed: t.SeenFailed, Matured: t.Matured,
		Reported: t.Reported, Succeeded: t.Succeeded, Failed: t.Failed, Conflict: t.Conflict, Unexplained: t.Unexplained,
		NotApplicable: t.NotApplicable, Recovered: t.Recovered,
	}
}

// Scenario 12 (gate F): 100 exposed, 70 reported, 68 of them well, 30 simply off line.
func TestScenario12_OfflineIsNotFailed(t *testing.T) {
	var tally diagnosis.Tally
	add := func(n int, change func(*diagnosis.Facts)) {
		for range n {
			tally.Add(diagnosis.Judge(device(change), waveRules), fmt.Sprintf("PC-%03d", tally.Eligible))
		}
	}
	add(68, reports(diagnosis.StatusSucceeded))
	add(2, reports(diagnosis.StatusError))
	add(18, func(f *diagnosis.Facts) { f.LastSync = f.ExposedAt.Add(-5 * time.Hour) })
	add(12, func(f *diagnosis.Facts) { f.LastSync = f.ExposedAt.Add(-170 * time.Hour) })

	got := counts(&tally)
	want := gate.Counts{Eligible: 100, Exposed: 100, Seen: 70, SeenFailed: 2, Matured: 100, Reported: 70, Succeeded: 68, Failed: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(v1alpha1.DeviceCounts{Succeeded: 68, Failed: 2, Dark: 18, Stale: 12}, tally.Counts()); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if tally.Dark != 18 || tally.Unreported() != 30 {
		t.Errorf("dark %d, unreported %d; want 18 and 30", tally.Dark, tally.Unreported())
	}
	r := gate.Evaluate(gate.NewPlan(gate.Spec{
		Promote:    gate.Promote{FloorRate: 0.9, Confidence: 0.95, Looks: 1},
		Halt:       gate.Halt{ToleratedFailureRate: 0.05, Alpha: 0.05, MinFailures: 3},
		MinReports: 1, MinCoverage: 0.9,
	}, 100), got, 0)
	if text := fmt.Sprintf("%s %s %.3f %.3f %.3f", r.Verdict, r.Reason, r.Observed, r.WorstCase, r.BestCase); text != "Wait CoverageBelowMinimum 0.971 0.680 0.980" {
		t.Errorf("the gate says %s", text)
	}
}

// TestNotApplicable: a device on which nothing applies had no chance to fail. One that misses a prerequisite proves nothing; of the
// others it is a result that is no success, once they are matured. The audience stays as it is.
func TestNotApplicable(t *testing.T) {
	for name, c := range map[string]struct {
		change                         func(*diagnosis.Facts)
		matured, reported, unexplained int
	}{
		"unexplained":       {func(*diagnosis.Facts) {}, 2, 2, 1},
		"Edge is too old":   {func(f *diagnosis.Facts) { f.EdgeVersion = "120.0" }, 1, 1, 0},
		"Edge is not known": {func(f *diagnosis.Facts) { f.EdgeVersion = "" }, 2, 2, 1},
		"not matured":       {func(f *diagnosis.Facts) { f.ExposedAt = readAt.Add(-47 * time.Hour) }, 1, 1, 0},
	} {
		var tally diagnosis.Tally
		tally.Add(diagnosis.Judge(device(reports(diagnosis.StatusSucceeded)), waveRules), "a")
		f := device(reports(diagnosis.StatusNotApplicable))
		c.change(&f)
		tally.Add(diagnosis.Judge(f, waveRules), "b")
		want := gate.Counts{Eligible: 2, Exposed: 2, Seen: 1, Matured: c.matured, Reported: c.reported, Succeeded: 1, Unexplained: c.unexplained, NotApplicable: 1}
		if diff := cmp.Diff(want, counts(&tally)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if tally.Counts().NotApplicable != 1 || tally.Unreported() != 0 {
			t.Errorf("%s: in status %d, unreported %d", name, tally.Counts().NotApplicable, tally.Unreported())
		}
	}
}

// Whatever the devices say, the gate never finds the numbers contradictory, each device has one outcome, and the order
// in which they are read changes nothing.
func TestTallyIsAlwaysSoundEvidence(t *testing.T) {
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed))
		n := r.Intn(200)
		outcomes := make([]diagnosis.Outcome, n)
		names := make([]string, n)
		for i := range n {
			outcomes[i] = diagnosis.Judge(device(func(f *diagnosis.Facts) { scramble(r, f) }), waveRules)
			names[i] = fmt.Sprintf("PC-%03d", i)
		}
		var forward, shuffled diagnosis.Tally
		for i := range n {
			forward.Add(outcomes[i], names[i])
		}
		for _, i := range r.Perm(n) {
			shuffled.Add(outcomes[i], names[i])
		}
		if err := counts(&forward).Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		c := forward.Counts()
		if sum := c.Pending + c.Exposed + c.Seen + c.Succeeded + c.Failed + c.Conflict + c.NotApplicable + c.Stale + c.Dark; int(sum) != n {
			t.Fatalf("seed %d: %d devices have %d outcomes", seed, n, sum)
		}
		if forward.Eligible != n {
			t.Fatalf("seed %d: %d eligible of %d", seed, forward.Eligible, n)
		}
		if diff := cmp.Diff(forward.Findings(), shuffled.Findings()); diff != "" || counts(&forward) != counts(&shuffled) {
			t.Fatalf("seed %d: the order of devices matters:\n%s", seed, diff)
		}
	}
}

func scramble(r *rand.Rand, f *diagnosis.Facts) {
	hours := func(from, to int) time.Duration { return time.Duration(from+r.Intn(to-from)) * time.Hour }
	f.LastSync = readAt.Add(-hours(0, 400))
	f.ExposedAt = readAt.Add(-hours(-10, 400))
	if r.Intn(6) == 0 {
		f.ExposedAt = time.Time{}
	}
	if r.Intn(3) > 0 {
		f.Report = &diagnosis.Report{At: readAt.Add(-hours(-50, 400)), Status: r.Intn(9)}
	}
	f.Managed = r.Intn(15) > 0
}

func TestFindings(t *testing.T) {
	var tally diagnosis.Tally
	if got := tally.Findings(); len(got) != 0 {
		t.Errorf("an empty tally has findings %v", got)
	}
	add := func(name string, change func(*diagnosis.Facts)) {
		tally.Add(diagnosis.Judge(device(change), waveRules), name)
	}
	for _, name := range []string{"e7", "e3", "e1", "e6", "e2", "e5", "e4", ""} {
		add(name, reports(diagnosis.StatusError))
	}
	add("c1", reports(diagnosis.StatusConflict))
	add("n1", func(*diagnosis.Facts) {})
	add("ok", reports(diagnosis.StatusSucceeded))
	want := []v1alpha1.Finding{
		{Mode: "F3", Reason: diagnosis.ReasonPolicyError, Count: 8, Samples: []string{"e1", "e2", "e3", "e4", "e5"}, Runbook: diagnosis.Runbook(diagnosis.ReasonPolicyError)},
		{Mode: "F2", Reason: diagnosis.ReasonNoResult, Count: 1, Samples: []string{"n1"}, Runbook: diagnosis.Runbook(diagnosis.ReasonNoResult)},
		{Mode: "F3", Reason: diagnosis.ReasonPolicyConflict, Count: 1, Samples: []string{"c1"}, Runbook: diagnosis.Runbook(diagnosis.ReasonPolicyConflict)},
	}
	if diff := cmp.Diff(want, tally.Findings()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	tally.Findings()[0].Samples[0] = "changed by the caller"
	if diff := cmp.Diff(want, tally.Findings()); diff != "" {
		t.Errorf("a caller can change the tally:\n%s", diff)
	}
}

func BenchmarkJudgeAndTally(b *testing.B) {
	f := device(reports(diagnosis.StatusSucceeded))
	f.Name = "PC-001"
	var tally diagnosis.Tally
	b.ReportAllocs()
	for b.Loop() {
		tally.Add(diagnosis.Judge(f, waveRules), f.Name)
	}
}
