// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

var update = flag.Bool("update", false, "write members.txt anew from the types of Microsoft Graph")

// TestMembers compares the list with the types that Microsoft's SDKs have.
func TestMembers(t *testing.T) {
	var want strings.Builder
	for _, version := range []string{"beta", "v1.0"} {
		schema, err := graphschema.Load(version)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(schema.Types)) {
			if schema.Types[name].Entity {
				want.WriteString(version + "." + name + " " + strings.Join(membersOf(schema, name), " ") + "\n")
			}
		}
	}
	if *update {
		if err := os.WriteFile("members.txt", []byte(want.String()), 0o644); err != nil { // #nosec G306 -- a source file
			t.Fatal(err)
		}
		return
	}
	if want.String() != document {
		t.Error("members.txt is not what the types say: go test ./internal/tenantsim/metadata -run TestMembers -update")
	}
}

// membersOf lists a type's members with those that it inherits. A list of
// directory objects is mixed, and $select takes what any of them has.
func membersOf(schema *graphschema.Schema, name string) []string {
	set := map[string]string{}
	add := func(name string) {
		for at := name; at != ""; at = schema.Types[at].Base {
			maps.Copy(set, schema.Types[at].Properties)
		}
	}
	add(name)
	if name == "directoryObject" {
		for _, kind := range []string{"device", "group", "servicePrincipal", "user"} {
			add(kind)
		}
	}
	var out []string
	for _, member := range slices.Sorted(maps.Keys(set)) {
		switch text := set[member]; {
		case strings.HasPrefix(text, "nav:"):
			member += navigationMark
		case strings.HasPrefix(text, "[]"):
			member += collectionMark
		}
		out = append(out, member)
	}
	return out
}

func TestOf(t *testing.T) {
	for _, tc := range []struct {
		version, entity, member string
		want                    Kind
	}{
		{"beta", "microsoft.graph.group", "visibility", Single},
		{"beta", "group", "assignedLicenses", Collection},
		{"v1.0", "group", "members", Navigation},
		{"v1.0", "group", "id", Single}, // inherited
		{"v1.0", "managedDevice", "joinType", None},
		{"beta", "managedDevice", "joinType", Single},
		{"v1.0", "directoryObject", "userPrincipalName", Single},
		{"beta", "group", "visibilty", None},
		{"beta", "noSuchType", "id", None},
		{"v2.0", "group", "id", None},
	} {
		if got := Of(tc.version, tc.entity, tc.member); got != tc.want {
			t.Errorf("%s %s.%s is %d, want %d", tc.version, tc.entity, tc.member, got, tc.want)
		}
	}
}
