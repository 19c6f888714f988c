// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// TestClockOffset: the newest answer of Graph says how far the clocks are apart, whatever its status; one without a date, or from
// a cache, says nothing.
func TestClockOffset(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Date(2026, 11, 22, 13, 0, 0, 500_000_000, time.UTC))
	month := 30 * 24 * time.Hour
	var header http.Header
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header()["Date"] = header["Date"]
		if age := header.Get("Age"); age != "" {
			w.Header().Set("Age", age)
		}
		answer(w, 403, `{"error":{"code":"Forbidden","message":"no"}}`)
	})
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Clock = clk })
	at := func(d time.Duration) []string { return []string{clk.Now().Add(d).Format(http.TimeFormat)} }
	for _, step := range []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"none yet", nil, 0},
		{"the same", http.Header{"Date": at(0)}, 0},
		{"a month ahead", http.Header{"Date": at(month)}, month - 500*time.Millisecond},
		{"no date", http.Header{}, month - 500*time.Millisecond},
		{"no date that can be read", http.Header{"Date": {"yesterday"}}, month - 500*time.Millisecond},
		{"of a cache", http.Header{"Date": at(-month), "Age": {"3600"}}, month - 500*time.Millisecond},
		{"a month behind", http.Header{"Date": at(-month)}, -month + 500*time.Millisecond},
		{"right again", http.Header{"Date": at(0)}, 0},
	} {
		header = step.header
		if step.name != "none yet" {
			if _, err := c.Group(t.Context(), "g1"); KindOf(err) != KindForbidden {
				t.Fatalf("%s: %v", step.name, err)
			}
		}
		if got := c.ClockOffset(); got != step.want {
			t.Errorf("%s: offset %s, want %s", step.name, got, step.want)
		}
	}
}

// TestOffsetOfASlowAnswer: any date between request and answer may be right, so that a slow answer proves no more than what is
// outside of that time.
func TestOffsetOfASlowAnswer(t *testing.T) {
	sent := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	received := sent.Add(10 * time.Minute)
	for date, want := range map[time.Duration]time.Duration{
		0: 0, 5 * time.Minute: 0, 10 * time.Minute: 0, -time.Second: 0, 12 * time.Minute: 2 * time.Minute, -3 * time.Minute: -3*time.Minute + time.Second,
	} {
		header := http.Header{"Date": {sent.Add(date).Format(http.TimeFormat)}}
		if got, ok := offsetOf(header, sent, received); !ok || got != want {
			t.Errorf("date %s after the request: %s, %t; want %s", date, got, ok, want)
		}
	}
}
