// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simtest is where a test gets a simulated tenant from: one whose every
// body is held against Graph's types, whoever sent it. A test that fails a body
// on purpose says so, see graphschema.FaultHeader and graphschema.WrongHeader.
//
// A test of this package looks through all others for a simulator or a server
// that is started past it.
package simtest

import (
	"net/http"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// Tenant is a simulated tenant that fails its test for a body that does not fit.
type Tenant struct {
	*tenantsim.Server
	t       testing.TB
	handler http.Handler
}

// New builds a tenant for a test.
func New(t testing.TB, o tenantsim.Options) *Tenant {
	t.Helper()
	sim, err := tenantsim.New(o)
	if err != nil {
		t.Fatalf("simulator: %v", err)
	}
	return &Tenant{sim, t, graphschema.Handler(t, sim.Handler())}
}

// Handler serves the tenant, for a server of the test's own.
func (tn *Tenant) Handler() http.Handler { return tn.handler }

// Start serves the tenant with TLS on a port of loopback until the test ends. It
// returns the URL and the certificate to trust. Only a tenant that was started
// can refuse connections (tenantsim.FaultRefuse).
func (tn *Tenant) Start() (url string, caPEM []byte) {
	tn.t.Helper()
	url, caPEM, err := tn.StartBehind("127.0.0.1:0", func(next http.Handler) http.Handler { return graphschema.Handler(tn.t, next) })
	if err != nil {
		tn.t.Fatalf("start the simulator: %v", err)
	}
	tn.t.Cleanup(func() {
		if err := tn.Close(); err != nil {
			tn.t.Errorf("stop the simulator: %v", err)
		}
	})
	return url, caPEM
}
