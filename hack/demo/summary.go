// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// waveSummary is one wave and one revision in DEMO_SUMMARY.
type waveSummary struct {
	Name       string `json:"name"`
	Revision   int32  `json:"revision"`
	Phase      string `json:"phase"`
	Attempt    int32  `json:"attempt"`
	N          int32  `json:"n"`
	K          int32  `json:"k"`
	LowerBound string `json:"lowerBound,omitempty"`
	Floor      string `json:"floor,omitempty"`
	Eligible   int32  `json:"eligible"`
	Reported   int32  `json:"reported"`
	Exposed    int32  `json:"exposed"`
	Harmed     int32  `json:"harmedDevices"`
	// SimulatedSeconds from the start of the attempt to its promotion, or to the end of the chapter.
	SimulatedSeconds int64 `json:"simulatedSeconds"`
	// RolledBackAfterSeconds of real time after the revert the wave was rolling back; 0 for one that was not.
	RolledBackAfterSeconds float64 `json:"rolledBackAfterSeconds,omitempty"`
}

// momentSummary is the population at the end of a chapter, by status and by what the tenant targets.
type momentSummary struct {
	Title      string          `json:"title"`
	Members    int32           `json:"members"`
	OnHold     int32           `json:"onHold"`
	Revisions  map[int32]int32 `json:"revisions"`
	OutOfReach int32           `json:"outOfReach"`
	// Targeted devices by revision, as Intune acts on it; 0 is hold.
	Targeted map[int32]int `json:"targeted"`
}

// summary is the file that DEMO_SUMMARY names.
type summary struct {
	Succeeded bool            `json:"succeeded"`
	Failure   string          `json:"failure,omitempty"`
	Caught    bool            `json:"badWaveCaught"`
	Waves     []waveSummary   `json:"waves"`
	Moments   []momentSummary `json:"moments"`
	Totals    struct {
		Exposed          int32   `json:"exposed"`
		Harmed           int32   `json:"harmedDevices"`
		SimulatedSeconds int64   `json:"simulatedSeconds"`
		RealSeconds      float64 `json:"realSeconds"`
		GraphRequests    int64   `json:"graphRequests"`
	} `json:"totals"`
}

// summarize says what came of it. A story that broke off has the rows of the chapter that was not over.
func (s *story) summarize(failure error) *summary {
	out := &summary{Succeeded: failure == nil, Caught: s.caught, Waves: s.rows}
	if failure != nil {
		out.Failure = failure.Error()
		if at := len(s.moments); at < len(chapters) && s.latest.policy != nil {
			out.Waves = append(out.Waves, s.rowsOf(s.latest, chapters[at].revision)...)
		}
	}
	for _, m := range s.moments {
		out.Moments = append(out.Moments, summaryOf(m))
	}
	for i := range out.Waves {
		w := &out.Waves[i]
		if w.Revision == second {
			w.RolledBackAfterSeconds = s.retreats[w.Name].Seconds()
		}
		out.Totals.Exposed += w.Exposed
		out.Totals.Harmed += w.Harmed
	}
	out.Totals.SimulatedSeconds = int64(s.w.Clock.Now().Sub(s.start) / time.Second)
	out.Totals.RealSeconds = time.Since(s.began).Seconds()
	out.Totals.GraphRequests = int64(s.w.Sim.Journal().Total)
	return out
}

// rowsOf are the waves that have begun with a revision.
func (s *story) rowsOf(v view, revision int32) []waveSummary {
	var out []waveSummary
	for _, name := range order {
		if st := &v.waves[name].Status; st.Revision == revision && st.Clocks.StartedAt != nil {
			out = append(out, s.row(name, st, v.now))
		}
	}
	return out
}

func (s *story) row(name string, st *v1alpha1.PilotWaveStatus, now time.Time) waveSummary {
	most := s.seen[part{name, st.Revision}]
	row := waveSummary{Name: name, Revision: st.Revision, Phase: string(st.Phase), Attempt: st.Attempt, Exposed: most.exposed, Harmed: most.harmed}
	if st.Audience != nil {
		row.Eligible, row.Reported = st.Audience.Eligible, reported(st)
	}
	for _, g := range st.Gate {
		row.N, row.K, row.Floor = g.N, g.K, g.Floor
		if g.Floor != "" && g.N > 0 { // nothing is proven before the first device has matured, not zero
			row.LowerBound = g.LowerBound
		}
	}
	if st.Clocks.SucceededAt != nil {
		now = st.Clocks.SucceededAt.Time
	}
	row.SimulatedSeconds = int64(now.Sub(st.Clocks.StartedAt.Time) / time.Second)
	return row
}

func summaryOf(m moment) momentSummary {
	p := m.view.population()
	out := momentSummary{Title: m.title, Members: p.Members, OnHold: p.OnHold, OutOfReach: outOfReach(p), Revisions: map[int32]int32{}, Targeted: map[int32]int{}}
	for _, r := range p.Revisions {
		out.Revisions[r.Revision] = r.Count
	}
	for _, r := range []int32{0, first, second} {
		out.Targeted[r] = m.effect.count(r)
	}
	return out
}

func (r *summary) print(s *screen) {
	s.line("")
	s.line("%-8s %8s %-10s %7s %9s %7s %7s %7s %7s %9s %12s", "WAVE", "REVISION", "PHASE", "ATTEMPT", "REPORTS", "FAILED", "PROVEN", "FLOOR", "HARMED", "DURATION", "ROLLED BACK")
	for _, w := range r.Waves {
		s.line("%-8s %8s %-10s %7d %4d/%-4d %7d %7s %7s %7d %9s %12s", w.Name, nameOf(w.Revision), w.Phase, w.Attempt, w.Reported, w.Eligible, w.K,
			cmp.Or(w.LowerBound, "-"), cmp.Or(w.Floor, "smoke"), w.Harmed, days(w.SimulatedSeconds), back(w.RolledBackAfterSeconds))
	}
	s.line("")
	s.line("%-26s %8s %7s %7s %12s %7s   %s", "DEVICES WHEN", "ON HOLD", "ON R1", "ON R2", "OUT OF REACH", "ALL", "TARGETED IN THE TENANT")
	for _, m := range r.Moments {
		s.line("%-26s %8d %7d %7d %12d %7d   hold %d, r1 %d, r2 %d", m.Title, m.OnHold, m.Revisions[first], m.Revisions[second], m.OutOfReach, m.Members,
			m.Targeted[0], m.Targeted[first], m.Targeted[second])
	}
	s.line("")
	s.line("%d exposures, %d devices harmed, %s of simulated time in %.0f s, %d Graph requests", r.Totals.Exposed, r.Totals.Harmed,
		days(r.Totals.SimulatedSeconds), r.Totals.RealSeconds, r.Totals.GraphRequests)
}

func days(seconds int64) string {
	return fmt.Sprintf("%dd%02dh", seconds/86400, seconds%86400/3600)
}

// back is how long after the revert a wave was rolling back.
func back(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return fmt.Sprintf("after %.1f s", seconds)
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
