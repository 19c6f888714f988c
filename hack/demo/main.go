// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo tells the story of a whole rollout on a lab: a real API server and etcd, config/default as shipped, a
// simulated Microsoft tenant, and the operator, in accelerated time.
//
// Revision 1 goes out in four waves. The third meets a security baseline that contradicts the policy on 12 % of its devices;
// the gate has to notice, and the rollout goes on after the cause is removed. Then an edit of the spec makes revision 2: the
// first waves bring it to their devices while all others keep revision 1. Then the edit is reverted: those waves roll back at
// once, and every device is on revision 1 again.
//
// The demo fails when any of that is not so. It believes status no more than the tenant: whom each policy reaches is asked
// of the simulator.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tidegate/tidegate/hack/internal/lab"
	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// settings come from the environment, so that `make demo KEEP=1` reads well.
type settings struct {
	lab     lab.Options
	summary string        // file for the numbers; empty for none
	keep    bool          // leave everything running at the end
	limit   time.Duration // real time after which the demo gives up
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := fromEnvironment()
	if err != nil {
		return err
	}
	screen := newScreen(os.Stdout)
	cfg.lab.Say = screen.line
	l, err := lab.Start(ctx, cfg.lab)
	if err != nil {
		return err
	}
	return errors.Join(rollout(ctx, cfg, world{l, map[string]int32{}}, screen), l.Close())
}

// rollout tells the story on a lab.
func rollout(ctx context.Context, cfg settings, w world, screen *screen) error {
	story := newStory(w, screen, cfg.limit)
	limited, cancel := context.WithTimeout(ctx, cfg.limit)
	defer cancel()
	failure := story.tell(limited)
	result := story.summarize(failure)
	result.print(screen)
	if err := result.write(cfg.summary); err != nil {
		return errors.Join(failure, err)
	}
	if cfg.keep {
		screen.line("")
		screen.line("Everything is still running.")
		w.Describe()
		<-ctx.Done()
	}
	return failure
}

func fromEnvironment() (settings, error) {
	s := settings{limit: 5 * time.Minute, summary: os.Getenv("DEMO_SUMMARY")}
	s.lab = lab.Options{Speed: 20000, Devices: 2000, Seed: 1, Namespace: namespace, Root: "."}
	s.keep = os.Getenv("KEEP") != "" && os.Getenv("KEEP") != "0"
	if os.Getenv("DEMO_VERBOSE") != "" {
		s.lab.Log = os.Stderr
	}
	if err := s.lab.Environment("DEMO_"); err != nil {
		return s, err
	}
	s.lab.Scenario = "baseline-conflict"  // the story, on an ordinary day
	s.lab.Catalog = catalog.MacOSPasskeys // fictitious: the real one has a single passkey setting, so that a payload cannot change
	if s.lab.Speed < 60 {
		return s, fmt.Errorf("DEMO_SPEED is %v: write virtual seconds per real second, 60 to 100000", s.lab.Speed)
	}
	if s.lab.Devices < 1500 {
		return s, fmt.Errorf("DEMO_DEVICES is %d: write a number of devices, at least 1500", s.lab.Devices)
	}
	if v := os.Getenv("DEMO_LIMIT"); v != "" {
		var err error
		if s.limit, err = time.ParseDuration(v); err != nil {
			return s, fmt.Errorf("DEMO_LIMIT is %q: write a duration such as 5m", v)
		}
	}
	return s, nil
}
