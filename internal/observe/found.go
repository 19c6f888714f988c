// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/settings"
)

// Listing are the configuration policies of a tenant; Err says that they are not known.
type Listing struct {
	All []graph.ConfigurationPolicy
	Err error
}

// List lists the policies of the tenant of a PasskeyPolicy.
func List(ctx context.Context, src PolicySource, p *v1alpha1.PasskeyPolicy, now time.Time) Listing {
	all, err := tenantPolicies(ctx, src, p.Status.Objects, now)
	return Listing{All: all, Err: err}
}

// Found are policies in the tenant that carry markers of a PasskeyPolicy and that its status has forgotten: that is older than
// the tenant, as after a restore from a backup.
type Found struct {
	// Revisions are the levels of which Status.Revisions or Status.Objects lack something.
	Revisions []revision.Found
	// Objects are the records of policies of these that Status.Objects lacks.
	Objects []v1alpha1.TenantObject
}

// Forgotten looks for what the status of a policy has forgotten. A policy of a number that was given and that reaches nobody
// is what a retired revision left. One with another name than ours may be somebody's duplicate: what it means is not
// guessed. An error is one of reading; nothing is known then.
func Forgotten(ctx context.Context, src PolicySource, self Owner, p *v1alpha1.PasskeyPolicy, all []graph.ConfigurationPolicy) (Found, error) {
	levels := map[int32]*level{}
	for i := range all {
		key, ok := self.keyOf(all[i].Description)
		if !ok {
			continue
		}
		if levels[key.Revision] == nil {
			levels[key.Revision] = &level{keys: map[plan.Key][]graph.ConfigurationPolicy{}}
		}
		levels[key.Revision].keys[key] = append(levels[key.Revision].keys[key], all[i])
	}
	var out Found
	for number, l := range levels {
		if !l.forgotten(p, number) {
			continue
		}
		f, objects, err := l.read(ctx, src, p, number)
		if err != nil {
			return Found{}, fmt.Errorf("read the policies of %s, which the status has forgotten: %w", revision.Name(number), err)
		}
		if f == nil {
			continue
		}
		out.Revisions, out.Objects = append(out.Revisions, *f), append(out.Objects, objects...)
	}
	slices.SortFunc(out.Revisions, func(a, b revision.Found) int { return int(a.Number) - int(b.Number) })
	return out, nil
}

// keyOf reads the level from a marker of the owner; false when there is none of its own.
func (o Owner) keyOf(description string) (plan.Key, bool) {
	m := anyMarker.FindStringSubmatch(description)
	if m == nil || m[1] != o.Cluster || m[2] != o.UID {
		return plan.Key{}, false
	}
	number := int64(0)
	if m[3] != "hold" {
		var err error
		if number, err = strconv.ParseInt(strings.TrimPrefix(m[3], "r"), 10, 32); err != nil || number < 1 {
			return plan.Key{}, false
		}
	}
	for _, platform := range []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS} {
		if strings.EqualFold(string(platform), m[4]) {
			return plan.LevelKey(platform, int32(number)), true
		}
	}
	return plan.Key{}, false
}

// level are the marked policies of one revision.
type level struct {
	keys map[plan.Key][]graph.ConfigurationPolicy
}

// forgotten says that the status lacks something of the revision.
func (l *level) forgotten(p *v1alpha1.PasskeyPolicy, number int32) bool {
	if revision.ByNumber(p.Status.Revisions, number) == nil {
		return true
	}
	for key := range l.keys {
		if rec := record(p.Status.Objects, key); rec.ID == "" && rec.CreateSentAt == nil {
			return true
		}
	}
	return false
}

// read tells what the policies of a revision set. Nil is a revision of which nothing is left that matters.
func (l *level) read(ctx context.Context, src PolicySource, p *v1alpha1.PasskeyPolicy, number int32) (*revision.Found, []v1alpha1.TenantObject, error) {
	found := levelReading{Found: revision.Found{Number: number}}
	for key, list := range l.keys {
		if err := found.add(ctx, src, p, key, list); err != nil {
			return nil, nil, err
		}
	}
	if !found.reaches && number <= p.Status.LastRevision || len(found.Payloads) == 0 && found.Problem == "" {
		return nil, nil, nil
	}
	if known := revision.ByNumber(p.Status.Revisions, number); known != nil { // what it sets is on record; a policy that sets something else is not taken for it (see forgotten)
		found.objects = slices.DeleteFunc(found.objects, func(o v1alpha1.TenantObject) bool { return !sets(known, o.Platform, o.Hash) })
	}
	if found.Problem != "" {
		found.Payloads, found.objects = nil, nil
	}
	return &found.Found, found.objects, nil
}

