// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testclock "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

func TestRefreshJoinsTheRecordsOfADevice(t *testing.T) {
	f := healthyTenant(3)
	slices.Reverse(f.entra)
	inv := read(t, f, guid('p', 1))
	got, ok := inv.Device(id('o', 2))
	want := Device{
		ObjectID: id('o', 2), DeviceID: guid('d', 2), IntuneID: guid('i', 2), Name: "PC-2", OperatingSystem: "Windows",
		OSVersion: "10.0.26100.4061", EdgeVersion: "145.0.3800.58", ManagementAgent: "mdm", UserID: guid('u', 2),
		ManagementState: "managed", Account: diagnosis.AccountEnabled,
		Encrypted: true, EncryptionKnown: true, LastSync: began.Add(-time.Hour), EnrolledAt: began.AddDate(0, -6, 0),
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("device 2: %t\n%s", ok, diff)
	}
	s, ok := inv.Status(strings.ToUpper(guid('p', 1)), id('o', 2))
	if want := (StatusRow{At: time.Date(2026, 10, 2, 8, 0, 12, 0, time.UTC), Code: 2}); !ok || s != want {
		t.Errorf("status %v, %t; want %v", s, ok, want)
	}
	if inv.Len() != 3 || inv.Managed() != 3 || inv.Unjoined != 0 || inv.AsOf != began {
		t.Errorf("%d devices, %d managed, %d not joined, as of %s", inv.Len(), inv.Managed(), inv.Unjoined, inv.AsOf)
	}
	if _, ok := inv.Device(id('o', 9)); ok {
		t.Error("found a device that is not there")
	}
	var order []audience.ID
	for d := range inv.All() {
		order = append(order, d.ObjectID)
		if len(order) == 2 {
			break
		}
	}
	if want := []audience.ID{id('o', 1), id('o', 2)}; !slices.Equal(order, want) {
		t.Errorf("All yields %v, want %v", order, want)
	}
}

