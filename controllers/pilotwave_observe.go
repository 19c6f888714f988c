// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
)

// waveTenant is what a wave reads from and writes to its tenant.
type waveTenant interface {
	observe.MemberSource
	execute.GroupTenant
	Members(ctx context.Context, groupID string) ([]graph.Member, error)
	GroupByUniqueName(ctx context.Context, uniqueName string) (graph.Group, error)
}

// waveRun is one reconcile of one wave with everything that it observed. Nothing is read after observe.
type waveRun struct {
	*PilotWaveReconciler
	before, after *v1alpha1.PilotWave
	now           time.Time
	policy        *v1alpha1.PasskeyPolicy // nil: not found
	tenant        *v1alpha1.Tenant        // nil: not found
	siblings      []v1alpha1.PilotWave    // all waves of the policy, this one too
	src           waveTenant              // nil: not connected
	inventory     *fleet.Inventory        // nil: not loaded in this process
	ledger        *audience.Ledger        // nil: no audience was frozen
	members       map[audience.ID]bool    // of the managed group; nil: not read
	groupGone     bool                    // the tenant says that the managed group does not exist
	lostGroup     string                  // only in a deletion: the group that the tenant has and the status does not know
	candidates    *observe.Candidates     // only where an audience is to be resolved
	refused       *observe.Refusal        // why the candidates cannot be an audience
	problem       error                   // of the tenant; facts that it hides are unknown
	timing        rollout.Timing
	soakUntil     time.Time
}

// observe gathers the wave's world.
func (r *PilotWaveReconciler) observe(ctx context.Context, w *v1alpha1.PilotWave) (*waveRun, error) {
	run := &waveRun{PilotWaveReconciler: r, before: w, after: w.DeepCopy(), now: r.Clock.Now()}
	var err error
	if run.siblings, err = wavesOf(ctx, r.Client, w.Namespace, w.Spec.PolicyRef.Name); err != nil {
		return nil, err
	}
	if run.policy, err = get(ctx, r.Kit, w.Namespace, w.Spec.PolicyRef.Name, &v1alpha1.PasskeyPolicy{}); err != nil {
		return nil, err
	}
	if run.policy != nil {
		key := types.NamespacedName{Namespace: w.Namespace, Name: run.policy.Spec.TenantRef.Name}
		if run.tenant, err = get(ctx, r.Kit, key.Namespace, key.Name, &v1alpha1.Tenant{}); err != nil {
			return nil, err
		}
		if gc := r.Store.Client(key); gc != nil {
			run.src = gc
		}
		run.inventory = r.Store.Inventory(key)
	}
	if run.ledger, err = r.loadLedger(ctx, w); err != nil {
		return nil, err
	}
	run.readLastBatch()
	run.timing = rollout.Time(&w.Spec, run.after.Status.Clocks, run.now)
	return run, run.observeTenant(ctx)
}

// readLastBatch takes the time of the newest batch from the ledger where the status does not know it: a crash came
// between the two. Without it the next batch would go out at once, past exposure.interval (P10).
func (r *waveRun) readLastBatch() {
	if !r.frozen() {
		return
	}
	c := &r.after.Status.Clocks
	if last := r.ledger.LastExposedAt(); !last.IsZero() && (c.LastBatchAt == nil || last.After(c.LastBatchAt.Time)) {
		at := metav1.NewTime(last)
		c.LastBatchAt = &at
	}
}

// observeTenant reads the managed group and, where an audience is to be resolved, its candidates. What the tenant
// refuses to tell stays unknown and is reported; only errors of this cluster end the reconcile.
func (r *waveRun) observeTenant(ctx context.Context) error {
	if r.src == nil {
		return nil
	}
	if !r.before.DeletionTimestamp.IsZero() {
		r.findLostGroup(ctx)
		return nil
	}
	if id := r.groupID(); id != "" {
		r.problem = r.readMembers(ctx, id)
	}
	if r.problem == nil && r.resolving() && r.inventory != nil {
		return r.resolve(ctx)
	}
	return nil
}

// findLostGroup looks for the group of a deleted wave that has frozen an audience and does not know its group: a crash came
// before the status could name it, or an older attempt was drained and its audience forgotten. It must not be left behind
// (P7).
func (r *waveRun) findLostGroup(ctx context.Context) {
	if r.groupID() != "" || r.ledger == nil {
		return
	}
	g, err := r.src.GroupByUniqueName(ctx, uniqueName(r.before.UID))
	if graph.KindOf(err) == graph.KindNotFound {
		return
	}
	r.lostGroup, r.problem = g.ID, err
}

func (r *waveRun) groupID() string {
	if r.before.Status.Audience == nil {
		return ""
	}
	return r.before.Status.Audience.GroupID
}

// resolving says whether this reconcile needs candidates: the audience is not frozen, or was refused and may be better now.
func (r *waveRun) resolving() bool {
	s := &r.before.Status
	return s.Audience == nil && (s.Phase == v1alpha1.PhaseResolving || s.Phase == v1alpha1.PhaseHeld && s.HeldPhase == v1alpha1.PhaseResolving)
}

