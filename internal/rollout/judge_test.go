// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// How a device of a trial stands at hour 72, exposed at hour 0 or not at all.
type standing int

const (
	unexposed standing = iota
	good
	failing
	conflicting
	notApplicable
	zero    // a report row without a result, as a legacy overview has for every device
	quiet   // checks in and has no row
	offline // not seen since hour -1
)

// trial is the evidence of one attempt, built from how each device stands.
type trial struct {
	spec    *v1alpha1.PilotWaveSpec
	devices []standing
	exposed float64 // hour of exposure
	attempt int32
	payload string
}

func device(i int) audience.ID {
	var id audience.ID
	binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
	return id
}

// enrolled is a device in its first enrolment, or in a later one.
func enrolled(i, again int) audience.Enrolment {
	return audience.EnrolmentOf(device(i), device(i), hour(-1000).Add(time.Duration(again)*100*time.Hour))
}

// devices repeats standings: devices(good, 91, failing, 1).
func devices(pairs ...any) []standing {
	var out []standing
	for i := 0; i < len(pairs); i += 2 {
		s, _ := pairs[i].(standing)
		n, _ := pairs[i+1].(int)
		out = append(out, slices.Repeat([]standing{s}, n)...)
	}
	return out
}

// judge takes the trial the whole way: facts, diagnosis, tally, gate, row.
func (tr trial) judge(t *testing.T) Judgement {
	t.Helper()
	j, err := Judge(tr.evidence())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (tr trial) evidence() Case {
	asOf := hour(72)
	l := audience.Ledger{Header: audience.Header{Attempt: max(1, tr.attempt), PayloadHash: "sha256:" + tr.payload}}
	facts := map[audience.ID]diagnosis.Facts{}
	for i, s := range tr.devices {
		e := audience.Entry{ID: device(i)}
		if s != unexposed {
			e.AskedAt = audience.StampOf(hour(tr.exposed))
			e.ConfirmedAt = e.AskedAt
		}
		l.Entries = append(l.Entries, e)
		facts[e.ID] = factsOf(s, i, asOf)
	}
	return Case{
		Gate: &tr.spec.Gate, Ledger: &l,
		Rules: diagnosis.Rules{
			Windows: "10.0.22621", MacOS: "13", Edge: "145", Encryption: v1alpha1.EncryptionRequire, MaxOffline: 168 * time.Hour,
			Skew: diagnosis.DefaultSkew, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}, AsOf: asOf,
		},
		Unit:  v1alpha1.UnitDevice,
		Facts: func(id audience.ID) []diagnosis.Facts { return []diagnosis.Facts{facts[id]} },
	}
}

func factsOf(s standing, i int, asOf time.Time) diagnosis.Facts {
	f := diagnosis.Facts{
		Name: fmt.Sprintf("pc-%03d", i), Enrolment: enrolled(i, 0), Managed: true, ManagementAgent: "mdm", ManagementState: "managed", Account: diagnosis.AccountEnabled, OperatingSystem: "Windows", OSVersion: "10.0.22631.1",
		EdgeVersion: "145.0.1.1", Encrypted: true, EncryptionKnown: true, LastSync: asOf.Add(-time.Hour),
	}
	code := map[standing]int{
		good: diagnosis.StatusSucceeded, failing: diagnosis.StatusError, conflicting: diagnosis.StatusConflict,
		notApplicable: diagnosis.StatusNotApplicable, zero: diagnosis.StatusUnknown,
	}
	if c, ok := code[s]; ok {
		f.Report = &diagnosis.Report{At: asOf.Add(-2 * time.Hour), Status: c}
	}
	if s == offline {
		f.LastSync = hour(-1)
	}
	return f
}

// judged is a spec with the defaults of the API and a floor to prove.
func judgedBy(floor string) *v1alpha1.PilotWaveSpec {
	s := timed()
	s.Gate.Coverage = v1alpha1.Coverage{MinReports: 1, MinPercent: 90, MaxNotApplicablePercent: ptr.To[int32](10)}
	s.Gate.Halt = v1alpha1.HaltTest{ToleratedFailureRate: "0.05", Alpha: "0.05", MinFailures: 3}
	s.Gate.Promote = &v1alpha1.PromoteTest{FloorRate: floor, Confidence: "0.95", Looks: 1}
	return s
}

func smokeOf(maxFailures int32) *v1alpha1.PilotWaveSpec {
	s := judgedBy("0.95")
	s.Gate.Promote, s.Gate.Smoke = nil, &v1alpha1.SmokeTest{MaxFailures: maxFailures}
	return s
}

