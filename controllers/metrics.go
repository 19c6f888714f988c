// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/internal/status"
)

// gauge describes one gauge family; label is its own label beside namespace and name, empty for none.
type gauge struct{ name, label, help string }

var gauges = []gauge{
	{status.MetricWavePhase, "phase", "1 for the phase that the wave is in, 0 for the others."},
	{status.MetricWaveRegressed, "", "1 for a wave that regressed after its promotion."},
	{status.MetricWaveDevices, "state", "Eligible devices of the current attempt by outcome."},
	{status.MetricWaveRecovered, "", "Devices of the current attempt that succeeded after a failure; they are among the succeeded."},
	{status.MetricWaveObserved, "metric", "Observed success rate among matured devices with a fresh report."},
	{status.MetricWaveBound, "metric", "Proven success rate: the exact lower confidence bound."},
	{status.MetricWaveFloor, "metric", "Success rate that must be proven for promotion."},
	{status.MetricWaveHaltEvidence, "metric", "Evidence (e-value) that the failure rate exceeds the tolerated one."},
	{status.MetricWaveCoverage, "metric", "Share of matured devices with a fresh report."},
	{status.MetricTenantDevices, "", "Managed devices in the inventory."},
	{status.MetricTenantAsOf, "", "Unix time at which the oldest part of the inventory was read that waves rest on."},
	{status.MetricTenantPartAsOf, "part", "Unix time at which a part of the inventory was read."},
	{status.MetricTenantPartFails, "part", "1 for a part of the inventory whose newest try failed, else 0; of PolicyReports the number of failing reports."},
	{status.MetricTenantClock, "", "How far the clock of the operator's node is ahead of Microsoft Graph's, in seconds; 0 within five minutes."},
}

// Metrics are the gauges and counters of the reconcilers.
type Metrics struct {
	gauges    map[string]*prometheus.GaugeVec
	labels    map[string]string
	decisions *prometheus.CounterVec
	revisions *prometheus.CounterVec
	mu        sync.Mutex
}

// NewMetrics registers the families with r, or takes those that another operator of this process registered before.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		gauges: map[string]*prometheus.GaugeVec{},
		labels: map[string]string{},
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidegate_wave_decisions_total", Help: "Decisions of waves that changed their phase, by the phase entered and the reason.",
		}, []string{"phase", "reason"}),
		revisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidegate_policy_revisions_total", Help: "Decisions on revisions of a payload, by what became of the revision.",
		}, []string{"reason"}),
	}
	for _, g := range gauges {
		labels := []string{"namespace", "name"}
		if g.label != "" {
			labels = append(labels, g.label)
		}
		v, err := registered(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tidegate_" + g.name, Help: g.help}, labels))
		if err != nil {
			return nil, err
		}
		m.gauges[g.name], m.labels[g.name] = v, g.label
	}
	var err error
	if m.decisions, err = registered(r, m.decisions); err != nil {
		return m, err
	}
	m.revisions, err = registered(r, m.revisions)
	return m, err
}

// registered adds a collector or returns the equal one that is there already.
func registered[T prometheus.Collector](r prometheus.Registerer, c T) (T, error) {
	err := r.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(T); ok {
			return existing, nil
		}
	}
	if err != nil {
		return c, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}

// Set replaces all gauges of one object of one kind, "wave" or "tenant", by the samples.
func (m *Metrics) Set(kind string, key types.NamespacedName, samples []status.Sample) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, v := range m.gauges {
		if strings.HasPrefix(name, kind+"_") {
			v.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "name": key.Name})
		}
	}
	for _, s := range samples {
		values := []string{key.Namespace, key.Name}
		if m.labels[s.Name] != "" {
			values = append(values, s.LabelValue)
		}
		m.gauges[s.Name].WithLabelValues(values...).Set(s.Value)
	}
}

// Decided counts a decision that changed a phase.
func (m *Metrics) Decided(phase, reason string) {
	if m != nil {
		m.decisions.WithLabelValues(phase, reason).Inc()
	}
}

// Revised counts what became of revisions.
func (m *Metrics) Revised(list []status.Event) {
	if m == nil {
		return
	}
	for _, e := range list {
		m.revisions.WithLabelValues(e.Reason).Inc()
	}
}
