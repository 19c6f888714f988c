// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Command tidegate is the operator: it rolls Microsoft Edge passkey policy out through Microsoft tenants in pilot waves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tidegate/tidegate/internal/wire"
)

func main() {
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tidegate:", err)
		os.Exit(1)
	}
}

// run is the program: it returns when ctx ends and everything has stopped.
func run(ctx context.Context, args []string) error {
	opts, logging, err := parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	wire.UseLog(zap.New(zap.UseFlagOptions(&logging)))
	opts.MemoryLimit = wire.LimitMemory()
	rc, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster (KUBECONFIG, or the service account in a pod): %w", err)
	}
	mgr, err := wire.NewManager(ctx, rc, opts)
	if err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// parse reads the command line. Logs are JSON, one line for each event, unless the zap flags ask for something else.
func parse(args []string) (wire.Options, zap.Options, error) {
	opts, logging := wire.Default(), zap.Options{}
	flags := pflag.NewFlagSet("tidegate", pflag.ContinueOnError)
	opts.Bind(flags)
	goFlags := flag.NewFlagSet("", flag.ContinueOnError)
	logging.BindFlags(goFlags)
	flags.AddGoFlagSet(goFlags)
	if err := flags.Parse(args); err != nil {
		return opts, logging, err
	}
	if flags.NArg() > 0 {
		return opts, logging, fmt.Errorf("unexpected argument %q: everything is set by flags, see --help", flags.Arg(0))
	}
	return opts, logging, opts.Validate()
}
