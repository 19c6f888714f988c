// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"

	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/room"
)

// What a row takes while a reading is under way, in bytes beside its texts: the row itself, the slices that grow, and what the
// collector has not yet found (BenchmarkReadingInMemory measures the sum).
const (
	entraBytes      = 320
	managedBytes    = 560
	encryptionBytes = 16 // a few of them are kept
	edgeBytes       = 112
	statusBytes     = 32
	// deviceTexts are the texts of one device in both lists: names, system, versions.
	deviceTexts = 120

	// residentDevice is what a device takes in a finished inventory, with its name; residentStatus each policy object of it.
	residentDevice = 176
	residentStatus = 16
)

// ReadingCost is the memory that a reading of so many devices and policy objects takes until it is finished, in bytes.
func ReadingCost(devices, policies int64) int64 {
	return devices * (entraBytes + managedBytes + encryptionBytes + edgeBytes + deviceTexts + policies*statusBytes)
}

// Memory is what the inventory keeps, in bytes.
func (inv *Inventory) Memory() int64 {
	return int64(len(inv.records)) * (residentDevice + residentStatus*int64(len(inv.statuses)))
}

// RefreshWithin is Refresh within the memory that all readings of the process share; nil for no bound. A reading that is
// expected to be large, as the last one had so many devices, waits for its turn; one that turns out to be larger than there is
// memory for ends with an error of kind Transient that says so. who names the reading across repetitions.
func RefreshWithin(ctx context.Context, memory *room.Room, who string, last int64, src Source, o Order, clk clock.PassiveClock) (*Inventory, error) {
	if memory == nil {
		return Refresh(ctx, src, o, clk)
	}
	share, err := memory.Enter(ctx, who, ReadingCost(last, int64(len(o.Policies))))
	if err != nil {
		return nil, &graph.Error{Kind: graph.KindTransient, Op: "Refresh", Message: err.Error(), Err: ctx.Err()}
	}
	inv, err := Refresh(ctx, measured{src, share}, o, clk)
	// Who was told to stop has not failed.
	share.Leave(err == nil || errors.Is(ctx.Err(), context.Canceled))
	return inv, err
}

// measured is a source that notes what its rows take.
type measured struct {
	Source
	share *room.Share
}

// take notes one row with its texts.
func (m measured) take(row int, texts ...string) error {
	for _, text := range texts {
		row += len(text)
	}
	err := m.share.Take(int64(row))
	if err == nil {
		return nil
	}
	return &graph.Error{Kind: graph.KindTransient, Op: "Refresh", Err: err,
		Message: "the lists of devices are too long: " + err.Error() + ", see Sizing in docs/operations.md"}
}

// EntraDevices implements Source.
func (m measured) EntraDevices(ctx context.Context, yield func(graph.EntraDevice) error) error {
	return m.Source.EntraDevices(ctx, func(d graph.EntraDevice) error {
		if err := m.take(entraBytes, d.DisplayName, d.OperatingSystem, d.OperatingSystemVersion); err != nil {
			return err
		}
		return yield(d)
	})
}

// ManagedDevices implements Source.
func (m measured) ManagedDevices(ctx context.Context, yield func(graph.ManagedDevice) error) error {
	return m.Source.ManagedDevices(ctx, func(d graph.ManagedDevice) error {
		if err := m.take(managedBytes, d.DeviceName, d.OperatingSystem, d.OSVersion, d.ManagementAgent, d.ManagementState, d.SerialNumber); err != nil {
			return err
		}
		return yield(d)
	})
}

// EncryptionStates implements Source.
func (m measured) EncryptionStates(ctx context.Context, yield func(graph.EncryptionState) error) error {
	return m.Source.EncryptionStates(ctx, func(e graph.EncryptionState) error {
		if err := m.take(encryptionBytes); err != nil {
			return err
		}
		return yield(e)
	})
}

// Export implements Source. Of the report of a policy one row is kept for each device, which the lists of devices counted.
func (m measured) Export(ctx context.Context, request graph.ExportRequest, yield func(graph.Row) error) (graph.ExportInfo, error) {
	if request.Report == statusReport {
		return m.Source.Export(ctx, request, yield)
	}
	return m.Source.Export(ctx, request, func(r graph.Row) error {
		if err := m.take(edgeBytes); err != nil {
			return err
		}
		return yield(r)
	})
}
