// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metadata tells which members the entities of Microsoft Graph have in
// each version. It knows no tenant: it is a list of names, made from Microsoft's
// own types, so that the simulated tenant can tell a member that has no value
// from one that does not exist.
package metadata

import (
	_ "embed" // holds the members
	"maps"
	"slices"
	"strings"
	"sync"
)

// document has a line for each type: version.type, then its members with those
// that it inherits. [] follows the name of a collection, > that of a navigation.
// The test of this package makes it: go test -run TestMembers -update.
//
//go:embed members.txt
var document string

// Kind is what a member holds.
type Kind int

// The kinds of members. None: the type has no such member.
const (
	None Kind = iota
	// Single members are null when they have no value.
	Single
	// Collection members are empty when they have no value.
	Collection
	// Navigation members lead to other entities. A body holds them only when
	// $expand asks for them.
	Navigation
)

const (
	collectionMark = "[]"
	navigationMark = ">"
)

var types = sync.OnceValue(func() map[string]map[string]Kind {
	out := map[string]map[string]Kind{}
	for line := range strings.Lines(document) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		members := make(map[string]Kind, len(fields)-1)
		for _, field := range fields[1:] {
			name, kind := readMember(field)
			members[name] = kind
		}
		out[fields[0]] = members
	}
	return out
})

func readMember(field string) (string, Kind) {
	if name, ok := strings.CutSuffix(field, navigationMark); ok {
		return name, Navigation
	}
	if name, ok := strings.CutSuffix(field, collectionMark); ok {
		return name, Collection
	}
	return field, Single
}

// Of tells what a member of an entity holds. Version is beta or v1.0; the type
// may carry its namespace, as in microsoft.graph.group.
func Of(version, entity, member string) Kind {
	return types()[version+"."+strings.TrimPrefix(entity, "microsoft.graph.")][member]
}

// Members lists the members of an entity, sorted.
func Members(version, entity string) []string {
	return slices.Sorted(maps.Keys(types()[version+"."+strings.TrimPrefix(entity, "microsoft.graph.")]))
}
