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
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "tidegate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	opts, logging := wire.Default(), zap.Options{}
	flags := pflag.NewFlagSet("tidegate", pflag.ContinueOnError)
	opts.Bind(flags)
	goFlags := flag.NewFlagSet("", flag.ContinueOnError)
	logging.BindFlags(goFlags)
	flags.AddGoFlagSet(goFlags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
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
