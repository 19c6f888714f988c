// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"strings"
)

// firstMissing returns the first of the needed permissions that the token used last does not carry, or nothing when it
// carries all: the refusal then has another cause. known is false when the token cannot be read.
func (c *Client) firstMissing(needed []string) (missing []string, known bool) {
	claims, known := decodeClaims(c.tokens.last().Token)
	if !known {
		return nil, false
	}
	for _, permission := range needed {
		if !slices.ContainsFunc(claims.Roles, func(role string) bool { return covers(role, permission) }) {
			return []string{permission}, true
		}
	}
	return nil, true
}

// directoryPermissions are the objects that Directory.Read.All and Directory.ReadWrite.All reach as well.
var directoryPermissions = []string{"User", "Group", "GroupMember", "Device"}

// covers reports whether a granted application permission includes a needed one: writing includes reading, a
// group includes its members, the directory includes its objects.
func covers(granted, needed string) bool {
	have, haveVerb, ok := splitPermission(granted)
	want, wantVerb, ok2 := splitPermission(needed)
	if !ok || !ok2 {
		return granted == needed
	}
	if haveVerb != wantVerb && (haveVerb != "ReadWrite" || wantVerb != "Read") {
		return false
	}
	return have == want || (have == "Group" && want == "GroupMember") ||
		(have == "Directory" && slices.Contains(directoryPermissions, want))
}

// splitPermission splits X.Verb.All into X and Verb.
func splitPermission(permission string) (object, verb string, ok bool) {
	rest, ok := strings.CutSuffix(permission, ".All")
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return "", "", false
	}
	return rest[:i], rest[i+1:], true
}