// TestBoundaryPromote is gate F1: of 92 reports one failed, which proves 0.9495 and needs 93; the 93rd success proves
// 0.9500.
func TestBoundaryPromote(t *testing.T) {
	spec := judgedBy("0.95")
	spec.Gate.Coverage.MinPercent = 100
	before := trial{spec: spec, devices: devices(good, 91, failing, 1, unexposed, 1)}.judge(t)
	t.Logf("n=%d k=%d observed %s bound %s: %s", before.Row.N, before.Row.K, before.Row.Observed, before.Row.LowerBound, before.Message)
	if before.State != EvidenceWait || before.Row.N != 92 || before.Row.K != 1 || before.Row.LowerBound != "0.9495" || !strings.Contains(before.Message, "next look at 93") {
		t.Errorf("92 reports: %s %+v %q", before.State, before.Row, before.Message)
	}
	after := trial{spec: spec, devices: devices(good, 92, failing, 1)}.judge(t)
	t.Logf("n=%d k=%d observed %s bound %s: %s", after.Row.N, after.Row.K, after.Row.Observed, after.Row.LowerBound, after.Message)
	if after.State != EvidencePass || after.Row.N != 93 || after.Row.LowerBound != "0.9500" || after.Row.Verdict != v1alpha1.VerdictPass || after.Row.LookAt != 93 || after.Row.AllowedFailures != 1 {
		t.Errorf("93 reports: %s %+v %q", after.State, after.Row, after.Message)
	}
	covered := trial{spec: judgedBy("0.95"), devices: devices(good, 93, quiet, 7)}.judge(t)
	if r := covered.Row; r.Floor != "0.9500" || r.Coverage != "0.9300" || r.WorstCase != "0.9300" || r.BestCase != "1.0000" || r.Metric != "delivered" {
		t.Errorf("%+v", r)
	}
}

// TestPromise04_ZeroReports is gate F3: 80 devices, and rows of zeros for all of them. That is no data: no pass, no
// halt, no failure.
func TestPromise04_ZeroReports(t *testing.T) {
	for name, s := range map[string]standing{"all zero": zero, "no rows": quiet, "all offline": offline} {
		for _, spec := range []*v1alpha1.PilotWaveSpec{judgedBy("0.80"), smokeOf(0)} {
			j := trial{spec: spec, devices: devices(s, 80)}.judge(t)
			d := j.Devices
			if j.State != EvidenceNoData || j.Row.Verdict != v1alpha1.VerdictNoData || d.Failed+d.Conflict+d.Succeeded != 0 || j.Row.K != 0 || j.Row.N != 0 || j.Unreported != 80 {
				t.Errorf("%s: %s %+v %+v", name, j.State, j.Row, d)
			}
		}
	}
	// Nobody is matured yet: that is waiting, not the absence of data.
	young := trial{spec: judgedBy("0.80"), devices: devices(quiet, 80), exposed: 71}.judge(t)
	if young.State != EvidenceWait || young.Row.Verdict != v1alpha1.VerdictNoData {
		t.Errorf("nobody is matured: %s %+v", young.State, young.Row)
	}
	if none := (trial{spec: judgedBy("0.80"), devices: devices(unexposed, 80)}).judge(t); none.State != EvidenceWait || none.Unreported != 0 || none.Devices.Pending != 80 {
		t.Errorf("nobody is exposed: %s %+v", none.State, none.Devices)
	}
}

// eValue is the evidence of gate D4.5 by plain numeric integration: Beta(1,4) truncated to rates above the tolerated.
func eValue(n, k int, tolerated float64) float64 {
	const steps = 200_000
	prior := func(x float64) float64 { return math.Pow(1-x, 3) }
	likelihood := func(x float64) float64 {
		return math.Exp(float64(k)*math.Log(x/tolerated) + float64(n-k)*math.Log((1-x)/(1-tolerated)))
	}
	var with, without float64
	width := (1 - tolerated) / steps
	for i := range steps {
		x := tolerated + (float64(i)+0.5)*width
		with += prior(x) * likelihood(x)
		without += prior(x)
	}
	return with / without
}

