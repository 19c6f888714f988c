// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// maxMemberLag is the longest that Intune may take over a change of a group's members (core: 5 min to 2 h).
const maxMemberLag = 2 * time.Hour

// object is one policy of the simulated tenant.
type object struct {
	key     Key
	id      string
	content string
	named   bool
	exists  bool
	targets []Target
	engine  timeline[[]Target] // what devices are told, after a pace of its own
}

// timeline is a value that changes in order, each time a while after it was asked for.
type timeline[T any] struct {
	at     []time.Time
	values []T
}

func (l *timeline[T]) set(at time.Time, v T) {
	if n := len(l.at); n > 0 && l.at[n-1].After(at) {
		at = l.at[n-1]
	}
	l.at, l.values = append(l.at, at), append(l.values, v)
}

// asOf is the value that holds at a time.
func (l *timeline[T]) asOf(t time.Time) (v T) {
	for i := range l.at {
		if l.at[i].After(t) {
			break
		}
		v = l.values[i]
	}
	return v
}

// tenant is a simulated Intune: it shows assignments at once and acts on them at a pace of its own, per policy and per
// group, in order.
type tenant struct {
	rng     *rand.Rand
	now     time.Time
	objects []*object
	members map[string]*timeline[[]int] // of a group
	devices int
}

// pace is when something that is asked for now takes effect: often as soon, or as late, as can be.
func (t *tenant) pace(most time.Duration) time.Time {
	switch t.rng.IntN(3) {
	case 0:
		return t.now
	case 1:
		return t.now.Add(most - time.Second)
	}
	return t.now.Add(time.Duration(t.rng.Int64N(int64(most))))
}

func (t *tenant) assign(o *object, targets []Target) {
	o.targets = targets
	o.engine.set(t.pace(AssignmentLag), targets)
}

func (t *tenant) create(k Key, content string) *object {
	o := &object{key: k, id: fmt.Sprintf("%s-%d", k, len(t.objects)), content: content, named: true, exists: true}
	t.objects = append(t.objects, o)
	return o
}

func (t *tenant) remove(o *object) {
	o.exists = false
	t.assign(o, nil)
}

func (t *tenant) live(k Key) *object {
	for _, o := range t.objects {
		if o.key == k && o.exists {
			return o
		}
	}
	return nil
}

func (t *tenant) join(group string, device int) {
	l := t.members[group]
	if l == nil {
		l = &timeline[[]int]{}
		t.members[group] = l
	}
	var now []int
	if n := len(l.values); n > 0 {
		now = l.values[n-1]
	}
	if !slices.Contains(now, device) {
		l.set(t.pace(maxMemberLag), append(slices.Clone(now), device))
	}
}

// asked says that the device was put into the group, whether it has arrived or not.
func (t *tenant) asked(group string, device int) bool {
	l := t.members[group]
	return l != nil && len(l.values) > 0 && slices.Contains(l.values[len(l.values)-1], device)
}

func (t *tenant) member(group string, device int, at time.Time) bool {
	if group == Everyone {
		return true
	}
	l := t.members[group]
	return l != nil && slices.Contains(l.asOf(at), device)
}

// levels are the revisions that target a device on a platform at a time, by what the engine has taken in: an exclusion
// beats an inclusion, and two objects of one revision are one level.
func (t *tenant) levels(platform v1alpha1.Platform, device int, at time.Time) (out []int32) {
	for _, o := range t.objects {
		if o.key.Platform != platform {
			continue
		}
		in, excluded := false, false
		for _, target := range o.engine.asOf(at) {
			switch target.Kind {
			case TargetAllDevices, TargetAllUsers:
				in = true
			case TargetInclude:
				in = in || t.member(target.GroupID, device, at)
			case TargetExclude:
				excluded = excluded || t.member(target.GroupID, device, at)
			}
		}
		if in && !excluded && !slices.Contains(out, o.key.Revision) {
			out = append(out, o.key.Revision)
		}
	}
	slices.Sort(out)
	return out
}

// instants are the times until then at which something changes for devices, and then itself.
func (t *tenant) instants(until time.Time) []time.Time {
	out := []time.Time{until}
	add := func(times []time.Time) {
		for _, at := range slices.Backward(times) {
			if !at.After(t.now) {
				return
			}
			if at.Before(until) {
				out = append(out, at)
			}
		}
	}
	for _, o := range t.objects {
		add(o.engine.at)
	}
	for _, l := range t.members {
		add(l.at)
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}
