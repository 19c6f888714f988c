// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestPromise02_OneDeletedDeviceStopsNobody deletes devices from the directory while a wave exposes its batches, as the
// clean-up of stale devices does every week: one that waits for its batch, one that is exposed. The others go on.
func TestPromise02_OneDeletedDeviceStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, calm(of("Source", 40)), testkit.Options{Devices: 60})
	wave := quick(w, "wave", "Source")
	wave.Spec.Exposure.BatchSize, wave.Spec.Exposure.MaxUnreported = 20, ptr.To[int32](100)
	base(t, w, wave)
	w.Soon(t, that(func() bool { return len(w.ExposedIDs(t, "wave")) == 20 }, "the first batch is not out"))
	pending := w.Ledger(t, "wave").Pending()
	if len(pending) != 20 {
		t.Fatalf("%d devices wait, want 20", len(pending))
	}
	w.Portal(t, http.MethodDelete, "/v1.0/devices/"+pending[3].String())
	w.Portal(t, http.MethodDelete, "/v1.0/devices/"+w.ExposedIDs(t, "wave")[0])
	reaches(t, w, "wave", v1alpha1.PhaseSucceeded)
	arrives(t, w, "Allow", 38)
	if drifts := countEvents(t, w, "wave", v1alpha1.ReasonMembershipDrifted); drifts > 12 {
		t.Errorf("%d events say that a device which does not exist is put back", drifts)
	}
}

// TestPromise13_NewGenerationOfTheCatalog lets Microsoft import a newer ADMX generation after the rollout: nobody edited
// anything, and no device notices.
func TestPromise13_NewGenerationOfTheCatalog(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		w := finished(t, 20)
		devices, hash := w.ExposedIDs(t, "wave"), policy(t, w).Status.PayloadHash
		if _, err := w.Sim.AddGeneration("PasswordManagerPasskeysEnabled", "v150"); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			w.Pass(t, 2*hour, 6*hour)
			if n := held(t, w, devices); n > 0 {
				t.Fatalf("P13: %d of 20 devices were sent back to hold by a new generation in the catalog", n)
			}
		}
		if got := policy(t, w).Status.PayloadHash; got != hash {
			t.Errorf("P13: the payload went from %s to %s, and nobody edited it", hash, got)
		}
	})
}

// TestPromise15_WipedDevicesCount lets the help desk wipe the devices on which the payload failed: their last word counts.
func TestPromise15_WipedDevicesCount(t *testing.T) {
	t.Parallel()
	testkit.ExpectBroken(t, func(t testing.TB) {
		sc := calm(of("Source", 60))
		sc.Rules = []tenantsim.Rule{{Name: "fails here and there", DevicesPercent: 25, Outcome: tenantsim.OutcomeError, Definition: "passkeysenabled", Value: "_1"}}
		w := newWorld(t, sc, testkit.Options{Devices: 80})
		wave := quick(w, "wave", "Source")
		wave.Spec.Gate.Promote.FloorRate = "0.90"
		base(t, w, wave)
		reaches(t, w, "wave", v1alpha1.PhaseBaking)
		w.Until(t, hour, 2*day, that(func() bool { return w.Wave(t, "wave").Status.Devices.Failed >= 5 }, "no device has failed"))
		w.Pass(t, 2*hour, 12*hour) // the others have their say
		failed := w.Wave(t, "wave").Status.Devices.Failed
		for _, id := range failing(t, w) {
			w.Portal(t, http.MethodPost, "/v1.0/deviceManagement/managedDevices/"+id+"/wipe")
		}
		w.Pass(t, 6*hour, 6*day)
		if now := w.Wave(t, "wave").Status.Devices.Failed; now < failed {
			t.Errorf("P15: %d devices had failed, and %d after they were wiped", failed, now)
		}
	})
}

// failing lists the managed devices on which Tidegate's payload ends in an error.
func failing(t testing.TB, w *testkit.World) []string {
	t.Helper()
	var out []string
	for _, d := range w.Sim.Snapshot(true).Devices {
		for policy, status := range d.Results {
			if ownAllow(policy) && status == "Error" {
				out = append(out, d.ManagedID)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no device reports an error")
	}
	return out
}

func ownAllow(policy string) bool {
	return strings.HasPrefix(policy, "Tidegate ") && strings.HasSuffix(policy, " Allow")
}

// TestPromise17_DisabledDevicesAreOutOfReach aims a wave at devices whose account is disabled and at devices that are on
// their way out: none of them is a device to prove anything on.
func TestPromise17_DisabledDevicesAreOutOfReach(t *testing.T) {
	t.Parallel()
	sc := calm(tenantsim.GroupSpec{DisplayName: "Disabled", From: "accountDisabled", Percent: 100},
		tenantsim.GroupSpec{DisplayName: "Leaving", From: "managementWipePending", Percent: 100}, of("Fit", 20))
	sc.Devices = []tenantsim.DeviceSpec{{State: "accountDisabled", Count: 6}, {State: "managementWipePending", Count: 6}}
	w := newWorld(t, sc, testkit.Options{Devices: 60})
	wave := quick(w, "wave", "Fit")
	wave.Spec.Audience.Groups.Include = append(wave.Spec.Audience.Groups.Include, v1alpha1.GroupRef{DisplayName: "Disabled"}, v1alpha1.GroupRef{DisplayName: "Leaving"})
	base(t, w, wave)
	reaches(t, w, "wave", v1alpha1.PhaseBaking)
	if n := len(w.ExposedIDs(t, "wave")); n > 20 {
		t.Errorf("P17: %d devices were exposed, 20 are fit: the others are disabled or on their way out", n)
	}
}