// TestStateOfADevice: what Intune does with the device, who configures it, and whether the directory lets it sign in.
func TestStateOfADevice(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		state           string
		intune, enabled *bool
		wantElsewhere   bool
		wantAccount     diagnosis.Account
	}{
		"managed":    {"managed", nil, &yes, false, diagnosis.AccountEnabled},
		"leaving":    {"wipePending", nil, &yes, false, diagnosis.AccountEnabled},
		"disabled":   {"managed", nil, &no, false, diagnosis.AccountDisabled},
		"not said":   {"", nil, nil, false, diagnosis.AccountUnknown},
		"co-managed": {"managed", &no, &yes, true, diagnosis.AccountEnabled},
		"by Intune":  {"managed", &yes, &yes, false, diagnosis.AccountEnabled},
	} {
		f := healthyTenant(1)
		f.entra[0].AccountEnabled = c.enabled
		f.managed[0].ManagementState, f.managed[0].ConfigurationByIntune = c.state, c.intune
		inv := read(t, f)
		d, _ := inv.Device(id('o', 1))
		got := inv.Facts(id('o', 1))
		if d.ManagementState != c.state || got.ManagementState != c.state || got.ConfiguredElsewhere != c.wantElsewhere || got.Account != c.wantAccount {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDeviceWithoutIntuneRecordIsNotManaged(t *testing.T) {
	f := healthyTenant(1)
	f.managed, f.apps, f.statuses = nil, nil, nil
	inv := read(t, f)
	if inv.Len() != 1 || inv.Managed() != 0 {
		t.Errorf("%d devices, %d managed, want one that is not", inv.Len(), inv.Managed())
	}
	d, ok := inv.Device(id('o', 1))
	want := Device{ObjectID: id('o', 1), DeviceID: guid('d', 1), Name: "entra-1", OperatingSystem: "Windows", OSVersion: "10.0.1", Account: diagnosis.AccountEnabled}
	if diff := cmp.Diff(want, d); !ok || diff != "" || d.Managed() {
		t.Errorf("%t, managed %t\n%s", ok, d.Managed(), diff)
	}
	if f := inv.Facts(id('o', 1)); f.Managed || f.Name != "entra-1" {
		t.Errorf("facts %+v", f)
	}
	if f := inv.Facts(id('o', 7)); f.Managed || f.Name != guid('o', 7) {
		t.Errorf("facts of a device that is not there %+v", f)
	}
}

func TestNewestIntuneRecordWins(t *testing.T) {
	change := func(intune int, edit func(*graph.ManagedDevice)) graph.ManagedDevice {
		m := managedRow(1)
		m.ID = guid('i', intune)
		edit(&m)
		return m
	}
	for name, c := range map[string]struct {
		records []graph.ManagedDevice
		want    int
	}{
		"by check-in": {[]graph.ManagedDevice{
			change(1, func(m *graph.ManagedDevice) { m.LastSyncAt = began.AddDate(0, 0, -40) }),
			change(2, func(m *graph.ManagedDevice) { m.LastSyncAt = began.Add(-2 * time.Hour) }),
			change(3, func(m *graph.ManagedDevice) { m.LastSyncAt = time.Time{} }),
		}, 2},
		"by enrolment": {[]graph.ManagedDevice{
			change(1, func(m *graph.ManagedDevice) { m.EnrolledAt = began.AddDate(0, -2, 0) }),
			change(2, func(m *graph.ManagedDevice) { m.EnrolledAt = began.AddDate(0, -1, 0) }),
		}, 2},
		"by serial number": {[]graph.ManagedDevice{
			change(1, func(m *graph.ManagedDevice) { m.SerialNumber = "B" }),
			change(2, func(m *graph.ManagedDevice) { m.SerialNumber = "A" }),
		}, 2},
		"by id": {[]graph.ManagedDevice{change(2, func(*graph.ManagedDevice) {}), change(1, func(*graph.ManagedDevice) {})}, 1},
	} {
		for range 2 {
			f := healthyTenant(1)
			f.managed = c.records
			inv := read(t, f)
			if d, _ := inv.Device(id('o', 1)); d.IntuneID != guid('i', c.want) || inv.Unjoined != len(c.records)-1 {
				t.Errorf("%s: %s wins, %d not joined", name, d.IntuneID, inv.Unjoined)
			}
			slices.Reverse(c.records)
		}
	}
}

func TestRecordsThatJoinNothing(t *testing.T) {
	f := healthyTenant(2)
	zero := managedRow(3)
	zero.AzureADDeviceID = "00000000-0000-0000-0000-000000000000"
	empty := managedRow(4)
	empty.AzureADDeviceID = ""
	odd := managedRow(5)
	odd.ID = "not a guid"
	stranger := managedRow(6)
	f.managed = append(f.managed, zero, empty, odd, stranger)
	unregistered := entraRow(7)
	unregistered.DeviceID = "00000000-0000-0000-0000-000000000000"
	f.entra = append(f.entra, unregistered, entraRow(2))
	inv := read(t, f)
	if inv.Unjoined != 4 || inv.Len() != 3 {
		t.Errorf("%d not joined of %d devices, want 4 of 3", inv.Unjoined, inv.Len())
	}
	if d, _ := inv.Device(id('o', 7)); d.Managed() || d.DeviceID != "" {
		t.Errorf("the device id of zeros joined %+v", d)
	}
}

func TestByUser(t *testing.T) {
	f := healthyTenant(5)
	for i, user := range []string{guid('u', 2), guid('u', 1), guid('u', 2), "", "00000000-0000-0000-0000-000000000000"} {
		f.managed[i].UserID = user
	}
	inv := read(t, f)
	for user, want := range map[int][]audience.ID{1: {id('o', 2)}, 2: {id('o', 1), id('o', 3)}, 3: nil} {
		if got := inv.ByUser(id('u', user)); !slices.Equal(got, want) {
			t.Errorf("user %d has %v, want %v", user, got, want)
		}
	}
	if got := inv.ByUser(audience.ID{}); len(got) != 0 {
		t.Errorf("no user has %v", got)
	}
}

func TestEdgeVersion(t *testing.T) {
	for name, c := range map[string]struct {
		apps []cells
		want string
	}{
		"none":                   {nil, ""},
		"highest":                {[]cells{app(1, "99.0.1"), app(1, "145.0.3800.58"), app(1, "120.0.2210.61")}, "145.0.3800.58"},
		"other channel":          {[]cells{app(1, "145.0"), {columnDevice: guid('i', 1), columnApp: "Microsoft Edge Beta", columnVersion: "149.0"}}, "145.0"},
		"updater":                {[]cells{{columnDevice: guid('i', 1), columnApp: "Microsoft Edge Update", columnVersion: "1.3.195"}}, ""},
		"no version":             {[]cells{app(1, ""), app(1, "Unknown"), app(1, "0.0")}, ""},
		"short version":          {[]cells{{columnDevice: guid('i', 1), columnApp: edgeStable, columnShort: "145.0.1.1"}}, "145.0.1.1"},
		"bundle version is more": {[]cells{{columnDevice: guid('i', 1), columnApp: edgeStable, columnShort: "120.0.2210.61", columnVersion: "2210.61"}}, "120.0.2210.61"},
		"both the same":          {[]cells{{columnDevice: guid('i', 1), columnApp: edgeStable, columnShort: "145.0", columnVersion: "145.0.0.0"}}, "145.0.0.0"},
		"device of zeros":        {[]cells{{columnDevice: "00000000-0000-0000-0000-000000000000", columnApp: edgeStable, columnVersion: "145.0"}}, ""},
	} {
		f := healthyTenant(1)
		f.apps = c.apps
		if d, _ := read(t, f).Device(id('o', 1)); d.EdgeVersion != c.want {
			t.Errorf("%s: %q, want %q", name, d.EdgeVersion, c.want)
		}
	}
}

func TestEncryptionIsKnownOnceTheDeviceHasTold(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		said     *bool
		report   string // of the encryption report; empty: no row
		enrolled time.Time
		known    bool
	}{
		"yes":                       {&yes, "encrypted", began.Add(-time.Hour), true},
		"yes, not in the report":    {&yes, "", began.Add(-time.Hour), true},
		"yes, the report disagrees": {&yes, "notEncrypted", began.AddDate(-1, 0, 0), true},
		"no, enrolled for a day":    {&no, "notEncrypted", began.Add(-24 * time.Hour), true},
		"no, in another case":       {&no, "NotEncrypted", began.AddDate(-1, 0, 0), true},
		"no, just enrolled":         {&no, "notEncrypted", began.Add(-23 * time.Hour), false},
		"no, enrolled at no time":   {&no, "notEncrypted", time.Time{}, false},
		"no, not in the report":     {&no, "", began.AddDate(-1, 0, 0), false},
		"no, the report disagrees":  {&no, "encrypted", began.AddDate(-1, 0, 0), false},
		"no, a word nobody knows":   {&no, "encrypting", began.AddDate(-1, 0, 0), false},
		"nothing said":              {nil, "", began.AddDate(-1, 0, 0), false},
		"only the report says so":   {nil, "notEncrypted", began.AddDate(-1, 0, 0), false},
	} {
		f := healthyTenant(1)
		f.encryption = []graph.EncryptionState{{DeviceID: "none", Encryption: "notEncrypted"}, {DeviceID: guid('i', 7), Encryption: "notEncrypted"}}
		if c.report != "" {
			f.encryption = append(f.encryption, graph.EncryptionState{DeviceID: strings.ToUpper(guid('i', 1)), Encryption: c.report})
		}
		f.managed[0].IsEncrypted, f.managed[0].EnrolledAt = c.said, c.enrolled
		inv := read(t, f)
		d, _ := inv.Device(id('o', 1))
		if d.EncryptionKnown != c.known || d.Encrypted != (c.said == &yes) || inv.Facts(id('o', 1)).EncryptionKnown != c.known {
			t.Errorf("%s: encrypted %t, known %t", name, d.Encrypted, d.EncryptionKnown)
		}
	}
}

// TestEncryptionReportMayFail: a reading without the encryption report is one in which nobody is known to be
// unencrypted, and says why; a reading that is broken off is none.
func TestEncryptionReportMayFail(t *testing.T) {
	no := false
	f := healthyTenant(2)
	f.managed[0].IsEncrypted = &no
	f.encryption = []graph.EncryptionState{{DeviceID: guid('i', 1), Encryption: "notEncrypted"}}
	if inv := read(t, f); inv.EncryptionUnread != nil || !inv.Facts(id('o', 1)).EncryptionKnown {
		t.Errorf("read: %v, %+v", inv.EncryptionUnread, inv.Facts(id('o', 1)))
	}
	cause := &graph.Error{Kind: graph.KindInvalid, Op: "EncryptionStates"}
	f.fail["Encryption"] = cause
	inv := read(t, f)
	if !errors.Is(inv.EncryptionUnread, error(cause)) || !strings.Contains(inv.EncryptionUnread.Error(), "read the encryption states") {
		t.Errorf("error %v", inv.EncryptionUnread)
	}
	if one, two := inv.Facts(id('o', 1)), inv.Facts(id('o', 2)); one.EncryptionKnown || !two.EncryptionKnown || !two.Encrypted {
		t.Errorf("facts %+v and %+v", one, two)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.fail["Encryption"] = &graph.Error{Kind: graph.KindTransient}
	if inv, err := refresh(ctx, f, nil, testclock.NewFakePassiveClock(began)); err == nil || inv != nil {
		t.Errorf("broken off: %v, %v", inv, err)
	}
}

func TestWorstRowOfADeviceCounts(t *testing.T) {
	const early, late = "2026-10-01 08:00:00.0000000", "2026-10-02 08:00:00.0000000"
	for name, c := range map[string]struct {
		rows []cells
		code int
		at   string
	}{
		"one":                                   {[]cells{status(1, 2, late)}, 2, late},
		"newest success":                        {[]cells{status(1, 2, early), status(1, 2, late)}, 2, late},
		"a failing user, older":                 {[]cells{status(1, 5, early), status(1, 2, late)}, 5, early},
		"a failing user, newer":                 {[]cells{status(1, 2, early), status(1, 5, late)}, 5, late},
		"conflict":                              {[]cells{status(1, 2, late), status(1, 6, early)}, 6, early},
		"failure before conflict":               {[]cells{status(1, 6, late), status(1, 4, early)}, 4, early},
		"a code nobody knows is no success":     {[]cells{status(1, 2, late), status(1, 11, early)}, 11, early},
		"system account not applicable":         {[]cells{status(1, 1, late), status(1, 2, early)}, 2, early},
		"user who never signed in again":        {[]cells{status(1, 0, ""), status(1, 2, early)}, 2, early},
		"pending does not hide a failure":       {[]cells{status(1, 0, late), status(1, 5, early)}, 5, early},
		"RFC 3339":                              {[]cells{status(1, 2, "2026-10-02T08:00:00Z")}, 2, late},
		"RFC 3339 with an offset":               {[]cells{status(1, 2, "2026-10-02T10:00:00+02:00")}, 2, late},
		"without a zone":                        {[]cells{status(1, 2, "2026-10-02T08:00:00")}, 2, late},
		"ReportStatus is worse":                 {[]cells{{columnIntune: guid('i', 1), columnPolicyStatus: "2", columnReportStatus: "5", columnModified: late}}, 5, late},
		"ReportStatus is a word":                {[]cells{{columnIntune: guid('i', 1), columnPolicyStatus: "2", columnReportStatus: "Erfolgreich", columnModified: late}}, 2, late},
		"a row without result and without time": {[]cells{status(1, 0, "")}, 0, ""},
	} {
		for range 2 {
			f := healthyTenant(2)
			f.statuses[guid('p', 1)] = append([]cells{status(2, 5, late)}, c.rows...)
			got, ok := read(t, f, guid('p', 1)).Status(guid('p', 1), id('o', 1))
			want := StatusRow{Code: c.code}
			if c.at != "" {
				want.At, _ = graph.ParseReportTime(c.at)
			}
			if !ok || got != want {
				t.Errorf("%s: %v, %t; want %v", name, got, ok, want)
			}
			slices.Reverse(c.rows)
		}
	}
}

func TestPromise04_NoStatusesIsNotNoFailures(t *testing.T) {
	f := healthyTenant(2)
	f.statuses[guid('p', 2)] = nil // a report without rows is legal
	inv := read(t, f, guid('p', 2), guid('p', 1), guid('p', 2))
	if !inv.HasStatuses(guid('p', 1)) || !inv.HasStatuses(guid('p', 2)) || inv.HasStatuses(guid('p', 3)) {
		t.Error("HasStatuses does not tell what was read")
	}
	if _, ok := inv.Status(guid('p', 2), id('o', 1)); ok {
		t.Error("a status without a row")
	}
	if _, ok := inv.Status(guid('p', 1), id('o', 9)); ok {
		t.Error("a status of a device that is not there")
	}
	exports := 0
	for _, r := range f.requests {
		if r.Report == statusReport {
			exports++
		}
	}
	if exports != 2 {
		t.Errorf("%d exports for two policies", exports)
	}
}

func TestRowsOfUnknownDevicesAreLeftOut(t *testing.T) {
	f := healthyTenant(1)
	f.statuses[guid('p', 1)] = append(f.statuses[guid('p', 1)], status(99, 5, "2026-10-02 08:00:00"),
		cells{columnIntune: "00000000-0000-0000-0000-000000000000", columnPolicyStatus: "5", columnModified: "2026-10-02 08:00:00"})
	inv := read(t, f, guid('p', 1))
	if s, ok := inv.Status(guid('p', 1), id('o', 1)); !ok || s.Code != 2 {
		t.Errorf("status %v, %t", s, ok)
	}
}

func TestFactsTakeTheWorstOfTheirPolicies(t *testing.T) {
	f := healthyTenant(1)
	f.statuses[guid('p', 2)] = []cells{status(1, 1, "2026-10-02 08:30:00")} // the policy of the other platform
	f.statuses[guid('p', 3)] = []cells{status(1, 6, "2026-10-02 07:00:00")}
	inv := read(t, f, guid('p', 1), guid('p', 2), guid('p', 3))
	for _, c := range []struct {
		policies []string
		want     int
	}{
		{[]string{guid('p', 1)}, 2},
		{[]string{guid('p', 2), guid('p', 1)}, 2},
		{[]string{guid('p', 1), guid('p', 2)}, 2},
		{[]string{guid('p', 1), guid('p', 3)}, 6},
		{[]string{guid('p', 3), guid('p', 1)}, 6},
	} {
		if got := inv.Facts(id('o', 1), c.policies...).Report; got == nil || got.Status != c.want {
			t.Errorf("%v: report %v, want status %d", c.policies, got, c.want)
		}
	}
	if got := inv.Facts(id('o', 1)).Report; got != nil {
		t.Errorf("report %v of no policy", got)
	}
}

func TestReportThatDoesNotParseFailsTheReading(t *testing.T) {
	good := status(1, 2, "2026-10-02 08:00:00")
	with := func(r cells, column, value string) cells {
		out := cells{}
		for k, v := range r {
			out[k] = v
		}
		out[column] = value
		return out
	}
	for name, c := range map[string]struct {
		edit func(*tenantFake)
		says []string
	}{
		"word for a status": {func(f *tenantFake) {
			f.statuses[guid('p', 1)] = []cells{good, with(good, columnPolicyStatus, "Succeeded")}
		}, []string{statusReport, "row 2", columnPolicyStatus, `"Succeeded"`}},
		"no status": {func(f *tenantFake) { f.statuses[guid('p', 1)] = []cells{with(good, columnPolicyStatus, "")} },
			[]string{"row 1", columnPolicyStatus}},
		"no time": {func(f *tenantFake) { f.statuses[guid('p', 1)] = []cells{with(good, columnModified, "")} },
			[]string{"row 1", columnModified}},
		"time of the year 1": {func(f *tenantFake) {
			f.statuses[guid('p', 1)] = []cells{with(good, columnModified, "0001-01-01 00:00:00")}
		}, []string{"row 1", columnModified}},
		"time of another form": {func(f *tenantFake) {
			f.statuses[guid('p', 1)] = []cells{good, good, with(good, columnModified, "02/10/2026 08:00")}
		}, []string{"row 3", columnModified, "02/10/2026"}},
		"no device": {func(f *tenantFake) { f.statuses[guid('p', 1)] = []cells{with(good, columnIntune, "")} },
			[]string{statusReport, "row 1", columnIntune}},
		"app without device": {func(f *tenantFake) { f.apps[0] = with(f.apps[0], columnDevice, "PC-1") },
			[]string{appReport, "row 1", columnDevice, `"PC-1"`}},
		"directory object without id": {func(f *tenantFake) { f.entra[1].ID = "" }, []string{"item 2", "id"}},
	} {
		f := healthyTenant(2)
		c.edit(f)
		inv, err := refresh(t.Context(), f, []string{guid('p', 1)}, testclock.NewFakePassiveClock(began))
		if err == nil || inv != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if graph.KindOf(err) != graph.KindTransient {
			t.Errorf("%s: kind %q, want Transient", name, graph.KindOf(err))
		}
		for _, want := range c.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not name %q", name, err, want)
			}
		}
	}
}

