// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/internal/cluster"
	"github.com/tidegate/tidegate/internal/status"
)

// FieldOwner is the name under which the operator writes to the API server.
const FieldOwner = cluster.FieldOwner

// Kit is what every reconciler needs from its process.
type Kit struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Reader reads past the cache: what is large and seldom needed, or must not be late.
	Reader client.Reader
	// Recorder takes events.
	Recorder events.EventRecorder
	// Clock is the source of now. A demo or a test runs it faster than real time.
	Clock clock.PassiveClock
	// Pace turns a duration on Clock into the real time to wait for it; nil means that Clock is real time.
	Pace func(time.Duration) time.Duration
	// Asked says whether the process was asked to stop, as by SIGTERM; nil never says so. It tells that from a lost lease.
	Asked func() bool
	// Metrics takes the gauge samples of each object; nil drops them.
	Metrics *Metrics
}

// minRequeue keeps a due time that lies in the past, or nearly, from becoming a busy loop.
const minRequeue = 50 * time.Millisecond

// after asks for the next reconcile when d has passed on the kit's clock.
func (k *Kit) after(d time.Duration) ctrl.Result {
	if k.Pace != nil {
		d = k.Pace(d)
	}
	return ctrl.Result{RequeueAfter: max(d, minRequeue)}
}

// soon asks for the next reconcile at once: a step was taken and the next one wants a fresh look.
func soon() ctrl.Result { return ctrl.Result{RequeueAfter: time.Millisecond} }

// next asks for the next reconcile as a report does.
func (k *Kit) next(rep *status.Report) ctrl.Result {
	switch {
	case rep.Again:
		return soon()
	case rep.Requeue > 0:
		return k.after(rep.Requeue)
	}
	return ctrl.Result{}
}

// patchStatus is cluster.PatchStatus.
func (k *Kit) patchStatus(ctx context.Context, before, after client.Object) error {
	return cluster.PatchStatus(ctx, k.Client, before, after)
}

// emit sends events, after the status that they describe was written.
func (k *Kit) emit(obj client.Object, action string, list []status.Event) {
	for _, e := range list {
		kind := corev1.EventTypeNormal
		if e.Warning {
			kind = corev1.EventTypeWarning
		}
		k.Recorder.Eventf(obj, nil, kind, e.Reason, action, "%s", e.Message)
	}
}

// leaveBehind says what stays in the tenant of an object that was let go: as an event, which a namespace that is being
// deleted refuses, and in the log.
func (k *Kit) leaveBehind(ctx context.Context, obj client.Object, remains string) {
	if remains == "" {
		return
	}
	log.FromContext(ctx).Info("left behind in the tenant", "remains", remains)
	k.emit(obj, "Release", []status.Event{status.LeftBehind(remains)})
}

// logChange writes one line when an object comes to stand for another reason than before.
func logChange(ctx context.Context, was string, now status.Standing) {
	if was != now.Reason {
		log.FromContext(ctx).Info("state changed", "reason", now.Reason, "was", was, "message", now.Message)
	}
}
