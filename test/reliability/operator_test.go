// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package reliability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
)

// operator is the loop of the controllers without a cluster: observe, plan, take
// the first action, remember. What it remembers is what a status would hold, so
// every pass could be the first one of a new process.
type operator struct {
	client *graph.Client
	// source is what the operator reads with: the client, or one whose look-up is
	// switched off or lags.
	source  observe.PolicySource
	records []v1alpha1.TenantObject
	// noJournal forgets that a create was sent unless its answer came.
	noJournal bool
	// keepCopies leaves a second policy with the same marker where it is.
	keepCopies bool
	// looks counts the passes since a create was left open.
	looks map[plan.Key]int
}

const (
	// maxPasses is how often one goal is tried: far more than any single fault
	// needs.
	maxPasses = 60
	// openPasses is how many passes a lost create is looked for, in place of the
	// two minutes of the controllers.
	openPasses = 6
	clusterID  = "0f3c2a1e-0000-4000-8000-00000000c1c1"
	policyUID  = "7d1e9b52-0000-4000-8000-00000000f0f0"
)

// self is whose work the operator's objects are.
var self = observe.Owner{Cluster: clusterID, UID: policyUID}

// errNotYet says that a pass did something and the goal has to be looked at
// again.
var errNotYet = errors.New("not yet")

// reach tries until the goal is met, waiting where the tenant asked for it.
func reach(ctx context.Context, name string, try func(context.Context) error) error {
	var last error
	for range maxPasses {
		last = try(ctx)
		switch {
		case last == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", name, context.Cause(ctx))
		case errors.Is(last, errNotYet):
			continue
		}
		var e *graph.Error
		if !errors.As(last, &e) {
			return fmt.Errorf("%s: %w", name, last)
		}
		wait := 5 * time.Millisecond
		if e.Kind == graph.KindTransient && e.Status == 0 {
			wait = 25 * time.Millisecond // nobody listens: the requeue of a controller is longer still
		}
		if !e.RetryAt.IsZero() {
			wait = time.Until(e.RetryAt)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", name, context.Cause(ctx))
		}
	}
	return fmt.Errorf("%s: not reached in %d passes: %w", name, maxPasses, last)
}

// settle takes one step from what the tenant has to what is wanted. It returns
// nil when nothing is left to do.
func (o *operator) settle(ctx context.Context, want []plan.Desired) error {
	view := plan.View{
		Stage: plan.StageWhole, Want: want,
		Policy:    &v1alpha1.PasskeyPolicy{Spec: v1alpha1.PasskeyPolicySpec{Drift: v1alpha1.DriftCorrect}},
		Revisions: []v1alpha1.RevisionStatus{{Number: 0, State: v1alpha1.RevisionBaseline}, {Number: 1, State: v1alpha1.RevisionCandidate}},
	}
	all, err := o.source.ConfigurationPolicies(ctx, "")
	if view.ListErr = err; err == nil {
		view.Objects = observe.Objects(ctx, o.source, all, o.records, want, self, time.Now())
	}
	built := plan.Build(view)
	if built.Unknown != nil {
		return built.Unknown.Err
	}
	for i := range view.Objects {
		o.remember(&view.Objects[i].Observed, want)
	}
	if o.keepCopies {
		built.Actions = slices.DeleteFunc(built.Actions, func(a plan.Action) bool { return a.Kind == plan.RemoveCopy })
	}
	if len(built.Actions) == 0 {
		return nil
	}
	return o.do(ctx, &built.Actions[0])
}

// remember brings the record in line with what was found.
func (o *operator) remember(found *plan.Observed, want []plan.Desired) {
	rec := o.record(found.Key)
	switch i := slices.IndexFunc(want, func(d plan.Desired) bool { return d.Key == found.Key }); {
	case found.Exists:
		rec.ID, rec.CreateSentAt = found.ID, nil
		if i >= 0 && found.SettingsMatch {
			rec.Hash = want[i].Hash
		}
	case rec.ID != "":
		*rec = v1alpha1.TenantObject{Role: rec.Role, Platform: rec.Platform, Revision: rec.Revision, Name: rec.Name}
	}
}

