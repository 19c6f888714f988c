// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Sample is one value of one gauge. Labels are bounded by the number of objects and enum members, never by devices.
type Sample struct {
	// Name of the metric, without the tidegate_ prefix.
	Name string
	// Labels beside namespace and name of the object.
	Label, LabelValue string
	Value             float64
}

// Names of the gauges that samples belong to.
const (
	MetricWavePhase        = "wave_phase"
	MetricWaveRegressed    = "wave_late_regression"
	MetricWaveDevices      = "wave_devices"
	MetricWaveRecovered    = "wave_recovered_devices"
	MetricWaveObserved     = "wave_gate_observed_rate"
	MetricWaveBound        = "wave_gate_lower_bound"
	MetricWaveFloor        = "wave_gate_floor"
	MetricWaveHaltEvidence = "wave_gate_halt_evidence"
	MetricWaveCoverage     = "wave_coverage_ratio"
	MetricTenantDevices    = "tenant_devices"
	MetricTenantAsOf       = "tenant_inventory_timestamp_seconds"
	MetricTenantPartAsOf   = "tenant_inventory_part_timestamp_seconds"
	MetricTenantPartFails  = "tenant_inventory_part_failing"
	MetricTenantClock      = "tenant_clock_offset_seconds"
)

// Phases in the order of a wave's life; the state set metric has one sample for each.
var Phases = []v1alpha1.WavePhase{
	v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseEvaluating,
	v1alpha1.PhasePromoting, v1alpha1.PhaseSucceeded, v1alpha1.PhaseHeld, v1alpha1.PhaseHalted, v1alpha1.PhaseRollingBack,
	v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete, v1alpha1.PhaseAborted,
}

// WaveSamples are the gauge values that follow from a wave's status.
func WaveSamples(s *v1alpha1.PilotWaveStatus) []Sample {
	out := make([]Sample, 0, len(Phases)+16)
	for _, p := range Phases {
		out = append(out, Sample{Name: MetricWavePhase, Label: "phase", LabelValue: string(p), Value: truth(s.Phase == p)})
	}
	out = append(out, Sample{Name: MetricWaveRegressed, Value: truth(s.Clocks.RegressedAt != nil)})
	d := s.Devices
	for _, o := range []struct {
		name  string
		count int32
	}{
		{"pending", d.Pending}, {"exposed", d.Exposed}, {"seen", d.Seen}, {"succeeded", d.Succeeded}, {"failed", d.Failed},
		{"conflict", d.Conflict}, {"notApplicable", d.NotApplicable}, {"stale", d.Stale}, {"dark", d.Dark},
	} {
		out = append(out, Sample{Name: MetricWaveDevices, Label: "state", LabelValue: o.name, Value: float64(o.count)})
	}
	out = append(out, Sample{Name: MetricWaveRecovered, Value: float64(d.Recovered)})
	for _, row := range s.Gate {
		for _, m := range []struct{ name, value string }{
			{MetricWaveObserved, row.Observed}, {MetricWaveBound, row.LowerBound}, {MetricWaveFloor, row.Floor},
			{MetricWaveHaltEvidence, row.HaltEvidence}, {MetricWaveCoverage, row.Coverage},
		} {
			if v, err := strconv.ParseFloat(m.value, 64); err == nil { // an empty text is a metric that does not apply
				out = append(out, Sample{Name: m.name, Label: "metric", LabelValue: row.Metric, Value: v})
			}
		}
	}
	return out
}

// TenantSamples are the gauge values that follow from a tenant's status. A part that was never read has no time.
func TenantSamples(s *v1alpha1.TenantStatus) []Sample {
	if s.Inventory == nil {
		return nil
	}
	out := []Sample{
		{Name: MetricTenantDevices, Value: float64(s.Inventory.Devices)},
		{Name: MetricTenantAsOf, Value: unix(&s.Inventory.AsOf)},
		{Name: MetricTenantClock, Value: offsetSeconds(s)},
	}
	for _, p := range s.Inventory.Parts {
		fails := truth(p.Error != "")
		if p.Failing > 0 {
			fails = float64(p.Failing)
		}
		out = append(out, Sample{Name: MetricTenantPartFails, Label: "part", LabelValue: p.Name, Value: fails})
		if p.AsOf != nil {
			out = append(out, Sample{Name: MetricTenantPartAsOf, Label: "part", LabelValue: p.Name, Value: unix(p.AsOf)})
		}
	}
	return out
}

func offsetSeconds(s *v1alpha1.TenantStatus) float64 {
	if s.ClockOffset == nil {
		return 0
	}
	return s.ClockOffset.Seconds()
}

func unix(t *metav1.Time) float64 { return float64(t.UnixNano()) / float64(time.Second) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
