// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package guard_test

import (
	"testing"

	"github.com/tidegate/tidegate/internal/guard"
)

func TestMissingPermissions(t *testing.T) {
	all := []string{
		"DeviceManagementConfiguration.ReadWrite.All", "DeviceManagementManagedDevices.Read.All",
		"Group.ReadWrite.All", "Device.ReadWrite.All",
	}
	for _, tc := range []struct {
		name  string
		roles []string
		want  []string
	}{
		{"all granted, membership covered by the wider group permission", all, nil},
		{"read only is not write", append([]string{"DeviceManagementConfiguration.Read.All"}, all[1:]...), []string{"DeviceManagementConfiguration.ReadWrite.All"}},
		{"the wider device permission covers reading", []string{all[0], "DeviceManagementManagedDevices.ReadWrite.All", all[2], all[3]}, nil},
		{"no roles at all", nil, []string{
			"DeviceManagementConfiguration.ReadWrite.All", "DeviceManagementManagedDevices.Read.All", "Group.ReadWrite.All",
			"GroupMember.ReadWrite.All", "Device.ReadWrite.All",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := guard.MissingPermissions(tc.roles, guard.Needs)
			if len(got) != len(tc.want) {
				t.Fatalf("missing %v, want %v", got, tc.want)
			}
			for i, m := range got {
				if m.Permission != tc.want[i] || m.NeededFor == "" {
					t.Errorf("missing[%d] = %+v, want %s with a purpose", i, m, tc.want[i])
				}
			}
		})
	}
}
