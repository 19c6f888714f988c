// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// Record is one request that the tenant answered. It never holds a body, a
// header or a secret.
type Record struct {
	// Number counts requests from 1.
	Number uint64 `json:"number"`
	// Time is virtual.
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query,omitempty"`
	// Status is what the tenant answered; 0: it did not get to answer.
	Status int `json:"status"`
	// Batch marks a request inside a $batch.
	Batch bool `json:"batch,omitempty"`
	// Changed tells that the request changed tenant state.
	Changed bool `json:"changed,omitempty"`
	// Before and After are digests of the tenant's configuration around a
	// request that changed state.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Fault names the fault that hit the request.
	Fault string `json:"fault,omitempty"`
	// Overlaps, on a request that changed state, are the contradictions that
	// are targeted after it.
	Overlaps []Overlap `json:"overlaps,omitempty"`
}

// JournalSnapshot is the journal at one moment.
type JournalSnapshot struct {
	// Records are the newest requests, oldest first; the journal is bounded.
	Records []Record `json:"records"`
	// Total counts all requests since the last reset, Routes counts them by
	// method and path with ids taken out.
	Total  uint64            `json:"total"`
	Routes map[string]uint64 `json:"routes"`
	// Changes counts requests that changed state.
	Changes uint64 `json:"changes"`
	// FailedWrites counts answers that the client did not take.
	FailedWrites uint64 `json:"failedWrites,omitempty"`
}

// journal is a bounded ring of records and counters that never forget.
type journal struct {
	mu      sync.Mutex
	ring    []Record
	size    int
	next    int
	number  uint64
	total   uint64
	changes uint64
	failed  uint64
	routes  map[string]uint64
}

func newJournal(size int) *journal {
	return &journal{size: max(size, 1), routes: map[string]uint64{}}
}

func (s *Server) beginRecord(r *http.Request) *Record {
	query := r.URL.RawQuery
	if strings.HasPrefix(r.URL.Path, downloadPrefix) {
		query = "" // holds the signature of the link
	}
	if plain, err := url.QueryUnescape(query); err == nil {
		query = plain
	}
	batch, _ := r.Context().Value(inBatchKey{}).(bool)
	return &Record{Time: s.clock.Now().UTC(), Method: r.Method, Path: r.URL.Path, Query: query, Batch: batch}
}

func (s *Server) endRecord(rec *Record, out *reply) {
	rec.Status, rec.Changed, rec.Overlaps = out.status, out.changed, out.overlaps
	rec.Before, rec.After = out.before, out.after
	s.journal.add(*rec)
}

func (j *journal) add(rec Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.number++
	j.total++
	rec.Number = j.number
	if rec.Changed {
		j.changes++
	}
	j.routes[rec.Method+" "+routeOf(rec.Path)]++
	if len(j.ring) < j.size {
		j.ring = append(j.ring, rec)
		return
	}
	j.ring[j.next] = rec
	j.next = (j.next + 1) % j.size
}

func (j *journal) failedWrite() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed++
}

func (j *journal) snapshot() JournalSnapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := JournalSnapshot{Total: j.total, Changes: j.changes, FailedWrites: j.failed, Routes: make(map[string]uint64, len(j.routes))}
	out.Records = append(append(make([]Record, 0, len(j.ring)), j.ring[j.next:]...), j.ring[:j.next]...)
	for route, n := range j.routes {
		out.Routes[route] = n
	}
	return out
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring, j.next, j.total, j.changes, j.failed = nil, 0, 0, 0, 0
	j.routes = map[string]uint64{}
}

// routeOf takes ids out of a path so that counters stay few.
func routeOf(path string) string {
	if strings.HasPrefix(path, downloadPrefix) {
		return downloadPrefix + "{blob}"
	}
	segments, err := splitPath(path)
	if err != nil {
		return path
	}
	for i, segment := range segments {
		_, isGUID := ids.ParseGUID(segment)
		if i > 0 && (isGUID || strings.ContainsAny(segment, "=@~") || len(segment) > 40) {
			segments[i] = "{id}"
		}
	}
	return "/" + strings.Join(segments, "/")
}

// Journal returns the requests so far.
func (s *Server) Journal() JournalSnapshot { return s.journal.snapshot() }

// ResetJournal forgets the requests so far.
func (s *Server) ResetJournal() { s.journal.reset() }

// changed notes that the call changed tenant state, and which contradictions
// are targeted right after it. The lock is held.
func (c *call) changed() {
	c.server.changes++
	c.effect, c.overlaps = true, c.server.overlaps()
}
