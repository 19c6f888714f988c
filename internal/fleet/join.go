// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

// rawDevices is what was read, not yet joined.
type rawDevices struct {
	entra   []entraDevice
	managed []managedDevice
	edge    map[audience.ID]string // by Intune id
	// plain are the Intune ids that the encryption report calls not encrypted.
	plain map[audience.ID]bool
	// devicesErr is why entra or managed was not read, edgeErr and plainErr the same of theirs; nil when they were.
	devicesErr, edgeErr, plainErr error
	// unusable counts the Intune records without an id to join or to be reported by.
	unusable int
	// odd are what the lists held that could not be read, in the order entra, managed, edge, plain; nil for a list without.
	odd [4]*oddities
}

type entraDevice struct {
	object, device        audience.ID
	name, system, version string
	account               diagnosis.Account
}

type managedDevice struct {
	intune, device, user                   audience.ID
	name, system, version, agent, serial   string
	state                                  string
	lastSync, enrolled                     time.Time
	encrypted, encryptionSaid, hasEntraRow bool
	elsewhere                              bool
}

func readEntra(ctx context.Context, src source) ([]entraDevice, *oddities, error) {
	var all []entraDevice
	texts, odd := interner{}, oddOf("the devices of the directory")
	err := src.EntraDevices(ctx, func(d graph.EntraDevice) error {
		object, err := audience.ParseID(d.ID)
		if odd.next(cmp.Or(d.Unreadable, err)); object.IsZero() {
			odd.nameless++
			return nil
		}
		all = append(all, entraDevice{
			object: object, device: optionalID(d.DeviceID),
			name: d.DisplayName, system: texts.share(d.OperatingSystem), version: texts.share(d.OperatingSystemVersion),
			account: account(d.AccountEnabled),
		})
		return nil
	})
	if err == nil {
		err = odd.verdict("EntraDevices")
	}
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(all, func(a, b entraDevice) int { return a.object.Compare(b.object) })
	// A list that changes while its pages are read can name an object twice.
	return slices.CompactFunc(all, func(a, b entraDevice) bool { return a.object == b.object }), odd, nil
}

// readManaged returns the Intune records that can be joined, one per device of the directory, by that device's id. Of one
// that cannot be read in full the rest is unknown.
func readManaged(ctx context.Context, src source) (all []managedDevice, unusable int, odd *oddities, err error) {
	texts := interner{}
	odd = oddOf("the managed devices")
	err = src.ManagedDevices(ctx, func(d graph.ManagedDevice) error {
		odd.next(d.Unreadable)
		intune, device := optionalID(d.ID), optionalID(d.AzureADDeviceID)
		if intune.IsZero() || device.IsZero() {
			// Empty or zeros for a device that is not registered (contract c).
			unusable++
			return nil
		}
		all = append(all, managedDevice{
			intune: intune, device: device, user: optionalID(d.UserID),
			name: d.DeviceName, system: texts.share(d.OperatingSystem), version: texts.share(d.OSVersion),
			agent: texts.share(d.ManagementAgent), state: texts.share(d.ManagementState), serial: d.SerialNumber,
			elsewhere: d.ConfigurationByIntune != nil && !*d.ConfigurationByIntune,
			lastSync:  d.LastSyncAt, enrolled: d.EnrolledAt,
			encrypted: d.IsEncrypted != nil && *d.IsEncrypted, encryptionSaid: d.IsEncrypted != nil,
		})
		return nil
	})
	if err == nil {
		err = odd.verdict("ManagedDevices")
	}
	if err != nil {
		return nil, 0, nil, err
	}
	slices.SortFunc(all, func(a, b managedDevice) int { return cmp.Or(a.device.Compare(b.device), newestFirst(a, b)) })
	read := len(all)
	all = slices.CompactFunc(all, func(a, b managedDevice) bool { return a.device == b.device })
	return all, unusable + read - len(all), odd, nil
}

// readUnencrypted returns the Intune ids of the devices that the encryption report calls not encrypted, which are few.
func readUnencrypted(ctx context.Context, src source) (map[audience.ID]bool, *oddities, error) {
	plain, odd := map[audience.ID]bool{}, oddOf("the encryption report")
	err := src.EncryptionStates(ctx, func(e graph.EncryptionState) error {
		odd.next(e.Unreadable)
		if strings.EqualFold(e.Encryption, "notEncrypted") {
			plain[optionalID(e.DeviceID)] = true // an id that is none belongs to no record
		}
		return nil
	})
	if err == nil {
		err = odd.verdict("EncryptionStates")
	}
	if err != nil {
		return nil, nil, err
	}
	return plain, odd, nil
}

