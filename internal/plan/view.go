// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
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
	// Admitted and Inverse are the managed groups that get the payload, and those that get its inverse; sorted.
	Admitted, Inverse []string

	Catalog    Catalog
	Population Population
	// Want is what the policy should have; known where Catalog and Population are.
	Want []Desired
	// Objects are those that are wanted, and after them those that are only on record.
	Objects []Seen
	// ListErr says that the list of the tenant's policies could not be read: then Objects and Others are not known.
	ListErr error
	// Others are the operators of other clusters that have policies in the same tenant, sorted by cluster.
	Others []OtherOperator
}

// Catalog is what the settings resolve to in the tenant's settings catalog.
type Catalog struct {
	settings.Resolution
	Err error
}

// Population is whom hold is for: ids of groups, each list sorted and without repeats.
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

// NewView begins a look with the part that the cluster knows.
func NewView(stage Stage, p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, now time.Time) View {
	v := View{Stage: stage, At: now, Policy: p, Waves: waves}
	v.Admitted, v.Inverse = WaveGroups(waves)
	if p.Spec.DeletionPolicy == v1alpha1.DeletionOrphan {
		a, i := Orphans(p.Spec.Mode, p.Status.Objects, waves)
		v.Admitted, v.Inverse = union(v.Admitted, a), union(v.Inverse, i)
	}
	return v
}

// Audience is whom the wanted policies are for.
func (v *View) Audience() Audience {
	return Audience{Population: v.Population.Include, PopulationExcludes: v.Population.Exclude, Admitted: v.Admitted, Inverse: v.Inverse}
}

// Records are the entries of the status that the look is about.
func (v *View) Records() []v1alpha1.TenantObject {
	if v.Stage == StageRollback {
		return v.withdrawal().Records(v.Policy.Status.Objects)
	}
	return v.Policy.Status.Objects
}

func (v *View) withdrawal() Withdrawal {
	s := &v.Policy.Spec
	return Withdrawal{Admitted: v.Admitted, Excluded: v.Policy.Status.PopulationExcludes, Gate: s.Mode == v1alpha1.ModeGate, Drift: s.Drift}
}

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
	const reading = "read the policies in the tenant"
	switch {
	case v.Catalog.Err != nil:
		return &Gap{Doing: "search the settings catalog", Err: v.Catalog.Err, All: true}
	case v.Population.Err != nil:
		return &Gap{Doing: "resolve the groups of spec.population", Err: v.Population.Err, All: true}
	case v.ListErr != nil:
		return &Gap{Doing: reading, Err: v.ListErr, All: true}
	}
	if i := slices.IndexFunc(v.Objects, func(o Seen) bool { return o.Err != nil }); i >= 0 {
		return &Gap{Doing: reading, Err: v.Objects[i].Err}
	}
	return nil
}

// legible are the wanted and the observed policies that a plan may rest on. Allow and hold of a platform are planned
// together or not at all; to take back, allow alone will do, and hold needs to be seen beside its allow (P1). What is to be
// removed goes one by one (P7).
func (v *View) legible() ([]Desired, []Observed) {
	blind := map[v1alpha1.Platform]bool{}
	for i := range v.Objects {
		o := &v.Objects[i]
		counts := v.Stage == StageWhole || v.Stage == StageRollback && o.Role == v1alpha1.RoleAllow
		blind[o.Platform] = blind[o.Platform] || o.Err != nil && counts
	}
	var seen []Observed
	for i := range v.Objects {
		if o := &v.Objects[i]; o.Err == nil && !blind[o.Platform] {
			seen = append(seen, o.Observed)
		}
	}
	return slices.DeleteFunc(slices.Clone(v.Want), func(d Desired) bool { return blind[d.Platform] }), seen
}

// Build plans one stage from one look. What the view does not know, the plan does not touch, and Unknown says so.
func Build(v View) Result {
	gap := v.gap()
	if gap != nil && gap.All || v.Catalog.Blocked {
		return Result{Unknown: gap}
	}
	var res Result
	want, seen := v.legible()
	switch v.Stage {
	case StageRollback:
		res.Actions = v.withdrawal().Build(seen)
	case StageRemoval:
		res.Actions = BuildDelete(seen, v.Policy.Spec.DeletionPolicy)
	default:
		res = compare(want, seen, Options{
			Drift: v.Policy.Spec.Drift, AllowSettingsUpdate: !v.otherPayloadExposed(), NarrowOnly: len(v.Others) > 0,
		})
	}
	res.Unknown = gap
	return res
}

// otherPayloadExposed says whether a wave still has devices under another payload. Writing the new payload now would reach
// all of them at once, past every gate.
func (v *View) otherPayloadExposed() bool {
	return slices.ContainsFunc(v.Waves, func(w v1alpha1.PilotWave) bool {
		return w.Status.Audience != nil && w.Status.PayloadHash != v.Catalog.Hash
	})
}
