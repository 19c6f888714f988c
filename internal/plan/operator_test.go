// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// operator is the policy controller, as far as the plan is concerned: it keeps its memory in a status, journals before it
// writes, and may die after anything.
type operator struct {
	tenant *tenant
	policy *v1alpha1.PasskeyPolicy
	pop    Population
	waves  []v1alpha1.PilotWave
	writes int
	quiet  bool // the last look found nothing to do
	log    []string
	stored bool // the status was journalled in this look
}

func (op *operator) record(k Key) *v1alpha1.TenantObject {
	list := &op.policy.Status.Objects
	for i := range *list {
		if KeyOf(&(*list)[i]) == k {
			return &(*list)[i]
		}
	}
	*list = append(*list, v1alpha1.TenantObject{Role: k.Role, Platform: k.Platform, Revision: k.Revision})
	return &(*list)[len(*list)-1]
}

func (op *operator) recordFor(k Key) *v1alpha1.TenantObject {
	for i := range op.policy.Status.Objects {
		if KeyOf(&op.policy.Status.Objects[i]) == k {
			return &op.policy.Status.Objects[i]
		}
	}
	return nil
}

func (op *operator) look(rec *v1alpha1.TenantObject, d *Desired) Observed {
	k := KeyOf(rec)
	o := Observed{
		Key: k, ID: rec.ID, CreateOpen: rec.ID == "" && rec.CreateSentAt != nil, AssignOpen: rec.AssignSentAt != nil,
		Previous: Previous{Include: rec.IncludeGroups, Exclude: rec.ExcludeGroups, Hash: rec.Hash},
	}
	live := op.tenant.live(k)
	if live == nil || o.CreateOpen {
		return o
	}
	o.ID, o.Exists, o.Assignments = live.id, true, slices.Clone(live.targets)
	if d != nil {
		o.SettingsMatch, o.NameMatch = live.content == d.Hash, live.named
	}
	return o
}

func (op *operator) observe(desired []Desired) []Observed {
	var out []Observed
	for i := range op.policy.Status.Objects {
		rec := &op.policy.Status.Objects[i]
		var d *Desired
		if j := slices.IndexFunc(desired, func(d Desired) bool { return d.Key == KeyOf(rec) }); j >= 0 {
			d = &desired[j]
		}
		out = append(out, op.look(rec, d))
	}
	for i := range desired { // what is wanted is looked for, on record or not
		if op.recordFor(desired[i].Key) == nil {
			out = append(out, Observed{Key: desired[i].Key})
		}
	}
	return out
}

func describe(k Key) string { return "marker " + k.String() }

// reconcile is one look and up to steps writes. lose says that the answer to the last of them is lost; forget, that the
// operator died before it stored how far groups are, unless the journal of a write has taken that along.
func (op *operator) reconcile(t *testing.T, steps int, lose, forget bool) {
	t.Helper()
	st := &op.policy.Status
	before := slices.Clone(st.Waves)
	op.stored = false
	groups := WaveGroups(op.policy, op.waves, st.Revisions, op.tenant.now)
	w := Withdrawal{Groups: groups, Drift: op.policy.Spec.Drift}
	if records := w.Records(st.Objects); len(records) > 0 {
		var seen []Observed
		for i := range records {
			seen = append(seen, op.look(&records[i], nil))
		}
		st.Waves = w.Admissions(st.Waves, records, seen, op.tenant.now)
		forgetGone(st, before)
		if actions := w.Build(records, seen); len(actions) > 0 {
			op.quiet = false
			op.run(t, actions, steps, lose)
			if forget && !op.stored {
				st.Waves = before
			}
			return
		}
		groups = WaveGroups(op.policy, op.waves, st.Revisions, op.tenant.now)
	}
	desired := Want(op.policy, st.Revisions, op.pop, groups, describe)
	observed := op.observe(desired)
	known := slices.Clone(st.Waves)
	st.Waves = Admissions(st.Waves, groups, desired, observed, op.tenant.now)
	forgetGone(st, known)
	built := compare(desired, observed, Options{Drift: op.policy.Spec.Drift, Managed: Managed(groups)})
	op.close(observed, desired, built)
	op.quiet = len(built.Actions) == 0
	op.run(t, built.Actions, steps, lose)
	if forget && !op.stored {
		st.Waves = before
	}
	op.tidy(desired)
}

