// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"net/http"
	"slices"
	"strings"

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
var detectedAppEntity = &entity[*detectedApp]{name: "microsoft.graph.detectedApp", properties: []property[*detectedApp]{
	{name: "id", ops: odata.Eq, get: func(a *detectedApp) any { return a.id() }},
	{name: "displayName", get: func(a *detectedApp) any { return a.name }},
	{name: "version", get: func(a *detectedApp) any { return a.version }},
	{name: "sizeInByte", get: func(*detectedApp) any { return 0 }},
	{name: "deviceCount", get: func(a *detectedApp) any { return len(a.devices) }},
	{name: "publisher", get: func(a *detectedApp) any { return a.publisher }},
	{name: "platform", get: func(a *detectedApp) any { return a.platform }},
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

func eachOf[T any](list []T) keyed[T] {
	return func(after int64) iter.Seq2[int64, T] {
		return func(yield func(int64, T) bool) {
			for i := after + 1; i < int64(len(list)); i++ {
				if !yield(i, list[i]) {
					return
				}
			}
		}
	}
}

// listDetectedApps counts the whole in @odata.count; its default page size is
// unknown (contract c, k.2) and ASSUMED to be 50.
func listDetectedApps(c *call) (*reply, error) {
	return listReply(c, c.Query, detectedAppEntity, eachOf(c.server.detectedApps()),
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
	members, err := detectedAppEntity.projection(c, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	a, err := c.detectedApp()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "deviceManagement/detectedApps/$entity", render(a, members)), nil
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
	return listReply(c, c.Query, managedDevice, eachOf(views), listStyle{context: "deviceManagement/managedDevices", size: 100, max: 1000, count: countPage})
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
	return listReply(c, c.Query, detectedAppEntity, eachOf(own),
		listStyle{context: "deviceManagement/managedDevices('" + c.params["id"] + "')/detectedApps", size: 50, max: 1000, count: countTotal})
}

// encryptionEntity is managedDeviceEncryptionStates. The contract names the
// endpoint's members by way of domain 4 only: kinds and words are ASSUMED.
var encryptionEntity = &entity[deviceView]{name: "microsoft.graph.managedDeviceEncryptionState", properties: []property[deviceView]{
	{name: "id", ops: odata.Eq, get: func(v deviceView) any { return v.d.managedID.String() }},
	{name: "userPrincipalName", get: func(v deviceView) any { return v.upn() }},
	{name: "deviceType", get: func(v deviceView) any { return v.deviceType() }},
	{name: "osVersion", get: func(v deviceView) any { return v.d.release().version }},
	{name: "tpmSpecificationVersion", get: func(v deviceView) any {
		if v.d.platform != platformWindows {
			return ""
		}
		return "2.0"
	}},
	{name: "deviceName", ops: odata.Eq, get: func(v deviceView) any { return v.name() }},
	{name: "encryptionReadinessState", get: func(deviceView) any { return "ready" }},
	{name: "encryptionState", ops: odata.Eq, get: func(v deviceView) any {
		if v.d.traits&traitUnencrypted != 0 {
			return "notEncrypted"
		}
		return "encrypted"
	}},
	{name: "encryptionPolicySettingState", get: func(deviceView) any { return "compliant" }},
	{name: "advancedBitLockerStates", get: func(v deviceView) any {
		if v.d.traits&traitUnencrypted != 0 && v.d.platform == platformWindows {
			return "osVolumeUnprotected"
		}
		return "success"
	}},
	{name: "fileVaultStates", get: func(deviceView) any { return "success" }},
	{name: "policyDetails", get: func(deviceView) any { return []object{} }},
}}

// listEncryption has a row for each computer that was ever in contact and told:
// the report is about BitLocker and FileVault.
func listEncryption(c *call) (*reply, error) {
	reported := c.server.eachDevice(func(d *device) bool {
		return takesPolicies(d) && d.lastSync != 0 && !d.platform.phone() && d.special().reports != reportsNoEncryption
	})
	return listReply(c, c.Query, encryptionEntity, reported, listStyle{context: "deviceManagement/managedDeviceEncryptionStates", size: 1000, max: 1000, count: countPage})
}
