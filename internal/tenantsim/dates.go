// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "time"

// intuneTime renders the 7-digit fraction of Intune dates (contract 0.3).
func intuneTime(t time.Time) string {
	if t.IsZero() {
		return neverTime
	}
	return t.UTC().Format("2006-01-02T15:04:05.0000000Z")
}

// entraTime renders directory dates, which carry whole seconds.
func entraTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// unixTime renders a device's clock reading; 0 means never (contract 0.3).
func unixTime(sec int64) string {
	if sec == 0 {
		return neverTime
	}
	return entraTime(time.Unix(sec, 0))
}

const neverTime = "0001-01-01T00:00:00Z"
