// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"time"
)

// DateHeader is how the Date header of answers lies. Whoever compares clocks by
// it is misled as by a server, or a machine of its own, whose clock is wrong.
type DateHeader struct {
	// Ahead and Behind put it off the tenant's time; at most one of them.
	Ahead  Duration `json:"ahead,omitempty"`
	Behind Duration `json:"behind,omitempty"`
	// Text replaces the date, such as by one that is none.
	Text string `json:"text,omitempty"`
	// Absent leaves the header out, as a server without a clock does.
	Absent bool `json:"absent,omitempty"`
}

func (d *DateHeader) validate() error {
	switch {
	case d == nil:
		return nil
	case d.Ahead > 0 && d.Behind > 0:
		return fmt.Errorf("date: ahead is %s and behind %s: write one of them", time.Duration(d.Ahead), time.Duration(d.Behind))
	case d.Text != "" && (d.Ahead > 0 || d.Behind > 0), d.Absent && *d != DateHeader{Absent: true}:
		return fmt.Errorf("date: write ahead or behind, text, or absent, and no more than one")
	}
	return nil
}

// date sets the Date of an answer. Without it net/http would show the time of the
// machine, which is not the tenant's.
func (s *Server) date(w http.ResponseWriter) {
	s.mu.Lock()
	lie := s.scenario.Date
	s.mu.Unlock()
	now := s.clock.Now().UTC()
	switch {
	case lie == nil:
	case lie.Absent:
		w.Header()["Date"] = nil
		return
	case lie.Text != "":
		w.Header().Set("Date", lie.Text)
		return
	default:
		now = now.Add(time.Duration(lie.Ahead) - time.Duration(lie.Behind))
	}
	w.Header().Set("Date", now.Format(http.TimeFormat))
}
