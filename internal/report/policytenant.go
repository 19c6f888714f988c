// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/status"
)

// TenantUsable says whether the policy can speak to its tenant, and if not, why. lacks is what is to be said of one that can be
// spoken to and has not granted all permissions; nil when it has. t is nil when there is no Tenant of the name
// that it has, and connected says that there is a client for it.
func (r Policy) TenantUsable(t *v1alpha1.Tenant, connected bool) (rep status.Report, lacks *status.Report, usable bool) {
	rep, lacks, usable = tenantUsable(r.Policy, t, connected)
	if usable {
		return rep, lacks, true
	}
	if r.Policy.Spec.Suspend && r.Policy.DeletionTimestamp.IsZero() {
		rep = status.PolicySuspended(r.Policy, r.Now)
	}
	rep.NotTakenBack(r.Policy, r.Waves, r.Now)
	return rep, nil, false
}

func tenantUsable(p *v1alpha1.PasskeyPolicy, t *v1alpha1.Tenant, connected bool) (rep status.Report, lacks *status.Report, usable bool) {
	switch {
	case t == nil:
		return status.Report{Keep: stands, Standing: status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonTenantRefNotFound,
			Message: fmt.Sprintf("spec.tenantRef names Tenant %q, which is not in namespace %q: create it", p.Spec.TenantRef.Name, p.Namespace)}}, nil, false
	case t.Spec.Suspend:
		return status.Report{Keep: stands, Standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonSuspended,
			Message: fmt.Sprintf("Tenant %q is suspended until its spec.suspend is false", t.Name)}}, nil, false
	}
	failed := status.Report{Keep: stands, Standing: status.Standing{State: status.InProgress, Reason: v1alpha1.ReasonTenantFailed,
		Message: fmt.Sprintf("Tenant %q is not connected (%s); its own conditions say why", t.Name, orPending(t.Status.Reason))}}
	switch {
	case !connected || refused(t):
		return failed, nil, false
	case len(t.Status.MissingPermissions) > 0:
		return status.Report{}, &failed, true
	}
	return status.Report{}, nil, true
}

// refused says that the tenant gives out no token: nothing that a policy could ask for has a chance.
func refused(t *v1alpha1.Tenant) bool {
	return t.Status.Reason == v1alpha1.ReasonCredentialRefused || t.Status.Reason == v1alpha1.ReasonTenantNotFound
}

func orPending(reason string) string {
	if reason == "" {
		return v1alpha1.ReasonProgressing
	}
	return reason
}

// Removal reports on what a deleted policy still has in the tenant, where the pass did not remove it all. waits is false when it
// did, or took a step.
func (r Policy) Removal(p *Pass, remains string) (rep status.Report, waits bool) {
	switch {
	case p.Out.Action == nil && p.Built.Unknown == nil, p.Out.Taken():
		return rep, false
	case p.Out.Action == nil:
		return DeletionWaits(graph.Readable(p.Built.Unknown.Err), remains), true
	}
	return DeletionWaits(graph.Readable(p.Out.Err), remains, approvalCondition(p.Out)...), true
}

// DeletionWaits reports on a deleted policy of which objects remain in the tenant; remains names them.
func DeletionWaits(why, remains string, more ...metav1.Condition) status.Report {
	message := fmt.Sprintf("objects remain in the tenant: %s; mend it, or set annotation %s to \"true\" to leave them behind", why, v1alpha1.AnnotationReleaseFinalizer)
	if remains != "" {
		message += ": " + remains
	}
	return status.Report{
		Standing: status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonTenantObjectsRemain, Message: message},
		Keep:     judged, Conditions: more,
		Requeue: MistakeLook,
	}
}
