// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"maps"
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
		Enrolment: audience.EnrolmentOf(id('o', 2), id('i', 2), began.AddDate(0, -6, 0)),
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
	if inv := read(t, f); inv.encryption.Err != nil || !inv.Facts(id('o', 1)).EncryptionKnown {
		t.Errorf("read: %v, %+v", inv.encryption.Err, inv.Facts(id('o', 1)))
	}
	cause := &graph.Error{Kind: graph.KindInvalid, Op: "EncryptionStates"}
	f.fail["Encryption"] = cause
	inv := read(t, f)
	if !errors.Is(inv.encryption.Err, error(cause)) || !strings.Contains(inv.encryption.Err.Error(), "read the encryption states") {
		t.Errorf("error %v", inv.encryption.Err)
	}
	if one, two := inv.Facts(id('o', 1)), inv.Facts(id('o', 2)); one.EncryptionKnown || !two.EncryptionKnown || !two.Encrypted {
		t.Errorf("facts %+v and %+v", one, two)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.fail["Encryption"] = &graph.Error{Kind: graph.KindTransient}
	if inv, err := refresh(ctx, f, Order{}, testclock.NewFakePassiveClock(began)); err == nil || inv != nil {
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

// oddRows are the ways in which one item of a list cannot be read, each as an edit of the item of device n.
var oddRows = map[string]struct {
	edit func(f *tenantFake, n int)
	says []string
	// status is what is known of the device's status then; nil: its report stays.
	status *StatusRow
}{
	"word for a status":    {oddCell(columnPolicyStatus, "Succeeded"), []string{statusReport, columnPolicyStatus, `"Succeeded"`}, &StatusRow{Code: codeUnreadable, At: reported}},
	"no status":            {oddCell(columnPolicyStatus, ""), []string{statusReport, columnPolicyStatus}, &StatusRow{Code: codeUnreadable, At: reported}},
	"no time":              {oddCell(columnModified, ""), []string{columnModified, "time of a result"}, &StatusRow{Code: 2}},
	"time of the year 1":   {oddCell(columnModified, "0001-01-01 00:00:00"), []string{columnModified}, &StatusRow{Code: 2}},
	"time of another form": {oddCell(columnModified, "02/10/2026 08:00"), []string{columnModified, "02/10/2026"}, &StatusRow{Code: 2}},
	"no device":            {oddCell(columnIntune, ""), []string{statusReport, columnIntune}, &StatusRow{}},
	"a row of other columns": {func(f *tenantFake, n int) { f.statuses[guid('p', 1)][n-1] = cells{} },
		[]string{statusReport, columnIntune}, &StatusRow{}},
	"app without device": {func(f *tenantFake, n int) { f.apps[n-1] = with(f.apps[n-1], columnDevice, "PC-1") },
		[]string{appReport, columnDevice, `"PC-1"`}, nil},
	"app of other columns": {func(f *tenantFake, n int) { f.apps[n-1] = cells{} }, []string{appReport}, nil},
	"directory object without id": {func(f *tenantFake, n int) { f.entra[n-1].ID = "" },
		[]string{"devices of the directory"}, &StatusRow{}},
	"directory object of which a part cannot be read": {func(f *tenantFake, n int) { f.entra[n-1].Unreadable = errors.New("isManaged is text") },
		[]string{"devices of the directory", "isManaged is text"}, nil},
	"record of which a part cannot be read": {func(f *tenantFake, n int) { f.managed[n-1].Unreadable = errors.New("no time") },
		[]string{"managed devices", "no time"}, nil},
	"encryption state without id": {func(f *tenantFake, n int) {
		f.encryption[n-1] = graph.EncryptionState{Encryption: "notEncrypted", Unreadable: errors.New("no id")}
	}, []string{"encryption report", "no id"}, nil},
}

var reported = time.Date(2026, 10, 2, 8, 0, 12, 0, time.UTC)

func oddCell(column, value string) func(*tenantFake, int) {
	return func(f *tenantFake, n int) {
		rows := f.statuses[guid('p', 1)]
		rows[n-1] = with(rows[n-1], column, value)
	}
}

func with(r cells, column, value string) cells {
	out := maps.Clone(r)
	out[column] = value
	return out
}

func encryptedTenant(n int) *tenantFake {
	f := healthyTenant(n)
	for i := range n {
		f.encryption = append(f.encryption, graph.EncryptionState{DeviceID: guid('i', i+1), Encryption: "encrypted"})
	}
	return f
}

// TestOneOddItemHidesNoOther: an item that cannot be read is counted and told, its own device is unknown by it and no more,
// and every other device is known as before.
func TestOneOddItemHidesNoOther(t *testing.T) {
	for name, c := range oddRows {
		f := encryptedTenant(5)
		c.edit(f, 3)
		inv := read(t, f, guid('p', 1))
		if len(inv.Odd) != 1 || inv.Odd[0].Items != 1 {
			t.Errorf("%s: told %+v, want one item", name, inv.Odd)
			continue
		}
		for _, want := range append(c.says, "item 3") {
			if text := inv.Odd[0].List + ", " + inv.Odd[0].First; !strings.Contains(text, want) {
				t.Errorf("%s: %q does not name %q", name, text, want)
			}
		}
		if inv.Gone(id('o', 3)) || inv.Gone(id('o', 9)) == (name == "directory object without id") {
			t.Errorf("%s: who is gone is not told from who cannot be read", name)
		}
		for n := 1; n <= 5; n++ {
			want := StatusRow{Code: 2, At: reported}
			if n == 3 && c.status != nil {
				want = *c.status
			}
			if got, _ := inv.Status(guid('p', 1), id('o', n)); got != want {
				t.Errorf("%s: device %d has status %+v, want %+v", name, n, got, want)
			}
			if d, ok := inv.Device(id('o', n)); n != 3 && (!ok || !d.Managed() || d.EdgeVersion == "") {
				t.Errorf("%s: device %d is %+v", name, n, d)
			}
		}
	}
}

// TestListThatDoesNotParse: a list of which most items cannot be read is not what it is taken for.
func TestListThatDoesNotParse(t *testing.T) {
	for name, c := range oddRows {
		f := encryptedTenant(5)
		for n := 1; n <= 3; n++ {
			c.edit(f, n)
		}
		inv, err := refresh(t.Context(), f, Order{Policies: []string{guid('p', 1)}}, testclock.NewFakePassiveClock(began))
		if err == nil {
			err = errors.Join(inv.edge.Err, inv.encryption.Err, inv.part(guid('p', 1)).Err) // without devices there is no reading
		}
		if graph.KindOf(err) != graph.KindTransient {
			t.Errorf("%s: error %v, want one of kind Transient", name, err)
			continue
		}
		for _, want := range append(c.says, "3 of 5 items", "item 1") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q does not name %q", name, err, want)
			}
		}
	}
}

func TestPolicyIDThatIsNone(t *testing.T) {
	_, err := refresh(t.Context(), healthyTenant(1), Order{Policies: []string{"x' or PolicyId ne '"}}, testclock.NewFakePassiveClock(began))
	if graph.KindOf(err) != graph.KindInvalid {
		t.Errorf("a policy id that is no id: %v", err)
	}
}

func TestReadingIsAsOldAsItsBeginning(t *testing.T) {
	f := healthyTenant(1)
	clk := testclock.NewFakePassiveClock(began)
	f.clock = clk
	inv, err := refresh(t.Context(), f, Order{Policies: []string{guid('p', 1)}}, clk)
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
	inv, err := Refresh(t.Context(), sourceFake{f}, Order{}, testclock.NewFakePassiveClock(began))
	if err != nil || inv.Len() != 2 {
		t.Fatalf("%v, %v", inv, err)
	}
	f.fail["Managed"] = &graph.Error{Kind: graph.KindForbidden}
	if _, err := Refresh(t.Context(), sourceFake{f}, Order{}, testclock.NewFakePassiveClock(began)); graph.KindOf(err) != graph.KindForbidden {
		t.Errorf("error %v, want Forbidden", err)
	}
}
