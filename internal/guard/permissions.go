// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Need is one thing that Tidegate does in a tenant and the application permissions of which any one allows it. The
// first is the one to grant.
type Need struct {
	AnyOf []string
	For   string
}

// Needs are the permissions that settings catalog delivery and evidence from reports take (contract l.5).
var Needs = []Need{
	{[]string{"DeviceManagementConfiguration.ReadWrite.All"}, "writing settings catalog policies and exporting their device reports"},
	{[]string{"DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"}, "reading managed devices and their app inventory"},
	{[]string{"Group.ReadWrite.All"}, "creating one group for each wave and reading the groups of an audience"},
	{[]string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All"}, "moving devices into and out of a wave's group"},
	{[]string{"Device.ReadWrite.All", "Directory.ReadWrite.All"}, "making devices members of a wave's group"},
}

// MissingPermissions compares the roles of a token with needs and names, for each need that no role covers, the
// permission to grant. The order is that of needs.
func MissingPermissions(roles []string, needs []Need) []v1alpha1.MissingPermission {
	var out []v1alpha1.MissingPermission
	for _, n := range needs {
		if !slices.ContainsFunc(n.AnyOf, func(p string) bool { return slices.Contains(roles, p) }) {
			out = append(out, v1alpha1.MissingPermission{Permission: n.AnyOf[0], NeededFor: n.For})
		}
	}
	return out
}
