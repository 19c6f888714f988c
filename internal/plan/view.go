// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Stage is how much of a policy a look is about.
type Stage string

// The stages of a reconcile, each a look and a plan of its own.
const (
	// StageRollback is what takes the payload back, by the records alone: it comes first and waits for nothing else (P9).
	StageRollback Stage = "Rollback"
	// StageWhole is everything that the spec asks for.
	StageWhole Stage = "Whole"
	// StageRemoval is the removal of everything, for a policy that is deleted (P7).
	StageRemoval Stage = "Removal"
)

// View is one look at a policy: what the cluster asks for, and what the tenant shows. Each part of the tenant says by an
// error of its own that it could not be read; what an object does not show yet, its Observed says.
type View struct {
	Stage Stage
	// At is when the look was taken, on the operator's clock.
	At time.Time
	// Policy with the status as it was before the look, and its waves.
	Policy *v1alpha1.PasskeyPolicy
	Waves  []v1alpha1.PilotWave
	// Groups of all attempts, with what is to become of them.
	Groups []Group
	// Revisions of the status, with what they pinned.
	Revisions []v1alpha1.RevisionStatus

	// CatalogErr says that the spec asks for what no revision is, and that the settings catalog could not be read for it.
	CatalogErr error
	Population Population
	// Want is what the policy should have; known where Revisions and Population are.
	Want []Desired
	// Objects are those that are wanted, and after them those that are only on record.
	Objects []Seen
	// ListErr says that the list of the tenant's policies could not be read: then Objects and Others are not known.
	ListErr error
	// Others are the operators of other clusters that have policies in the same tenant, sorted by cluster.
	Others []OtherOperator
	// Rivals are PasskeyPolicies of this cluster that came first and may write for the same devices, and what is left of some
	// that are gone.
	Rivals []Rival
}

// Population is whom hold is for, and whom nothing of the policy ever reaches: ids of groups, each list sorted and without
// repeats. Include is not used where spec.population.all says everyone.
type Population struct {
	Include, Exclude []string
	Err              error
}

// Seen is one tenant object as it was found.
type Seen struct {
	Observed
	// Err is why the object could not be read, or why it is not to be touched. Then nothing but its key is known.
	Err error
}

// OtherOperator is the operator of another cluster that has policies in the same tenant.
type OtherOperator struct {
	// Cluster is the uid by which its markers name it.
	Cluster string
	// Policies are the names of its policies, sorted; at least one.
	Policies []string
}

// Rival is another PasskeyPolicy of this cluster whose policies may meet those of this one on a device.
type Rival struct {
	// Policy is its namespace and name, and Why says whom the two share; both empty for one that is gone.
	Policy, Why string
	// Gone is the uid of one that does not exist any more, or has no Tenant for the same tenant, and Policies are the names of
	// what it left in the tenant, sorted.
	Gone     string
	Policies []string
}

// alone says that nobody else has policies in the tenant that may meet those of this policy.
func (v *View) alone() bool { return len(v.Others)+len(v.Rivals) == 0 }

// NewView begins a look with the part that the cluster knows.
func NewView(stage Stage, p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, now time.Time) View {
	v := View{Stage: stage, At: now, Policy: p, Waves: waves, Revisions: p.Status.Revisions}
	v.Groups = WaveGroups(p, waves, v.Revisions, now)
	return v
}

// Lost names revisions of which status has no record any more: that takes no device back from them, only what their waves ask
// for does.
func (v *View) Lost(numbers []int32) {
	list := slices.Clone(v.Revisions)
	for _, n := range numbers {
		list = append(list, v1alpha1.RevisionStatus{Number: n, State: v1alpha1.RevisionSuperseded})
	}
	v.Groups = WaveGroups(v.Policy, v.Waves, list, v.At)
}

// Records are the entries of the status that the look is about.
func (v *View) Records() []v1alpha1.TenantObject {
	if v.Stage == StageRollback {
		return v.withdrawal().Records(v.Policy.Status.Objects)
	}
	return v.Policy.Status.Objects
}

func (v *View) withdrawal() Withdrawal {
	return Withdrawal{Groups: v.Groups, Drift: v.Policy.Spec.Drift}
}

// pinned says that there is something to write, whatever the catalog says today.
func (v *View) pinned() bool { return len(v.Revisions) > 0 }

// Gap is a part of a view that could not be read.
type Gap struct {
	// Doing is what was tried, as an order: "read the policies in the tenant".
	Doing string
	Err   error
	// All says that nothing can be planned; otherwise what does not rest on the gap is planned.
	All bool
}

// gap is the first part that could not be read, nil when there is none.
func (v *View) gap() *Gap {
	const reading, searching = "read the policies in the tenant", "search the settings catalog"
	switch {
	case v.CatalogErr != nil && !v.pinned():
		return &Gap{Doing: searching, Err: v.CatalogErr, All: true}
	case v.Population.Err != nil:
		return &Gap{Doing: "resolve the groups of spec.population", Err: v.Population.Err, All: true}
	case v.ListErr != nil:
		return &Gap{Doing: reading, Err: v.ListErr, All: true}
	}
	if i := slices.IndexFunc(v.Objects, func(o Seen) bool { return o.Err != nil }); i >= 0 {
		return &Gap{Doing: reading, Err: v.Objects[i].Err}
	}
	if v.CatalogErr != nil {
		return &Gap{Doing: searching, Err: v.CatalogErr}
	}
	return nil
}

// legible are the wanted and the observed policies that a plan may rest on. All levels of a platform are planned together
// or not at all (P1). To take back, and to remove, those that could be read will do (P7, P9).
func (v *View) legible() ([]Desired, []Observed) {
	blind := map[v1alpha1.Platform]bool{}
	for i := range v.Objects {
		o := &v.Objects[i]
		blind[o.Platform] = blind[o.Platform] || o.Err != nil && v.Stage == StageWhole
	}
	return slices.DeleteFunc(slices.Clone(v.Want), func(d Desired) bool { return blind[d.Platform] }),
		slices.DeleteFunc(v.read(), func(o Observed) bool { return blind[o.Platform] })
}

// read are the objects that could be read.
func (v *View) read() []Observed {
	var seen []Observed
	for i := range v.Objects {
		if o := &v.Objects[i]; o.Err == nil {
			seen = append(seen, o.Observed)
		}
	}
	return seen
}

// Build plans one stage from one look. What the view does not know, the plan does not touch, and Unknown says so.
func Build(v View) Result {
	gap := v.gap()
	if gap != nil && gap.All || v.Stage == StageWhole && !v.pinned() {
		return Result{Unknown: gap}
	}
	var res Result
	want, seen := v.legible()
	switch v.Stage {
	case StageRollback:
		res.Actions = v.withdrawal().Build(v.Records(), seen)
	case StageRemoval:
		res.Actions = BuildDelete(seen, v.Policy.Spec.DeletionPolicy)
	case StageWhole:
		res = compare(want, seen, Options{
			Drift: v.Policy.Spec.Drift, Managed: Managed(v.Groups), NarrowOnly: !v.alone(),
		})
	}
	res.Unknown = gap
	return res
}
