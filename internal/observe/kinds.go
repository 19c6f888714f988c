// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
)

// MemberSource reads groups and who is in them.
type MemberSource interface {
	GroupSource
	TransitiveMembers(ctx context.Context, groupID string) ([]graph.Member, error)
}

// Membership is who is in one group, nested groups included, as far as the lists tell.
type Membership struct {
	Group graph.Group
	// Devices and Users are the members by kind, sorted, each once. Members of other kinds can hold no policy.
	Devices, Users []audience.ID
	// Rules are the kinds of which the rules of this group and of the dynamic groups in it speak, each once.
	Rules []v1alpha1.Unit
	// Hidden names the groups of which the members may not be listed: the lists may lack theirs without any error
	// (contract-2 x.3). Empty: the lists are known to be complete.
	Hidden []string
	// Paused names the dynamic groups that follow their rule no more (contract-2 x.2): the lists are true, and stand still.
	Paused []string
	// Unreadable is how many members the lists have of whom it cannot be told who they are.
	Unreadable int
}

// Complete says whether the lists are known to name every member.
func (m *Membership) Complete() bool { return len(m.Hidden) == 0 }

// Of returns the members of the kind that the unit wants.
func (m *Membership) Of(unit v1alpha1.Unit) []audience.ID {
	if unit == v1alpha1.UnitUser {
		return m.Users
	}
	return m.Devices
}

// CheckKind reads the group that a reference names and refuses one that holds, or by its rule is for, members of another kind
// than the unit, be it beside some of the right one: Intune does not apply an exclusion across kinds (contract-2 y.1), so
// that hold and revision would meet on a device. The refusal is a *Refusal with reason GroupOfWrongKind. An empty group
// is of any kind; whether it is known to be empty, [Membership.Complete] tells.
func CheckKind(ctx context.Context, src MemberSource, ref v1alpha1.GroupRef, unit v1alpha1.Unit) (Membership, error) {
	g, err := lookUp(ctx, src, ref)
	if err != nil {
		return Membership{}, err
	}
	m, err := readMembership(ctx, src, ref, g)
	if err != nil {
		return Membership{}, err
	}
	if found := m.strangers(unit); found != "" {
		return Membership{}, wrongKind(ref, g, found, unit)
	}
	return m, nil
}

// strangers says what of another kind than the unit the group holds or is for, empty when there is nothing.
func (m *Membership) strangers(unit v1alpha1.Unit) string {
	other := v1alpha1.UnitUser
	if unit == v1alpha1.UnitUser {
		other = v1alpha1.UnitDevice
	}
	of := &Membership{Devices: m.Devices, Users: m.Users}
	if n := len(of.Of(other)); n > 0 {
		found := counted(n, other)
		if right := len(of.Of(unit)); right > 0 {
			found += " beside " + counted(right, unit)
		}
		return found
	}
	if slices.Contains(m.Rules, other) {
		return "by its rule " + kindName(other)
	}
	return ""
}

func wrongKind(ref v1alpha1.GroupRef, g graph.Group, found string, unit v1alpha1.Unit) *Refusal {
	other := v1alpha1.UnitUser
	if unit == v1alpha1.UnitUser {
		other = v1alpha1.UnitDevice
	}
	return &Refusal{v1alpha1.ReasonWrongKind, fmt.Sprintf(
		"group %s holds %s, and spec.unit %s of the PasskeyPolicy wants %s only, in nested groups too: Intune does not apply exclusions across kinds. Name a group of %s, or make the policy anew with unit %s",
		groupName(ref, g), found, unit, kindName(unit), kindName(unit), other)}
}

// groupName names a group as the person did who wrote the reference, and by both names where the tenant tells more.
func groupName(ref v1alpha1.GroupRef, g graph.Group) string {
	switch {
	case ref.ID == "":
		return fmt.Sprintf("%q (%s)", ref.DisplayName, g.ID)
	case g.DisplayName != "":
		return fmt.Sprintf("%s (%q)", ref.ID, g.DisplayName)
	}
	return ref.ID
}

