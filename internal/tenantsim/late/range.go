// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package late

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/simclock"
)

// Range is a uniform delay. It is written as a span, "2h", or as its bounds,
// {"min": "5m", "max": "2h"}.
type Range struct {
	Min simclock.Duration `json:"min"`
	Max simclock.Duration `json:"max"`
}

// Fixed is a delay that is always the same.
func Fixed(d time.Duration) Range { return Range{simclock.Duration(d), simclock.Duration(d)} }

// At is the delay at a share of the range, 0 to 1.
func (r Range) At(share float64) time.Duration {
	return time.Duration(r.Min) + time.Duration(share*float64(r.Max-r.Min))
}

// bounds has Range's members without its methods.
type bounds Range

// MarshalJSON writes the shorter form that says the same.
func (r Range) MarshalJSON() ([]byte, error) {
	if r.Min == r.Max {
		return json.Marshal(r.Min)
	}
	return json.Marshal(bounds(r))
}

// UnmarshalJSON reads either form.
func (r *Range) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var d simclock.Duration
		if err := json.Unmarshal(raw, &d); err != nil {
			return err
		}
		*r = Range{d, d}
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var b bounds
	if err := decoder.Decode(&b); err != nil {
		return fmt.Errorf("delay %s: write a span such as \"2h\", or {\"min\": \"5m\", \"max\": \"2h\"}: %w", raw, err)
	}
	*r = Range(b)
	return nil
}
