// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"math"
	"time"
)

// Stamp is a time in whole seconds of UTC since 1970, up to the year 2106; 0 is never. A ledger of a million entries has
// five million of them: a time.Time each would take six times the memory.
type Stamp uint32

// StampOf returns t without its part of a second, and never for a time that a Stamp cannot hold.
func StampOf(t time.Time) Stamp {
	if s := t.Unix(); s > 0 && s <= math.MaxUint32 {
		return Stamp(s)
	}
	return 0
}

// Time returns the time in UTC, the zero time for never.
func (s Stamp) Time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

// IsZero says whether s is never.
func (s Stamp) IsZero() bool { return s == 0 }

// String returns the time as RFC 3339, or "never".
func (s Stamp) String() string {
	if s == 0 {
		return "never"
	}
	return s.Time().Format(time.RFC3339)
}
