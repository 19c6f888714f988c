// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// userReached is the user part of contract-2 y.4: an include target names the
// user and no exclusion group holds her.
func (s *Server) userReached(p *policy, u int32) bool {
	hit := false
	for _, a := range p.assignments {
		g := s.groups[a.group]
		named := a.kind == targetAllUsers ||
			(a.kind == targetGroup || a.kind == targetExclude) && g != nil && g.deleted.IsZero() && s.knownMembers(g).has(int(u))
		switch {
		case named && a.kind == targetExclude:
			return false
		case named:
			hit = true
		}
	}
	return hit
}
