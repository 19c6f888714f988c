// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/status"
)

// delete removes what the policy owns in the tenant, or leaves all of it, marked (P7).
func (r *policyRun) delete(ctx context.Context) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(r.before, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	r.accounts.Drop(r.before.UID)
	release := v1alpha1.Released(r.before)
	if release || r.before.Spec.DeletionPolicy == v1alpha1.DeletionOrphan {
		return r.leave(ctx, release)
	}
	if len(r.before.Status.Objects) == 0 {
		return r.letGo(ctx)
	}
	if r.src == nil {
		t, err := observe.Tenant(ctx, r.Client, r.tenant)
		if err != nil {
			return ctrl.Result{}, err
		}
		rep, _, _ := r.words().TenantUsable(t, false)
		return r.report(ctx, report.DeletionWaits(rep.Standing.Message, status.Remains(r.before, r.waves)))
	}
	if err := r.cluster.Learn(ctx, r.Namespaces); err != nil {
		return ctrl.Result{}, err
	}
	// Whatever cannot be read does not keep the rest in the tenant.
	p, err := r.pass(ctx, r.view(plan.StageRemoval), nil)
	if err != nil {
		return ctrl.Result{}, err
	}
	if rep, waits := r.words().Removal(&p, status.Remains(r.before, r.waves)); waits {
		return r.report(ctx, rep)
	}
	if p.Out.Action == nil {
		return r.letGo(ctx)
	}
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	return soon(), nil
}

// leave ends the deletion and leaves everything in the tenant. Who was let go by annotation is told what stays. Under
// deletionPolicy Orphan it waits for the waves: they know by their policy that their groups are to stay, and without it would
// look for a tenant for ever (P7).
func (r *policyRun) leave(ctx context.Context, release bool) (ctrl.Result, error) {
	if rep, waits := status.WavesGoFirst(r.waves); !release && waits {
		return r.report(ctx, rep)
	}
	remains := status.Remains(r.before, r.waves)
	if err := r.setFinalizer(ctx, r.before, false); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if release && remains != "" {
		r.leaveBehind(ctx, r.before, remains)
	}
	return ctrl.Result{}, nil
}

// letGo ends the deletion of a policy that has nothing left in the tenant, as soon as no wave has a group there or is still
// looking for one: a wave finds its tenant through its policy, and without it could never clean up (P7).
func (r *policyRun) letGo(ctx context.Context) (ctrl.Result, error) {
	if rep, waits := status.WavesRemain(r.waves); waits {
		return r.report(ctx, rep)
	}
	return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
}
