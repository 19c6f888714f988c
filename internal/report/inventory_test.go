// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
)

// TestReportsPart: the age of the reports is that of the oldest one that the tenant does not refuse, the failing ones are counted,
// those read longest ago are named, and the whole stays small whatever the number of policies.
func TestReportsPart(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 5000)
	var reports []fleet.Part
	for i := range 1000 {
		p := fleet.Part{Name: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i), AsOf: noon.Add(time.Duration(i) * time.Minute)}
		switch {
		case i < 3: // deleted long ago
			p.Err = &graph.Error{Kind: graph.KindNotFound, Message: long}
		case i >= 900:
			p.Err = &graph.Error{Kind: graph.KindTransient, Message: long}
		}
		reports = append(reports, p)
	}
	reports = append(reports, fleet.Part{Name: "ffffffff-0000-4000-8000-000000000000", Err: &graph.Error{Kind: graph.KindForbidden, Message: "never read"}})
	got := reportsPart(reports)
	if got.Objects != 1001 || got.Failing != 104 || len(got.Failed) != maxFailed || !got.AsOf.Time.Equal(noon.Add(3*time.Minute)) {
		t.Errorf("%d objects, %d failing, %d named, as of %s", got.Objects, got.Failing, len(got.Failed), got.AsOf)
	}
	if first := got.Failed[0]; first.AsOf != nil || first.Error != "never read" || got.Error != "never read" {
		t.Errorf("first is %+v, error %q", first, got.Error)
	}
	if second := got.Failed[1]; !strings.HasPrefix(second.ID, "00000000-") || !second.AsOf.Time.Equal(noon) {
		t.Errorf("second is %+v", second)
	}
	if text, err := json.Marshal(got); err != nil || len(text) > 4096 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
