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
