// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"context"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/devicemanagement"
	"github.com/microsoftgraph/msgraph-sdk-go/devices"
)

// EntraDevice is a device object of the directory.
type EntraDevice struct {
	// ID is the directory object id, the one that group members have.
	ID string
	// DeviceID is the Entra device id, the one that Intune calls azureADDeviceId.
	DeviceID string
	// DisplayName is the device's name.
	DisplayName string
	// OperatingSystem and OperatingSystemVersion are free text.
	OperatingSystem, OperatingSystemVersion string
	// TrustType is AzureAd (joined), ServerAd (hybrid joined) or Workplace (registered) (contract c).
	TrustType string
	// AccountEnabled, IsManaged and IsCompliant are nil when the directory does not know.
	AccountEnabled, IsManaged, IsCompliant *bool
	// LastSignInAt is approximate; zero when the directory does not know.
	LastSignInAt time.Time
	// Unreadable is why a part of the object could not be read, nil when all was. What was read holds; ID may be empty.
	Unreadable error
}

// wireEntraDevice is a device of the directory on the wire.
type wireEntraDevice struct {
	ID                     string    `json:"id"`
	DeviceID               string    `json:"deviceId"`
	DisplayName            string    `json:"displayName"`
	OperatingSystem        string    `json:"operatingSystem"`
	OperatingSystemVersion string    `json:"operatingSystemVersion"`
	TrustType              string    `json:"trustType"`
	AccountEnabled         *bool     `json:"accountEnabled"`
	IsManaged              *bool     `json:"isManaged"`
	IsCompliant            *bool     `json:"isCompliant"`
	LastSignInAt           looseTime `json:"approximateLastSignInDateTime"`
}

// EntraDevices hands every device object of the directory to yield, those that cannot be read in full too. An error of yield
// ends the call and comes back as it is.
func (c *Client) EntraDevices(ctx context.Context, yield func(EntraDevice) error) error {
	op := call{op: "EntraDevices", class: classDirectory, effect: effectRead, streamed: true, units: 2, permissions: []string{"Device.Read.All"}}
	ri, err := devices.NewDevicesRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx,
		&devices.DevicesRequestBuilderGetRequestConfiguration{QueryParameters: &devices.DevicesRequestBuilderGetQueryParameters{
			Select: []string{"id", "deviceId", "displayName", "operatingSystem", "operatingSystemVersion", "trustType",
				"accountEnabled", "isManaged", "isCompliant", "approximateLastSignInDateTime"}, Top: ptr(directoryPage)}})
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return listItems(ctx, c, op, ri, func(w wireEntraDevice, odd error) error {
		if w.ID == "" && odd == nil {
			odd = withoutID(op, "device")
		}
		return yield(EntraDevice{ID: w.ID, DeviceID: w.DeviceID, DisplayName: w.DisplayName, OperatingSystem: w.OperatingSystem,
			OperatingSystemVersion: w.OperatingSystemVersion, TrustType: w.TrustType, AccountEnabled: w.AccountEnabled,
			IsManaged: w.IsManaged, IsCompliant: w.IsCompliant, LastSignInAt: w.LastSignInAt.Time,
			Unreadable: cmp.Or(odd, w.LastSignInAt.odd)})
	})
}

// ManagedDevice is a device record of Intune. One machine can have several after it was enrolled again: the
// one with the newest LastSyncAt counts (contract c).
type ManagedDevice struct {
	// ID is the Intune device id.
	ID string
	// AzureADDeviceID is the Entra device id; empty or zeros for a device that is not registered.
	AzureADDeviceID string
	// DeviceName is the device's name.
	DeviceName string
	// OperatingSystem and OSVersion are free text, such as Windows and 10.0.26100.4061.
	OperatingSystem, OSVersion string
	// ComplianceState, ManagementAgent, OwnerType, EnrollmentType and ManagementState are the words of the
	// contract's enums (contract c), passed on as they come.
	ComplianceState, ManagementAgent, OwnerType, EnrollmentType, ManagementState string
	// EnrolledAt and LastSyncAt are zero when it never happened or is not known.
	EnrolledAt, LastSyncAt time.Time
	// IsEncrypted is nil when Intune does not know.
	IsEncrypted *bool
	// ConfigurationByIntune says of a co-managed device whether the workload "device configuration" is with Intune; nil
	// when Intune does not say (contract c).
	ConfigurationByIntune *bool
	// AzureADRegistered is nil when Intune does not know.
	AzureADRegistered *bool
	// UserID and UserPrincipalName name the primary user; empty when there is none.
	UserID, UserPrincipalName string
	// SerialNumber, Manufacturer and Model come from the hardware.
	SerialNumber, Manufacturer, Model string
	// Unreadable is why a part of the record could not be read, nil when all was. What was read holds; the ids may be empty.
	Unreadable error
}

