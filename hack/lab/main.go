// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Command lab runs Tidegate on one machine and leaves it to the person who tries a case by hand: a real API server and
// etcd, config/default as shipped, a simulated Microsoft tenant, and the operator, in accelerated time.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tidegate/tidegate/hack/internal/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// run keeps a lab until ctx ends.
func run(ctx context.Context, out io.Writer) error {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	options := lab.Options{Speed: 3600, Devices: 2000, Seed: 1, Namespace: "lab", Root: ".", Say: say}
	if err := options.Environment(""); err != nil {
		return err
	}
	l, err := lab.Start(ctx, options)
	if err != nil {
		return err
	}
	say("")
	l.Describe()
	watch(ctx, l, say)
	say("stopping")
	return l.Close()
}

// watch waits for the end, and says meanwhile what the API server refuses the operator.
func watch(ctx context.Context, l *lab.Lab, say func(string, ...any)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for told := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-l.Done():
			return
		case <-tick.C:
			refused := l.Refused()
			for _, line := range refused[told:] {
				say("refused  %s", line)
			}
			told = len(refused)
		}
	}
}
