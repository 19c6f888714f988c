// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"

	"github.com/tidegate/tidegate/internal/graph"
)

// Source is what a reading asks of a tenant; *graph.Client is one. Each method hands over every item or returns an
// error; what was handed over before an error is thrown away. It must be safe for concurrent use.
type Source interface {
	EntraDevices(ctx context.Context, yield func(graph.EntraDevice) error) error
	ManagedDevices(ctx context.Context, yield func(graph.ManagedDevice) error) error
	EncryptionStates(ctx context.Context, yield func(graph.EncryptionState) error) error
	Export(ctx context.Context, request graph.ExportRequest, yield func(graph.Row) error) (graph.ExportInfo, error)
}

var _ Source = (*graph.Client)(nil)

// source is Source with rows that a test can make.
type source interface {
	EntraDevices(ctx context.Context, yield func(graph.EntraDevice) error) error
	ManagedDevices(ctx context.Context, yield func(graph.ManagedDevice) error) error
	EncryptionStates(ctx context.Context, yield func(graph.EncryptionState) error) error
	export(ctx context.Context, request graph.ExportRequest, yield func(row) error) error
}

// row is one row of an export report. The text may be overwritten once yield has returned.
type row interface {
	// Get returns the text of a column.
	Get(column string) string
}

type graphSource struct{ Source }

func (s graphSource) export(ctx context.Context, request graph.ExportRequest, yield func(row) error) error {
	_, err := s.Export(ctx, request, func(r graph.Row) error { return yield(r) })
	return err
}