// close does what the controller does once the tenant has had time to show a write that came late.
func (op *operator) close(observed []Observed, desired []Desired, built Result) {
	for _, o := range observed {
		if !o.AssignOpen || slices.ContainsFunc(built.Actions, func(a Action) bool { return a.Kind == Assign && a.Key == o.Key }) {
			continue
		}
		var d *Desired
		if i := slices.IndexFunc(desired, func(d Desired) bool { return d.Key == o.Key }); i >= 0 {
			d = &desired[i]
		}
		rec := op.record(o.Key)
		rec.IncludeGroups, rec.ExcludeGroups = Ours(o, d)
		rec.AssignSentAt = nil
	}
}

// tidy forgets what is gone and not wanted.
func (op *operator) tidy(desired []Desired) {
	st := &op.policy.Status
	st.Objects = slices.DeleteFunc(st.Objects, func(rec v1alpha1.TenantObject) bool {
		k := KeyOf(&rec)
		return op.tenant.live(k) == nil && rec.CreateSentAt == nil && !slices.ContainsFunc(desired, func(d Desired) bool { return d.Key == k })
	})
}

func (op *operator) run(t *testing.T, actions []Action, steps int, lose bool) {
	t.Helper()
	for i := range actions {
		if i == steps {
			return
		}
		op.do(t, actions[i], lose && i == min(steps, len(actions))-1)
	}
}

// do journals and executes one action, and records it unless the answer is lost. Half of the lost writes were never made.
func (op *operator) do(t *testing.T, a Action, lost bool) {
	t.Helper()
	op.writes++
	op.stored = op.stored || a.Kind == Create || a.Kind == Assign
	op.log = append(op.log, op.tenant.now.Format("15:04:05 ")+a.String())
	stamp := metav1.NewTime(op.tenant.now)
	rec, live := op.record(a.Key), op.tenant.live(a.Key)
	made := !lost || op.tenant.rng.IntN(2) == 0
	if a.Kind != Create && a.Kind != LookUp && live == nil {
		t.Fatalf("%s acts on nothing", a)
	}
	switch a.Kind {
	case Create:
		if live != nil {
			t.Fatalf("%s makes a second policy", a)
		}
		rec.CreateSentAt, rec.ID, rec.IncludeGroups, rec.ExcludeGroups = &stamp, "", nil, nil
		if made {
			live = op.tenant.create(a.Key, a.Desired.Hash)
		}
		if !lost {
			rec.ID, rec.CreateSentAt, rec.Hash = live.id, nil, a.Desired.Hash
		}
	case LookUp:
		rec.CreateSentAt = nil
		if live != nil {
			rec.ID, rec.Hash = live.id, live.content
		}
	case Replace, Rename:
		if made {
			live.content, live.named = a.Desired.Hash, true
		}
	case Assign:
		op.mustBeExcluded(t, a, live)
		rec.IncludeGroups = newSet(rec.IncludeGroups).union(newSet(a.Include))
		rec.ExcludeGroups = newSet(rec.ExcludeGroups).union(newSet(a.Exclude))
		rec.AssignSentAt = &stamp
		if made {
			op.tenant.assign(live, written(a))
		}
		if !lost {
			rec.IncludeGroups, rec.ExcludeGroups, rec.AssignSentAt = a.IntentInclude, a.IntentExclude, nil
		}
	case Delete:
		if made {
			op.tenant.remove(live)
		}
	default:
		t.Fatalf("unknown action %s", a)
	}
}

// mustBeExcluded fails when a revision takes in a group that an earlier level which reaches anybody is not seen to exclude:
// should the group have members after all, they are under one at most.
func (op *operator) mustBeExcluded(t *testing.T, a Action, live *object) {
	t.Helper()
	for _, id := range a.Include {
		if a.Revision == 0 || slices.ContainsFunc(live.targets, func(t Target) bool { return t.Kind == TargetInclude && t.GroupID == id }) {
			continue
		}
		for _, o := range op.tenant.objects {
			if o.exists && o.key.Platform == a.Platform && o.key.Revision < a.Revision && slices.ContainsFunc(o.targets, Target.widens) &&
				!slices.Contains(o.targets, Target{Kind: TargetExclude, GroupID: id}) {
				t.Fatalf("%s: includes %s, which %s does not exclude\n%s", a, id, o.key, op.history())
			}
		}
	}
}

func written(a Action) []Target {
	targets := slices.Clone(a.KeepForeign)
	for _, id := range a.Include {
		if id == Everyone {
			targets = append(targets, Target{Kind: a.Everyone})
			continue
		}
		targets = append(targets, Target{Kind: TargetInclude, GroupID: id})
	}
	for _, id := range a.Exclude {
		targets = append(targets, Target{Kind: TargetExclude, GroupID: id})
	}
	return targets
}

func (op *operator) entry(group string) *v1alpha1.WaveAdmission {
	return entry(op.policy.Status.Waves, group)
}

func (op *operator) history() string { return strings.Join(op.log, "\n") }
