// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// LagRange is a uniform delay. It is written as a span, "2h", or as its bounds,
// {"min": "5m", "max": "2h"}.
type LagRange struct {
	Min Duration `json:"min"`
	Max Duration `json:"max"`
}

// Fixed is a delay that is always the same.
func Fixed(d time.Duration) LagRange { return LagRange{Duration(d), Duration(d)} }

// at is the delay at a share of the range, 0 to 1.
func (r LagRange) at(share float64) time.Duration {
	return time.Duration(r.Min) + time.Duration(share*float64(r.Max-r.Min))
}

// bounds has LagRange's members without its methods.
type bounds LagRange

// MarshalJSON writes the shorter form that says the same.
func (r LagRange) MarshalJSON() ([]byte, error) {
	if r.Min == r.Max {
		return json.Marshal(r.Min)
	}
	return json.Marshal(bounds(r))
}

// UnmarshalJSON reads either form.
func (r *LagRange) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var d Duration
		if err := json.Unmarshal(raw, &d); err != nil {
			return err
		}
		*r = LagRange{d, d}
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var b bounds
	if err := decoder.Decode(&b); err != nil {
		return fmt.Errorf("delay %s: write a span such as \"2h\", or {\"min\": \"5m\", \"max\": \"2h\"}: %w", raw, err)
	}
	*r = LagRange(b)
	return nil
}