// TestHalt is gate F6 and F9 (without a control group): when reported failures stop a wave, matured or not.
func TestHalt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		seen, k int
		want    EvidenceState
		e       string
	}{
		{"3 of 10", 10, 3, EvidenceWait, "13.99"},
		{"4 of 12", 12, 4, EvidenceHalt, "54.18"},
		{"12 of 60", 60, 12, EvidenceHalt, "1381.50"},
		{"2 of 2: fewer than minFailures", 2, 2, EvidenceWait, ""},
		{"3 of 60: as tolerated", 60, 3, EvidenceWait, ""},
	} {
		// Reports of 2 hours ago on devices exposed an hour before that: nobody is matured, and halt does not wait for it.
		j := trial{spec: judgedBy("0.80"), devices: devices(failing, tt.k, good, tt.seen-tt.k, unexposed, 40), exposed: 69}.judge(t)
		want := eValue(tt.seen, tt.k, 0.05)
		t.Logf("%s: evidence %.4f (row %s), %s: %s", tt.name, want, j.Row.HaltEvidence, j.State, j.Message)
		got, err := strconv.ParseFloat(j.Row.HaltEvidence, 64)
		if err != nil || math.Abs(got-want) > 6e-4*want || j.Row.HaltAt != "20" || j.State != tt.want {
			t.Errorf("%s: %s, evidence %s, want %s and %.4f", tt.name, j.State, j.Row.HaltEvidence, tt.want, want)
		}
		if tt.e != "" && !strings.HasPrefix(fmt.Sprintf("%.4f", want), tt.e) {
			t.Errorf("%s: the scenario has %s, the integral %.4f", tt.name, tt.e, want)
		}
		if j.Devices.Failed != int32(tt.k) || tt.k > 0 && (len(j.Findings) != 1 || j.Findings[0].Count != int32(tt.k)) {
			t.Errorf("%s: %+v %+v", tt.name, j.Devices, j.Findings)
		}
	}
}

// TestOfflineIsNotFailed is gate F12: 70 of 100 devices report, two of them a failure, and 30 are off line.
func TestOfflineIsNotFailed(t *testing.T) {
	j := trial{spec: judgedBy("0.95"), devices: devices(good, 68, failing, 2, offline, 30)}.judge(t)
	r := j.Row
	t.Logf("observed %s worst %s best %s bound %s coverage %s: %s", r.Observed, r.WorstCase, r.BestCase, r.LowerBound, r.Coverage, j.Message)
	if j.State != EvidenceWait || r.Observed != "0.9714" || r.WorstCase != "0.6800" || r.BestCase != "0.9800" || r.Coverage != "0.7000" || r.K != 2 || r.N != 70 || r.LowerBound[:5] != "0.912" && r.LowerBound[:5] != "0.913" {
		t.Errorf("%s %+v", j.State, r)
	}
	if d := j.Devices; d.Dark != 30 || d.Failed != 2 || d.Succeeded != 68 || j.Unreported != 30 {
		t.Errorf("%+v, unreported %d", d, j.Unreported)
	}
}

// TestConflicts: another policy's conflict blocks, and never halts.
func TestConflicts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		spec    *v1alpha1.PilotWaveSpec
		devices []standing
		want    EvidenceState
	}{
		{"as many as would halt", judgedBy("0.80"), devices(conflicting, 4, good, 8), EvidenceConflict},
		{"conflicts and failures together", judgedBy("0.80"), devices(conflicting, 2, failing, 2, good, 8), EvidenceConflict},
		{"fewer than would halt", judgedBy("0.80"), devices(conflicting, 3, good, 7), EvidenceWait},
		{"all of them", judgedBy("0.80"), devices(conflicting, 50), EvidenceConflict},
		{"failures alone halt", judgedBy("0.80"), devices(conflicting, 1, failing, 4, good, 8), EvidenceHalt},
		{"one does not stand in the way of a proof", judgedBy("0.80"), devices(conflicting, 1, good, 60), EvidencePass},
		{"a smoke run with more than it allows", smokeOf(0), devices(conflicting, 1, good, 9), EvidenceConflict},
		{"a smoke run within what it allows", smokeOf(1), devices(conflicting, 1, good, 9), EvidencePass},
		{"a smoke run with both", smokeOf(1), devices(conflicting, 1, failing, 1, good, 8), EvidenceConflict},
		{"a smoke run with a failure too many", smokeOf(1), devices(conflicting, 1, failing, 2, good, 7), EvidenceHalt},
	} {
		j := trial{spec: tt.spec, devices: tt.devices}.judge(t)
		if j.State != tt.want {
			t.Errorf("%s: %s, want %s: %s", tt.name, j.State, tt.want, j.Message)
		}
		if j.State == EvidenceConflict && (!strings.Contains(j.Message, "report a conflict") || !strings.Contains(j.Message, "end its assignment")) {
			t.Errorf("%s: the message names no remedy: %s", tt.name, j.Message)
		}
	}
}

// TestSmokeRow: a smoke gate claims no rate.
func TestSmokeRow(t *testing.T) {
	j := trial{spec: smokeOf(0), devices: devices(good, 10)}.judge(t)
	if j.State != EvidencePass || j.Row.Floor != "" || j.Row.LowerBound != "0.0000" || j.Row.Observed != "1.0000" {
		t.Errorf("%s %+v", j.State, j.Row)
	}
	if part := (trial{spec: smokeOf(0), devices: devices(good, 8, unexposed, 2)}).judge(t); part.State != EvidenceWait {
		t.Errorf("8 of 10 devices are exposed: %s %s", part.State, part.Message)
	}
}

