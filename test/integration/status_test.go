// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestTablesAnswerWhileAWaveMoves reads kubectl get with no other flag: phase, progress, failures, bound against floor,
// next time and reason.
func TestTablesAnswerWhileAWaveMoves(t *testing.T) {
	t.Parallel()
	sc := calm(of("Source", 30), of("Next", 20))
	w := newWorld(t, sc, testkit.Options{})
	wave := quick(w, "wave", "Source")
	wave.Spec.Gate.Bake.Duration = 2 * day
	base(t, w, wave, quick(w, "next", "Next", "wave"))
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	w.Pass(t, step, day)

	rows := table(t, w, "pilotwaves")
	s := w.Wave(t, "wave").Status
	want := map[string]string{
		"PHASE": "Baking", "PROGRESS": fmt.Sprintf("%d/30", s.Devices.Succeeded), "FAILED": "0", "BOUND": s.Gate[0].LowerBound, "FLOOR": "0.8000",
		"NEXT": s.Clocks.BakeUntil.UTC().Format("2006-01-02T15:04Z"), "REASON": v1alpha1.ReasonBakeNotElapsed, "VERDICT": string(s.Gate[0].Verdict),
	}
	for column, value := range want {
		if got := rows["wave"][column]; got != value || value == "" {
			t.Errorf("kubectl get pilotwaves says %s %q, want %q", column, got, value)
		}
	}
	if got := rows["next"]; got["PHASE"] != "Pending" || got["REASON"] != v1alpha1.ReasonWaitingForDependency {
		t.Errorf("the waiting wave is shown as %v", got)
	}
	p := table(t, w, "passkeypolicies")[testkit.PolicyName]
	if p["READY"] != "True" || p["MODE"] != "Gate" || p["WAVES"] != "0/2" || p["CURRENT"] != "wave" || p["REASON"] != v1alpha1.ReasonSucceeded {
		t.Errorf("kubectl get passkeypolicies says %v", p)
	}
	ten := table(t, w, "tenants")[testkit.TenantName]
	if ten["READY"] != "True" || ten["DEVICES"] != "120" || ten["REASON"] != v1alpha1.ReasonSucceeded {
		t.Errorf("kubectl get tenants says %v", ten)
	}
	done := reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
	if out := w.Kubectl(t, "wait", "--for=condition=Ready", "--timeout=5s", "pilotwave/"+done.Name); !strings.Contains(out, "condition met") {
		t.Errorf("kubectl wait says %s", out)
	}
}

// table is what kubectl get prints, by name and column. Columns are cut at the positions of their headings.
func table(t *testing.T, w *testkit.World, resource string) map[string]map[string]string {
	t.Helper()
	lines := strings.Split(strings.TrimRight(w.Kubectl(t, "get", resource), "\n"), "\n")
	var columns []int
	for i := range lines[0] {
		if lines[0][i] != ' ' && (i == 0 || i > 2 && lines[0][i-3:i] == "   ") {
			columns = append(columns, i)
		}
	}
	out := map[string]map[string]string{}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for n, from := range columns {
			cell, heading := line[min(from, len(line)):], lines[0][from:]
			if n+1 < len(columns) {
				cell, heading = line[min(from, len(line)):min(columns[n+1], len(line))], lines[0][from:columns[n+1]]
			}
			row[strings.TrimSpace(heading)] = strings.TrimSpace(cell)
		}
		out[row["NAME"]] = row
	}
	return out
}

