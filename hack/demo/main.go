// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo runs a whole rollout on one machine: a real API server and etcd, a simulated Microsoft tenant, and the
// operator, in accelerated time. The third wave meets a security baseline that contradicts the policy on 12 % of its
// devices; the gate has to notice, and the rollout goes on after the cause is removed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Settings come from the environment, so that `make demo KEEP=1` reads well.
type settings struct {
	speed   float64       // virtual seconds per real second
	devices int           // in the simulated tenant
	seed    uint64        // of the simulated tenant
	summary string        // file for the numbers; empty for none
	keep    bool          // leave everything running at the end
	limit   time.Duration // real time after which the demo gives up
	verbose bool          // print the operator's log
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
	w, err := newWorld(ctx, cfg, screen)
	if err != nil {
		return err
	}
	defer w.close(screen)
	if err := w.apply(ctx); err != nil {
		return err
	}
	story := newStory(w, screen)
	limited, cancel := context.WithTimeout(ctx, cfg.limit)
	defer cancel()
	failure := story.tell(limited)
	result, err := story.summarize(ctx, failure)
	if err != nil {
		return err
	}
	result.print(screen)
	if err := result.write(cfg.summary); err != nil {
		return err
	}
	if cfg.keep {
		return w.hold(ctx, screen, failure)
	}
	return failure
}

func fromEnvironment() (settings, error) {
	s := settings{speed: 14400, devices: 2000, seed: 1, limit: 5 * time.Minute, summary: os.Getenv("DEMO_SUMMARY")}
	s.keep = os.Getenv("KEEP") != "" && os.Getenv("KEEP") != "0"
	s.verbose = os.Getenv("DEMO_VERBOSE") != ""
	var err error
	if v := os.Getenv("DEMO_SPEED"); v != "" {
		if s.speed, err = strconv.ParseFloat(v, 64); err != nil || s.speed < 60 || s.speed > 100000 {
			return s, fmt.Errorf("DEMO_SPEED is %q: write virtual seconds per real second, 60 to 100000", v)
		}
	}
	if v := os.Getenv("DEMO_DEVICES"); v != "" {
		if s.devices, err = strconv.Atoi(v); err != nil || s.devices < 1500 {
			return s, fmt.Errorf("DEMO_DEVICES is %q: write a number of devices, at least 1500", v)
		}
	}
	if v := os.Getenv("DEMO_SEED"); v != "" {
		if s.seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return s, fmt.Errorf("DEMO_SEED is %q: write a whole number", v)
		}
	}
	if v := os.Getenv("DEMO_LIMIT"); v != "" {
		if s.limit, err = time.ParseDuration(v); err != nil {
			return s, fmt.Errorf("DEMO_LIMIT is %q: write a duration such as 5m", v)
		}
	}
	return s, nil
}
