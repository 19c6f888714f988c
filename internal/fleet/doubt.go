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
		at: inv.AsOf, directory: inv.Len(), records: inv.listed, registered: inv.registered, joined: inv.Managed(), edge: inv.EdgeVersions(),
	}
}

// Confirm says whether a reading may be believed, nil, or why it is not believed yet: a *graph.Error of kind Transient that
// names the list, what to check and in RetryAt when to read again. The service answers 200 with an empty or a short list
// also to an application that may not see more, and while a part of it is away; taken at its word such a list is a
// fleet that left Intune (P4). A reading is doubted when its lists contradict each other or are less than half of what they
// were, and is believed all the same once another one, at least ConfirmAfter later, says the same.
//
// lastManaged is how many managed devices the last believed reading had, for a process that has none of its own; 0 when
// nobody knows.
func (s *Store) Confirm(key types.NamespacedName, next *Inventory, lastManaged int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[key]
	if t == nil {
		return nil // let go meanwhile: nothing is kept of it
	}
	now := next.counts()
	doubts := now.doubts(counts{joined: int(lastManaged)})
	if t.inventory != nil {
		doubts = now.doubts(t.inventory.counts())
	}
	if len(doubts) == 0 {
		t.doubted = nil
		return nil
	}
	if t.doubted == nil || !now.saysTheSameAs(*t.doubted) || now.at.Before(t.doubted.at) {
		t.doubted = &now
	}
	until := t.doubted.at.Add(ConfirmAfter)
	if !now.at.Before(until) {
		t.doubted = nil
		return nil
	}
	return disbelieved(doubts, now.at, until)
}

func disbelieved(doubts []string, at, until time.Time) error {
	retry := at.Add(askAgain)
	if until.Before(retry) {
		retry = until
	}
	return &graph.Error{Kind: graph.KindTransient, Op: "Refresh", Status: 200, RetryAt: retry, Message: fmt.Sprintf(
		"the tenant answered without an error, and the lists are not believed: %s. Check permissions, admin consent and licences of the application, and the service health of Microsoft 365. The last reading that was believed stays; if the lists are right, a reading after %s that says the same is believed",
		strings.Join(doubts, "; "), until.UTC().Format(time.RFC3339))}
}

// doubts are the reasons not to believe a reading at once, in words; before is the last one that was believed. One that
// says the same as that one was confirmed then.
func (c counts) doubts(before counts) []string {
	if !before.at.IsZero() && c.saysTheSameAs(before) {
		return nil
	}
	var out []string
	switch {
	case c.directory == 0 && c.records > 0:
		out = append(out, fmt.Sprintf("the directory lists no device, while Intune manages %d (Device.Read.All)", c.records))
	case c.directory == 0:
		out = append(out, "the directory lists no device (Device.Read.All)")
	case c.records == 0 && (c.directory >= manyDevices || before.joined > 0):
		out = append(out, fmt.Sprintf("Intune lists no managed device, while the directory has %d (DeviceManagementManagedDevices.Read.All)", c.directory))
	case muchShorter(c.joined, c.registered):
		out = append(out, fmt.Sprintf("the directory lists %d of the %d devices that Intune manages (Device.Read.All)", c.joined, c.registered))
	}
	if len(out) > 0 {
		return out
	}
	if muchShorter(c.directory, before.directory) {
		out = append(out, fmt.Sprintf("the directory lists %d devices after %d (Device.Read.All)", c.directory, before.directory))
	}
	if muchShorter(c.joined, before.joined) {
		out = append(out, fmt.Sprintf("Intune lists %d devices of the directory after %d (DeviceManagementManagedDevices.Read.All)", c.joined, before.joined))
	} else if muchShorter(c.edge, before.edge) {
		out = append(out, fmt.Sprintf("the app inventory has an Edge version of %d devices after %d (export %s)", c.edge, before.edge, appReport))
	}
	return out
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