// newestFirst orders the Intune records of one device, several of which are left by enrolling it again: the newest
// check-in is the living one (domain 4). Enrolment, serial number and id only make the choice the same every time.
// Serial numbers alone do not make two records one device: many machines report a placeholder.
func newestFirst(a, b managedDevice) int {
	return cmp.Or(
		b.lastSync.Compare(a.lastSync),
		b.enrolled.Compare(a.enrolled),
		strings.Compare(a.serial, b.serial),
		a.intune.Compare(b.intune),
	)
}

// join brings the records together, and returns the indices of managed devices by Intune id beside the inventory.
func join(raw rawDevices) (*Inventory, []int32) {
	inv := &Inventory{records: make([]record, len(raw.entra)), texts: []string{""}, Unjoined: raw.unusable,
		listed: len(raw.managed) + raw.unusable, registered: len(raw.managed)}
	if o := raw.odd[0]; o != nil {
		inv.nameless = o.nameless
	}
	symbols := map[string]uint32{"": 0}
	symbol := func(s string) uint32 {
		i, ok := symbols[s]
		if !ok {
			i = uint32(len(inv.texts))
			symbols[s] = i
			inv.texts = append(inv.texts, s)
		}
		return i
	}
	var byIntune []int32
	for i, e := range raw.entra {
		r := record{object: e.object, device: e.device, name: e.name, system: symbol(e.system), version: symbol(e.version), account: e.account}
		if m := findManaged(raw.managed, e.device); m != nil {
			m.hasEntraRow = true
			r.intune, r.user = m.intune, m.user
			r.name = cmp.Or(m.name, e.name)
			r.system, r.version = symbol(m.system), symbol(m.version)
			r.edge, r.agent = symbol(raw.edge[m.intune]), symbol(m.agent)
			r.state, r.elsewhere = symbol(m.state), m.elsewhere
			r.lastSync, r.enrolled = nanos(m.lastSync), nanos(m.enrolled)
			r.encrypted, r.plain = m.encrypted, m.encryptionSaid && !m.encrypted && raw.plain[m.intune]
			byIntune = append(byIntune, int32(i))
		}
		inv.records[i] = r
	}
	for i := range raw.managed {
		if !raw.managed[i].hasEntraRow {
			inv.Unjoined++
		}
	}
	inv.byUser = indexUsers(inv.records)
	slices.SortFunc(byIntune, func(a, b int32) int { return inv.records[a].intune.Compare(inv.records[b].intune) })
	return inv, byIntune
}

// findManaged finds nothing for an id of zeros, since no record in managed has one.
func findManaged(managed []managedDevice, device audience.ID) *managedDevice {
	i, ok := slices.BinarySearchFunc(managed, device, func(m managedDevice, id audience.ID) int { return m.device.Compare(id) })
	if !ok {
		return nil
	}
	return &managed[i]
}

func indexUsers(records []record) []int32 {
	var byUser []int32
	for i := range records {
		if !records[i].user.IsZero() {
			byUser = append(byUser, int32(i))
		}
	}
	// Stable: records stand in the order of object ids.
	slices.SortStableFunc(byUser, func(a, b int32) int { return records[a].user.Compare(records[b].user) })
	return byUser
}

// optionalID reads an id that may be missing: empty, zeros, or another text that joins nothing.
func optionalID(s string) audience.ID {
	id, err := audience.ParseID(s)
	if err != nil {
		return audience.ID{}
	}
	return id
}

// account reads accountEnabled. Nothing is said of a device that the application may not see in full (contract g).
func account(enabled *bool) diagnosis.Account {
	switch {
	case enabled == nil:
		return diagnosis.AccountUnknown
	case *enabled:
		return diagnosis.AccountEnabled
	}
	return diagnosis.AccountDisabled
}

// interner keeps one copy of each text that many devices share.
type interner map[string]string

func (in interner) share(s string) string {
	if kept, ok := in[s]; ok {
		return kept
	}
	kept := strings.Clone(s)
	in[kept] = kept
	return kept
}

// unreadable is an answer that does not parse: unknown, not empty, and worth another try (design §7).
func unreadable(op, format string, args ...any) error {
	return &graph.Error{Kind: graph.KindTransient, Op: op, Status: 200, Message: "the answer did not parse: " + fmt.Sprintf(format, args...)}
}
