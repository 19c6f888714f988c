// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"time"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// encryptionLag is how long after enrolment "not encrypted" may still mean "not reported yet" (domain 4; the number is
// ASSUMED).
const encryptionLag = 24 * time.Hour

// Device is one device of the directory with what Intune knows about it. Empty text and zero times mean unknown.
type Device struct {
	// ObjectID is the Entra object id, the key of the inventory and the id of a group member.
	ObjectID audience.ID
	// DeviceID is the Entra device id, which Intune calls azureADDeviceId.
	DeviceID string
	// IntuneID is the id of the Intune record; empty when there is none, that is, when the device is not managed.
	IntuneID string
	// Name is for people; it is not unique.
	Name string
	// OperatingSystem and OSVersion are as Intune writes them, or the directory for a device that is not managed.
	OperatingSystem, OSVersion string
	// EdgeVersion is the highest Stable version of Microsoft Edge in the app inventory.
	EdgeVersion string
	// ManagementAgent is Intune's word for what manages the device.
	ManagementAgent string
	// ManagementState is Intune's word for what it is doing with the device, such as managed or retirePending.
	ManagementState string
	// ConfiguredElsewhere says that the device is co-managed and takes device configuration from Configuration Manager.
	ConfiguredElsewhere bool
	// Account says whether the directory lets the device sign in.
	Account diagnosis.Account
	// UserID is the Entra object id of the primary user.
	UserID string
	// Encrypted is what Intune says; EncryptionKnown whether it can be taken for more than a default, which takes a row
	// of the encryption report for a device that is not encrypted.
	Encrypted, EncryptionKnown bool
	// LastSync and EnrolledAt are from Intune.
	LastSync, EnrolledAt time.Time
	// Enrolment tells the device, as it is enrolled now, from all others.
	Enrolment audience.Enrolment
}

// Managed says whether Intune has a record of the device.
func (d Device) Managed() bool { return d.IntuneID != "" }

// Facts returns what diagnosis asks about the device. ExposedAt is not known here and left to the caller. policyIDs are
// the policies whose status counts for it, at most one of which is meant for its platform; of several results the worst
// is taken. A device that the inventory does not have is one that is not managed.
func (inv *Inventory) Facts(id audience.ID, policyIDs ...string) diagnosis.Facts {
	d, ok := inv.Device(id)
	if !ok {
		return diagnosis.Facts{Name: id.String()}
	}
	f := diagnosis.Facts{
		Name:                d.Name,
		Enrolment:           d.Enrolment,
		Managed:             d.Managed(),
		ManagementAgent:     d.ManagementAgent,
		ManagementState:     d.ManagementState,
		ConfiguredElsewhere: d.ConfiguredElsewhere,
		Account:             d.Account,
		OperatingSystem:     d.OperatingSystem,
		OSVersion:           d.OSVersion,
		EdgeVersion:         d.EdgeVersion,
		Encrypted:           d.Encrypted,
		EncryptionKnown:     d.EncryptionKnown,
		LastSync:            d.LastSync,
	}
	if f.Name == "" {
		f.Name = id.String()
	}
	var worst StatusRow
	for _, policyID := range policyIDs {
		if s, ok := inv.Status(policyID, id); ok && (f.Report == nil || s.worseThan(worst)) {
			worst = s
			f.Report = &diagnosis.Report{At: s.At, Status: s.Code}
		}
	}
	return f
}
