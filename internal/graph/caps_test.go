// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/room"
)

// trickle writes pieces until the client goes away, and counts the bytes. It gives up at a size that no cap lets through.
func trickle(t *testing.T, w http.ResponseWriter, sent *atomic.Int64, head string, pieces func(i int) string, pause time.Duration) {
	n, _ := io.WriteString(w, head)
	sent.Add(int64(n))
	for i := 0; sent.Load() < 256<<20; i++ {
		n, err := io.WriteString(w, pieces(i))
		if err != nil {
			return
		}
		sent.Add(int64(n))
		if pause > 0 {
			_ = http.NewResponseController(w).Flush()
			time.Sleep(pause)
		}
	}
	t.Error("the client reads without end")
}

// smallCaps are caps that a test reaches at once.
func smallCaps() caps {
	c := defaultCaps
	c.page, c.item, c.pageRows, c.pages, c.rows, c.list = 64<<10, 16<<10, 100, 20, 1000, 32<<10
	c.archive, c.columns, c.csvRow, c.csvRows, c.csv, c.archiveFiles, c.directory = 64<<10, 8, 4<<10, 1000, 256<<10, 4, 4<<10
	return c
}

// TestPromise16_EndlessAnswers: a host that sends without end is left, in memory that does not grow, with an error that names the
// cap; it is not asked again at once, as a lost answer would be.
func TestPromise16_EndlessAnswers(t *testing.T) {
	users := func(c *Client) error { return c.Users(t.Context(), func(User) error { return nil }) }
	devices := func(c *Client) error { return c.EntraDevices(t.Context(), func(EntraDevice) error { return nil }) }
	group := func(c *Client) error { _, err := c.Group(t.Context(), "g1"); return err }
	row := func(i int) string { return fmt.Sprintf(`{"id":"x%d","displayName":"%0200d"},`, i, i) }
	same := func(text string) func(int) string { return func(int) string { return text } }
	for name, test := range map[string]struct {
		head     string
		pieces   func(int) string
		do       func(*Client) error
		says     string
		requests int
	}{
		"rows":                  {`{"value":[`, row, users, "a page has more than 100 rows", 1},
		"small rows":            {`{"value":[`, same(`{},`), users, "a page has more than 100 rows", 1},
		"one text":              {`{"value":[{"id":"`, same("xxxxxxxx"), users, "an element of a list is longer than 16384 bytes", 1},
		"deep nesting":          {`{"value":[`, same(`[`), users, "", 4},
		"blanks":                {`{"value":[{"id":"u1"}`, same("        "), users, "an element of a list is longer than", 1},
		"a member nobody reads": {`{"@odata.context":"`, same("xxxxxxxx"), users, "a page is longer than 65536 bytes", 1},
		"after the end":         {`{"value":[]}`, same("        "), users, "a page is longer than 65536 bytes", 1},
		"an object":             {`{"displayName":"`, same("xxxxxxxx"), group, "an answer is longer than 16 MiB", 1},
		"a streamed list":       {`{"value":[`, row, devices, "a page has more than 100 rows", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int64
			srv := serveAny(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { // endless: nothing to hold against the types
				w.Header().Set("Content-Type", "application/json")
				trickle(t, w, &sent, test.head, test.pieces, 0)
			})
			c := testClient(t, srv.URL)
			c.caps = smallCaps()
			e := wantKind(t, test.do(c), KindTransient)
			if !strings.Contains(e.Message, test.says) || test.says != "" && (e.Code != codeTooMuch || !strings.Contains(e.Message, "spec.endpoint")) {
				t.Errorf("the call ends with %v, want %q", e, test.says)
			}
			if srv.count() != test.requests || e.OutcomeUnknown || e.Op == "" {
				t.Errorf("%d requests, %+v", srv.count(), e)
			}
		})
	}
}

