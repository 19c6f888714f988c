// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

func TestLag(t *testing.T) {
	const slow = "lag: {read: 3h}"
	file := t.TempDir() + "/slow.yaml"
	if err := os.WriteFile(file, []byte(slow), 0o600); err != nil {
		t.Fatal(err)
	}
	span := func(d time.Duration) tenantsim.LagRange {
		return tenantsim.LagRange{Min: tenantsim.Duration(d), Max: tenantsim.Duration(d)}
	}
	all := span(10 * time.Minute)
	for _, test := range []struct {
		scenario, lag, ideal string
		want                 *tenantsim.Lag
	}{
		{"healthy", "", "", nil}, // the tenant's own default, an ordinary day
		{"healthy", "ordinary", "", tenantsim.OrdinaryLag()},
		{"healthy", "ideal", idealReason, nil},
		{"healthy", "10m", "", &tenantsim.Lag{Read: all, List: all, Members: all, Index: all, Targeting: all, Assignments: all, Dynamic: all}},
		{"healthy", "{read: 30s, targeting: 90m}", "", &tenantsim.Lag{Read: span(30 * time.Second), Targeting: span(90 * time.Minute)}},
		{file, "", "", &tenantsim.Lag{Read: span(3 * time.Hour)}},
		{file, "ordinary", "", tenantsim.OrdinaryLag()},
		{file, "ideal", idealReason, nil},
		{file, "{}", "", &tenantsim.Lag{}},
	} {
		got, err := (&Options{Devices: 1, Scenario: test.scenario, Lag: test.lag}).tenant()
		if diff := cmp.Diff(test.want, got.Scenario.Lag); err != nil || diff != "" || got.Ideal != test.ideal {
			t.Errorf("SCENARIO=%s LAG=%q: ideal because %q, %v (-want +got):\n%s", test.scenario, test.lag, got.Ideal, err, diff)
		}
	}
}

func TestBadLag(t *testing.T) {
	for text, word := range map[string]string{
		"slow":                    `lag "slow": write ordinary, ideal, a duration`,
		"-10m":                    `lag "-10m"`,
		"{speed: 1h}":             `unknown field "speed"`,
		"{read: soon}":            `duration "soon"`,
		"[read, 10s]":             "lag",
		"{read: 10s}: 1":          "lag",
		"{replicas: -1}":          "lag.replicas is -1",
		"{read: {min: 2, max: 1}": "lag",
	} {
		if got, err := (&Options{Devices: 1, Lag: text}).tenant(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q gives %+v, %v, want an error with %s", text, got.Scenario.Lag, err, word)
		}
	}
}

// TestClock: what waits by the clock waits in virtual time, and a clock that stands still is looked at again.
func TestClock(t *testing.T) {
	start := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	c := &Clock{tenantsim.NewClock(start, 36_000)}
	timer := c.NewTimer(100 * time.Hour)
	if !timer.Reset(time.Hour) {
		t.Error("the timer of 100 hours has fired")
	}
	c.Sleep(time.Hour)
	<-timer.C()
	<-c.After(time.Hour)
	<-c.Tick(time.Hour)
	if passed := c.Since(start); passed < 3*time.Hour || passed > 99*time.Hour {
		t.Errorf("%s of virtual time have passed, want a little more than three hours", passed)
	}
	for _, test := range []struct {
		speed      float64
		wait, want time.Duration
	}{{3600, time.Hour, time.Second}, {0, time.Hour, standing}, {1, time.Hour, longest}} {
		c.SetSpeed(test.speed)
		if got := c.Pace(test.wait); got != test.want {
			t.Errorf("at speed %v a rest of %s takes %s, want %s", test.speed, test.wait, got, test.want)
		}
	}
}

// TestBeginning: any day gives a Monday morning more than four weeks back.
func TestBeginning(t *testing.T) {
	for day := range 7 {
		now := time.Date(2026, 11, 23+day, 10, 0, 0, 0, time.UTC)
		got := beginning(now)
		if back := now.Sub(got); got.Weekday() != time.Monday || back < 28*24*time.Hour || back > 42*24*time.Hour {
			t.Errorf("on %s it begins on %s", now, got)
		}
	}
}
