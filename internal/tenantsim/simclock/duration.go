// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simclock

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a span of virtual time, written as Go writes it: "8h", "45m".
type Duration time.Duration

// MarshalJSON writes the Go form.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads the Go form and refuses negative spans.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("duration %s: write it as text such as \"8h\"", raw)
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("duration %q: write it as text such as \"8h\" or \"45m\", not negative", s)
	}
	*d = Duration(v)
	return nil
}