// TestPromise16_EndlessPages: links that never come to an end and lead to a new place each time.
func TestPromise16_EndlessPages(t *testing.T) {
	for name, test := range map[string]struct {
		rows, pad int
		do        func(*Client) error
		says      string
	}{
		"empty":      {0, 0, func(c *Client) error { return c.Users(t.Context(), func(User) error { return nil }) }, "goes on after 20 pages"},
		"of rows":    {90, 0, func(c *Client) error { return c.EntraDevices(t.Context(), func(EntraDevice) error { return nil }) }, "goes on after 1000 rows"},
		"kept":       {10, 500, func(c *Client) error { return c.Users(t.Context(), func(User) error { return nil }) }, "the list is longer than 32768 bytes"},
		"for nobody": {10, 500, func(c *Client) error { return c.EntraDevices(t.Context(), func(EntraDevice) error { return nil }) }, "goes on after 20 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			var srv *recorder
			srv = serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
				rows := strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"id":"x1","displayName":"%0*d"},`, test.pad, 0), test.rows), ",")
				answer(w, 200, `{"value":[%s],"@odata.nextLink":"%s%s?page=%d"}`, rows, srv.URL, r.URL.Path, n)
			})
			c := testClient(t, srv.URL)
			c.caps = smallCaps()
			if e := wantKind(t, test.do(c), KindTransient); !strings.Contains(e.Message, test.says) || srv.count() > 21 {
				t.Errorf("after %d requests %v, want %q", srv.count(), e, test.says)
			}
		})
	}
}

// TestLongListsShareTheMemory: lists that are kept take what they take from the memory of the process, and fail when it is used up.
func TestLongListsShareTheMemory(t *testing.T) {
	var srv *recorder
	srv = serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		row := fmt.Sprintf(`{"id":"x1","displayName":"%01000d"}`, 0)
		answer(w, 200, `{"value":[%s],"@odata.nextLink":"%s%s?page=%d"}`, strings.TrimSuffix(strings.Repeat(row+",", 1000), ","), srv.URL, r.URL.Path, n)
	})
	memory := room.New(20 << 20)
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Memory = memory })
	err := c.Users(t.Context(), func(User) error { return nil })
	if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, "20 MiB") || srv.count() > 22 {
		t.Errorf("after %d pages of 1 MiB: %v", srv.count(), e)
	}
	share, err := memory.Enter(t.Context(), "another", 20<<20)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	before := srv.count()
	if err := c.Users(ctx, func(User) error { return nil }); KindOf(err) != KindTransient || srv.count() != before {
		t.Errorf("a list that is known to be long does not wait: %v", err)
	}
	share.Leave(true)
}

// TestPromise16_DrippingHost: a host that sends a byte now and then, so that it is never silent, holds a call no longer than an answer
// may take.
func TestPromise16_DrippingHost(t *testing.T) {
	for name, drip := range map[string]func(w http.ResponseWriter, sent *atomic.Int64){
		"a list": func(w http.ResponseWriter, sent *atomic.Int64) {
			trickle(t, w, sent, `{"value":[`, func(int) string { return " " }, 2*time.Millisecond)
		},
		"a error": func(w http.ResponseWriter, sent *atomic.Int64) {
			w.WriteHeader(503)
			trickle(t, w, sent, `{"error":{"code":"x"`, func(int) string { return " " }, 2*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int64
			srv := serveAny(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { // endless: nothing to hold against the types
				w.Header().Set("Content-Type", "application/json")
				drip(w, &sent)
			})
			c := testClient(t, srv.URL, func(cfg *Config) { cfg.AnswerTimeout, cfg.MaxAttempts = 150*time.Millisecond, 2 })
			began := time.Now()
			err := c.Users(t.Context(), func(User) error { return nil })
			if e := wantKind(t, err, KindTransient); name == "a list" && (!strings.Contains(e.Message, "not complete after 150ms") || e.Code != codeTooSlow || srv.count() != 1) {
				t.Errorf("after %d requests: %v", srv.count(), e)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the host held the call for %s", took)
			}
		})
	}
}

// TestPromise16_EndlessHeadersAndTokens: what comes before the body, and the answer of the token endpoint, are bounded too.
func TestPromise16_EndlessHeadersAndTokens(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		for i := range 400 {
			w.Header().Set(fmt.Sprintf("X-Pad-%d", i), strings.Repeat("x", 1024))
		}
		answer(w, 200, `{"value":[]}`)
	})
	wantKind(t, testClient(t, srv.URL, func(c *Config) { c.MaxAttempts = 1 }).Users(t.Context(), func(User) error { return nil }), KindTransient)

	a := newAuthority(t)
	var sent atomic.Int64
	a.onToken = func(w http.ResponseWriter, _ int64) {
		w.Header().Set("Content-Type", "application/json")
		trickle(t, w, &sent, `{"token_type":"Bearer","access_token":"`, func(int) string { return strings.Repeat("x", 1024) }, 0)
	}
	_, err := a.client(t).Group(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, "the answer of the token endpoint is longer than 1 MiB") || e.Op != "Group" {
		t.Errorf("got %v", e)
	}
}

// bomb is an archive whose files are far larger than itself.
func bomb(t *testing.T, files int, head, line string, lines int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range files {
		entry, err := w.Create(fmt.Sprintf("%d.csv", i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(entry, head)
		for range lines {
			_, _ = io.WriteString(entry, line)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPromise16_ExportBombs: an export file that is too large, or holds too much, is given up with an error that names the cap.
func TestPromise16_ExportBombs(t *testing.T) {
	const head = "IntuneDeviceId,PolicyStatus,UPN\n"
	var sent atomic.Int64
	for name, test := range map[string]struct {
		file func(w http.ResponseWriter)
		says string
	}{
		"bytes": {func(w http.ResponseWriter) {
			trickle(t, w, &sent, "PK", func(int) string { return strings.Repeat("x", 1024) }, 0)
		}, "the export file is longer than 65536 bytes"},
		"bomb": {func(w http.ResponseWriter) {
			_, _ = w.Write(bomb(t, 1, head, "d1,2,"+strings.Repeat("x", 1000)+"\n", 900))
		}, "longer than 262144 bytes unpacked"},
		"rows":    {func(w http.ResponseWriter) { _, _ = w.Write(bomb(t, 1, head, "d1,2,x\n", 2000)) }, "goes on after 1000 rows"},
		"in all":  {func(w http.ResponseWriter) { _, _ = w.Write(bomb(t, 3, head, "d1,2,x\n", 400)) }, "goes on after 1000 rows"},
		"line":    {func(w http.ResponseWriter) { _, _ = w.Write(bomb(t, 1, head+`d1,2,"`, "xxxxxxxxx\n", 15_000)) }, "a row is longer than 4096 bytes"},
		"columns": {func(w http.ResponseWriter) { _, _ = w.Write(bomb(t, 1, strings.Repeat("a,", 20)+"b\n", "", 0)) }, "more than 8 columns"},
		"files":   {func(w http.ResponseWriter) { _, _ = w.Write(bomb(t, 6, head, "d1,2,x\n", 1)) }, "more than 4 files"},
		"list":    {func(w http.ResponseWriter) { _, _ = w.Write(bomb(t, 400, "", "", 0)) }, "list of files of the export archive is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := newExporter(t, func(_ int, w http.ResponseWriter) { test.file(w) }, completed)
			spool := NewSpool(1 << 20)
			c := testClient(t, e.URL, func(cfg *Config) { cfg.TempDir, cfg.Spool = dir, spool })
			c.caps = smallCaps()
			_, err := c.Export(t.Context(), exportRequest, func(Row) error { return nil })
			if got := wantKind(t, err, KindTransient); !strings.Contains(got.Message, test.says) || e.fetches != 1 {
				t.Errorf("after %d downloads %v, want %q", e.fetches, got, test.says)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 || spool.used != 0 || len(spool.realm) != 0 {
				t.Errorf("left behind: %v, %d bytes of the spool, %v", left, spool.used, err)
			}
		})
	}
}

// TestSpoolIsShared: export files of all tenants together stay within the spool, and one tenant leaves half to the others.
func TestSpoolIsShared(t *testing.T) {
	s := NewSpool(100)
	if err := s.take("a", 50); err != nil {
		t.Fatal(err)
	}
	if err := s.take("a", 1); err == nil || !strings.Contains(err.Error(), "half of the space") || !strings.Contains(err.Error(), "--spool-size") {
		t.Errorf("one tenant takes more than half: %v", err)
	}
	if err := s.take("b", 40); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if err := s.take("c", 20); err == nil || !strings.Contains(err.Error(), "all tenants") {
		t.Errorf("more than there is: %v", err)
	}
	s.give("a", 50)
	if err := s.take("c", 20); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
}

// TestEndlessListsInConstantMemory reads a list of a hundred pages of a megabyte with the caps of the product.
func TestEndlessListsInConstantMemory(t *testing.T) {
	var srv *recorder
	row := fmt.Sprintf(`{"id":"x1","displayName":"%01000d"}`, 0)
	page := strings.TrimSuffix(strings.Repeat(row+",", 1000), ",")
	srv = serveAny(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		next := ""
		if n < 100 {
			next = fmt.Sprintf(`,"@odata.nextLink":"%s%s?page=%d"`, srv.URL, r.URL.Path, n)
		}
		_, _ = io.WriteString(w, `{"value":[`+page+`]`+next+`}`)
	})
	c := testClient(t, srv.URL)
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak uint64
	rows := 0
	err := c.EntraDevices(t.Context(), func(EntraDevice) error {
		if rows++; rows%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&during)
			peak = max(peak, during.HeapAlloc)
		}
		return nil
	})
	if grown := int64(peak) - int64(before.HeapAlloc); err != nil || rows != 100_000 || grown > 16<<20 {
		t.Errorf("%d rows, %v, heap grew by %d MiB", rows, err, grown>>20)
	}
}

// TestPromise16_DrippingDownload: an export file that trickles in is given up as an answer is, after a longer time.
func TestPromise16_DrippingDownload(t *testing.T) {
	var sent atomic.Int64
	ex := newExporter(t, func(_ int, w http.ResponseWriter) {
		trickle(t, w, &sent, "PK", func(int) string { return "x" }, 2*time.Millisecond)
	}, completed)
	_, _, err := ex.run(t, func(c *Config) { c.AnswerTimeout, c.DownloadTimeout = time.Minute, 200*time.Millisecond })
	if e := wantKind(t, err, KindTransient); e.Code != codeTooSlow || !strings.Contains(e.Message, "not complete after 200ms") || ex.fetches != 1 {
		t.Errorf("after %d downloads: %v", ex.fetches, e)
	}
}
