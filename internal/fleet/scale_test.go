// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/room"
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

// exported is largeTenant as a Source whose reports have no rows: those of graph cannot be made here.
type exported struct{ largeTenant }

func (e exported) Export(context.Context, graph.ExportRequest, func(graph.Row) error) (graph.ExportInfo, error) {
	return graph.ExportInfo{}, nil
}

// TestReadingWithinMemory: a tenant that the memory of the process has room for is read, a larger one is given up with the cap
// and the remedy, and what an inventory keeps is accounted for until its Tenant goes.
func TestReadingWithinMemory(t *testing.T) {
	memory := room.New(ReadingCost(20_000, 0))
	clk := testclock.NewFakePassiveClock(began)
	inv, err := RefreshWithin(t.Context(), memory, "a", 0, exported{largeTenant{15_000}}, Order{}, clk)
	if err != nil || inv.Len() != 15_000 {
		t.Fatalf("%v", err)
	}
	_, err = RefreshWithin(t.Context(), memory, "b", 0, exported{largeTenant{60_000}}, Order{}, clk)
	if graph.KindOf(err) != graph.KindTransient || !strings.Contains(err.Error(), "raise the memory limit of the manager") || !strings.Contains(err.Error(), "Sizing") {
		t.Errorf("a tenant too large for the process ends with %v", err)
	}
}

// TestEndlessStatusRows: a report that names the same devices again and again takes no more memory than they do.
func TestEndlessStatusRows(t *testing.T) {
	const devices = 1000
	tenant := &repeating{largeTenant: largeTenant{devices}, times: 1000}
	before := heap()
	inv, err := refresh(t.Context(), tenant, Order{Policies: []string{guid('p', 1)}}, testclock.NewFakePassiveClock(began))
	if err != nil {
		t.Fatal(err)
	}
	// Without a bound a million rows of 16 bytes are kept.
	if rows := len(inv.statuses[guid('p', 1)].rows); rows != devices || tenant.peak > before+6<<20 {
		t.Errorf("%d rows for %d devices, %d MiB more than before", rows, devices, (tenant.peak-before)>>20)
	}
}

// repeating is a tenant that gives the status report several times over.
type repeating struct {
	largeTenant
	times int
	peak  uint64
}

func (r *repeating) export(ctx context.Context, request graph.ExportRequest, yield func(row) error) error {
	if request.Report != statusReport {
		return r.largeTenant.export(ctx, request, yield)
	}
	for i := range r.times {
		if err := r.largeTenant.export(ctx, request, yield); err != nil {
			return err
		}
		if i%500 == 499 {
			r.peak = max(r.peak, heap())
		}
	}
	return nil
}

// BenchmarkReadingInMemory reads large tenants with the memory limit that the manager would give itself if nothing else were to
// do, and reports what Go had from the system at most, per 100,000 devices. It is the source of the sizing table in
// docs/operations.md and of the constants of ReadingCost.
func BenchmarkReadingInMemory(b *testing.B) {
	for _, devices := range []int{100_000, 200_000, 400_000} {
		for _, policies := range []int{0, 1, 5} {
			b.Run(fmt.Sprintf("devices=%d/policies=%d", devices, policies), func(b *testing.B) {
				measureReading(b, devices, policies)
			})
		}
	}
}

// measureReading reads once more beside the finished inventory of the reading before, as the manager does.
func measureReading(b *testing.B, devices, policies int) {
	ids := make([]string, policies)
	for i := range ids {
		ids[i] = guid('p', i+1)
	}
	var old *Inventory
	base := heap()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(base) + 48<<20 + ReadingCost(int64(devices), int64(policies))))
	var top uint64
	for b.Loop() {
		stop, done := make(chan struct{}), make(chan uint64)
		go func() { done <- watchMemory(stop) }()
		inv, err := refresh(b.Context(), largeTenant{devices}, Order{Policies: ids}, testclock.NewFakePassiveClock(began))
		if err != nil {
			b.Fatal(err)
		}
		close(stop)
		top = max(top, <-done)
		runtime.KeepAlive(old)
		old = inv
	}
	live := heap() - base
	per := float64(devices) / 100_000
	b.ReportMetric(float64(top-base)/(1<<20)/per, "peak-MiB/100k")
	b.ReportMetric(float64(live)/(1<<20)/per, "kept-MiB/100k")
	b.ReportMetric(float64(old.Memory())/(1<<20)/per, "said-MiB/100k")
	runtime.KeepAlive(old)
}

// watchMemory returns the most that Go held of the system's memory until stop is closed.
func watchMemory(stop <-chan struct{}) uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	top := uint64(0)
	for {
		metrics.Read(samples)
		top = max(top, samples[0].Value.Uint64()-samples[1].Value.Uint64())
		select {
		case <-stop:
			return top
		case <-time.After(5 * time.Millisecond):
		}
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
