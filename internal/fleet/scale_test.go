// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/graph"
)

// largeTenant makes its answers while they are read, so that only the inventory takes memory.
type largeTenant struct{ devices int }

func (l largeTenant) EntraDevices(_ context.Context, yield func(graph.EntraDevice) error) error {
	for i := range l.devices {
		if err := yield(entraRow(i + 1)); err != nil {
			return err
		}
	}
	return nil
}

func (l largeTenant) ManagedDevices(_ context.Context, yield func(graph.ManagedDevice) error) error {
	for i := range l.devices {
		m := managedRow(i + 1)
		m.OSVersion = fmt.Sprintf("10.0.26100.%d", i%40)
		if err := yield(m); err != nil {
			return err
		}
	}
	return nil
}

func (l largeTenant) EncryptionStates(_ context.Context, yield func(graph.EncryptionState) error) error {
	for i := range l.devices {
		if err := yield(graph.EncryptionState{DeviceID: guid('i', i+1), Encryption: "encrypted"}); err != nil {
			return err
		}
	}
	return nil
}

func (l largeTenant) export(_ context.Context, request graph.ExportRequest, yield func(row) error) error {
	for i := range l.devices {
		r := app(i+1, fmt.Sprintf("145.0.3800.%d", i%60))
		if request.Report == statusReport {
			r = status(i+1, 2, "2026-10-02 08:00:12.0000000")
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestInventoryIsCompact keeps 200,000 devices with the status of two policies far below the 1 KiB per device at which
// a large tenant would need a machine of its own.
func TestInventoryIsCompact(t *testing.T) {
	const devices = 50_000
	before := heap()
	inv, err := refresh(t.Context(), largeTenant{devices}, Order{Policies: []string{guid('p', 1), guid('p', 2)}}, testclock.NewFakePassiveClock(began))
	if err != nil {
		t.Fatal(err)
	}
	perDevice := (heap() - before) / devices
	if inv.Len() != devices || perDevice > 300 {
		t.Errorf("%d devices at %d bytes each, want at most 300", inv.Len(), perDevice)
	}
	runtime.KeepAlive(inv)
}

func BenchmarkRefresh200k(b *testing.B) {
	const devices = 200_000
	for b.Loop() {
		before := heap()
		inv, err := refresh(b.Context(), largeTenant{devices}, Order{Policies: []string{guid('p', 1), guid('p', 2)}}, testclock.NewFakePassiveClock(began))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(heap()-before)/devices, "live-B/device")
		runtime.KeepAlive(inv)
	}
}

func BenchmarkFacts(b *testing.B) {
	const devices = 200_000
	inv, err := refresh(b.Context(), largeTenant{devices}, Order{Policies: []string{guid('p', 1)}}, testclock.NewFakePassiveClock(began))
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 7919) % devices
		if f := inv.Facts(id('o', i+1), guid('p', 1)); f.Report == nil || f.LastSync.Equal(time.Time{}) {
			b.Fatal("no report")
		}
	}
}
