// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
)

// Refusal is something that a person wrote and only a person can mend: what, and the remedy.
type Refusal struct{ Reason, Message string }

// Error renders the refusal.
func (r *Refusal) Error() string { return r.Message }

// GroupSource looks groups up.
type GroupSource interface {
	Group(ctx context.Context, id string) (graph.Group, error)
	GroupsByDisplayName(ctx context.Context, name string) ([]graph.Group, error)
}

// ResolveGroup gives the id of the one group that a reference names. A group that does not exist or a name that several
// groups carry is a *Refusal: a guess here would target the wrong people.
func ResolveGroup(ctx context.Context, src GroupSource, ref v1alpha1.GroupRef) (string, error) {
	g, err := lookUp(ctx, src, ref)
	return g.ID, err
}

func lookUp(ctx context.Context, src GroupSource, ref v1alpha1.GroupRef) (graph.Group, error) {
	if ref.ID != "" {
		g, err := src.Group(ctx, ref.ID)
		if graph.KindOf(err) == graph.KindNotFound {
			return graph.Group{}, &Refusal{v1alpha1.ReasonGroupNotFound, fmt.Sprintf("group %s does not exist in the tenant: check the id, or name the group by displayName", ref.ID)}
		}
		return g, err
	}
	found, err := src.GroupsByDisplayName(ctx, ref.DisplayName)
	if err != nil {
		return graph.Group{}, err
	}
	if slices.ContainsFunc(found, func(g graph.Group) bool { return g.Unreadable != nil }) {
		return graph.Group{}, &Refusal{v1alpha1.ReasonGroupAmbiguous, fmt.Sprintf(
			"the tenant lists a group by the display name %q that cannot be read, so that it is not known which one you mean: name the group by id", ref.DisplayName)}
	}
	switch len(found) {
	case 0:
		return graph.Group{}, &Refusal{v1alpha1.ReasonGroupNotFound, fmt.Sprintf(
			"no group in the tenant has the display name %q: create it, or correct the name. One that was just made or renamed is found by its name some minutes later, and by id at once", ref.DisplayName)}
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, g := range found {
		ids[i] = g.ID
	}
	slices.Sort(ids)
	const most = 5
	more := ""
	if len(ids) > most {
		ids, more = ids[:most], ", …"
	}
	return graph.Group{}, &Refusal{v1alpha1.ReasonGroupAmbiguous, fmt.Sprintf("%d groups have the display name %q: name the one you mean by id (%s%s)", len(found), ref.DisplayName, strings.Join(ids, ", "), more)}
}

// Groups are the resolved ids of a selection, each list sorted and without repeats.
type Groups struct{ Include, Exclude []string }