// levelReading is what was read of the policies of a revision.
type levelReading struct {
	revision.Found
	objects []v1alpha1.TenantObject
	// reaches says that one of them includes somebody.
	reaches bool
}

// add reads the policy of one platform, which is among those that carry its marker.
func (f *levelReading) add(ctx context.Context, src PolicySource, p *v1alpha1.PasskeyPolicy, key plan.Key, list []graph.ConfigurationPolicy) error {
	name, rec := plan.Name(p.Namespace, p.Name, key), record(p.Status.Objects, key)
	at := slices.IndexFunc(list, func(c graph.ConfigurationPolicy) bool { return c.Name == name || strings.EqualFold(c.ID, rec.ID) })
	if at < 0 {
		f.Problem = fmt.Sprintf("policy %q (%s) carries its marker and has another name: name it %q to have it taken up, or take the marker out of its description", list[0].Name, list[0].ID, name)
		f.reaches = true
		return nil
	}
	live, err := src.ConfigurationPolicy(ctx, list[at].ID)
	if graph.KindOf(err) == graph.KindNotFound {
		return nil // deleted since the list was made
	}
	if err != nil {
		return err
	}
	pinned, included, problem, err := content(ctx, src, key.Platform, &live)
	if err != nil {
		return err
	}
	f.Problem = cmp.Or(problem, f.Problem)
	f.reaches = f.reaches || included
	f.Payloads = append(f.Payloads, pinned)
	if at := metav1.NewTime(live.CreatedAt.Truncate(time.Second)); f.CreatedAt.IsZero() || at.Before(&f.CreatedAt) {
		f.CreatedAt = at
	}
	if rec.ID == "" && rec.CreateSentAt == nil {
		f.objects = append(f.objects, v1alpha1.TenantObject{Role: key.Role, Platform: key.Platform, Revision: key.Revision, ID: live.ID, Name: name, Hash: hashOf(pinned)})
	}
	return nil
}

func hashOf(p v1alpha1.PinnedPayload) string {
	u := settings.Unpin(p)
	return settings.HashInstances(u.GraphPlatforms, u.Technologies, u.Allow)
}

// sets says that a revision has the content of the hash on a platform.
func sets(r *v1alpha1.RevisionStatus, platform v1alpha1.Platform, hash string) bool {
	pinned := revision.On(r, platform)
	return pinned != nil && hashOf(*pinned) == hash
}

// content is what a policy sets, and whether it includes anybody. problem says that it sets what a revision cannot.
func content(ctx context.Context, src PolicySource, platform v1alpha1.Platform, live *graph.ConfigurationPolicy) (p v1alpha1.PinnedPayload, included bool, problem string, err error) {
	list, err := src.Assignments(ctx, live.ID)
	if err != nil {
		return p, false, "", err
	}
	included = slices.ContainsFunc(targets(list), func(t plan.Target) bool { return t.Kind != plan.TargetExclude })
	found, err := src.PolicySettings(ctx, live.ID)
	if err != nil {
		return p, false, "", err
	}
	payload := settings.Payload{Platform: platform, GraphPlatforms: live.Platforms, Technologies: live.Technologies}
	for i := range found {
		inst, ok := instance(&found[i].Instance)
		if !ok || len(inst.Children) > 0 {
			problem = fmt.Sprintf("policy %q (%s) sets %s in a way that no revision does: delete it, or remove that setting, to go on", live.Name, live.ID, found[i].Instance.DefinitionID)
			continue
		}
		payload.Allow = append(payload.Allow, inst)
	}
	return settings.Pin(payload), included, problem, nil
}

// attemptGroup is the unique name of the group of an attempt: see rollout.GroupName.
var attemptGroup = regexp.MustCompile(`^tidegate-(.+)-([0-9]+)$`)