func TestAnyFailingPartFailsTheReading(t *testing.T) {
	for _, part := range []string{"Entra", "Managed", "Apps", guid('p', 1), guid('p', 2)} {
		f := healthyTenant(2)
		cause := &graph.Error{Kind: graph.KindThrottled, Op: part}
		f.fail[part] = cause
		inv, err := refresh(t.Context(), f, []string{guid('p', 1), guid('p', 2)}, testclock.NewFakePassiveClock(began))
		if inv != nil || !errors.Is(err, error(cause)) || graph.KindOf(err) != graph.KindThrottled {
			t.Errorf("%s fails: inventory %v, error %v", part, inv, err)
		}
	}
	_, err := refresh(t.Context(), healthyTenant(1), []string{"x' or PolicyId ne '"}, testclock.NewFakePassiveClock(began))
	if graph.KindOf(err) != graph.KindInvalid {
		t.Errorf("a policy id that is no id: %v", err)
	}
}

func TestReadingIsAsOldAsItsBeginning(t *testing.T) {
	f := healthyTenant(1)
	clk := testclock.NewFakePassiveClock(began)
	f.clock = clk
	inv, err := refresh(t.Context(), f, []string{guid('p', 1)}, clk)
	if err != nil {
		t.Fatal(err)
	}
	if !inv.AsOf.Equal(began) || inv.Took != 2*time.Hour {
		t.Errorf("as of %s, took %s; want the beginning and two hours", inv.AsOf, inv.Took)
	}
	if at, ok := inv.StatusesAsOf(guid('p', 1)); !ok || !at.Equal(began.Add(time.Hour)) {
		t.Errorf("statuses as of %s", at)
	}
}

