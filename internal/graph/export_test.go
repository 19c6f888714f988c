// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// zipOf makes an archive of named texts.
func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		entry, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	jobID    = "DeviceStatusesByConfigurationProfileWithPFV3_6f2e"
	goodCSV  = "\ufeffPolicyStatus,IntuneDeviceId,UPN,PolicyStatus_loc\r\n2,d1,ann@x,Succeeded\r\n6,d2,\"a,b\",Conf \"lict\"\r\n"
	storage  = "/storage/file.zip"
	jobsPath = "/v1.0/deviceManagement/reports/exportJobs"
)

var exportRequest = ExportRequest{Report: "DeviceStatusesByConfigurationProfile", Filter: "(PolicyId eq 'p1')", Select: []string{"IntuneDeviceId", "PolicyStatus", "UPN"}}

// exporter is a server for export jobs. states are the answers to the polls, the last one repeats.
type exporter struct {
	*recorder
	states  []string
	polls   int
	fetches int
	file    func(n int, w http.ResponseWriter)
}

func newExporter(t *testing.T, file func(n int, w http.ResponseWriter), states ...string) *exporter {
	e := &exporter{states: states, file: file}
	e.recorder = serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.URL.Path == storage:
			if r.Header.Get("Authorization") != "" {
				t.Error("the token went to storage")
			}
			if r.URL.Query().Get("sig") != "abc/+=" {
				t.Errorf("link was changed: %s", r.URL.RawQuery)
			}
			e.fetches++
			e.file(e.fetches, w)
		case r.Method == http.MethodPost:
			answer(w, 201, `{"id":%q,"status":"notStarted","url":null,"requestDateTime":"2026-10-02T09:20:00.1234567Z","expirationDateTime":"0001-01-01T00:00:00Z"}`, jobID)
		default:
			state := e.states[min(e.polls, len(e.states)-1)]
			e.polls++
			if state == novelState {
				mark(w)
			}
			answer(w, 200, `{"id":%q,"requestDateTime":"2026-10-02T09:20:00.1234567Z",%s}`, jobID, strings.ReplaceAll(state, "HOST", e.URL))
		}
	})
	return e
}

// novelState is one that the types do not know.
const novelState = `"status":"somethingNew","url":""`

const completed = `"status":"completed","url":"HOST/storage/file.zip?sig=abc%2F%2B%3D","expirationDateTime":"2999-01-01T00:00:00Z"`

// run exports and returns what was handed out.
func (e *exporter) run(t *testing.T, change ...func(*Config)) (string, ExportInfo, error) {
	t.Helper()
	dir := t.TempDir()
	change = append(change, func(c *Config) { c.TempDir = dir })
	var rows []string
	info, err := testClient(t, e.URL, change...).Export(t.Context(), exportRequest, func(r Row) error {
		rows = append(rows, r.Get("IntuneDeviceId")+"="+r.Get("PolicyStatus")+"/"+r.Get("UPN")+"/"+r.Get("PolicyStatus_loc")+r.Get("nothing"))
		return nil
	})
	left, readErr := os.ReadDir(dir)
	if readErr != nil || len(left) != 0 {
		t.Errorf("files left behind: %v, %v", left, readErr)
	}
	return strings.Join(rows, ";"), info, err
}

// TestExport walks a whole export: polls, a completed job without a link, BOM, columns by name, bare quotes.
func TestExport(t *testing.T) {
	e := newExporter(t, func(_ int, w http.ResponseWriter) { _, _ = w.Write(zipOf(t, jobID+".csv", goodCSV)) },
		`"status":"inProgress","url":null`, novelState, `"status":"completed","url":""`, completed)
	rows, info, err := e.run(t)
	if err != nil || rows != `d1=2/ann@x/Succeeded;d2=6/a,b/Conf "lict"` {
		t.Errorf("%s, %v", rows, err)
	}
	if info.JobID != jobID || info.Rows != 2 || info.RequestedAt.Format(time.DateTime) != "2026-10-02 09:20:00" || e.polls != 4 {
		t.Errorf("%+v after %d polls", info, e.polls)
	}
	want := `{"filter":"(PolicyId eq 'p1')","format":"csv","localizationType":"localizedValuesAsAdditionalColumn","reportName":"DeviceStatusesByConfigurationProfile","select":["IntuneDeviceId","PolicyStatus","UPN"]}`
	if first := e.all()[0]; first.body != want || first.path != jobsPath {
		t.Errorf("%s %s", first.path, first.body)
	}
}