// Assigned are the targets of one policy of a revision.
type Assigned struct {
	plan.Key
	Targets []plan.Target
}

// AssignedTo reads the targets of the policies on record that are of a revision. One that is gone has none.
func AssignedTo(ctx context.Context, src PolicySource, records []v1alpha1.TenantObject) ([]Assigned, error) {
	var out []Assigned
	for i := range records {
		if records[i].ID == "" {
			continue
		}
		list, err := src.Assignments(ctx, records[i].ID)
		if graph.KindOf(err) == graph.KindNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Assigned{plan.KeyOf(&records[i]), targets(list)})
	}
	return out, nil
}

// AssignedIn are the targets of the policies that a view shows.
func AssignedIn(v *plan.View) []Assigned {
	var out []Assigned
	for i := range v.Objects {
		if o := &v.Objects[i]; o.Err == nil && o.Exists {
			out = append(out, Assigned{o.Key, o.Assignments})
		}
	}
	return out
}

// FoundGroups puts on record the groups of attempts that policies of revisions include, and of which the status knows nothing:
// devices in them keep what they have. A group that is none of an attempt of this policy is somebody's edit, also one of a wave of
// another policy that somebody has included by hand.
func FoundGroups(ctx context.Context, src GroupSource, of *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, list []Assigned, now time.Time) ([]v1alpha1.WaveAdmission, error) {
	var out []v1alpha1.WaveAdmission
	s, known := &of.Status, map[string]bool{}
	for _, a := range s.Waves {
		known[strings.ToLower(a.GroupID)] = true
	}
	for _, o := range s.Objects {
		for _, id := range o.IncludeGroups {
			known[strings.ToLower(id)] = true
		}
	}
	for _, p := range list {
		for _, t := range p.Targets {
			if p.Revision == 0 || t.Kind != plan.TargetInclude || known[strings.ToLower(t.GroupID)] {
				continue
			}
			known[strings.ToLower(t.GroupID)] = true
			a, ok, err := ownerOfGroup(ctx, src, of.UID, waves, t.GroupID)
			if err != nil {
				return nil, err
			}
			if ok {
				at := v1alpha1.Stamp(now)
				a.Revision, a.State, a.Since, a.AdmittedAt, a.Found = p.Revision, v1alpha1.Admitting, at, &at, true
				out = append(out, a)
			}
		}
	}
	for _, p := range list {
		plan.Claim(s, out, p.Key, p.Targets)
	}
	s.Waves = append(s.Waves, out...)
	return out, nil
}

// ownerOfGroup tells by what waves list, and else by its unique name, of which attempt of which wave of a policy a group is. The
// name of a wave that does not exist is that of the group, and its description then says whose it was.
func ownerOfGroup(ctx context.Context, src GroupSource, policy types.UID, waves []v1alpha1.PilotWave, id string) (v1alpha1.WaveAdmission, bool, error) {
	for i := range waves {
		for _, a := range waves[i].Status.Attempts {
			if strings.EqualFold(a.GroupID, id) {
				return v1alpha1.WaveAdmission{Name: waves[i].Name, UID: string(waves[i].UID), Attempt: a.Attempt, GroupID: a.GroupID}, true, nil
			}
		}
	}
	g, err := src.Group(ctx, id)
	if graph.KindOf(err) == graph.KindNotFound {
		return v1alpha1.WaveAdmission{}, false, nil
	}
	if err != nil {
		return v1alpha1.WaveAdmission{}, false, fmt.Errorf("read group %s, to which a revision is assigned: %w", id, err)
	}
	m := attemptGroup.FindStringSubmatch(g.UniqueName)
	if m == nil {
		return v1alpha1.WaveAdmission{}, false, nil
	}
	attempt, err := strconv.ParseInt(m[2], 10, 32)
	if err != nil {
		return v1alpha1.WaveAdmission{}, false, nil //nolint:nilerr // a number that no attempt can have: not our group
	}
	out := v1alpha1.WaveAdmission{Name: g.DisplayName, UID: m[1], Attempt: int32(attempt), GroupID: g.ID}
	for i := range waves {
		if string(waves[i].UID) == m[1] {
			out.Name = waves[i].Name
			return out, true, nil
		}
	}
	return out, rollout.PolicyOfGroup(g.Description) == policy, nil
}
