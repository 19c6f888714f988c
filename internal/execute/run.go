// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
)

// Journal makes a status stable.
type Journal interface {
	// Write returns nil when a crash cannot lose s any more. It fails when somebody else wrote in between.
	Write(ctx context.Context, s *v1alpha1.PasskeyPolicyStatus) error
}

// Runner carries out the plans of one PasskeyPolicy during one reconcile.
type Runner struct {
	Tenant  PolicyTenant
	Journal Journal
	// Status is what is known; of it the runner changes Objects and Approvals.
	Status *v1alpha1.PasskeyPolicyStatus
	// Request reads the request that a pending approval stands for; nil when the tenant shows none.
	Request func(ctx context.Context, p *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error)
	// Policy is namespace/name, for the people who approve.
	Policy string
	// Retry is the value of annotation retry-requested-at.
	Retry string
	// Now is the time on the operator's clock.
	Now func() time.Time
}

// run carries one step out, the only way in which an action reaches the tenant: made stable first, sent, and put on record
// as it came out. An error says that the journal failed and nothing was sent.
func (r *Runner) run(ctx context.Context, s Step) (Outcome, error) {
	old := r.record(s.Action.Key)
	if s.Record != nil {
		r.keep(*s.Record)
	}
	if s.Request != nil {
		r.Status.Approvals = append(r.Status.Approvals, *s.Request)
	}
	if s.Record != nil || s.Request != nil {
		if err := r.Journal.Write(ctx, r.Status); err != nil {
			return Outcome{}, err
		}
	}
	log.FromContext(ctx).Info("tenant action", "action", s.Action.String())
	out, err := r.write(ctx, s.Action, &old)
	if err != nil {
		return out, err
	}
	if rec, known := s.settle(old, out, stamp(r.Now())); known {
		r.keep(rec)
	} else {
		r.forget(s.Action.Key)
	}
	return out, nil
}

// write sends one action.
func (r *Runner) write(ctx context.Context, a *plan.Action, rec *v1alpha1.TenantObject) (Outcome, error) {
	switch a.Kind {
	case plan.LookUp:
		return r.lookUp(rec), nil
	case plan.Create:
		return Create(ctx, r.Tenant, a.Desired), nil
	case plan.Replace:
		return Replace(ctx, r.Tenant, a.ID, a.Desired), nil
	case plan.Rename:
		return Rename(ctx, r.Tenant, a.ID, a.Desired), nil
	case plan.Assign:
		return Assign(ctx, r.Tenant, a), nil
	case plan.RemoveCopy, plan.Delete:
		return Delete(ctx, r.Tenant, a.ID), nil
	}
	return Outcome{}, fmt.Errorf("action %s has no executor", a)
}

// lookUp ends the wait for a create whose answer was lost; the observation has just looked for its marker in vain.
func (r *Runner) lookUp(rec *v1alpha1.TenantObject) Outcome {
	if rec.CreateSentAt != nil && r.Now().Sub(rec.CreateSentAt.Time) < plan.ReplicationLag {
		return Outcome{Result: Retry, Err: fmt.Errorf("the answer to creating %q was lost; looking for it by its marker", rec.Name)}
	}
	return Outcome{Result: AlreadyTrue}
}

// record is the entry of an object, empty but for its key when there is none.
func (r *Runner) record(key plan.Key) v1alpha1.TenantObject {
	if i := r.index(key); i >= 0 {
		return r.Status.Objects[i]
	}
	return v1alpha1.TenantObject{Role: key.Role, Platform: key.Platform, Revision: key.Revision}
}

func (r *Runner) keep(rec v1alpha1.TenantObject) {
	if i := r.index(plan.KeyOf(&rec)); i >= 0 {
		r.Status.Objects[i] = rec
		return
	}
	r.Status.Objects = append(r.Status.Objects, rec)
}

func (r *Runner) forget(key plan.Key) {
	if i := r.index(key); i >= 0 {
		r.Status.Objects = slices.Delete(r.Status.Objects, i, i+1)
	}
}

func (r *Runner) index(key plan.Key) int {
	return slices.IndexFunc(r.Status.Objects, func(o v1alpha1.TenantObject) bool { return plan.KeyOf(&o) == key })
}