func TestExportsAskForWhatTheReportsHave(t *testing.T) {
	f := healthyTenant(1)
	read(t, f, guid('p', 1))
	want := []graph.ExportRequest{
		{Report: "AppInvRawData", Filter: "(ApplicationName eq 'Microsoft Edge')", Select: []string{"DeviceId", "ApplicationName", "ApplicationVersion", "ApplicationShortVersion"}},
		{Report: "DeviceStatusesByConfigurationProfile", Filter: "(PolicyId eq '" + guid('p', 1) + "')", Select: []string{"IntuneDeviceId", "PolicyStatus", "ReportStatus", "PspdpuLastModifiedTimeUtc"}},
	}
	if diff := cmp.Diff(want, f.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestEmptyTenant(t *testing.T) {
	inv := read(t, &tenantFake{}, guid('p', 1))
	if inv.Len() != 0 || !inv.HasStatuses(guid('p', 1)) {
		t.Errorf("%d devices, statuses %t", inv.Len(), inv.HasStatuses(guid('p', 1)))
	}
}

// sourceFake shows that the exported Refresh hands errors on; rows come from the Graph client only.
type sourceFake struct{ *tenantFake }

func (s sourceFake) Export(context.Context, graph.ExportRequest, func(graph.Row) error) (graph.ExportInfo, error) {
	return graph.ExportInfo{}, s.fail["Export"]
}

func TestRefreshOfASource(t *testing.T) {
	f := healthyTenant(2)
	inv, err := Refresh(t.Context(), sourceFake{f}, nil, testclock.NewFakePassiveClock(began))
	if err != nil || inv.Len() != 2 {
		t.Fatalf("%v, %v", inv, err)
	}
	f.fail["Export"] = &graph.Error{Kind: graph.KindForbidden}
	if _, err := Refresh(t.Context(), sourceFake{f}, nil, testclock.NewFakePassiveClock(began)); graph.KindOf(err) != graph.KindForbidden {
		t.Errorf("error %v, want Forbidden", err)
	}
}
