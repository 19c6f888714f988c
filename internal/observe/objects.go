// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// PolicySource reads what a PasskeyPolicy needs from its tenant.
type PolicySource interface {
	MemberSource
	CatalogSource
	ConfigurationPolicy(ctx context.Context, id string) (graph.ConfigurationPolicy, error)
	ConfigurationPolicies(ctx context.Context, nameContains string) ([]graph.ConfigurationPolicy, error)
	PolicySettings(ctx context.Context, id string) ([]graph.Setting, error)
	Assignments(ctx context.Context, policyID string) ([]graph.Assignment, error)
}

// ReplicationLag is plan.ReplicationLag.
const ReplicationLag = plan.ReplicationLag

// MemberLag is how long a list of group members may not show a change of ours. Lists of members are later than reads of
// objects (contract g); no number binds Microsoft, this one is ASSUMED.
const MemberLag = 5 * time.Minute

// Objects reads the tenant objects of a policy: those that are wanted and those that are only on record. all are the policies
// of the tenant: they show what no record knows, such as a second policy from a create that was delivered twice. An object
// that cannot be read has an error of its own and keeps nobody from the others.
func Objects(ctx context.Context, src PolicySource, all []graph.ConfigurationPolicy, records []v1alpha1.TenantObject, want []plan.Desired, self Owner, now time.Time) []plan.Seen {
	var list []plan.Seen
	read := func(rec *v1alpha1.TenantObject, want *plan.Desired) {
		key := plan.KeyOf(rec)
		o, err := object(ctx, src, sought{rec: rec, want: want, marker: self.Marker(key), all: all, now: now})
		if err != nil {
			o = plan.Seen{Observed: plan.Observed{Key: key}, Err: err}
		}
		list = append(list, o)
	}
	seen := map[plan.Key]bool{}
	for i := range want {
		seen[want[i].Key] = true
		read(record(records, want[i].Key), &want[i])
	}
	for i := range records {
		if !seen[plan.KeyOf(&records[i])] {
			read(&records[i], nil)
		}
	}
	return list
}

// Recorded reads tenant objects by the ids on record alone: what is wanted of them, and whatever else the tenant holds,
// does not matter. Settings are not read.
func Recorded(ctx context.Context, src PolicySource, records []v1alpha1.TenantObject, self Owner, now time.Time) []plan.Seen {
	var out []plan.Seen
	for i := range records {
		key := plan.KeyOf(&records[i])
		o, err := object(ctx, src, sought{rec: &records[i], marker: self.Marker(key), now: now, byRecord: true})
		if err != nil {
			o = plan.Seen{Observed: plan.Observed{Key: key}, Err: err}
		}
		out = append(out, o)
	}
	return out
}

func record(records []v1alpha1.TenantObject, key plan.Key) *v1alpha1.TenantObject {
	for i := range records {
		if plan.KeyOf(&records[i]) == key {
			return &records[i]
		}
	}
	return &v1alpha1.TenantObject{Role: key.Role, Platform: key.Platform, Revision: key.Revision}
}

// sought is one object that is looked for.
type sought struct {
	rec    *v1alpha1.TenantObject
	want   *plan.Desired // nil for an object that is only on record
	marker string
	all    []graph.ConfigurationPolicy
	now    time.Time
	// byRecord takes an object of the id on record for ours although somebody took the marker off: what a rollback takes back
	// is taken back (P9), and nothing else is written to it.
	byRecord bool
}

// fresh says that the tenant may not show yet what it took at that time.
func (s *sought) fresh(at *metav1.Time) bool {
	if at == nil {
		return false
	}
	age := s.now.Sub(at.Time) // negative after a leader whose clock was ahead
	return age < ReplicationLag && age > -ReplicationLag
}

// name that the object was given when it was last written.
func (s *sought) name() string {
	if s.want != nil {
		return s.want.Name
	}
	return s.rec.Name
}

