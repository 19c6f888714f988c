// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestStopping tells the end of the process from every other failure.
func TestStopping(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	for _, test := range []struct {
		name string
		ctx  context.Context //nolint:containedctx // a case of a table
		err  error
		want error
	}{
		{"running", t.Context(), broken, broken},
		{"running and well", t.Context(), nil, nil},
		{"process stops", cancelled, broken, nil},
		{"reconcile takes too long", late, broken, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := stopping(reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
				return reconcile.Result{}, test.err
			}))
			if _, err := r.Reconcile(test.ctx, reconcile.Request{}); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// TestFinishing cuts a reconcile off when the lease is lost, and lets it finish when the process was asked to stop.
func TestFinishing(t *testing.T) {
	for _, asked := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		cut := false
		r := finishing(reconcile.Func(func(work context.Context, _ reconcile.Request) (reconcile.Result, error) {
			cancel()
			select {
			case <-work.Done():
				cut = true
			case <-time.After(200 * time.Millisecond): // how long a write takes to be answered
			}
			return reconcile.Result{}, nil
		}), func() bool { return asked })
		if _, err := r.Reconcile(ctx, reconcile.Request{}); err != nil {
			t.Fatal(err)
		}
		if cut == asked {
			t.Errorf("asked to stop %t: cut off %t, want a running write to end when the lease is lost and to finish otherwise", asked, cut)
		}
	}
}