// TestStatusStaysSmall judges 5,000 devices with long names of which every outcome and every finding occurs, fills
// everything else to its limit, and measures. etcd takes 1.5 MiB; design §2 asks for 64 KiB.
func TestStatusStaysSmall(t *testing.T) {
	t.Parallel()
	const devices, limit = 5000, 64 << 10
	now := testkit.Start.Add(60 * day)
	spec := (&testkit.World{}).WaveOn("wave", "Source").Spec
	spec.Gate.Coverage.MinReports = 1
	spec.Gate.Promote.Confidence, spec.Gate.Promote.Looks = "0.95", 10
	spec.Gate.Halt = v1alpha1.HaltTest{ToleratedFailureRate: "0.05", Alpha: "0.05", MinFailures: 3}
	ids := make([]audience.ID, devices)
	facts := map[audience.ID]diagnosis.Facts{}
	for i := range ids {
		id, err := audience.ParseID(fmt.Sprintf("00000000-0000-4000-8000-%012x", i))
		if err != nil {
			t.Fatal(err)
		}
		ids[i], facts[id] = id, various(i, now)
	}
	ledger := audience.NewLedger(audience.Header{Attempt: 11, PayloadHash: "sha256:" + strings.Repeat("0", 64)}, ids)
	ledger, exposed := ledger.Expose(devices-100, now.Add(-10*day))
	ledger, _ = ledger.Confirm(exposed, now.Add(-10*day))
	j, err := rollout.Judge(rollout.Case{Gate: &spec.Gate, Ledger: &ledger, Facts: func(id audience.ID) []diagnosis.Facts { return []diagnosis.Facts{facts[id]} },
		Rules: diagnosis.Rules{Windows: "10.0.22621", MacOS: "13", Edge: "145", Encryption: v1alpha1.EncryptionRequire, MaxOffline: 7 * day,
			Maturity: 2 * day, Skew: diagnosis.DefaultSkew, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}, AsOf: now}})
	if err != nil {
		t.Fatal(err)
	}
	if len(j.Findings) < 5 || j.Devices.Failed == 0 || j.Devices.Conflict == 0 || j.Devices.Stale == 0 || j.Devices.Pending == 0 {
		t.Fatalf("the devices do not vary enough: %+v, %d findings", j.Devices, len(j.Findings))
	}
	s := v1alpha1.PilotWaveStatus{
		ObservedGeneration: 1 << 40, Phase: v1alpha1.PhaseRollbackIncomplete, HeldPhase: v1alpha1.PhaseEvaluating, HeldReason: v1alpha1.ReasonTargetingConflict,
		Attempt: 11, PayloadHash: ledger.PayloadHash, GateHash: ledger.PayloadHash, Devices: j.Devices, Gate: []v1alpha1.GateRow{j.Row}, Findings: j.Findings,
		Decision: v1alpha1.DecisionStatus{Verdict: v1alpha1.VerdictHalt, Reason: v1alpha1.ReasonRollbackIncomplete, Message: strings.Repeat("m", 2048), EvidenceDigest: j.Digest},
		Rollback: &v1alpha1.RollbackStatus{Target: devices, Verified: devices, Unreachable: devices, Unconfirmed: devices},
	}
	if s.Proof, err = rollout.NewProof(&spec.Gate, devices); err != nil {
		t.Fatal(err)
	}
	s.Audience = &v1alpha1.AudienceStatus{Digest: j.Digest, Targeted: devices, Eligible: devices, ResolvedAt: metav1.NewTime(now)}
	for i := range 20 {
		s.Audience.Ineligible = append(s.Audience.Ineligible, v1alpha1.ReasonCount{Reason: fmt.Sprintf("SomeLongReasonOfAPrerequisite%d", i), Count: devices})
	}
	for i := range 10 {
		s.History = append(s.History, v1alpha1.AttemptRecord{Attempt: int32(i + 1), Outcome: rollout.OutcomeRollbackIncomplete, Reason: v1alpha1.ReasonRollbackIncomplete,
			PayloadHash: ledger.PayloadHash, N: devices, K: devices, LowerBound: "0.1234", Exposed: devices, StartedAt: ptr.To(metav1.NewTime(now)), EndedAt: metav1.NewTime(now)})
	}
	s.Columns = status.WaveColumns(&s, "2026-06-01T06:00Z")
	long := strings.Repeat("w", 4096)
	var set []metav1.Condition
	for _, kind := range []string{v1alpha1.ConditionDependenciesMet, v1alpha1.ConditionAudienceResolved, v1alpha1.ConditionTelemetryFresh, v1alpha1.ConditionGatePassed, v1alpha1.ConditionPaused} {
		set = append(set, status.Condition(kind, false, v1alpha1.ReasonRollbackIncomplete, long))
	}
	s.Conditions = status.Conditions(nil, 1<<40, now, status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonRollbackIncomplete, Message: long}, set)
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the fullest status of a wave of %d devices takes %d bytes, %d of them for %d findings", devices, len(data), size(t, s.Findings), len(s.Findings))
	if len(data) > limit {
		t.Errorf("the status takes %d bytes, more than %d", len(data), limit)
	}
}

func size(t *testing.T, v any) int {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

// various is a device that differs from its neighbours in whatever a diagnosis looks at.
func various(i int, now time.Time) diagnosis.Facts {
	f := diagnosis.Facts{
		Name: fmt.Sprintf("DESKTOP-%s-%05d", strings.Repeat("X", 50), i), Managed: true, ManagementAgent: "mdm", ManagementState: "managed", Account: diagnosis.AccountEnabled, OperatingSystem: "Windows", OSVersion: "10.0.26100.1",
		EdgeVersion: "147.0.1", Encrypted: true, EncryptionKnown: true, LastSync: now.Add(-time.Hour),
	}
	at := now.Add(-2 * hour)
	switch i % 13 {
	case 1:
		f.Report = &diagnosis.Report{At: at, Status: diagnosis.StatusError}
	case 2:
		f.Report = &diagnosis.Report{At: at, Status: diagnosis.StatusConflict}
	case 3:
		f.Report = &diagnosis.Report{At: at, Status: diagnosis.StatusNotApplicable}
	case 4:
		f.Report = &diagnosis.Report{At: now.Add(-30 * day), Status: diagnosis.StatusSucceeded}
	case 5:
		f.LastSync = now.Add(-11 * day)
	case 6:
		f.Managed = false
	case 7:
		f.Report, f.OSVersion = &diagnosis.Report{At: at, Status: diagnosis.StatusError}, "10.0.19045.1"
	case 8:
		f.Report, f.Encrypted = &diagnosis.Report{At: at, Status: diagnosis.StatusError}, false
	case 9:
		f.Report, f.EdgeVersion = &diagnosis.Report{At: at, Status: diagnosis.StatusNotApplicable}, "119.0"
	case 10: // checked in, no result
	case 11:
		f.Report = &diagnosis.Report{At: now.Add(3 * day), Status: diagnosis.StatusSucceeded}
	default:
		f.Report = &diagnosis.Report{At: at, Status: diagnosis.StatusSucceeded}
	}
	return f
}
