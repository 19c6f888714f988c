// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
)

// ConfigDigest is a fingerprint of what requests can change: policies, groups
// with members, filters, remediations and identity policy, with their ids. It
// leaves out what only time changes: devices, the groups that they join or leave by
// themselves, reports and timestamps. Two equal digests around a request prove
// that it changed nothing.
func (s *Server) ConfigDigest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.configDigest()
}

// configDigest is cached until the next change. The lock is held.
func (s *Server) configDigest() string {
	if s.digest == "" || s.digestAt != s.changes {
		s.digest, s.digestAt = s.computeDigest(), s.changes
	}
	return s.digest
}

func (s *Server) computeDigest() string {
	h := sha256.New()
	for _, p := range s.policies {
		digestJSON(h, "policy", p.id.String(), p.name, p.description, p.platformsText, p.technologies, p.scopeTags, p.settings, p.priority, p.noGroups, p.creationSource, p.assignmentObjects())
	}
	for _, g := range s.ordered {
		s.digestGroup(h, g)
	}
	for _, f := range s.filters.All() {
		digestJSON(h, "filter", f.ID, f.displayName, f.description, f.platform, f.ruleText, f.scopeTags, f.management)
	}
	for _, r := range s.remediations.All() {
		digestJSON(h, "remediation", r.ID, r.displayName, r.description, r.publisher, r.runAs, r.enforceSignature, r.runAs32Bit,
			r.scopeTags, r.detection, r.repair, r.scriptType, r.detectionParameters, r.repairParameters, r.assignmentObjects())
	}
	for _, p := range s.access.All() {
		digestJSON(h, "access", p.ID, p.doc)
	}
	for _, l := range s.locations.All() {
		digestJSON(h, "named location", l.ID, l.doc)
	}
	for _, l := range s.locationsDeleted.All() {
		digestJSON(h, "deleted named location", l.ID, l.doc)
	}
	for _, p := range s.accessDeleted.All() {
		digestJSON(h, "deleted access", p.ID, p.doc)
	}
	for _, p := range s.strengths.All() {
		digestJSON(h, "strength", p.ID, p.displayName, p.description, p.combinations, p.configurations)
	}
	for _, i := range s.intents.All() {
		digestJSON(h, "intent", i.ID, i.displayName, i.description, i.scopeTags, intentSettingObjects(i.settings), targetObjects(i.assignments))
	}
	for _, g := range s.groupPolicies.All() {
		digestJSON(h, "group policy", g.ID, g.displayName, g.description, g.scopeTags, targetObjects(g.assignments))
		for _, v := range g.values {
			digestJSON(h, v.id, v.definition.id, v.enabled, v.configuration, v.presentations)
		}
	}
	for _, r := range s.cached {
		digestJSON(h, "cached report", r.id, r.filter, r.selected, r.order, r.metadata)
	}
	digestJSON(h, "switches", s.filtersOff, s.securityDefaults, s.fleet.requested, s.catalog.Version())
	digestJSON(h, "authentication methods", s.fido2, s.methods)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (s *Server) digestGroup(h hash.Hash, g *group) {
	nested := make([]string, len(g.nested))
	for i, n := range g.nested {
		nested[i] = n.id.String()
	}
	digestJSON(h, "group", g.id.String(), g.displayName, g.description, g.mailNickname, g.uniqueName, g.owners, !g.deleted.IsZero(), nested,
		g.mailEnabled, g.securityEnabled, g.groupTypes, g.membershipRule, g.principals, g.stored)
	if g.dynamic() { // time alone changes who is in it
		return
	}
	// What the fleet changed by itself is undone first, and trailing zeros are left
	// out: sets grow with the fleet.
	members := difference(g.direct, g.drift, 64*max(len(g.direct), len(g.drift)))
	for len(members) > 0 && members[len(members)-1] == 0 {
		members = members[:len(members)-1]
	}
	for _, word := range members {
		_ = binary.Write(h, binary.LittleEndian, word) // a hash never fails to write
	}
}

func digestJSON(h hash.Hash, parts ...any) {
	raw, err := json.Marshal(parts)
	if err != nil { // text, numbers and lists of them always marshal
		panic(fmt.Sprintf("tenantsim: marshal for the digest: %v", err))
	}
	_, _ = h.Write(raw) // a hash never fails to write
}
