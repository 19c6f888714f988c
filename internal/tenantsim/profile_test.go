// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"testing"
	"time"
)

// TestOrdinary: a tenant of which nothing was asked is late, odd and alive, one
// that is asked to be ideal is not, and a scenario that names a part keeps it.
func TestOrdinary(t *testing.T) {
	ordinary := newOrdinary(t, Options{Devices: 20})
	if sc := ordinary.sim.Scenario(); sc.Lag == nil || sc.Throttle == nil || sc.Odd == nil || sc.Churn == nil {
		t.Errorf("an ordinary day has %+v", sc)
	}
	if sc := newTenant(t, Options{Devices: 20}).sim.Scenario(); sc.Lag != nil || sc.Throttle != nil || sc.Odd != nil || sc.Churn != nil {
		t.Errorf("an ideal tenant has %+v", sc)
	}
	if err := ordinary.sim.SetScenario(Scenario{Lag: &Lag{}, Churn: NoChurn()}); err != nil {
		t.Fatal(err)
	}
	sc := ordinary.sim.Scenario()
	if *sc.Lag != (Lag{}) || sc.Churn.rates() != (churnRates{}) || sc.Odd == nil {
		t.Errorf("a scenario that wants no lag and no churn, and says nothing of the rest, has %+v", sc)
	}
}

// TestOrdinaryReads: on an ordinary day a group that was just made is not there
// for everybody, and seconds later it is.
func TestOrdinaryReads(t *testing.T) {
	tt := newOrdinary(t, Options{Devices: 20, Scenario: Scenario{Throttle: &Throttle{}}})
	path := "/v1.0/groups/" + text(tt.want(http.StatusCreated, "POST", "/v1.0/groups", groupBody("wave")), "id")
	missing := 0
	for range 30 {
		if tt.do("GET", path, nil).Code == http.StatusNotFound {
			missing++
		}
	}
	if missing == 0 {
		t.Error("every replica showed the group in the instant in which it was made")
	}
	tt.advance(time.Duration(OrdinaryLag().Read.Max))
	for range 30 {
		if code := tt.do("GET", path, nil).Code; code != http.StatusOK {
			t.Fatalf("the group is not there after the longest delay: %d", code)
		}
	}
}

// TestOrdinaryRefusals: on an ordinary day requests are refused now and then, and
// most are not.
func TestOrdinaryRefusals(t *testing.T) {
	tt := newOrdinary(t, Options{Devices: 20})
	refused := 0
	for range 2000 {
		if tt.do("GET", "/v1.0/users?$top=1", nil).Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 2 || refused > 40 {
		t.Errorf("%d of 2000 requests were refused, want about 10", refused)
	}
}
