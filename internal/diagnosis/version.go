// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"

	"github.com/tidegate/tidegate/internal/settings"
)

// InventoryVersion reads a version as inventories write it: "10.0.22631.4169" and also "13.4.1 (22F82)", as macOS is
// reported with its build. What follows the number must be set off by a blank, so that "120-beta" or "10.x" is no
// version. The result is false when there is none, or when all of it is 0, by which inventories say that they do not
// know.
func InventoryVersion(s string) (settings.Version, bool) {
	number, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	v, err := settings.ParseVersion(number)
	if err != nil {
		return nil, false // the caller shows the whole text and calls it unknown
	}
	for _, part := range v {
		if part > 0 {
			return v, true
		}
	}
	return nil, false
}