func (o *operator) record(key plan.Key) *v1alpha1.TenantObject {
	i := slices.IndexFunc(o.records, func(r v1alpha1.TenantObject) bool { return r.Role == key.Role && r.Platform == key.Platform })
	if i < 0 {
		o.records = append(o.records, v1alpha1.TenantObject{Role: key.Role, Platform: key.Platform, Revision: key.Revision})
		i = len(o.records) - 1
	}
	return &o.records[i]
}

// do executes one action with the journal that it needs.
func (o *operator) do(ctx context.Context, a *plan.Action) error {
	rec := o.record(a.Key)
	var out execute.Outcome
	switch a.Kind {
	case plan.LookUp:
		return o.lookUp(rec, a.Key)
	case plan.Create:
		out = o.create(ctx, rec, a.Desired)
	case plan.Replace, plan.Rename:
		if out = execute.Replace(ctx, o.client, a.ID, a.Desired); out.Result == execute.Applied {
			rec.Hash, rec.Name = a.Desired.Hash, a.Desired.Name
		}
	case plan.Assign:
		rec.IncludeGroups = append(slices.Clone(rec.IncludeGroups), a.Include...)
		rec.ExcludeGroups = append(slices.Clone(rec.ExcludeGroups), a.Exclude...)
		if out = execute.Assign(ctx, o.client, a); out.Result == execute.Applied {
			rec.IncludeGroups, rec.ExcludeGroups = slices.Clone(a.IntentInclude), slices.Clone(a.IntentExclude)
		}
	case plan.RemoveCopy:
		out = execute.Delete(ctx, o.client, a.ID)
	case plan.Delete:
		out = execute.Delete(ctx, o.client, a.ID)
		if out.Result == execute.Applied || out.Result == execute.AlreadyTrue {
			o.records = slices.DeleteFunc(o.records, func(r v1alpha1.TenantObject) bool { return r.Role == a.Role && r.Platform == a.Platform })
		}
	default:
		return fmt.Errorf("action %s has no executor", a)
	}
	return after(out)
}

// create journals that a create leaves, and sends it.
func (o *operator) create(ctx context.Context, rec *v1alpha1.TenantObject, want *plan.Desired) execute.Outcome {
	old, now := *rec, metav1.Now()
	*rec = v1alpha1.TenantObject{Role: old.Role, Platform: old.Platform, Revision: old.Revision, Name: want.Name, CreateSentAt: &now}
	out := execute.Create(ctx, o.client, want)
	switch {
	case out.Result == execute.Applied:
		rec.ID, rec.Hash, rec.CreateSentAt = out.ID, want.Hash, nil
	case out.Result != execute.Unknown || o.noJournal:
		*rec = old
	}
	return out
}

// lookUp ends the search for a create whose answer was lost. The observation has
// just looked in vain.
func (o *operator) lookUp(rec *v1alpha1.TenantObject, key plan.Key) error {
	if o.looks[key]++; o.looks[key] > openPasses {
		rec.CreateSentAt = nil
	}
	return errNotYet
}

// after turns an outcome into what reach understands. A refusal may come from the
// fault: it is looked at again, and one that stays uses up the passes.
func after(out execute.Outcome) error {
	if out.Result == execute.Applied || out.Result == execute.AlreadyTrue {
		return errNotYet
	}
	return out.Err
}

// blind is a source whose look-up by marker is switched off.
type blind struct{ *graph.Client }

// ConfigurationPolicies finds nothing.
func (blind) ConfigurationPolicies(context.Context, string) ([]graph.ConfigurationPolicy, error) {
	return nil, nil
}

// lagging is a source whose list shows a new policy only when it was asked some
// times (contract a.5: a new policy may be missing for some seconds).
type lagging struct {
	*graph.Client
	seen map[string]int
}

// lagLists is how many lists miss a new policy; fewer than openPasses.
const lagLists = 3

// ConfigurationPolicies lists what is old enough.
func (l lagging) ConfigurationPolicies(ctx context.Context, name string) ([]graph.ConfigurationPolicy, error) {
	list, err := l.Client.ConfigurationPolicies(ctx, name)
	return slices.DeleteFunc(list, func(p graph.ConfigurationPolicy) bool {
		l.seen[p.ID]++
		return l.seen[p.ID] <= lagLists
	}), err
}
