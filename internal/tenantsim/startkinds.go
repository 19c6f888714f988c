// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/memberrule"
)

// startKinds are the kinds of start groups.
var startKinds = []string{"", "security", "unified", "hidden", "mail", "synced", "roleAssignable"}

// validateKind refuses kinds that cannot hold what the entry asks for, by the
// rules that hold for callers too.
func (g GroupSpec) validateKind() error {
	unified := g.Kind == "unified" || g.Kind == "hidden"
	switch {
	case !slices.Contains(startKinds, g.Kind):
		return fmt.Errorf("kind %q: write one of %v", g.Kind, startKinds[1:])
	case unified && g.Unit != "user" && (g.Count > 0 || g.Percent > 0):
		return fmt.Errorf("kind %q holds users only: write unit: user", g.Kind)
	case (unified || g.Kind == "roleAssignable") && len(g.Groups) > 0:
		return fmt.Errorf("kind %q holds no groups: leave groups out", g.Kind)
	case g.Rule != "":
		return g.validateRule(unified)
	default:
		return nil
	}
}

func (g GroupSpec) validateRule(unified bool) error {
	switch {
	case g.Count > 0 || g.Percent > 0 || len(g.Groups) > 0:
		return fmt.Errorf("rule decides about the members: leave count, percent and groups out")
	case g.Kind == "roleAssignable" || g.Kind == "synced" || g.Kind == "mail":
		return fmt.Errorf("kind %q cannot have a rule", g.Kind)
	}
	rule, err := memberrule.Parse(g.Rule)
	if err == nil && unified && rule.Kind == memberrule.Devices {
		err = fmt.Errorf("kind %q holds users only", g.Kind)
	}
	if err != nil {
		return fmt.Errorf("rule: %w", err)
	}
	return nil
}

// applyKind makes a start group what its entry says, and evaluates its rule.
func (s *Server) applyKind(g *group, spec GroupSpec) error {
	switch spec.Kind {
	case "unified", "hidden":
		g.groupTypes, g.mailEnabled = append(g.groupTypes, typeUnified), true
		if spec.Kind == "hidden" {
			g.stored = object{"visibility": "HiddenMembership"}
		}
	case "mail":
		g.mailEnabled = true
	case "synced":
		g.synced = true
	case "roleAssignable":
		g.stored = object{"isAssignableToRole": true}
	}
	if g.mailEnabled {
		g.mail = g.mailNickname + "@" + s.options.Domain
	}
	if spec.Rule == "" {
		return nil
	}
	rule, err := memberrule.Parse(spec.Rule)
	if err != nil {
		return fmt.Errorf("group %q: %w", spec.DisplayName, err)
	}
	g.groupTypes, g.membershipRule, g.rule = append(g.groupTypes, typeDynamic), spec.Rule, rule
	g.stored = object{"membershipRuleProcessingState": "On"}
	if spec.Kind == "hidden" {
		g.stored["visibility"] = "HiddenMembership"
	}
	g.evaluation.now = s.clock.Now
	s.evaluateRule(g, s.start)
	return nil
}

// nestGroups puts the groups of the scenario into each other by name.
func (s *Server) nestGroups() {
	for k, spec := range s.scenario.groupSpecs() {
		for _, name := range spec.Groups {
			for _, n := range s.ordered {
				if n.displayName == name && n != s.ordered[k] && !slices.Contains(s.ordered[k].nested, n) {
					s.ordered[k].nested = append(s.ordered[k].nested, n)
				}
			}
		}
	}
}
