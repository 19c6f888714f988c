// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// delete removes what the policy owns in the tenant, or leaves all of it, marked (P7).
func (r *policyRun) delete(ctx context.Context) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(r.before, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	release := r.before.Annotations[v1alpha1.AnnotationReleaseFinalizer] == "true"
	if release || r.before.Spec.DeletionPolicy == v1alpha1.DeletionOrphan || len(r.before.Status.Objects) == 0 {
		return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
	}
	if r.src == nil {
		return r.deletionWaits(ctx, fmt.Sprintf("Tenant %q is not connected", r.tenant.Name))
	}
	if err := r.clusterID(ctx); err != nil {
		return ctrl.Result{}, err
	}
	objects, err := observe.Objects(ctx, r.src, r.after.Status.Objects, nil, r.marker)
	if err != nil {
		return r.deletionWaits(ctx, readable(err))
	}
	seen := make([]plan.Observed, len(objects))
	for i := range objects {
		seen[i] = objects[i].Observed
	}
	actions := plan.BuildDelete(seen, r.before.Spec.DeletionPolicy)
	if len(actions) == 0 {
		return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
	}
	log.FromContext(ctx).Info("tenant action", "action", actions[0].String(), "remaining", len(actions)-1)
	out, err := r.execute(ctx, &actions[0], nil, objects)
	if err != nil {
		return ctrl.Result{}, err
	}
	if out.Result != execute.Applied && out.Result != execute.AlreadyTrue {
		return r.deletionWaits(ctx, readable(out.Err))
	}
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	return soon(), nil
}

func (r *policyRun) deletionWaits(ctx context.Context, why string) (ctrl.Result, error) {
	message := fmt.Sprintf("objects remain in the tenant: %s; mend it, or set annotation %s to \"true\" to leave them behind", why, v1alpha1.AnnotationReleaseFinalizer)
	res := policyResult{
		standing: status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonTenantObjectsRemain, Message: message},
		keep:     []string{v1alpha1.ConditionSettingsResolved, v1alpha1.ConditionApplied, v1alpha1.ConditionDrifted},
		requeue:  retryAfterMistake,
	}
	return r.report(ctx, res)
}