func kindName(unit v1alpha1.Unit) string {
	if unit == v1alpha1.UnitUser {
		return "users"
	}
	return "devices"
}

func counted(n int, unit v1alpha1.Unit) string {
	if n == 1 {
		return "1 " + strings.TrimSuffix(kindName(unit), "s")
	}
	return fmt.Sprintf("%d %s", n, kindName(unit))
}

// readMembership lists the members of a group and looks at it and at every group in it: an empty one may be for another kind,
// and a hidden one may lack members in the list.
func readMembership(ctx context.Context, src MemberSource, ref v1alpha1.GroupRef, g graph.Group) (Membership, error) {
	list, err := src.TransitiveMembers(ctx, g.ID)
	if err != nil {
		return Membership{}, fmt.Errorf("read the members of group %s: %w", groupName(ref, g), err)
	}
	m := Membership{Group: g}
	m.look(g)
	for i := range list {
		if err := m.add(ctx, src, ref, &list[i]); err != nil {
			return Membership{}, err
		}
	}
	for _, ids := range []*[]audience.ID{&m.Devices, &m.Users} {
		slices.SortFunc(*ids, audience.ID.Compare)
		*ids = slices.Compact(*ids)
	}
	return m, nil
}

// add notes one member of the list.
func (m *Membership) add(ctx context.Context, src MemberSource, ref v1alpha1.GroupRef, member *graph.Member) error {
	into := &m.Devices
	switch member.Kind { //nolint:exhaustive // the product has no use for other kinds of members
	case graph.MemberDevice:
	case graph.MemberUser:
		into = &m.Users
	case graph.MemberGroup:
		nested, err := src.Group(ctx, member.ID)
		switch {
		case graph.KindOf(err) == graph.KindNotFound:
			return nil // deleted since the list was made
		case graph.KindOf(err) == graph.KindForbidden: // whether it is hidden is not known, so that it is taken to be
			m.Hidden = append(m.Hidden, member.ID)
			return nil
		case err != nil:
			return fmt.Errorf("read group %s, which is in group %s: %w", member.ID, ref, err)
		}
		m.look(nested)
		return nil
	case graph.MemberUnreadable:
		m.Unreadable++
		return nil
	default:
		return nil
	}
	if id, err := audience.ParseID(member.ID); err == nil {
		*into = append(*into, id)
	} else { // one member that is not understood hides none of the others
		m.Unreadable++
	}
	return nil
}

// look notes what a group, the one at hand or one in it, says about itself.
func (m *Membership) look(g graph.Group) {
	if unit, ok := ruleKind(&g); ok && !slices.Contains(m.Rules, unit) {
		m.Rules = append(m.Rules, unit)
	}
	name := g.DisplayName
	if name == "" {
		name = g.ID
	}
	if g.Visibility == "HiddenMembership" {
		m.Hidden = append(m.Hidden, name)
	}
	if g.Dynamic() && g.MembershipRuleProcessingState == "Paused" {
		m.Paused = append(m.Paused, name)
	}
}

var (
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	subject = regexp.MustCompile(`(?i)\b(user|device)\.`)
)

// ruleKind tells the kind that a group is for, whoever is in it now: a rule speaks of users or of devices, and a Microsoft
// 365 group holds people only (contract-2 x.1). false: a group of either kind.
func ruleKind(g *graph.Group) (v1alpha1.Unit, bool) {
	rule := strings.TrimSpace(quoted.ReplaceAllString(g.MembershipRule, `""`))
	found := subject.FindStringSubmatch(rule)
	switch {
	case found != nil && strings.EqualFold(found[1], "device"):
		return v1alpha1.UnitDevice, true
	case found != nil, slices.Contains(g.GroupTypes, "Unified"), strings.HasPrefix(strings.ToLower(rule), "direct reports"):
		return v1alpha1.UnitUser, true
	}
	return "", false
}
