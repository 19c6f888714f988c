// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// detectedApp is one name, version and platform over the whole fleet.
type detectedApp struct {
	name, publisher, version, platform string
	system                             string // the platform in the words of the exports
	devices                            []int32
}

// id is 64 hex digits (contract c).
func (a *detectedApp) id() string {
	sum := sha256.Sum256([]byte(a.name + "\x00" + a.version + "\x00" + a.platform))
	return hex.EncodeToString(sum[:])
}

// detectedAppEntity: the size is usually 0, and displayName filters are not to
// be relied on (contract c), so none is accepted.
var detectedAppEntity = &entity.Type[*detectedApp]{Name: "microsoft.graph.detectedApp", Properties: []entity.Property[*detectedApp]{
	{Name: "id", Ops: odata.Eq, Get: func(a *detectedApp) any { return a.id() }},
	{Name: "displayName", Get: func(a *detectedApp) any { return a.name }},
	{Name: "version", Get: func(a *detectedApp) any { return a.version }},
	{Name: "sizeInByte", Get: func(*detectedApp) any { return 0 }},
	{Name: "deviceCount", Get: func(a *detectedApp) any { return len(a.devices) }},
	{Name: "publisher", Get: func(a *detectedApp) any { return a.publisher }},
	{Name: "platform", Get: func(a *detectedApp) any { return a.platform }},
}}

// detectedApps groups the inventory, in a fixed order. The result is kept until
// a device reports its inventory for the first time or another one, and must not
// be changed.
func (s *Server) detectedApps() []*detectedApp {
	if s.fleet.apps == nil || s.fleet.appsGen != s.fleet.inventoryGen {
		s.fleet.apps, s.fleet.appsGen = s.groupApps(), s.fleet.inventoryGen
	}
	return s.fleet.apps
}

func (s *Server) groupApps() []*detectedApp {
	byID := map[string]*detectedApp{}
	appInventory.rows(s, func(r appRow) {
		a := &detectedApp{name: r.name, publisher: r.publisher, version: r.version, platform: r.d.detectedAppPlatform(), system: r.d.appPlatform()}
		key := a.name + "\x00" + a.version + "\x00" + a.platform
		if known := byID[key]; known != nil {
			a = known
		}
		a.devices = append(a.devices, r.i)
		byID[key] = a
	})
	out := make([]*detectedApp, 0, len(byID))
	for _, key := range sortedKeys(byID) {
		out = append(out, byID[key])
	}
	return out
}

// listDetectedApps counts the whole in @odata.count; its default page size is
// unknown (contract c, k.2) and ASSUMED to be 50.
func listDetectedApps(c *call) (*reply, error) {
	return listReply(c, c.Query, detectedAppEntity, entity.EachOf(c.server.detectedApps()),
		listStyle{context: "deviceManagement/detectedApps", size: 50, max: 1000, count: countTotal})
}

func (c *call) detectedApp() (*detectedApp, error) {
	for _, a := range c.server.detectedApps() {
		if strings.EqualFold(a.id(), c.params["id"]) {
			return a, nil
		}
	}
	return nil, c.NotFound(c.params["id"])
}

func getDetectedApp(c *call) (*reply, error) {
	members, err := detectedAppEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	a, err := c.detectedApp()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "deviceManagement/detectedApps/$entity", entity.Render(a, members)), nil
}

func listAppDevices(c *call) (*reply, error) {
	a, err := c.detectedApp()
	if err != nil {
		return nil, err
	}
	views := make([]deviceView, len(a.devices))
	for i, d := range a.devices {
		views[i] = c.server.device(d)
	}
	return listReply(c, c.Query, managedDevice, entity.EachOf(views), listStyle{context: "deviceManagement/managedDevices", size: 100, max: 1000, count: countPage})
}

// listDeviceApps is the beta list of one device. A device that never reported
// answers 404 (contract c).
func listDeviceApps(c *call) (*reply, error) {
	i, err := c.managedDevice()
	if err != nil {
		return nil, err
	}
	if c.server.fleet.devices[i].inventory == 0 {
		return nil, c.NotFound(c.params["id"])
	}
	var own []*detectedApp
	for _, a := range c.server.detectedApps() {
		if _, found := slices.BinarySearch(a.devices, i); found {
			own = append(own, a)
		}
	}
	return listReply(c, c.Query, detectedAppEntity, entity.EachOf(own),
		listStyle{context: "deviceManagement/managedDevices('" + c.params["id"] + "')/detectedApps", size: 50, max: 1000, count: countTotal})
}

// encryptionEntity is managedDeviceEncryptionStates. The contract names the
// endpoint's members by way of domain 4 only: kinds and words are ASSUMED.
var encryptionEntity = &entity.Type[deviceView]{Name: "microsoft.graph.managedDeviceEncryptionState", Properties: []entity.Property[deviceView]{
	{Name: "id", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.managedID.String() }},
	{Name: "userPrincipalName", Get: func(v deviceView) any { return v.upn() }},
	{Name: "deviceType", Get: func(v deviceView) any { return v.deviceType() }},
	{Name: "osVersion", Get: func(v deviceView) any { return v.d.release().version }},
	{Name: "tpmSpecificationVersion", Get: func(v deviceView) any {
		if v.d.platform != platformWindows {
			return ""
		}
		return "2.0"
	}},
	{Name: "deviceName", Ops: odata.Eq, Get: func(v deviceView) any { return v.name() }},
	{Name: "encryptionReadinessState", Get: func(deviceView) any { return "ready" }},
	{Name: "encryptionState", Ops: odata.Eq, Get: func(v deviceView) any {
		if v.d.traits&traitUnencrypted != 0 {
			return "notEncrypted"
		}
		return "encrypted"
	}},
	{Name: "encryptionPolicySettingState", Get: func(deviceView) any { return "compliant" }},
	{Name: "advancedBitLockerStates", Get: func(v deviceView) any {
		if v.d.traits&traitUnencrypted != 0 && v.d.platform == platformWindows {
			return "osVolumeUnprotected"
		}
		return "success"
	}},
	{Name: "fileVaultStates", Get: func(deviceView) any { return "success" }},
	{Name: "policyDetails", Get: func(deviceView) any { return []object{} }},
}}

// listEncryption has a row for each computer that was ever in contact and told:
// the report is about BitLocker and FileVault.
func listEncryption(c *call) (*reply, error) {
	reported := c.server.eachDevice(func(d *device) bool {
		return takesPolicies(d) && d.lastSync != 0 && !d.platform.phone() && d.special().reports != reportsNoEncryption
	})
	return listReply(c, c.Query, encryptionEntity, reported, listStyle{context: "deviceManagement/managedDeviceEncryptionStates", size: 1000, max: 1000, count: countPage})
}