// TestExportFaults: what goes wrong, what the client does about it, and what the caller learns.
func TestExportFaults(t *testing.T) {
	good := zipOf(t, "a.csv", goodCSV)
	damaged := bytes.Clone(good)
	damaged[40] ^= 0xff
	write := func(b []byte) func(int, http.ResponseWriter) {
		return func(_ int, w http.ResponseWriter) { _, _ = w.Write(b) }
	}
	tests := []struct {
		name    string
		file    func(int, http.ResponseWriter)
		states  []string
		ok      bool
		code    string
		says    string
		fetches int
	}{
		{"job failed", write(good), []string{`"status":"failed"`}, false, codeJobFailed, jobID, 0},
		{"job never ends", write(good), []string{`"status":"inProgress"`}, false, codeJobSlow, "not ready", 0},
		{"link expired by storage", func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.WriteHeader(403)
				return
			}
			_, _ = w.Write(good)
		}, []string{completed}, true, "", "", 2},
		{"link stays expired", func(_ int, w http.ResponseWriter) { w.WriteHeader(404) }, []string{completed}, false, codeLinkExpired, "no longer serves", 2},
		{"download breaks off", func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Content-Length", fmt.Sprint(len(good)))
				_, _ = w.Write(good[:len(good)/2])
				return
			}
			_, _ = w.Write(good)
		}, []string{completed}, true, "", "", 2},
		{"storage is busy", func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.WriteHeader(503)
				return
			}
			_, _ = w.Write(good)
		}, []string{completed}, true, "", "", 2},
		{"not a zip", write([]byte("<html>")), []string{completed}, false, "", "did not parse", 1},
		{"checksum", write(damaged), []string{completed}, false, "", "did not parse", 1},
		{"no csv inside", write(zipOf(t, "a.json", "{}")), []string{completed}, false, "", "no csv file", 1},
		{"empty csv", write(zipOf(t, "a.csv", "")), []string{completed}, false, "", "not even a header", 1},
		{"column missing", write(zipOf(t, "a.csv", "IntuneDeviceId,UPN\nd1,x\n")), []string{completed}, false, "", `column "PolicyStatus" is missing`, 1},
		{"short row", write(zipOf(t, "a.csv", "IntuneDeviceId,UPN,PolicyStatus\nd1,x\nd2,y,2\n")), []string{completed}, true, "", "", 1},
		{"column twice", write(zipOf(t, "a.csv", "IntuneDeviceId,UPN,PolicyStatus,PolicyStatus\nd1,x,2,5\n")), []string{completed}, false, "", `column "PolicyStatus" is there twice`, 1},
		{"quote never closed", write(zipOf(t, "a.csv", "IntuneDeviceId,UPN,PolicyStatus\nd1,\"x,2\n"+strings.Repeat("d1,x,2\n", 1_000_000))), []string{completed}, false, "", "a quote is not closed", 1},
		{"stray link, not https", write(good), []string{`"status":"completed","url":"http://storage.example/x?sig=abc"`}, false, "", "not an https URL", 0},
		{"stray link, elsewhere", write(good), []string{`"status":"completed","url":"https://storage.example/x?sig=abc"`}, false, "", "host storage.example:443 is neither storage", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newExporter(t, tt.file, tt.states...)
			_, _, err := e.run(t, func(c *Config) { c.ExportMaxWait = 50 * time.Millisecond })
			if tt.ok {
				if err != nil {
					t.Fatal(err)
				}
			} else if got := asError(err); got == nil || got.Kind != map[bool]Kind{true: KindInvalid, false: KindTransient}[strings.HasPrefix(tt.name, "stray link")] || got.Code != tt.code || !strings.Contains(got.Message, tt.says) || strings.Contains(err.Error(), "sig=abc") {
				t.Errorf("%v", err)
			}
			if e.fetches != tt.fetches {
				t.Errorf("%d downloads, want %d", e.fetches, tt.fetches)
			}
		})
	}
}

// TestExportHidesTheLink: a storage that cannot be reached must not put its signature into the error (P8).
func TestExportHidesTheLink(t *testing.T) {
	e := newExporter(t, nil, `"status":"completed","url":"https://127.0.0.1:1/file.zip?sv=1&sig=s3cr3tsignature"`)
	_, _, err := e.run(t)
	wantKind(t, err, KindTransient)
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "s3cr3tsignature") {
		t.Error(text)
	}
}

