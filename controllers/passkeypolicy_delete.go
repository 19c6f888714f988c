// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/report"
	"github.com/tidegate/tidegate/internal/status"
)

// delete removes what the policy owns in the tenant, or leaves all of it, marked (P7).
func (r *policyRun) delete(ctx context.Context) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(r.before, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	r.accounts.drop(r.before.UID)
	release := r.before.Annotations[v1alpha1.AnnotationReleaseFinalizer] == "true"
	if release || r.before.Spec.DeletionPolicy == v1alpha1.DeletionOrphan {
		return r.leave(ctx, release)
	}
	if len(r.before.Status.Objects) == 0 {
		return r.letGo(ctx)
	}
	if r.src == nil {
		return r.deletionWaits(ctx, fmt.Sprintf("Tenant %q is not connected", r.tenant.Name))
	}
	if err := r.clusterID(ctx); err != nil {
		return ctrl.Result{}, err
	}
	// Whatever cannot be read does not keep the rest in the tenant.
	p, err := r.pass(ctx, r.view(plan.StageRemoval), nil)
	switch {
	case err != nil:
		return ctrl.Result{}, err
	case p.out.Action == nil && p.built.Unknown == nil:
		return r.letGo(ctx)
	case p.out.Action == nil:
		return r.deletionWaits(ctx, readable(p.built.Unknown.Err))
	case !p.out.Taken():
		return r.deletionWaits(ctx, readable(p.out.Err), approvalCondition(p.out)...)
	}
	if err := r.patchStatus(ctx, r.before, r.after); err != nil {
		return ctrl.Result{}, err
	}
	return soon(), nil
}

// leave ends the deletion and leaves everything in the tenant. Who was let go by annotation is told what stays.
func (r *policyRun) leave(ctx context.Context, release bool) (ctrl.Result, error) {
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
	var owners []string
	for i := range r.waves {
		w := &r.waves[i]
		if hasGroup(w) || !w.DeletionTimestamp.IsZero() {
			owners = append(owners, w.Name)
		}
	}
	if len(owners) == 0 {
		return ctrl.Result{}, client.IgnoreNotFound(r.setFinalizer(ctx, r.before, false))
	}
	slices.Sort(owners)
	message := fmt.Sprintf("the policies are gone from the tenant; the groups of these waves are not: %s. Delete the waves, or set annotation %s to \"true\" to leave the groups behind",
		strings.Join(owners, ", "), v1alpha1.AnnotationReleaseFinalizer)
	return r.report(ctx, status.Report{Standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonDeleting, Message: message}})
}

func hasGroup(w *v1alpha1.PilotWave) bool {
	return slices.ContainsFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.GroupID != "" })
}

func (r *policyRun) deletionWaits(ctx context.Context, why string, more ...metav1.Condition) (ctrl.Result, error) {
	message := fmt.Sprintf("objects remain in the tenant: %s; mend it, or set annotation %s to \"true\" to leave them behind", why, v1alpha1.AnnotationReleaseFinalizer)
	if remains := status.Remains(r.before, r.waves); remains != "" {
		message += ": " + remains
	}
	res := status.Report{
		Standing: status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonTenantObjectsRemain, Message: message},
		Keep:     judged, Conditions: more,
		Requeue: report.MistakeLook,
	}
	return r.report(ctx, res)
}
