// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// exportRows is the size of the report.
const exportRows = 1_000_000

// exportColumns are those of DeviceStatusesByConfigurationProfile, with the twins that the service adds (contract b.4).
var exportColumns = []string{"IntuneDeviceId", "DeviceName", "UPN", "PolicyId", "PolicyName", "ReportStatus", "ReportStatus_loc", "PolicyStatus",
	"PolicyStatus_loc", "PspdpuLastModifiedTimeUtc", "UnifiedPolicyType", "UnifiedPolicyPlatformType", "Manufacturer", "Model"}

// exportSelect are the columns that the runs look at, by name and by position.
var (
	exportSelect    = []string{"IntuneDeviceId", "PolicyStatus", "PspdpuLastModifiedTimeUtc"}
	exportPositions = []int{0, 7, 9}
)

// writeReport writes the archive of a report.
func writeReport(path string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	archive := zip.NewWriter(file)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	entry, err := archive.Create("DeviceStatusesByConfigurationProfileWithPFV3_bench.csv")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(entry, 1<<20)
	if _, err := w.WriteString("\ufeff"); err != nil {
		return err
	}
	for i, name := range exportColumns {
		if i > 0 {
			name = "," + name
		}
		if _, err := w.WriteString(name); err != nil {
			return err
		}
	}
	for i := range exportRows {
		if _, err := fmt.Fprintf(w, "\r\n8b1d0f3e-0000-4000-8000-%012d,PC-%07d,user%07d@contoso.example,4d0f7c9e-8a1b-4f5e-9b0a-2f5f0b7f1c33,wave 1 passkeys (Windows),%d,Succeeded,%d,Succeeded,"+
			"2026-10-02 08:%02d:%02d.0000000,Configuration,Windows10,Contoso,\"Laptop 7, black\"", i, i, i, 2+i%5, 2+i%5, i%60, i/60%60); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return archive.Close()
}

// newReports serves one finished export job and its file on loopback.
func newReports(b *testing.B, file string) *httptest.Server {
	b.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	b.Cleanup(srv.Close)
	mux.Handle("POST /v1.0/deviceManagement/reports/exportJobs", graphschema.Handler(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"id":"bench_1","status":"completed","url":"%s/file.zip?sig=x","requestDateTime":"2026-10-02T09:20:00Z"}`, srv.URL)
	})))
	mux.HandleFunc("GET /file.zip", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	return srv
}

// BenchmarkExport reads a report of 1,000,000 rows through the client, download included, against a scan of the same
// file on disk with archive/zip and encoding/csv. Promise: at most 1.3 times the floor, and a heap that grows by less
// than 64 MiB.
func BenchmarkExport(b *testing.B) {
	file := filepath.Join(b.TempDir(), "report.zip")
	if err := writeReport(file); err != nil {
		b.Fatal(err)
	}
	c := newClient(b, newReports(b, file).URL)
	request := graph.ExportRequest{Report: "DeviceStatusesByConfigurationProfile", Select: exportSelect}
	product := func() error {
		size := 0
		info, err := c.Export(b.Context(), request, func(r graph.Row) error {
			for _, name := range exportSelect {
				size += len(r.Get(name))
			}
			return nil
		})
		if err != nil {
			return err
		}
		return whole(info.Rows, size)
	}
	grown, err := peakGrowth(product)
	if err != nil {
		b.Fatal(err)
	}
	turns(b, exportRows, "rows", 1.3, func() error { return bareScan(file) }, product)
	b.ReportMetric(grown, "peak-MiB")
	if grown > 64 {
		b.Errorf("the heap grew by %.0f MiB while the report was read, 64 are promised", grown)
	}
}

// whole checks that a run saw the whole report.
func whole(rows, size int) error {
	if rows != exportRows || size != exportRows*(36+1+27) {
		return fmt.Errorf("%d rows with %d bytes", rows, size)
	}
	return nil
}

// bareScan reads the file with nothing but the standard library.
func bareScan(path string) (err error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	entry, err := archive.File[0].Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entry.Close()) }()
	reader := csv.NewReader(entry)
	reader.ReuseRecord = true
	if _, err := reader.Read(); err != nil {
		return err
	}
	rows, size := 0, 0
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return whole(rows, size)
		}
		if err != nil {
			return err
		}
		rows++
		for _, at := range exportPositions {
			size += len(record[at])
		}
	}
}

// peakGrowth runs work and returns by how many MiB the live and not yet collected heap grew at most.
func peakGrowth(work func() error) (float64, error) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	runtime.GC()
	metrics.Read(sample)
	start := sample[0].Value.Uint64()
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				metrics.Read(sample)
				peak.Store(max(peak.Load(), sample[0].Value.Uint64()))
			}
		}
	}()
	err := work()
	close(stop)
	<-stopped
	if peak.Load() < start {
		return 0, err
	}
	return float64(peak.Load()-start) / (1 << 20), err
}
