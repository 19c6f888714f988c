// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

// readAt reads a tenant some time after the first reading.
func readAt(t *testing.T, f *tenantFake, after time.Duration) *Inventory {
	t.Helper()
	inv, err := refresh(t.Context(), f, Order{Policies: nil}, testclock.NewFakePassiveClock(began.Add(after)))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// lists is a tenant with the first so many devices in each list.
func lists(directory, managed, edge int) *tenantFake {
	f := healthyTenant(max(directory, managed, edge))
	f.entra, f.managed, f.apps = f.entra[:directory], f.managed[:managed], f.apps[:edge]
	return f
}

// either is the doubt about devices or, where there is none, that about Edge versions.
func either(d Doubts) error { return cmp.Or(d.Devices, d.Edge) }

// TestPromise04_EmptyListsAreNotBelieved: what an application sees that may see less is not a fleet that went away.
func TestPromise04_EmptyListsAreNotBelieved(t *testing.T) {
	for name, tt := range map[string]struct {
		before, now *tenantFake // before is nil for a process that has read nothing
		reported    int64
		says        []string // nothing: believed at once
	}{
		"first":                            {nil, lists(100, 90, 80), 0, nil},
		"first, small":                     {nil, lists(3, 0, 0), 0, nil},
		"first, no versions":               {nil, lists(100, 90, 0), 0, nil},
		"first, nothing at all":            {nil, lists(0, 0, 0), 0, []string{"the directory lists no device (Device.Read.All)"}},
		"first, no directory":              {nil, lists(0, 7, 7), 0, []string{"the directory lists no device, while Intune manages 7 (Device.Read.All)"}},
		"first, none managed":              {nil, lists(20, 0, 0), 0, []string{"Intune lists no managed device, while the directory has 20 (DeviceManagementManagedDevices.Read.All)"}},
		"first, short directory":           {nil, lists(44, 90, 90), 0, []string{"the directory lists 44 of the 90 devices that Intune manages"}},
		"first, directory almost as long":  {nil, lists(45, 90, 90), 0, nil},
		"as before the restart":            {nil, lists(100, 90, 90), 90, nil},
		"short after a restart":            {nil, lists(100, 44, 44), 90, []string{"Intune lists 44 devices of the directory after 90"}},
		"none managed after a restart":     {nil, lists(5, 0, 0), 4, []string{"Intune lists no managed device, while the directory has 5"}},
		"the same":                         {lists(100, 90, 80), lists(100, 90, 80), 0, nil},
		"longer":                           {lists(100, 90, 80), lists(300, 250, 200), 0, nil},
		"half":                             {lists(100, 90, 80), lists(50, 45, 40), 0, nil},
		"short directory and all else":     {lists(100, 40, 30), lists(49, 40, 30), 0, []string{"the directory lists 49 devices after 100"}},
		"short managed":                    {lists(100, 90, 44), lists(100, 44, 44), 0, []string{"Intune lists 44 devices of the directory after 90 (DeviceManagementManagedDevices.Read.All)"}},
		"short versions":                   {lists(100, 90, 80), lists(100, 90, 39), 0, []string{"the app inventory has an Edge version of 39 devices after 80 (export AppInvRawData)"}},
		"no versions":                      {lists(100, 90, 80), lists(100, 90, 0), 0, []string{"Edge version of 0 devices after 80"}},
		"all short":                        {lists(100, 90, 80), lists(20, 20, 20), 0, []string{"directory lists 20 devices after 100", "Intune lists 20 devices of the directory after 90"}},
		"a few devices come and go":        {lists(19, 19, 19), lists(3, 2, 1), 0, nil},
		"the last of a few managed":        {lists(19, 1, 1), lists(19, 0, 0), 0, []string{"Intune lists no managed device, while the directory has 19"}},
		"what was believed, none managed":  {lists(20, 0, 0), lists(21, 0, 0), 0, nil},
		"what was believed, no directory":  {lists(0, 7, 7), lists(0, 8, 8), 0, nil},
		"what was believed, and less more": {lists(20, 0, 0), lists(0, 0, 0), 0, []string{"the directory lists no device"}},
	} {
		s := NewStore()
		connect(t, s, config("one"))
		if tt.before != nil {
			s.PutInventory(contoso, readAt(t, tt.before, 0), began)
		}
		err := either(s.Confirm(contoso, readAt(t, tt.now, time.Hour), tt.reported))
		if len(tt.says) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var e *graph.Error
		if !errors.As(err, &e) || e.Kind != graph.KindTransient || !e.RetryAt.Equal(began.Add(time.Hour+askAgain)) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range append(tt.says, "Check permissions", "after 2026-10-02T10:30:00Z that says the same is believed") {
			if !strings.Contains(e.Message, part) {
				t.Errorf("%s: want %q in %q", name, part, e.Message)
			}
		}
	}
}

// TestConfirmation: a second reading that says the same is believed, when enough time lies between the two; whatever
// says something else begins anew.
func TestConfirmation(t *testing.T) {
	full, short, shorter, none := lists(100, 90, 80), lists(100, 30, 30), lists(100, 10, 10), lists(100, 0, 0)
	type look struct {
		after    time.Duration // since the first
		now      *tenantFake
		believed bool
	}
	for name, looks := range map[string][]look{
		"too early":            {{0, short, false}, {time.Minute, short, false}, {ConfirmAfter - 1, short, false}, {ConfirmAfter, short, true}},
		"for good":             {{0, none, false}, {ConfirmAfter, none, true}, {ConfirmAfter + time.Minute, none, true}},
		"another":              {{0, none, false}, {ConfirmAfter, short, false}, {2*ConfirmAfter - 1, short, false}, {2 * ConfirmAfter, short, true}},
		"less and less":        {{0, short, false}, {ConfirmAfter, shorter, false}, {2 * ConfirmAfter, none, false}, {3 * ConfirmAfter, none, true}},
		"well again":           {{0, none, false}, {time.Minute, full, true}, {ConfirmAfter, none, false}},
		"the clock went back":  {{0, none, false}, {-time.Hour, none, false}, {-time.Hour + ConfirmAfter, none, true}},
		"between, then better": {{0, none, false}, {ConfirmAfter / 2, none, false}, {ConfirmAfter, full, true}, {ConfirmAfter + 1, full, true}},
	} {
		s := NewStore()
		connect(t, s, config("one"))
		s.PutInventory(contoso, readAt(t, full, -24*time.Hour), began)
		for i, l := range looks {
			inv := readAt(t, l.now, l.after)
			err := either(s.Confirm(contoso, inv, 0))
			if (err == nil) != l.believed {
				t.Errorf("%s, look %d: %v", name, i, err)
			}
			if err == nil {
				s.PutInventory(contoso, inv, inv.AsOf)
			}
		}
	}
}

// TestNewCredentialIsAskedAnew: what another application sees does not confirm what this one saw.
func TestNewCredentialIsAskedAnew(t *testing.T) {
	s := NewStore()
	connect(t, s, config("one"))
	empty := lists(0, 0, 0)
	if either(s.Confirm(contoso, readAt(t, empty, 0), 0)) == nil {
		t.Error("believed at once")
	}
	connect(t, s, config("two"))
	if either(s.Confirm(contoso, readAt(t, empty, ConfirmAfter), 0)) == nil {
		t.Error("confirmed by another credential")
	}
	s.Delete(contoso)
	if err := either(s.Confirm(contoso, readAt(t, empty, ConfirmAfter), 0)); err != nil {
		t.Error(err)
	}
}

// TestPromise04_ExportWithoutRows: the devices of a policy whose report has no rows have reported nothing, and those whose
// Edge version is not in the inventory have an unknown one.
func TestPromise04_ExportWithoutRows(t *testing.T) {
	f := lists(2, 2, 0)
	f.statuses[guid('p', 1)] = nil
	inv := read(t, f, guid('p', 1))
	if inv.EdgeVersions() != 0 || read(t, lists(3, 3, 2)).EdgeVersions() != 2 {
		t.Error("versions of Edge are miscounted")
	}
	got := inv.Facts(id('o', 1), guid('p', 1))
	if got.Report != nil || got.EdgeVersion != "" || !got.Managed || !inv.HasStatuses(guid('p', 1)) {
		t.Errorf("%+v", got)
	}
	got.ExposedAt = began.AddDate(0, 0, -3)
	rules := diagnosis.Rules{Windows: "10.0.22621", Edge: "145", MaxOffline: 7 * 24 * time.Hour, Maturity: 48 * time.Hour, Skew: diagnosis.DefaultSkew, AsOf: began, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}}
	if o := diagnosis.Judge(got, rules); o.Kind != diagnosis.Seen {
		t.Errorf("a device without a row is %s (%s)", o.Kind, o.Detail)
	}
	if ok, reason, _ := diagnosis.Eligibility(got, rules); ok || reason != diagnosis.ReasonEdgeUnknown {
		t.Errorf("eligible %t, %s", ok, reason)
	}
}
