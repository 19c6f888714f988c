// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
)

// set is a sorted list of group ids in lower case, without repetition.
type set []string

// newSet normalises ids: Graph answers GUIDs in lower case, a person may not.
func newSet(ids []string) set {
	out := make(set, 0, len(ids))
	for _, id := range ids {
		out = append(out, strings.ToLower(id))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s set) has(id string) bool {
	_, ok := slices.BinarySearch(s, id)
	return ok
}

func (s set) union(t set) set { return newSet(slices.Concat(s, t)) }

func (s set) minus(t set) set {
	return slices.DeleteFunc(slices.Clone(s), t.has)
}

func (s set) intersect(t set) set {
	return slices.DeleteFunc(slices.Clone(s), func(id string) bool { return !t.has(id) })
}

// within says that t has all of s.
func (s set) within(t set) bool { return len(s.minus(t)) == 0 }

// targets are our own groups on one policy.
type targets struct{ include, exclude set }

func (t targets) equal(u targets) bool {
	return slices.Equal(t.include, u.include) && slices.Equal(t.exclude, u.exclude)
}

// rebase applies what changed from one intent to the next to what is there.
func (t targets) rebase(from, to targets) targets {
	return targets{
		include: t.include.minus(from.include.minus(to.include)).union(to.include.minus(from.include)),
		exclude: t.exclude.minus(from.exclude.minus(to.exclude)).union(to.exclude.minus(from.exclude)),
	}
}

// split parts observed targets into ours, which are those that we name in the same
// direction, and those of others. everyone is the kind of target that Everyone stands for.
func split(observed []Target, named targets, everyone TargetKind) (ours targets, foreign []Target) {
	var include, exclude []string
	for _, t := range observed {
		id := strings.ToLower(t.GroupID)
		switch {
		case t.Kind == TargetInclude && named.include.has(id):
			include = append(include, id)
		case t.Kind == everyone && named.include.has(Everyone):
			include = append(include, Everyone)
		case t.Kind == TargetExclude && named.exclude.has(id):
			exclude = append(exclude, id)
		default:
			foreign = append(foreign, t)
		}
	}
	return targets{include: newSet(include), exclude: newSet(exclude)}, foreign
}

// everyoneOf is the kind of target that stands for Everyone: the one that is wanted, else the one that is there.
func everyoneOf(d *Desired, observed []Target) TargetKind {
	if d != nil && d.Everyone != "" {
		return d.Everyone
	}
	for _, t := range observed {
		if t.Kind == TargetAllDevices || t.Kind == TargetAllUsers {
			return t.Kind
		}
	}
	return TargetAllDevices
}

// Ours are the group ids among the observed targets that this operator set: those that it recorded or wants in the same
// direction, sorted and in lower case. d is nil where the policy is not desired. It is what to record as Previous of a
// policy whose last Assign has no known outcome, once no further Assign is planned for it.
func Ours(o Observed, d *Desired) (include, exclude []string) {
	named := targets{include: newSet(o.Previous.Include), exclude: newSet(o.Previous.Exclude)}
	if d != nil {
		named.include, named.exclude = named.include.union(newSet(d.Include)), named.exclude.union(newSet(d.Exclude))
	}
	ours, _ := split(o.Assignments, named, everyoneOf(d, o.Assignments))
	return ours.include, ours.exclude
}

// widens says that t adds to a policy's audience. Other is taken to: not to know
// is no reason to think that it does not.
func (t Target) widens() bool { return t.Kind != TargetExclude }

// excluded are the groups that foreign targets exclude.
func excluded(foreign []Target) set {
	var out []string
	for _, t := range foreign {
		if t.Kind == TargetExclude {
			out = append(out, t.GroupID)
		}
	}
	return newSet(out)
}
