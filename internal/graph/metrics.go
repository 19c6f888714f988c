// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts the traffic of one tenant. Labels are bounded: tenants, methods of Client, HTTP statuses and
// workload classes.
type metrics struct {
	tenant   string
	requests *prometheus.CounterVec
	retries  *prometheus.CounterVec
	waiting  *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	inFlight *prometheus.GaugeVec
}

// newMetrics registers the collectors, or takes those that another tenant's client registered before.
func newMetrics(reg prometheus.Registerer, tenant string) (*metrics, error) {
	m := &metrics{
		tenant: tenant,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidegate_graph_requests_total",
			Help: "Requests to Microsoft Graph by operation and HTTP status; code is error when there was no answer."},
			[]string{"tenant", "op", "code"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidegate_graph_retries_total",
			Help: "Requests to Microsoft Graph that were sent again."}, []string{"tenant", "op"}),
		waiting: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidegate_graph_throttled_seconds_total",
			Help: "Seconds that requests were held back by the client's own limits or by the tenant's throttling."},
			[]string{"tenant", "class"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidegate_graph_response_bytes_total",
			Help: "Bytes of answers read, after decompression."}, []string{"tenant", "op"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tidegate_graph_in_flight_requests",
			Help: "Requests to Microsoft Graph that wait for their answer."}, []string{"tenant"}),
	}
	if reg == nil {
		return m, nil
	}
	var err error
	m.requests = register(reg, m.requests, &err)
	m.retries = register(reg, m.retries, &err)
	m.waiting = register(reg, m.waiting, &err)
	m.bytes = register(reg, m.bytes, &err)
	m.inFlight = register(reg, m.inFlight, &err)
	return m, err
}

// register adds a collector or returns the equal one that is registered already.
func register[T prometheus.Collector](reg prometheus.Registerer, collector T, failed *error) T {
	err := reg.Register(collector)
	if err == nil {
		return collector
	}
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(T); ok {
			return existing
		}
	}
	*failed = errors.Join(*failed, fmt.Errorf("register metrics: %w", err))
	return collector
}

// begin and end frame one request; status 0 means that no answer came.
func (m *metrics) begin() { m.inFlight.WithLabelValues(m.tenant).Inc() }

func (m *metrics) end(op string, status int) {
	code := "error"
	if status != 0 {
		code = strconv.Itoa(status)
	}
	m.inFlight.WithLabelValues(m.tenant).Dec()
	m.requests.WithLabelValues(m.tenant, op, code).Inc()
}

// read counts bytes of an answer.
func (m *metrics) read(op string, n int) {
	if n > 0 {
		m.bytes.WithLabelValues(m.tenant, op).Add(float64(n))
	}
}

// retried counts a repetition.
func (m *metrics) retried(op string) { m.retries.WithLabelValues(m.tenant, op).Inc() }

// throttled counts time spent waiting for room.
func (m *metrics) throttled(c class, d time.Duration) {
	m.waiting.WithLabelValues(m.tenant, string(c)).Add(d.Seconds())
}

// forget removes the tenant's series.
func (m *metrics) forget() {
	labels := prometheus.Labels{"tenant": m.tenant}
	m.requests.DeletePartialMatch(labels)
	m.retries.DeletePartialMatch(labels)
	m.waiting.DeletePartialMatch(labels)
	m.bytes.DeletePartialMatch(labels)
	m.inFlight.DeletePartialMatch(labels)
}