func (r *waveRun) readMembers(ctx context.Context, group string) error {
	list, err := r.src.Members(ctx, group)
	notFound := graph.KindOf(err) == graph.KindNotFound
	if notFound && r.now.Sub(r.before.Status.Audience.ResolvedAt.Time) >= observe.ReplicationLag {
		r.groupGone, r.members = true, map[audience.ID]bool{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the members of group %s: %w", group, err)
	}
	r.members = make(map[audience.ID]bool, len(list))
	for _, m := range list {
		id, err := audience.ParseID(m.ID)
		if err != nil {
			return fmt.Errorf("group %s has a member with the id %q: %w", group, m.ID, err)
		}
		r.members[id] = true
	}
	return nil
}

// resolve finds the candidates, or why there are none to be had.
func (r *waveRun) resolve(ctx context.Context) error {
	if r.elder() {
		return nil
	}
	taken, err := r.takenByOthers(ctx)
	if err != nil {
		return err
	}
	c, err := observe.ResolveAudience(ctx, r.src, r.inventory, unitOf(r.policy), &r.before.Spec.Audience, string(r.policy.UID), r.rules(), taken)
	switch {
	case err == nil:
		r.candidates = &c
		r.checkCandidates(&c)
	case !errors.As(err, &r.refused):
		r.problem = err
	}
	return nil
}

// checkCandidates refuses an audience that the wave may not or cannot work with.
func (r *waveRun) checkCandidates(c *observe.Candidates) {
	reason, message, ok := audience.Check(len(c.Targeted), len(c.Eligible), r.before.Spec.Audience)
	if ok {
		reason, message, ok = rollout.Reachable(&r.before.Spec.Gate, len(c.Eligible))
	}
	if ok {
		return
	}
	if len(c.Ineligible) > 0 {
		message += fmt.Sprintf(" (ineligible: %s)", reasonCounts(c.Ineligible))
	}
	r.refused = &observe.Refusal{Reason: reason, Message: message}
}

func reasonCounts(list []v1alpha1.ReasonCount) string {
	text := ""
	for i, c := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %d", c.Reason, c.Count)
	}
	return text
}

// elder says whether another wave of the policy resolves its audience and comes first by name: one after the other, or
// two waves could take the same device.
func (r *waveRun) elder() bool {
	return slices.ContainsFunc(r.siblings, func(w v1alpha1.PilotWave) bool {
		return w.Name < r.before.Name && w.Status.Phase == v1alpha1.PhaseResolving && w.DeletionTimestamp.IsZero() && !w.Spec.Paused
	})
}

// takenByOthers tells the devices that other waves of the policy have frozen: a device belongs to one wave.
func (r *waveRun) takenByOthers(ctx context.Context) (func(audience.ID) bool, error) {
	taken := map[audience.ID]bool{}
	for i := range r.siblings {
		w := &r.siblings[i]
		if w.UID == r.before.UID {
			continue
		}
		l, err := r.loadLedger(ctx, w)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		for _, e := range l.Entries {
			taken[e.Device] = true
		}
	}
	return func(id audience.ID) bool { return taken[id] }, nil
}

// unitOf is what the groups of a policy and its waves hold.
func unitOf(p *v1alpha1.PasskeyPolicy) v1alpha1.Unit {
	if p.Spec.Unit == "" {
		return v1alpha1.UnitDevice
	}
	return p.Spec.Unit
}

// rules are what devices are judged by, at the time of the newest inventory.
func (r *waveRun) rules() diagnosis.Rules {
	p := &r.policy.Spec.Prerequisites
	rules := diagnosis.Rules{
		Windows: p.Windows, MacOS: p.MacOS, Edge: p.Edge, Encryption: p.Encryption, MaxOffline: p.MaxOffline.Duration,
		Maturity: r.before.Spec.Gate.Maturity.Duration, Skew: diagnosis.DefaultSkew, Platforms: r.policy.Spec.Platforms,
	}
	if r.policy.Status.MinEdge != "" {
		rules.Edge = r.policy.Status.MinEdge
	}
	if r.inventory != nil {
		rules.AsOf = r.inventory.AsOf
	}
	return rules
}

// objects lists the tenant ids of the policy's objects in one role.
func (r *waveRun) objects(role v1alpha1.ObjectRole) []string {
	var out []string
	for _, o := range r.policy.Status.Objects {
		if o.Role == role && o.ID != "" {
			out = append(out, o.ID)
		}
	}
	return out
}

// policyState says whether the policy lets its waves move.
func (r *waveRun) policyState() rollout.Fact[rollout.PolicyState] {
	fact := func(s rollout.PolicyState, format string, args ...any) rollout.Fact[rollout.PolicyState] {
		return rollout.Fact[rollout.PolicyState]{State: s, Message: fmt.Sprintf(format, args...)}
	}
	name := r.before.Spec.PolicyRef.Name
	if r.policy == nil || !r.policy.DeletionTimestamp.IsZero() {
		return fact(rollout.PolicyMissing, "spec.policyRef names PasskeyPolicy %q, which is not in namespace %q: create it", name, r.before.Namespace)
	}
	s := &r.policy.Status
	applied := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionApplied)
	switch {
	case r.policy.Spec.Suspend:
		return fact(rollout.PolicyNotReady, "PasskeyPolicy %q is suspended until its spec.suspend is false", name)
	case s.ObservedGeneration != r.policy.Generation || s.PayloadHash == "":
		return fact(rollout.PolicyNotReady, "PasskeyPolicy %q is not reconciled yet", name)
	case !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionSettingsResolved):
		return fact(rollout.PolicyNotReady, "the settings of PasskeyPolicy %q are not resolved: its condition SettingsResolved says why", name)
	case applied == nil || applied.ObservedGeneration != r.policy.Generation || applied.Status != metav1.ConditionTrue && applied.Reason != v1alpha1.ReasonAssigning:
		return fact(rollout.PolicyNotReady, "PasskeyPolicy %q is not in the tenant as it should be: its condition Applied says why", name)
	}
	return fact(rollout.PolicyReady, "")
}

// get reads one object; nil when it does not exist.
func get[T interface {
	*v1alpha1.PasskeyPolicy | *v1alpha1.Tenant
	clientObject
}](ctx context.Context, k Kit, namespace, name string, into T) (T, error) {
	err := k.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %T %q: %w", into, name, err)
	}
	return into, nil
}
