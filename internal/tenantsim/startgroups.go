// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// makeGroups creates the groups of the scenario. Pools of devices in regular
// contact are dealt out without replacement, in an order of their own.
func (s *Server) makeGroups() error {
	dealt := ids.NewBitset(len(s.fleet.devices))
	for _, spec := range s.scenario.groupSpecs() {
		g := s.addGroupObject(spec.DisplayName)
		g.mailNickname = strings.ReplaceAll(strings.ToLower(spec.DisplayName), " ", "-")
		if err := s.applyKind(g, spec); err != nil {
			return err
		}
		pool := s.pool(spec, dealt)
		want := spec.Count
		if spec.Percent > 0 {
			want = int(float64(len(pool))*spec.Percent/100 + 0.5)
		}
		if want > len(pool) {
			if s.scenario.Groups != nil {
				return fmt.Errorf("group %q wants %d devices, only %d are left in its pool: add devices or lower the count", spec.DisplayName, want, len(pool))
			}
			want = len(pool) // the default groups adapt to a small fleet
		}
		for _, i := range pool[:want] {
			if !spec.shares() {
				dealt.Set(int(i))
			}
			s.enrol(g, spec, i)
		}
		switch {
		case spec.Unit == "user", spec.Rule != "":
		case spec.From == "everything" && spec.Percent == 100:
			s.fleet.everybody = append(s.fleet.everybody, g)
		default:
			s.fleet.starters = append(s.fleet.starters, g)
		}
	}
	s.nestGroups()
	s.directoryChanged()
	return nil
}

// shares says whether the members may be in other groups as well.
func (g GroupSpec) shares() bool { return g.From == "everything" || stateIndex(g.From) != 0 }

func (s *Server) enrol(g *group, spec GroupSpec, i int32) {
	if spec.Unit == "user" || spec.Unit == "mixed" && g.direct.Count()%2 == 1 {
		if u := s.fleet.devices[i].user; u >= 0 {
			g.direct.Set(int(u))
		}
		return
	}
	g.direct.Set(len(s.users) + int(i))
}

// poolPlatforms are the pools of one platform.
var poolPlatforms = map[string]platform{"windows": platformWindows, "macos": platformMacOS, "ios": platformIOS, "android": platformAndroid}

// pool lists the devices a group may take, in a random but fixed order.
func (s *Server) pool(spec GroupSpec, dealt ids.Bitset) []int32 {
	var out []int32
	shares, state := spec.shares(), stateIndex(spec.From)
	only, one := poolPlatforms[spec.From]
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		keep := shares || inContact(d) && !dealt.Has(i)
		if state != 0 {
			keep = d.state == state
		}
		keep = keep && (!one || d.platform == only)
		if keep && inDirectory(d) {
			out = append(out, int32(i))
		}
	}
	slices.SortFunc(out, func(a, b int32) int { return cmp.Compare(s.draw(a, "deal"), s.draw(b, "deal")) })
	return out
}