// TestExportRequestChecks: mistakes that the tenant would answer with a bare 400.
func TestExportRequestChecks(t *testing.T) {
	e := newExporter(t, nil, completed)
	c := testClient(t, e.URL)
	for name, r := range map[string]ExportRequest{
		"no report": {Select: []string{"a"}}, "no columns": {Report: "Devices"}, "text twin": {Report: "Devices", Select: []string{"OS", "OS_loc"}},
		"long filter": {Report: "Devices", Select: []string{"OS"}, Filter: strings.Repeat("x", 2001)}, "too many columns": {Report: "Devices", Select: make([]string, 257)},
	} {
		_, err := c.Export(t.Context(), r, func(Row) error { return nil })
		if KindOf(err) != KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e.count() != 0 {
		t.Errorf("%d requests", e.count())
	}
}

// TestExportYieldAndCancel: the caller's error comes back as it is; a caller that leaves ends the polling.
func TestExportYieldAndCancel(t *testing.T) {
	e := newExporter(t, func(_ int, w http.ResponseWriter) { _, _ = w.Write(zipOf(t, "a.csv", goodCSV)) }, completed)
	stop := errors.New("enough")
	if _, err := testClient(t, e.URL).Export(t.Context(), exportRequest, func(Row) error { return stop }); err != stop { //nolint:errorlint // identity is the point
		t.Errorf("got %v", err)
	}
	slow := newExporter(t, nil, `"status":"inProgress"`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := testClient(t, slow.URL, func(c *Config) { c.ExportPollInterval = time.Hour }).Export(ctx, exportRequest, func(Row) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestExportMemory: a large file is read in little memory.
func TestExportMemory(t *testing.T) {
	const rows = 300_000
	var text bytes.Buffer
	text.WriteString("IntuneDeviceId,PolicyStatus,UPN,pad\n")
	for i := range rows {
		fmt.Fprintf(&text, "d%d,2,user%d@contoso.example,%s\n", i, i, strings.Repeat("x", 60))
	}
	archive := zipOf(t, "a.csv", text.String())
	text.Reset()
	e := newExporter(t, func(_ int, w http.ResponseWriter) { _, _ = w.Write(archive) }, completed)
	c := testClient(t, e.URL, func(c *Config) { c.TempDir = t.TempDir() })
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak uint64
	seen := 0
	info, err := c.Export(t.Context(), exportRequest, func(Row) error {
		if seen++; seen%100_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			peak = max(peak, during.HeapAlloc)
		}
		return nil
	})
	if err != nil || info.Rows != rows {
		t.Fatal(info, err)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("heap grew by %d MiB while %d rows were read", grown>>20, rows)
	}
}

// TestUnclosedQuoteIsBounded: a quote that is never closed does not pull the rest of the file into memory.
func TestUnclosedQuoteIsBounded(t *testing.T) {
	endless := &countingReader{line: []byte("d1,x,2\n")}
	rows, err := readCSV(io.MultiReader(strings.NewReader("a,b,c\nd1,x,2\nd1,\"x,2\n"), io.LimitReader(endless, 1<<30)), &csvTotal{limits: defaultCaps}, nil, func(Row) error { return nil })
	var broken *archiveError
	if rows != 1 || !errors.As(err, &broken) || int64(endless.read) > 2*defaultCaps.csvRow {
		t.Errorf("%d rows, %v after %d bytes", rows, err, endless.read)
	}
	// A long file of short rows is no long row.
	lines := 3 * defaultCaps.csvRow / 7
	rows, err = readCSV(io.LimitReader(&countingReader{line: []byte("d1,x,2\n")}, 7*lines), &csvTotal{limits: defaultCaps}, nil, func(Row) error { return nil })
	if err != nil || int64(rows) != lines-1 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// countingReader gives a line again and again.
type countingReader struct {
	line []byte
	at   int
	read int
}

func (r *countingReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.line[r.at]
		r.at = (r.at + 1) % len(r.line)
	}
	r.read += len(p)
	return len(p), nil
}

// FuzzReadCSV checks that no text breaks the reader and that each row it hands out fits the header.
func FuzzReadCSV(f *testing.F) {
	for _, text := range []string{goodCSV, "", "\ufeff", "a,b\n1\n", "a\n\"", "a,a\n1,2\n", "a,b\n\"x\ny\",2\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		rows, err := readCSV(bytes.NewReader(text), &csvTotal{limits: defaultCaps}, nil, func(r Row) error {
			n++
			for name := range r.columns {
				_ = r.Get(name)
			}
			if r.Get("\x00no such column") != "" {
				t.Fatal("a value for a column that is not there")
			}
			return nil
		})
		var broken *archiveError
		if rows != n || err != nil && !errors.As(err, &broken) {
			t.Fatalf("%d rows reported, %d handed out, %v", rows, n, err)
		}
	})
}

// FuzzReadZip checks that no archive breaks the reader.
func FuzzReadZip(f *testing.F) {
	f.Add(zipOf(f, "a.csv", goodCSV))
	f.Add(zipOf(f, "../a.csv", goodCSV, "b.txt", "x"))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := 0
		stop := errors.New("enough")
		_, err := readZip(bytes.NewReader(raw), int64(len(raw)), defaultCaps, nil, func(Row) error {
			if n++; n > 10_000 {
				return stop
			}
			return nil
		})
		var broken *archiveError
		if err != nil && !errors.As(err, &broken) && !errors.Is(err, stop) {
			t.Fatal(err)
		}
	})
}