// object reads one tenant object. Without an id on record, or with one that the tenant does not know, it is looked up by
// its marker, so that a create whose answer was lost, or a status that was restored from a backup, never makes a twin (P5).
func object(ctx context.Context, src PolicySource, s sought) (plan.Seen, error) {
	rec := s.rec
	o := plan.Seen{Observed: plan.Observed{
		Key: plan.KeyOf(rec), CreateOpen: rec.ID == "" && rec.CreateSentAt != nil,
		AssignOpen: rec.AssignSentAt != nil,
	}}
	o.ContentFresh, o.AssignFresh, o.KnownForeign = s.fresh(rec.AppliedAt), s.fresh(rec.AssignedAt), rec.ForeignAssignments
	o.Previous = plan.Previous{Include: rec.IncludeGroups, Exclude: rec.ExcludeGroups, Hash: rec.Hash}
	o.ID = rec.ID
	live, found, err := s.locate(ctx, src)
	if err != nil {
		return o, err
	}
	o.Copies = s.copies(ctx, src, live.ID)
	if s.want == nil && slices.ContainsFunc(o.Copies, func(c plan.Copy) bool { return c.Unreadable && c.SameName }) {
		return o, fmt.Errorf("a second policy named %q cannot be read: whether it is a leftover of ours is not known", s.name())
	}
	if !found {
		return o, nil
	}
	recorded := s.byRecord && strings.EqualFold(live.ID, rec.ID)
	if !recorded && !strings.Contains(live.Description, s.marker) {
		return o, &Refusal{v1alpha1.ReasonObjectNotOwned, fmt.Sprintf(
			"settings catalog policy %q (%s) does not carry this operator's marker %s in its description: put the marker back, or delete the policy to have it made anew", live.Name, live.ID, s.marker)}
	}
	o.ID, o.Exists, o.CreateOpen = live.ID, true, false
	list, err := src.Assignments(ctx, live.ID)
	if err != nil {
		return o, err
	}
	o.Assignments = targets(list)
	if s.want == nil {
		return o, nil
	}
	inst, err := src.PolicySettings(ctx, live.ID)
	if err != nil {
		return o, err
	}
	o.SettingsMatch = SameSettings(s.want.Settings, inst)
	if unknownPayload(rec, &o.Observed) {
		return o, forgotten(&o.Observed, live)
	}
	o.NameMatch = live.Name == s.want.Name && live.Description == s.want.Description
	return o, nil
}

// forgotten is why a policy with the marker of a level, but with other settings and no record, is not touched: a status from a
// backup has forgotten the payload that devices have by it (P13).
func forgotten(o *plan.Observed, live graph.ConfigurationPolicy) error {
	return &Refusal{v1alpha1.ReasonObjectNotOwned, fmt.Sprintf(
		"settings catalog policy %q (%s) carries the marker of %s, has other settings, and is not in the status, as after a restore from a backup; devices have it, so that nothing is written to it: remove its assignments, or delete it, to take it from them and go on",
		live.Name, live.ID, o.Key)}
}

// unknownPayload says that a policy of which there is no record reaches somebody with other settings than are wanted.
func unknownPayload(rec *v1alpha1.TenantObject, o *plan.Observed) bool {
	return !o.SettingsMatch && rec.ID == "" && rec.CreateSentAt == nil &&
		slices.ContainsFunc(o.Assignments, func(t plan.Target) bool { return t.Kind != plan.TargetExclude })
}

// locate finds the object: by its id, and by its marker when the tenant does not have that id. The client has confirmed
// by a second read that it is gone.
func (s *sought) locate(ctx context.Context, src PolicySource) (graph.ConfigurationPolicy, bool, error) {
	if s.rec.ID != "" {
		p, err := src.ConfigurationPolicy(ctx, s.rec.ID)
		if graph.KindOf(err) != graph.KindNotFound {
			return p, err == nil, err
		}
		if at := s.rec.AppliedAt; s.fresh(at) {
			return p, false, &graph.Error{Kind: graph.KindTransient, Message: fmt.Sprintf(
				"the tenant does not show policy %q (%s) yet, which was written at %s", s.rec.Name, s.rec.ID, at.UTC().Format(time.RFC3339))}
		}
		// The id may be that of an older object, in a status that was restored: the marker has the last word.
	}
	marked := s.marked()
	if len(marked) == 0 {
		return graph.ConfigurationPolicy{}, false, s.hidden()
	}
	// What has another name may be somebody's duplicate, or ours, renamed: not to be taken over unasked (P6), and not to be
	// made a second time beside either (P5).
	switch p := marked[0]; {
	case p.Name == s.name():
		return p, true, nil
	case s.rec.ID == "" && s.want != nil:
		return p, false, &Refusal{v1alpha1.ReasonMarkerCopied, fmt.Sprintf(
			"settings catalog policy %q (%s) carries the marker %s, and no policy of that marker is on record: name it %q to have it taken over, or take the marker out of its description to have another one made",
			p.Name, p.ID, s.marker, s.want.Name)}
	}
	return graph.ConfigurationPolicy{}, false, nil
}