// managedDeviceSelect lists the members that a ManagedDevice is read from. joinType is not among them: it
// exists in beta only (contract c).
var managedDeviceSelect = []string{"id", "azureADDeviceId", "deviceName", "operatingSystem", "osVersion", "complianceState",
	"managementAgent", "managedDeviceOwnerType", "deviceEnrollmentType", "managementState", "enrolledDateTime",
	"lastSyncDateTime", "isEncrypted", "configurationManagerClientEnabledFeatures", "azureADRegistered", "userId", "userPrincipalName", "serialNumber", "manufacturer", "model"}

// managedDevicePage is the largest page of managed devices (contract k.2).
const managedDevicePage int32 = 1000

// wireManagedDevice is a managed device on the wire.
type wireManagedDevice struct {
	ID              string    `json:"id"`
	AzureADDeviceID string    `json:"azureADDeviceId"`
	DeviceName      string    `json:"deviceName"`
	OperatingSystem string    `json:"operatingSystem"`
	OSVersion       string    `json:"osVersion"`
	ComplianceState string    `json:"complianceState"`
	ManagementAgent string    `json:"managementAgent"`
	OwnerType       string    `json:"managedDeviceOwnerType"`
	EnrollmentType  string    `json:"deviceEnrollmentType"`
	ManagementState string    `json:"managementState"`
	EnrolledAt      looseTime `json:"enrolledDateTime"`
	LastSyncAt      looseTime `json:"lastSyncDateTime"`
	IsEncrypted     *bool     `json:"isEncrypted"`
	CoManagement    struct {
		DeviceConfiguration *bool `json:"deviceConfiguration"`
	} `json:"configurationManagerClientEnabledFeatures"`
	AzureADRegistered *bool  `json:"azureADRegistered"`
	UserID            string `json:"userId"`
	UserPrincipalName string `json:"userPrincipalName"`
	SerialNumber      string `json:"serialNumber"`
	Manufacturer      string `json:"manufacturer"`
	Model             string `json:"model"`
}

// ManagedDevices hands every device record of Intune to yield, those that cannot be read in full too. An error of yield ends
// the call and comes back as it is.
func (c *Client) ManagedDevices(ctx context.Context, yield func(ManagedDevice) error) error {
	op := call{op: "ManagedDevices", class: classDevices, effect: effectRead, streamed: true, permissions: []string{"DeviceManagementManagedDevices.Read.All"}}
	ri, err := devicemanagement.NewManagedDevicesRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx,
		&devicemanagement.ManagedDevicesRequestBuilderGetRequestConfiguration{
			QueryParameters: &devicemanagement.ManagedDevicesRequestBuilderGetQueryParameters{Select: managedDeviceSelect, Top: ptr(managedDevicePage)}})
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return listItems(ctx, c, op, ri, func(w wireManagedDevice, odd error) error {
		if w.ID == "" && odd == nil {
			odd = withoutID(op, "device")
		}
		return yield(ManagedDevice{ID: w.ID, AzureADDeviceID: w.AzureADDeviceID, DeviceName: w.DeviceName,
			OperatingSystem: w.OperatingSystem, OSVersion: w.OSVersion, ComplianceState: w.ComplianceState,
			ManagementAgent: w.ManagementAgent, OwnerType: w.OwnerType, EnrollmentType: w.EnrollmentType,
			ManagementState: w.ManagementState, EnrolledAt: w.EnrolledAt.Time, LastSyncAt: w.LastSyncAt.Time,
			IsEncrypted: w.IsEncrypted, ConfigurationByIntune: w.CoManagement.DeviceConfiguration, AzureADRegistered: w.AzureADRegistered, UserID: w.UserID,
			UserPrincipalName: w.UserPrincipalName, SerialNumber: w.SerialNumber, Manufacturer: w.Manufacturer, Model: w.Model,
			Unreadable: cmp.Or(odd, w.EnrolledAt.odd, w.LastSyncAt.odd)})
	})
}

// SyncDevice asks a device to check in. Success only means that Intune passed the wish on; LastSyncAt moves
// when the device did it (contract c). Asking again is harmless but not free.
func (c *Client) SyncDevice(ctx context.Context, id string) error {
	op := call{op: "SyncDevice", class: classDevices, effect: effectIdempotent, permissions: []string{"DeviceManagementManagedDevices.PrivilegedOperations.All"}}
	if err := needID(op.op, "device id", id); err != nil {
		return err
	}
	ri, err := devicemanagement.NewManagedDevicesRequestBuilderInternal(map[string]string{}, c.adapter).
		ByManagedDeviceId(id).SyncDevice().ToPostRequestInformation(ctx, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.send(ctx, op, ri, nil)
}