// TestDigest: equal evidence has an equal digest; another outcome, attempt, payload or gate has another.
func TestDigest(t *testing.T) {
	base := trial{spec: judgedBy("0.95"), devices: devices(good, 50, failing, 1, quiet, 9), payload: "p"}
	digest := base.judge(t).Digest
	if again := base.judge(t).Digest; again != digest || len(digest) != len("sha256:")+64 {
		t.Errorf("%s, then %s", digest, again)
	}
	seen := map[string]string{digest: "base"}
	for name, change := range map[string]func(*trial){
		"one device more has failed": func(tr *trial) { tr.devices = devices(good, 49, failing, 2, quiet, 9) },
		"another device has failed":  func(tr *trial) { tr.devices = devices(good, 49, failing, 1, good, 1, quiet, 9) },
		"attempt":                    func(tr *trial) { tr.attempt = 2 },
		"payload":                    func(tr *trial) { tr.payload = "q" },
		"gate":                       func(tr *trial) { tr.spec = judgedBy("0.96") },
		"not matured":                func(tr *trial) { tr.exposed = 60 },
		"one device more":            func(tr *trial) { tr.devices = append(slices.Clone(tr.devices), unexposed) },
	} {
		tr := base
		change(&tr)
		got := tr.judge(t).Digest
		if twin, ok := seen[got]; ok {
			t.Errorf("%s has the digest of %s", name, twin)
		}
		seen[got] = name
	}
}

// TestJudgeProperties: over random fleets every device is counted once, verdicts agree with what was reported, and a
// later failure never turns a halt into a pass.
func TestJudgeProperties(t *testing.T) {
	states := map[EvidenceState]int{}
	for seed := range 1500 {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		tr := trial{spec: judgedBy([]string{"0.50", "0.80", "0.95"}[rng.IntN(3)]), exposed: []float64{0, 69}[rng.IntN(2)]}
		if rng.IntN(4) == 0 {
			tr.spec = smokeOf(int32(rng.IntN(3)))
		}
		n := 1 + rng.IntN(80)
		bad := rng.Float64() * rng.Float64()
		for range n {
			s := good
			switch {
			case seed%8 == 0: // nobody reports
				s = []standing{zero, quiet, offline}[rng.IntN(3)]
			case rng.Float64() < bad:
				s = standing(rng.IntN(int(offline) + 1))
			}
			tr.devices = append(tr.devices, s)
		}
		rng.Shuffle(n, func(i, j int) { tr.devices[i], tr.devices[j] = tr.devices[j], tr.devices[i] })
		j := tr.judge(t)
		states[j.State]++
		count := map[standing]int32{}
		for _, s := range tr.devices {
			count[s]++
		}
		d := j.Devices
		if got := d.Pending + d.Exposed + d.Seen + d.Succeeded + d.Failed + d.Conflict + d.NotApplicable + d.Stale + d.Dark; got != int32(n) {
			t.Fatalf("seed %d: %d devices are counted, there are %d", seed, got, n)
		}
		if d.Failed != count[failing] || d.Succeeded != count[good] || d.Conflict != count[conflicting] || d.NotApplicable != count[notApplicable] || d.Pending != count[unexposed] {
			t.Fatalf("seed %d: %+v of %v", seed, d, count)
		}
		if want := n - int(count[unexposed]+count[good]+count[failing]+count[conflicting]+count[notApplicable]); j.Unreported != want {
			t.Fatalf("seed %d: %d unreported, want %d", seed, j.Unreported, want)
		}
		switch {
		case j.State == EvidencePass && count[good] == 0, j.State == EvidenceHalt && count[failing] == 0,
			j.State == EvidenceConflict && count[conflicting] == 0, j.State == EvidenceNotApplicable && int(count[notApplicable])*10 <= n,
			j.State == EvidenceNoData && j.Row.N > 0:
			t.Fatalf("seed %d: %s from %v", seed, j.State, count)
		}
		if i := slices.Index(tr.devices, good); i >= 0 && j.State == EvidenceHalt {
			worse := tr
			worse.devices = slices.Clone(tr.devices)
			worse.devices[i] = failing
			if got := worse.judge(t).State; got != EvidenceHalt {
				t.Fatalf("seed %d: one more failure turns %s into %s", seed, j.State, got)
			}
		}
	}
	for _, s := range []EvidenceState{EvidenceWait, EvidencePass, EvidenceHalt, EvidenceConflict, EvidenceNotApplicable, EvidenceNoData} {
		if states[s] < 10 {
			t.Errorf("%s came up %d times only: %v", s, states[s], states)
		}
	}
}
