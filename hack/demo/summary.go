// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// waveSummary is one wave of DEMO_SUMMARY.
type waveSummary struct {
	Name       string `json:"name"`
	Phase      string `json:"phase"`
	Attempt    int32  `json:"attempt"`
	N          int32  `json:"n"`
	K          int32  `json:"k"`
	LowerBound string `json:"lowerBound,omitempty"`
	Floor      string `json:"floor,omitempty"`
	Eligible   int32  `json:"eligible"`
	Exposed    int32  `json:"exposed"`
	Harmed     int32  `json:"harmedDevices"`
	// SimulatedSeconds from the start of the attempt to its promotion, or to now.
	SimulatedSeconds int64 `json:"simulatedSeconds"`
}

// summary is the file that DEMO_SUMMARY names.
type summary struct {
	Succeeded bool          `json:"succeeded"`
	Failure   string        `json:"failure,omitempty"`
	Caught    bool          `json:"badWaveCaught"`
	Waves     []waveSummary `json:"waves"`
	Totals    struct {
		Exposed          int32   `json:"exposed"`
		Harmed           int32   `json:"harmedDevices"`
		SimulatedSeconds int64   `json:"simulatedSeconds"`
		RealSeconds      float64 `json:"realSeconds"`
		GraphRequests    int64   `json:"graphRequests"`
	} `json:"totals"`
}

func (s *story) summarize(ctx context.Context, failure error) (*summary, error) {
	waves, err := s.w.waves(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	out := &summary{Succeeded: failure == nil, Caught: s.caught}
	if failure != nil {
		out.Failure = failure.Error()
	}
	var first, last time.Time
	for _, name := range order {
		for i := range waves {
			if waves[i].Name != name {
				continue
			}
			row, from, to := s.wave(&waves[i])
			out.Waves = append(out.Waves, row)
			out.Totals.Exposed += row.Exposed
			out.Totals.Harmed += row.Harmed
			if !from.IsZero() && (first.IsZero() || from.Before(first)) {
				first = from
			}
			if to.After(last) {
				last = to
			}
		}
	}
	out.Totals.SimulatedSeconds = int64(last.Sub(first) / time.Second)
	out.Totals.RealSeconds = time.Since(s.began).Seconds()
	out.Totals.GraphRequests = int64(s.w.Sim.Journal().Total)
	return out, nil
}

func (s *story) wave(w *v1alpha1.PilotWave) (row waveSummary, from, to time.Time) {
	st := &w.Status
	row = waveSummary{Name: w.Name, Phase: string(st.Phase), Attempt: st.Attempt, Exposed: s.seen[w.Name].exposed, Harmed: s.seen[w.Name].harmed}
	if st.Audience != nil {
		row.Eligible = st.Audience.Eligible
	}
	for _, g := range st.Gate {
		row.N, row.K, row.Floor = g.N, g.K, g.Floor
		if g.Floor != "" {
			row.LowerBound = g.LowerBound
		}
	}
	if st.Clocks.StartedAt != nil {
		from, to = st.Clocks.StartedAt.Time, s.w.Clock.Now()
		if st.Clocks.SucceededAt != nil {
			to = st.Clocks.SucceededAt.Time
		}
		row.SimulatedSeconds = int64(to.Sub(from) / time.Second)
	}
	return row, from, to
}

func (r *summary) print(s *screen) {
	s.line("")
	s.line("%-8s %-10s %7s %9s %8s %7s %8s %7s %9s", "WAVE", "PHASE", "ATTEMPT", "REPORTS", "FAILED", "PROVEN", "FLOOR", "HARMED", "DURATION")
	for _, w := range r.Waves {
		s.line("%-8s %-10s %7d %4d/%-4d %8d %7s %8s %7d %9s", w.Name, w.Phase, w.Attempt, w.N, w.Eligible, w.K, or(w.LowerBound, "-"), or(w.Floor, "smoke"), w.Harmed, days(w.SimulatedSeconds))
	}
	s.line("")
	s.line("%d devices exposed, %d harmed, %s of simulated time in %.0f s, %d Graph requests", r.Totals.Exposed, r.Totals.Harmed, days(r.Totals.SimulatedSeconds), r.Totals.RealSeconds, r.Totals.GraphRequests)
}

func days(seconds int64) string {
	return fmt.Sprintf("%dd%02dh", seconds/86400, seconds%86400/3600)
}

func (r *summary) write(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode summary: %w", err)
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write DEMO_SUMMARY: %w", err)
	}
	return nil
}
