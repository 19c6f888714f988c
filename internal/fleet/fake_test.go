// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
)

var began = time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC)

// cells is a row of a report.
type cells map[string]string

func (c cells) Get(column string) string { return c[column] }

// tenantFake answers from fields. Reports are looked up by name and filter. It is safe for concurrent use.
type tenantFake struct {
	entra   []graph.EntraDevice
	managed []graph.ManagedDevice
	apps    []cells
	// encryption has the rows of the encryption report.
	encryption []graph.EncryptionState
	// statuses by policy id
	statuses map[string][]cells
	// fail by Entra, Managed, Encryption, Apps or a policy id; the error comes after all items.
	fail map[string]error
	// clock moves by an hour with each export.
	clock *testclock.FakePassiveClock

	mu       sync.Mutex
	requests []graph.ExportRequest
	// asked are the lists and reports that were asked for, by the names of fail, since it was emptied.
	asked []string
}

func (f *tenantFake) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
}

func (f *tenantFake) EntraDevices(_ context.Context, yield func(graph.EntraDevice) error) error {
	f.note("Entra")
	for _, d := range f.entra {
		if err := yield(d); err != nil {
			return err
		}
	}
	return f.fail["Entra"]
}

func (f *tenantFake) ManagedDevices(_ context.Context, yield func(graph.ManagedDevice) error) error {
	f.note("Managed")
	for _, d := range f.managed {
		if err := yield(d); err != nil {
			return err
		}
	}
	return f.fail["Managed"]
}

func (f *tenantFake) EncryptionStates(_ context.Context, yield func(graph.EncryptionState) error) error {
	f.note("Encryption")
	for _, e := range f.encryption {
		if err := yield(e); err != nil {
			return err
		}
	}
	return f.fail["Encryption"]
}

func (f *tenantFake) export(_ context.Context, request graph.ExportRequest, yield func(row) error) error {
	f.mu.Lock()
	f.requests = append(f.requests, request)
	if f.clock != nil {
		f.clock.SetTime(f.clock.Now().Add(time.Hour))
	}
	f.mu.Unlock()
	name, rows := "Apps", f.apps
	if request.Report == statusReport {
		name = strings.Split(request.Filter, "'")[1]
		rows = f.statuses[name]
	}
	f.note(name)
	failure := f.fail[name]
	for _, r := range rows {
		if err := yield(r); err != nil {
			return err
		}
	}
	return failure
}

// guid numbers ids of one kind: o objects, d devices, i Intune records, u users, p policies.
func guid(kind byte, n int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, n)
}

func id(kind byte, n int) audience.ID {
	parsed, err := audience.ParseID(guid(kind, n))
	if err != nil {
		panic(err)
	}
	return parsed
}

func entraRow(n int) graph.EntraDevice {
	enabled := true
	return graph.EntraDevice{AccountEnabled: &enabled, ID: guid('o', n), DeviceID: guid('d', n), DisplayName: fmt.Sprintf("entra-%d", n), OperatingSystem: "Windows", OperatingSystemVersion: "10.0.1"}
}

func managedRow(n int) graph.ManagedDevice {
	encrypted := true
	return graph.ManagedDevice{
		ID: guid('i', n), AzureADDeviceID: guid('d', n), DeviceName: fmt.Sprintf("PC-%d", n), OperatingSystem: "Windows",
		OSVersion: "10.0.26100.4061", ManagementAgent: "mdm", ManagementState: "managed", EnrolledAt: began.AddDate(0, -6, 0), LastSyncAt: began.Add(-time.Hour),
		IsEncrypted: &encrypted, UserID: guid('u', n), SerialNumber: fmt.Sprintf("S%d", n),
	}
}

func app(n int, version string) cells {
	return cells{columnDevice: guid('i', n), columnApp: edgeStable, columnVersion: version}
}

func status(n int, code int, at string) cells {
	return cells{columnIntune: guid('i', n), columnPolicyStatus: fmt.Sprint(code), columnReportStatus: fmt.Sprint(code), columnModified: at}
}

// healthyTenant has n managed devices with Edge and one policy that each reports as applied.
func healthyTenant(n int) *tenantFake {
	f := &tenantFake{statuses: map[string][]cells{}, fail: map[string]error{}}
	for i := range n {
		f.entra = append(f.entra, entraRow(i+1))
		f.managed = append(f.managed, managedRow(i+1))
		f.apps = append(f.apps, app(i+1, "145.0.3800.58"))
		f.statuses[guid('p', 1)] = append(f.statuses[guid('p', 1)], status(i+1, 2, "2026-10-02 08:00:12.0000000"))
	}
	return f
}

func read(t *testing.T, f *tenantFake, policies ...string) *Inventory {
	t.Helper()
	inv, err := refresh(t.Context(), f, Order{Policies: policies}, testclock.NewFakePassiveClock(began))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}
