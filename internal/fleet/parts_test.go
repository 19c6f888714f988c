// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	testclock "k8s.io/utils/clock/testing"

	"github.com/tidegate/tidegate/internal/graph"
)

// at makes a reading some time after the first.
func at(t *testing.T, f *tenantFake, after time.Duration, o Order) *Inventory {
	t.Helper()
	f.asked = nil
	inv, err := refresh(t.Context(), f, o, testclock.NewFakePassiveClock(began.Add(after)))
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// mixedTenant has devices of every kind that a reading tells apart.
func mixedTenant() *tenantFake {
	f := healthyTenant(5)
	no, off := false, false
	f.managed[1].IsEncrypted, f.managed[2].IsEncrypted = &no, nil
	f.managed[3].ConfigurationByIntune, f.managed[3].ManagementState = &no, "retirePending"
	f.entra[4].AccountEnabled = &off
	f.entra = append(f.entra, entraRow(6))       // not managed
	f.managed = append(f.managed, managedRow(7)) // not in the directory
	f.encryption = []graph.EncryptionState{{DeviceID: guid('i', 2), Encryption: "notEncrypted"}}
	f.apps = f.apps[:4]
	return f
}

// facts are all that an inventory says of its devices, and of their reports of policy 1.
func facts(inv *Inventory) []string {
	var out []string
	for d := range inv.All() {
		s, reported := inv.Status(guid('p', 1), d.ObjectID)
		out = append(out, fmt.Sprintf("%+v %+v %t %v", d, s, reported, inv.ByUser(id('u', 1))))
	}
	return append(out, fmt.Sprint(inv.Unjoined, inv.Len(), inv.Managed(), inv.EdgeVersions(), inv.Gone(id('o', 9))))
}

// TestPromise04_EachPartFailsAlone: whatever part of a reading fails, and however, what it had stands with its own age and says
// why, and every other part is of now.
func TestPromise04_EachPartFailsAlone(t *testing.T) {
	policies := []string{guid('p', 1), guid('p', 2)}
	parts := map[string]string{"Entra": PartDevices, "Managed": PartDevices, "Apps": PartEdge, "Encryption": PartEncryption,
		policies[0]: policies[0], policies[1]: policies[1]}
	for part, name := range parts {
		for _, kind := range []graph.Kind{graph.KindNotFound, graph.KindForbidden, graph.KindInvalid, graph.KindThrottled, graph.KindTransient} {
			f := mixedTenant()
			first := at(t, f, 0, Order{Policies: policies})
			cause := &graph.Error{Kind: kind, Op: part}
			f.fail[part] = cause
			inv := at(t, f, time.Hour, Order{Policies: policies, Last: first})
			if diff := cmp.Diff(facts(first), facts(inv)); diff != "" {
				t.Errorf("%s %s: what is known changed:\n%s", part, kind, diff)
			}
			for _, p := range append(inv.Lists(), inv.Reports()...) {
				want := began.Add(time.Hour)
				if p.Name == name {
					want = began
				}
				if !p.AsOf.Equal(want) || (p.Err != nil) != (p.Name == name) || p.Err != nil && !errors.Is(p.Err, error(cause)) {
					t.Errorf("%s %s: part %s as of %s: %v", part, kind, p.Name, p.AsOf, p.Err)
				}
			}
			if inv.AsOf.Equal(began) != (name == PartDevices) {
				t.Errorf("%s %s: devices as of %s", part, kind, inv.AsOf)
			}
		}
	}
}

// TestPromise04_ReportsAreReadWithoutTheRest: a process that has read nothing yet knows the reports of the devices, whatever
// else fails. Only without devices there is nobody to know them of.
func TestPromise04_ReportsAreReadWithoutTheRest(t *testing.T) {
	for _, part := range []string{"Apps", "Encryption", guid('p', 2)} {
		f := healthyTenant(3)
		f.fail[part] = &graph.Error{Kind: graph.KindForbidden, Op: part}
		inv := at(t, f, 0, Order{Policies: []string{guid('p', 1), guid('p', 2)}})
		if s, ok := inv.Status(guid('p', 1), id('o', 2)); !ok || s.Code != 2 {
			t.Errorf("%s: report %+v, %t", part, s, ok)
		}
		if d, _ := inv.Device(id('o', 2)); (d.EdgeVersion == "") != (part == "Apps") || inv.EligibleAsOf().IsZero() != (part == "Apps") {
			t.Errorf("%s: version %q, eligible as of %s", part, d.EdgeVersion, inv.EligibleAsOf())
		}
		if inv.HasStatuses(guid('p', 2)) != (part != guid('p', 2)) {
			t.Errorf("%s: a report that was never read is taken for one", part)
		}
	}
	for _, part := range []string{"Entra", "Managed"} {
		f := healthyTenant(3)
		cause := &graph.Error{Kind: graph.KindTransient, Op: part}
		f.fail[part] = cause
		if _, err := refresh(t.Context(), f, Order{}, testclock.NewFakePassiveClock(began)); !errors.Is(err, error(cause)) {
			t.Errorf("%s: %v", part, err)
		}
	}
}

// TestDevicesThatChange: rows of a report that is not read again stay with their devices when others come and go.
func TestDevicesThatChange(t *testing.T) {
	f := healthyTenant(6)
	for n := range 6 {
		f.statuses[guid('p', 1)][n] = status(n+1, n+1, "2026-10-02 08:00:12.0000000")
	}
	first := at(t, f, 0, Order{Policies: []string{guid('p', 1)}})
	f.fail[guid('p', 1)] = &graph.Error{Kind: graph.KindNotFound}
	f.entra, f.managed = slices.Delete(f.entra, 1, 3), slices.Delete(f.managed, 1, 3)
	f.entra, f.managed = append(f.entra, entraRow(0)), append(f.managed, managedRow(0))
	inv := at(t, f, time.Hour, Order{Policies: []string{guid('p', 1)}, Last: first})
	for n, want := range map[int]int{0: 0, 1: 1, 2: 0, 3: 0, 4: 4, 5: 5, 6: 6} {
		if s, _ := inv.Status(guid('p', 1), id('o', n)); s.Code != want {
			t.Errorf("device %d has status %d, want %d", n, s.Code, want)
		}
	}
}

// TestOnlyWhatIsDueIsRead: a part is read when it is old enough, a new policy for itself, a failing one when its time has come,
// and what would follow soon after goes with what is due.
func TestOnlyWhatIsDueIsRead(t *testing.T) {
	const interval = 30 * time.Minute
	f, last := healthyTenant(2), (*Inventory)(nil)
	look := func(name string, after time.Duration, policies []string, want ...string) {
		t.Helper()
		o := Order{Policies: policies, Last: last, Interval: interval}
		if due := o.Due(began.Add(after)); due != (len(want) > 0) {
			t.Errorf("%s: due %t", name, due)
		}
		last = at(t, f, after, o)
		if diff := cmp.Diff(want, f.asked, cmpopts.SortSlices(strings.Compare), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: asked for (-want +got):\n%s", name, diff)
		}
	}
	one, both := []string{guid('p', 1)}, []string{guid('p', 1), guid('p', 2)}
	look("first", 0, one, "Entra", "Managed", "Apps", "Encryption", one[0])
	look("a new policy", interval/4, both, both[1])
	look("nothing is due", interval-1, both)
	look("all, the new one with them", interval, both, "Entra", "Managed", "Apps", "Encryption", both[0], both[1])
	f.fail["Apps"], f.fail[both[1]] = &graph.Error{Kind: graph.KindTransient}, &graph.Error{Kind: graph.KindNotFound}
	look("some fail", 2*interval, both, "Entra", "Managed", "Apps", "Encryption", both[0], both[1])
	look("too early", 2*interval+29*time.Second, both)
	look("a list is tried again", 2*interval+30*time.Second, both, "Apps")
	f.fail["Apps"] = &graph.Error{Kind: graph.KindForbidden}
	look("and again", 2*interval+time.Minute, both, "Apps")
	look("one that is refused waits longer", 2*interval+time.Minute+refusedFor-1, both)
	delete(f.fail, "Apps")
	look("until its time", 2*interval+time.Minute+refusedFor, both, "Apps")
	if next := (Order{Policies: both, Last: last, Interval: interval}).NextAt(); !next.Equal(began.Add(3 * interval)) {
		t.Errorf("next at %s", next)
	}
	if next := (Order{Policies: one, Last: last, Interval: 2 * interval}).NextAt(); !next.Equal(began.Add(4 * interval)) {
		t.Errorf("without the policy that is refused, next at %s", next)
	}
	look("a refused report has its turn", 3*interval, both, "Entra", "Managed", "Apps", "Encryption", both[0], both[1])
	look("a policy that is gone is not asked for", 4*interval, one, "Entra", "Managed", "Apps", "Encryption", one[0])
	last.edge.AsOf = last.edge.AsOf.AddDate(0, 1, 0)
	last.encryption = last.encryption.failed(began.AddDate(0, 1, 0), errors.New("x"), began.AddDate(0, 1, 0))
	look("what is from the future", 4*interval+time.Minute, one, "Apps", "Encryption")
}

// TestDoubtedListsHideNoReport: lists that are not believed stay as they were, and the reports of their devices are read.
func TestDoubtedListsHideNoReport(t *testing.T) {
	full, policies := lists(100, 90, 80), []string{guid('p', 1)}
	for name, tt := range map[string]struct {
		now  *tenantFake
		part string
	}{
		"no managed device": {lists(100, 0, 80), PartDevices}, "a short directory": {lists(20, 90, 80), PartDevices}, "no versions": {lists(100, 90, 0), PartEdge},
	} {
		s := NewStore()
		connect(t, s, config("one"))
		confirm := func(inv *Inventory) Doubts { return s.Confirm(contoso, inv, 0) }
		first := at(t, full, 0, Order{Policies: policies, Doubts: confirm})
		s.PutInventory(contoso, first, began)
		for i := range tt.now.statuses[guid('p', 1)] {
			tt.now.statuses[guid('p', 1)][i][columnPolicyStatus] = "5"
		}
		inv := at(t, tt.now, time.Hour, Order{Policies: policies, Last: first, Doubts: confirm})
		if inv.Len() != 100 || inv.Managed() != 90 || inv.EdgeVersions() != 80 {
			t.Errorf("%s: %d devices, %d managed, %d versions", name, inv.Len(), inv.Managed(), inv.EdgeVersions())
		}
		if s, _ := inv.Status(guid('p', 1), id('o', 90)); s.Code != 5 {
			t.Errorf("%s: status %+v of a device that fails now", name, s)
		}
		for _, p := range inv.Lists() {
			if p.Name == tt.part && (p.Err == nil || !p.AsOf.Equal(began)) || p.Name == PartEncryption && p.Err != nil {
				t.Errorf("%s: part %s as of %s: %v", name, p.Name, p.AsOf, p.Err)
			}
		}
		s.PutInventory(contoso, inv, began.Add(time.Hour))
		later := at(t, tt.now, time.Hour+ConfirmAfter, Order{Policies: policies, Last: inv, Doubts: confirm})
		for _, p := range later.Lists() {
			if p.Err != nil {
				t.Errorf("%s: not believed when it said the same again: %v", name, p.Err)
			}
		}
	}
}

// TestTenantThatIsAway: when report after report fails for want of the tenant, the rest is not asked for in this reading; reports
// that are refused do not count.
func TestTenantThatIsAway(t *testing.T) {
	var policies []string
	for n := range 40 {
		policies = append(policies, guid('p', n+1))
	}
	for kind, most := range map[graph.Kind]int{graph.KindTransient: outageAfter + maxExports, graph.KindNotFound: len(policies)} {
		f := healthyTenant(2)
		for _, p := range policies {
			f.fail[p] = &graph.Error{Kind: kind}
		}
		inv := at(t, f, 0, Order{Policies: policies})
		if got := len(f.asked) - 4; got > most || got < outageAfter {
			t.Errorf("%s: %d reports were asked for", kind, got)
		}
		for _, p := range inv.Reports() {
			if graph.KindOf(p.Err) != kind {
				t.Errorf("%s: %s: %v", kind, p.Name, p.Err)
			}
		}
	}
}

// TestReadingThatIsCutOff says nothing of the tenant.
func TestReadingThatIsCutOff(t *testing.T) {
	f := healthyTenant(2)
	first := at(t, f, 0, Order{Policies: []string{guid('p', 1)}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, o := range []Order{{}, {Last: first}, {Last: first, Interval: time.Hour, Policies: []string{guid('p', 1), guid('p', 2)}}} {
		if inv, err := refresh(ctx, f, o, testclock.NewFakePassiveClock(began)); inv != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", inv, err)
		}
	}
}