// hidden is an error when a policy that cannot be read may be the one: then it is not known to be missing, and no second one is
// made (P5). One of which not even the name is known may be it where a create is under way; otherwise it is somebody else's, who
// keeps nothing of ours from being made.
func (s *sought) hidden() error {
	for i := range s.all {
		p := &s.all[i]
		open := s.rec.ID == "" && s.rec.CreateSentAt != nil
		if p.Unreadable == nil || p.Description != "" && !strings.Contains(p.Description, s.marker) || p.Name != s.name() && (p.Name != "" || !open) {
			continue
		}
		return &Refusal{v1alpha1.ReasonUnreadable, fmt.Sprintf(
			"the tenant lists a settings catalog policy (name %q, id %q) that cannot be read (%v), and that may be %q, so that none is made beside it: look at it in the tenant; delete it to have a new one made",
			p.Name, p.ID, p.Unreadable, s.name())}
	}
	return nil
}

// marked are the policies with the marker: those with our name first, of these the oldest, so that every look chooses
// the same one.
func (s *sought) marked() []graph.ConfigurationPolicy {
	var out []graph.ConfigurationPolicy
	for i := range s.all {
		if strings.Contains(s.all[i].Description, s.marker) && s.all[i].ID != s.rec.ID {
			out = append(out, s.all[i])
		}
	}
	named := func(p *graph.ConfigurationPolicy) int {
		if p.Name == s.name() {
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b graph.ConfigurationPolicy) int {
		return cmp.Or(cmp.Compare(named(&a), named(&b)), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// copies are the other policies with the marker. Their targets are read one by one: a copy is removed only when it has
// none, and the list may show an old state. One that cannot be read is left alone and stops nothing.
func (s *sought) copies(ctx context.Context, src PolicySource, primary string) []plan.Copy {
	var out []plan.Copy
	for _, p := range s.marked() {
		if p.ID == primary {
			continue
		}
		list, err := src.Assignments(ctx, p.ID)
		if graph.KindOf(err) == graph.KindNotFound {
			continue // removed since the list was made
		}
		same := p.Name == s.name() && (s.want == nil || p.Description == s.want.Description)
		out = append(out, plan.Copy{ID: p.ID, Name: p.Name, SameName: same, Assignments: targets(list), Unreadable: err != nil})
	}
	return out
}

func targets(list []graph.Assignment) []plan.Target {
	var out []plan.Target
	for _, a := range list {
		out = append(out, target(a))
	}
	return out
}

func target(a graph.Assignment) plan.Target {
	t := plan.Target{
		GroupID: a.GroupID, FilterID: a.FilterID, Kind: plan.TargetOther,
		Wire: plan.WireTarget{Kind: string(a.Kind), FilterType: a.FilterType, Raw: string(a.Raw)},
	}
	if a.FilterID != "" || a.Source != "" && a.Source != "direct" {
		return t // made by a filter or a policy set: never ours, and carried along as it is
	}
	switch a.Kind {
	case graph.TargetGroup:
		t.Kind = plan.TargetInclude
	case graph.TargetExclusionGroup:
		t.Kind = plan.TargetExclude
	case graph.TargetAllDevices:
		t.Kind = plan.TargetAllDevices
	case graph.TargetAllLicensedUsers:
		t.Kind = plan.TargetAllUsers
	case graph.TargetUnreadable:
		t.Kind = plan.TargetUnreadable
	case graph.TargetOther: // carried along as it is
	}
	return t
}
