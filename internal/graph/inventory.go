// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"net/url"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/devicemanagement"
)

// DetectedApp is an app that devices reported; each name, version and platform has a row of its own (contract c).
type DetectedApp struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Version     string `json:"version"`
	Publisher   string `json:"publisher"`
	// Platform is windows, ios, macOS and so on; compare without regard to case.
	Platform string `json:"platform"`
	// DeviceCount is how many devices have it, SizeInByte often 0.
	DeviceCount int   `json:"deviceCount"`
	SizeInByte  int64 `json:"sizeInByte"`
}

// devicesRead describes reads of devices and of what is on them (contract c, k.3).
func devicesRead(op string) call {
	return call{op: op, class: classDevices, effect: effectRead, permissions: []string{"DeviceManagementManagedDevices.Read.All"}}
}

// DetectedApps hands each app of the fleet's inventory to yield. It is days old and not filtered by the service
// (contract c); for one app on many devices the export AppInvRawData is cheaper. An error of yield ends the call and
// comes back as it is.
func (c *Client) DetectedApps(ctx context.Context, yield func(DetectedApp) error) error {
	op := devicesRead("DetectedApps")
	ri, err := devicemanagement.NewDetectedAppsRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return list(ctx, c, op, ri, func(a DetectedApp) error {
		if a.ID == "" {
			return withoutID(op, "app")
		}
		return yield(a)
	})
}

// DetectedAppDevices hands the Intune id of each device that has an app to yield. An error of yield ends the call and
// comes back as it is.
func (c *Client) DetectedAppDevices(ctx context.Context, appID string, yield func(deviceID string) error) error {
	op := byID(devicesRead("DetectedAppDevices"))
	if err := needID(op.op, "app id", appID); err != nil {
		return err
	}
	ri, err := devicemanagement.NewDetectedAppsRequestBuilderInternal(map[string]string{}, c.adapter).
		ByDetectedAppId(appID).ManagedDevices().ToGetRequestInformation(ctx, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return list(ctx, c, op, ri, func(w struct {
		ID string `json:"id"`
	}) error {
		if w.ID == "" {
			return withoutID(op, "device")
		}
		return yield(w.ID)
	})
}

// DeviceDetectedApps lists the apps of one device; it exists in beta only. NotFound is routine: a device that never
// reported has no such list. The service throttles it hard and without Retry-After (contract c): for a fleet use the
// export AppInvRawData.
func (c *Client) DeviceDetectedApps(ctx context.Context, deviceID string) ([]DetectedApp, error) {
	op := byID(devicesRead("DeviceDetectedApps"))
	if err := needID(op.op, "device id", deviceID); err != nil {
		return nil, err
	}
	ri, err := c.betaRequest(abs.GET, "/deviceManagement/managedDevices/"+url.PathEscape(deviceID)+"/detectedApps", nil, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(a DetectedApp) error {
		if a.ID == "" {
			return withoutID(op, "app")
		}
		return nil
	})
}

// EncryptionState is a device's row of Intune's encryption report (R21). A device without a row has not reported.
// ASSUMED: that the row's id is the Intune device id; path and members are those of the beta SDK.
type EncryptionState struct {
	DeviceID   string `json:"id"`
	DeviceName string `json:"deviceName"`
	// DeviceType and OSVersion are free text.
	DeviceType string `json:"deviceType"`
	OSVersion  string `json:"osVersion"`
	// Encryption is encrypted or notEncrypted, Readiness ready or notReady, PolicySetting a compliance status.
	Encryption    string `json:"encryptionState"`
	Readiness     string `json:"encryptionReadinessState"`
	PolicySetting string `json:"encryptionPolicySettingState"`
	// BitLocker and FileVault are comma-joined reasons, success among them.
	BitLocker         string `json:"advancedBitLockerStates"`
	FileVault         string `json:"fileVaultStates"`
	TPMVersion        string `json:"tpmSpecificationVersion"`
	UserPrincipalName string `json:"userPrincipalName"`
	// Unreadable is why a part of the row could not be read, nil when all was. What was read holds; DeviceID may be empty.
	Unreadable error `json:"-"`
}

// EncryptionStates hands each row of the encryption report to yield, those that cannot be read in full too; it exists in beta
// only. An error of yield ends the call and comes back as it is.
func (c *Client) EncryptionStates(ctx context.Context, yield func(EncryptionState) error) error {
	op := configurationRead("EncryptionStates") // ASSUMED: workload class and permission
	op.streamed = true
	ri, err := c.betaRequest(abs.GET, "/deviceManagement/managedDeviceEncryptionStates", nil, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return listItems(ctx, c, op, ri, func(e EncryptionState, odd error) error {
		if e.DeviceID == "" && odd == nil {
			odd = withoutID(op, "encryption state")
		}
		e.Unreadable = odd
		return yield(e)
	})
}

// ConfigurationCategory is a node of the settings catalog's tree (contract a12).
type ConfigurationCategory struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	// ParentID is empty or zeros for a root, RootID the top of the branch.
	ParentID string `json:"parentCategoryId"`
	RootID   string `json:"rootCategoryId"`
	// Platforms and Technologies are comma-joined flags.
	Platforms    string `json:"platforms"`
	Technologies string `json:"technologies"`
}

// ConfigurationCategories lists the categories of the settings catalog.
func (c *Client) ConfigurationCategories(ctx context.Context) ([]ConfigurationCategory, error) {
	op := configurationRead("ConfigurationCategories")
	ri, err := c.betaRequest(abs.GET, "/deviceManagement/configurationCategories", nil, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(category ConfigurationCategory) error {
		if category.ID == "" {
			return withoutID(op, "category")
		}
		return nil
	})
}
