// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// tokenRoute is what FaultTokenDown matches.
const tokenRoute = "/*/oauth2/v2.0/token"

// activeFault is a fault with its route compiled and its counters.
type activeFault struct {
	FaultState
	segments []string // nil: any path
	seed     uint64
	stormEnd time.Time
}

// faultSet is the faults in force.
type faultSet struct {
	mu     sync.Mutex
	active []*activeFault
}

// SetFaults replaces the faults in force and starts their counters anew.
func (s *Server) SetFaults(faults []Fault) error {
	if err := validateFaults(faults); err != nil {
		return err
	}
	next := make([]*activeFault, len(faults))
	for i, f := range faults {
		a := &activeFault{FaultState: FaultState{Fault: f}, seed: s.options.Seed}
		setText(&a.Name, fmt.Sprintf("%s %d", f.Mode, i))
		if f.Match.Seed != 0 {
			a.seed = f.Match.Seed
		}
		a.seed = ids.Mix(a.seed ^ ids.HashText(a.Name))
		route := f.Match.Route
		if f.Mode == FaultTokenDown {
			route = tokenRoute
		}
		if route != "" {
			segments, err := splitPath(route)
			if err != nil { // validated above
				return fmt.Errorf("faults[%d].match.route: %w", i, err)
			}
			a.segments = segments
		}
		next[i] = a
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = next
	return nil
}

// Faults returns the faults in force with their counters.
func (s *Server) Faults() []FaultState {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := make([]FaultState, len(s.faults.active))
	for i, a := range s.faults.active {
		out[i] = a.FaultState
	}
	return out
}

// pickFault returns the fault that hits the request, or nil, and counts.
func (s *Server) pickFault(r *http.Request) *Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if len(s.faults.active) == 0 {
		return nil
	}
	segments, err := splitPath(r.URL.EscapedPath())
	if err != nil {
		segments = strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	}
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil {
		query = r.URL.RawQuery
	}
	for _, a := range s.faults.active {
		if a.matches(r.Method, segments, query) && a.holds(r) && a.hit(s.stormClock(a)) {
			picked := a.Fault
			return &picked
		}
	}
	return nil
}

func (s *Server) stormClock(a *activeFault) time.Time {
	if a.Clock == "virtual" {
		return s.clock.Now()
	}
	return s.wall.Now()
}

func (a *activeFault) matches(method string, segments []string, query string) bool {
	if a.Match.Method != "" && a.Match.Method != method || !strings.Contains(query, a.Match.Query) {
		return false
	}
	if a.segments == nil {
		return true
	}
	for i, want := range a.segments {
		if want == "**" {
			return true
		}
		if i >= len(segments) || want != "*" && want != segments[i] {
			return false
		}
	}
	return len(a.segments) == len(segments)
}

// holds says that the body of a request contains what the fault looks for. A body
// that cannot be read contains nothing.
func (a *activeFault) holds(r *http.Request) bool {
	if a.Match.Body == "" {
		return true
	}
	body, err := buffer(r)
	return err == nil && bytes.Contains(bytes.ToLower(body), []byte(strings.ToLower(a.Match.Body)))
}

// hit counts a matching request and decides whether it is spoiled.
func (a *activeFault) hit(now time.Time) bool {
	a.Seen++
	if now.Before(a.stormEnd) {
		a.Hits++
		return true
	}
	m := &a.Match
	switch {
	case m.Count > 0 && a.Hits >= uint64(m.Count),
		m.Nth > 0 && a.Seen != uint64(m.Nth),
		m.Every > 0 && a.Seen%uint64(m.Every) != 0,
		m.Probability != nil && ids.Uniform(ids.Mix(a.seed+a.Seen)) >= *m.Probability:
		return false
	}
	a.Hits++
	if a.Mode == FaultThrottle && a.For > 0 {
		a.stormEnd = now.Add(time.Duration(a.For))
	}
	return true
}
