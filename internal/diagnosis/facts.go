// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// DefaultSkew is the allowance for clocks that differ (gate D2): evidence counts for an exposure only if it is later by
// at least this much.
const DefaultSkew = 10 * time.Minute

// MaxClockOffset is how far this machine's clock may be from the service's before it counts as wrong. A node that synchronises its
// clock is within a second, and a slow answer never looks like five minutes, since the time that it took is allowed for.
const MaxClockOffset = 5 * time.Minute

// Facts are what is known about one device at one reading of the inventory. Zero values mean unknown.
type Facts struct {
	// Name of the device, for people.
	Name string
	// Enrolment tells the device, as it is enrolled now, from all others; the zero one when Intune has no record of it.
	Enrolment audience.Enrolment
	// Managed says that Intune has a record of the device.
	Managed bool
	// ManagementAgent is Intune's word for what manages the device, for example mdm (contract c).
	ManagementAgent string
	// ManagementState is Intune's word for what it is doing with the device, for example managed (contract c).
	ManagementState string
	// ConfiguredElsewhere says that the device is co-managed and takes its configuration from Configuration Manager.
	ConfiguredElsewhere bool
	// Account says whether the directory lets the device sign in.
	Account Account
	// OperatingSystem is Intune's free text, for example Windows or macOS.
	OperatingSystem string
	// OSVersion and EdgeVersion are as the inventory writes them. EdgeVersion is that of the Stable channel.
	OSVersion, EdgeVersion string
	// Encrypted says that BitLocker or FileVault is on. It means something only with EncryptionKnown.
	Encrypted, EncryptionKnown bool
	// LastSync is when the device last checked in with Intune.
	LastSync time.Time
	// ExposedAt is when the attempt assigned the policy to the device; zero while it is pending.
	ExposedAt time.Time
	// Report is the device's status of the policy, nil when there is no row for it.
	Report *Report
}

// Account is whether the directory lets a device sign in (accountEnabled).
type Account uint8

// The states of a device's account.
const (
	AccountUnknown Account = iota
	AccountEnabled
	AccountDisabled
)

// Report is one device's status of one policy.
type Report struct {
	// At is when the status was last changed, by the clock of Intune.
	At time.Time
	// Status is the numeric code of contract b.2.
	Status int
}

// The numeric status codes of a policy on a device (contract b.2).
const (
	StatusUnknown       = 0
	StatusNotApplicable = 1
	StatusSucceeded     = 2
	StatusRemediated    = 3
	StatusNonCompliant  = 4
	StatusError         = 5
	StatusConflict      = 6
	StatusNotAssigned   = 7
)

// Rules are what devices are judged by.
type Rules struct {
	// Windows, MacOS and Edge are the lowest versions (R14, R17). Edge is already raised to what the settings need.
	Windows, MacOS, Edge string
	// Encryption says whether a device must be encrypted (R21).
	Encryption v1alpha1.EncryptionRule
	// MaxOffline is how long ago a device may have checked in last (R20).
	MaxOffline time.Duration
	// Maturity is how long a device must have been exposed before its silence counts against coverage (gate D3).
	Maturity time.Duration
	// Skew is the allowance for clocks that differ, see DefaultSkew.
	Skew time.Duration
	// Platforms that the policy is delivered to.
	Platforms []v1alpha1.Platform
	// AsOf is when the reports were read. It is the present of all evidence: a wave that is judged later on the same reading has
	// learnt nothing since.
	AsOf time.Time
	// ContactAsOf is when the devices were read, where that is not AsOf: what Intune says of a device and its last contact is of
	// then. Zero: AsOf.
	ContactAsOf time.Time
	// MaxContactAge is how much older than the reports that may be for a good report to count; 0 sets no limit.
	MaxContactAge time.Duration
	// Behind is how much the clock of this machine is known to be behind that of the service; 0 when it is not.
	Behind time.Duration
}

// contactAsOf is when the devices were read.
func (r Rules) contactAsOf() time.Time {
	if r.ContactAsOf.IsZero() {
		return r.AsOf
	}
	return r.ContactAsOf
}

// platformOf maps Intune's operatingSystem, a free text, to a platform (contract c). The spellings of macOS
// other than "macOS" are ASSUMED.
func platformOf(operatingSystem string) (v1alpha1.Platform, bool) {
	switch strings.ToLower(strings.TrimSpace(operatingSystem)) {
	case "windows":
		return v1alpha1.PlatformWindows, true
	case "macos", "mac os", "mac os x":
		return v1alpha1.PlatformMacOS, true
	}
	return "", false
}
