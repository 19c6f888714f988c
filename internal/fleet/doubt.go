// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/internal/graph"
)

const (
	// ConfirmAfter is how long after a reading that is not believed another one has to say the same to be believed.
	// Replicas agree within minutes (contract g) and the partial answers of an incident end within tens of them: ASSUMED, as
	// no number binds Microsoft. Waiting costs little: the older reading stays, and says how old it is.
	ConfirmAfter = 30 * time.Minute
	// askAgain is how soon a tenant whose reading is not believed is read again: most bad answers are good a moment later.
	askAgain = 5 * time.Minute
	// manyDevices is the length from which losing more than half of a list is not the coming and going of devices.
	manyDevices = 20
)

// counts are the lengths of the lists of one reading.
type counts struct {
	at time.Time
	// directory are devices of the directory, records those of Intune with and without one, edge the managed devices of
	// the directory with a version of Edge.
	directory, records, edge int
	// registered are the records of Intune that name a device of the directory, one of each; joined those of which the
	// directory has it.
	registered, joined int
}

func (inv *Inventory) counts() counts {
	return counts{
		at: inv.listsTried(), directory: inv.Len(), records: inv.listed, registered: inv.registered, joined: inv.Managed(), edge: inv.EdgeVersions(),
	}
}

// listsTried is when the newest try began to read a list.
func (inv *Inventory) listsTried() time.Time {
	at := inv.AsOf
	for _, p := range inv.Lists() {
		if p.tried.After(at) {
			at = p.tried
		}
	}
	return at
}

// Doubts are the lists of a reading that are not believed yet, each with why: a *graph.Error of kind Transient that names the
// list, what to check and in RetryAt when to read again. Nil for a list that is believed.
type Doubts struct{ Devices, Edge error }

// Confirm says which lists of a reading may be believed. The service answers 200 with an empty or a short list also to an
// application that may not see more, and while a part of it is away; taken at its word such a list is a fleet that left Intune
// (P4). A list is doubted when it contradicts another or is less than half of what it was, and is believed all the same once
// another reading, at least ConfirmAfter later, says the same.
//
// lastManaged is how many managed devices the last believed reading had, for a process that has none of its own; 0 when
// nobody knows.
func (s *Store) Confirm(key types.NamespacedName, next *Inventory, lastManaged int64) Doubts {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[key]
	if t == nil {
		return Doubts{} // let go meanwhile: nothing is kept of it
	}
	now, before := next.counts(), counts{joined: int(lastManaged)}
	if t.inventory != nil {
		before = t.inventory.counts()
	}
	devices, edge := now.doubts(before)
	if len(devices) == 0 && edge == "" {
		t.doubted = nil
		return Doubts{}
	}
	if t.doubted == nil || !now.saysTheSameAs(*t.doubted) || now.at.Before(t.doubted.at) {
		t.doubted = &now
	}
	until := t.doubted.at.Add(ConfirmAfter)
	if !now.at.Before(until) {
		t.doubted = nil
		return Doubts{}
	}
	var out Doubts
	if len(devices) > 0 {
		out.Devices = disbelieved(strings.Join(devices, "; "), now.at, until)
	}
	if edge != "" {
		out.Edge = disbelieved(edge, now.at, until)
	}
	return out
}

func disbelieved(doubts string, at, until time.Time) error {
	retry := at.Add(askAgain)
	if until.Before(retry) {
		retry = until
	}
	return &graph.Error{Kind: graph.KindTransient, Op: "Refresh", Status: 200, RetryAt: retry, Message: fmt.Sprintf(
		"the tenant answered without an error, and the lists are not believed: %s. Check permissions, admin consent and licences of the application, and the service health of Microsoft 365. The last reading that was believed stays; if the lists are right, a reading after %s that says the same is believed",
		doubts, until.UTC().Format(time.RFC3339))}
}

// doubts are the reasons not to believe the lists of devices and that of Edge versions at once, in words; before is the last
// reading that was believed. One that says the same as that one was confirmed then.
func (c counts) doubts(before counts) (devices []string, edge string) {
	if !before.at.IsZero() && c.saysTheSameAs(before) {
		return nil, ""
	}
	if muchShorter(c.edge, before.edge) {
		edge = fmt.Sprintf("the app inventory has an Edge version of %d devices after %d (export %s)", c.edge, before.edge, appReport)
	}
	switch {
	case c.directory == 0 && c.records > 0:
		devices = append(devices, fmt.Sprintf("the directory lists no device, while Intune manages %d (Device.Read.All)", c.records))
	case c.directory == 0:
		devices = append(devices, "the directory lists no device (Device.Read.All)")
	case c.records == 0 && (c.directory >= manyDevices || before.joined > 0):
		devices = append(devices, fmt.Sprintf("Intune lists no managed device, while the directory has %d (DeviceManagementManagedDevices.Read.All)", c.directory))
	case muchShorter(c.joined, c.registered):
		devices = append(devices, fmt.Sprintf("the directory lists %d of the %d devices that Intune manages (Device.Read.All)", c.joined, c.registered))
	}
	if len(devices) > 0 {
		return devices, edge
	}
	if muchShorter(c.directory, before.directory) {
		devices = append(devices, fmt.Sprintf("the directory lists %d devices after %d (Device.Read.All)", c.directory, before.directory))
	}
	if muchShorter(c.joined, before.joined) {
		devices = append(devices, fmt.Sprintf("Intune lists %d devices of the directory after %d (DeviceManagementManagedDevices.Read.All)", c.joined, before.joined))
	}
	return devices, edge
}

// saysTheSameAs says whether two readings agree on every list: none is much shorter than in the other.
func (c counts) saysTheSameAs(other counts) bool {
	for _, pair := range [][2]int{
		{c.directory, other.directory}, {c.records, other.records}, {c.joined, other.joined}, {c.edge, other.edge},
	} {
		if muchShorter(pair[0], pair[1]) || muchShorter(pair[1], pair[0]) || (pair[0] == 0) != (pair[1] == 0) {
			return false
		}
	}
	return true
}

// muchShorter says that a list lost more than half of what it had when it was long.
func muchShorter(now, before int) bool { return before >= manyDevices && 2*now < before }
