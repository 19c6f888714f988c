// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// finishTime is how long a reconcile that writes to a tenant may go on after the process was told to stop. It is well
// below the default of the graceful shutdown, and longer than a write to Graph takes.
const finishTime = 10 * time.Second

// finishing lets a reconcile end its step when the process was asked to stop: the answer to a write is awaited and recorded,
// where a cut would leave its outcome to be found out by the next leader. A lost lease is another matter: somebody else leads
// by now, and a write of ours that lands after theirs would undo it (read, compute, write of a whole set of assignments). Then,
// and when a reconcile takes too long, everything under way is cut off at once. It is for reconcilers whose steps are short.
func finishing(r reconcile.Reconciler, asked func() bool) reconcile.Reconciler {
	return stopping(reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		work, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		stop := context.AfterFunc(ctx, func() {
			if asked != nil && asked() {
				time.AfterFunc(finishTime, cancel)
				return
			}
			cancel()
		})
		defer stop()
		return r.Reconcile(work, req)
	}))
}

// stopping drops the error of a reconcile that was cut off because the process stops: it is no news, and the next leader
// looks again.
func stopping(r reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		res, err := r.Reconcile(ctx, req)
		if err != nil && errors.Is(ctx.Err(), context.Canceled) {
			return reconcile.Result{}, nil
		}
		return res, err
	})
}
