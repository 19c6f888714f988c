// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/testkit"
)

// TestLivenessOfAHungLeader: a leader whose reconcile does not heed its deadline is not alive, while the one that waits for
// the lease is.
func TestLivenessOfAHungLeader(t *testing.T) {
	w := testkit.New(t, pilot())
	hung := newHanging()
	a, b := options(w), options(w)
	a.LeaderElect, b.LeaderElect = true, true
	a.ProbeAddress, b.ProbeAddress = freeAddress(t), freeAddress(t)
	a.ReconcileTimeout, b.ReconcileTimeout = 3*time.Second, 3*time.Second
	a.GracefulShutdown = 300 * time.Millisecond
	a.Pace = hung.pace
	start(t, w.Config, a)
	calledOff := time.AfterFunc(2*patience, func() { close(hung.open) })
	w.Apply(t, w.Secret(), w.Tenant())
	wait(t, hung.arrived)
	start(t, w.Config, b)
	answers(t, "http://"+a.ProbeAddress+"/healthz", "", http.StatusOK)
	body := answers(t, "http://"+a.ProbeAddress+"/healthz", "", http.StatusInternalServerError)
	if !strings.Contains(body, "workers") {
		t.Errorf("healthz says %q, want it to name the check that fails", body)
	}
	for range 3 {
		answers(t, "http://"+b.ProbeAddress+"/healthz", "", http.StatusOK)
	}
	if calledOff.Stop() {
		close(hung.open)
	}
	answers(t, "http://"+a.ProbeAddress+"/healthz", "", http.StatusOK)
}

// TestLivenessOfASlowTenant: an operator that waits for a tenant which does not answer is alive, however long it waits: each
// reconcile ends at its deadline and the next one waits again.
func TestLivenessOfASlowTenant(t *testing.T) {
	w := testkit.New(t, pilot())
	g := guard(t, w, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/managedDevices") })
	o := options(w)
	o.ProbeAddress, o.ReconcileTimeout = freeAddress(t), 2*time.Second
	start(t, w.Config, o)
	w.Apply(t, w.Secret(), w.Tenant())
	wait(t, g.arrived)
	for began := time.Now(); time.Since(began) < 3*o.ReconcileTimeout; time.Sleep(50 * time.Millisecond) {
		if status, body, err := get(t, "http://"+o.ProbeAddress+"/healthz", ""); err != nil || status != http.StatusOK {
			t.Fatalf("after %s healthz gives %d, %v: %s", time.Since(began), status, err, body)
		}
	}
}
