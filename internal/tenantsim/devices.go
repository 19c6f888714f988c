// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// deviceView is a device as Entra or Intune shows it.
type deviceView struct {
	s *Server
	i int32
	d *device
}

func (s *Server) device(i int32) deviceView { return deviceView{s, i, &s.fleet.devices[i]} }

func (v deviceView) name() string { return deviceName(v.d) }

// trustType follows contract c: AzureAd joined, ServerAd hybrid, Workplace
// registered; empty when the directory does not say.
func (v deviceView) trustType() string {
	switch trust := v.d.special().trust; {
	case trust == trustNone, v.d.deviceID == ids.GUID{}:
		return ""
	case trust != "":
		return trust
	case v.d.traits&traitUnenrolled != 0, v.d.platform != platformWindows:
		return "Workplace"
	case v.d.traits&traitHybrid != 0:
		return "ServerAd"
	default:
		return "AzureAd"
	}
}

func (v deviceView) joinType() string {
	return map[string]string{"": "unknown", "Workplace": "azureADRegistered", "ServerAd": "hybridAzureADJoined", "AzureAd": "azureADJoined"}[v.trustType()]
}

// rolesReadDevices show directory devices, rolesManaged read Intune's.
var (
	rolesReadDevices = []string{"Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	rolesManaged     = []string{"DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"}
	rolesSync        = []string{"DeviceManagementManagedDevices.PrivilegedOperations.All"}
)

// entraDevice includes two members that no metadata lists, as real answers do
// (contract 0.3).
var entraDevice = &entity.Type[deviceView]{Name: "microsoft.graph.device", Properties: []entity.Property[deviceView]{
	{Name: "id", Ops: odata.OpsEquality, Get: func(v deviceView) any { return v.d.objectID.String() }},
	{Name: "accountEnabled", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.traits&traitDisabled == 0 }},
	{Name: "approximateLastSignInDateTime", Sort: true, Ops: odata.OpsOrder, Get: deviceView.lastSignIn},
	{Name: "createdDateTime", Get: func(v deviceView) any { return unixTime(v.d.enrolled) }},
	{Name: "deviceId", Ops: odata.OpsEquality, Get: func(v deviceView) any { return v.d.deviceID.String() }},
	{Name: "deviceOwnership", Get: func(v deviceView) any { return ownership(v.d, "Company", "Personal") }},
	{Name: "displayName", Sort: true, Ops: odata.OpsText, Get: func(v deviceView) any { return v.name() }},
	{Name: "isCompliant", Ops: odata.Eq, Get: func(v deviceView) any {
		if !takesPolicies(v.d) {
			return nil
		}
		state := v.complianceState()
		return state == "compliant" || state == "inGracePeriod" || state == "unknown" // ASSUMED: until Intune knows better
	}},
	{Name: "isManaged", Ops: odata.Eq, Get: func(v deviceView) any { return takesPolicies(v.d) }},
	{Name: "managementType", Ops: odata.Eq, Get: func(v deviceView) any {
		if !takesPolicies(v.d) {
			return nil
		}
		return "MDM"
	}},
	{Name: "manufacturer", Get: func(v deviceView) any { return v.d.manufacturer() }},
	{Name: "model", Get: func(v deviceView) any { return v.d.modelName() }},
	{Name: "operatingSystem", Ops: odata.OpsText, Get: func(v deviceView) any { return v.d.directorySystem() }},
	{Name: "operatingSystemVersion", Ops: odata.OpsText, Get: func(v deviceView) any { return v.d.release().version }},
	{Name: "profileType", Ops: odata.Eq, Get: func(deviceView) any { return "RegisteredDevice" }},
	{Name: "registrationDateTime", Get: func(v deviceView) any { return unixTime(v.d.enrolled) }},
	{Name: "sourceType", Get: func(deviceView) any { return nil }},
	{Name: "trustType", Ops: odata.Eq, Get: func(v deviceView) any {
		if trust := v.trustType(); trust != "" {
			return trust
		}
		return nil
	}},
}}

// lastSignIn follows the contacts, and stops when the directory disables the
// device: nobody signs in on it any more, while the certificate of the enrolment
// still lets it check in (ASSUMED).
func (v deviceView) lastSignIn() any {
	switch at := v.d.lastSync; {
	case at == 0:
		return nil
	case v.d.traits&traitDisabled != 0:
		return unixTime(min(at, v.d.disabled))
	default:
		return unixTime(at)
	}
}

// usersLoggedOn are the people who used the device. That the last check-in is
// when they signed in is ASSUMED.
func (v deviceView) usersLoggedOn() []object {
	out := []object{}
	for _, u := range v.d.people() {
		out = append(out, object{"userId": v.s.users[u].id.String(), "lastLogOnDateTime": unixTime(v.d.lastSync)})
	}
	return out
}

// workloads says, for a co-managed device, which ones Intune has; null for the
// others (ASSUMED).
func (v deviceView) workloads() any {
	if v.managementAgent() != agentCoManaged {
		return nil
	}
	return object{"inventory": true, "modernApps": true, "resourceAccess": true, "compliancePolicy": true, "windowsUpdateForBusiness": true,
		"deviceConfiguration": v.d.traits&traitWorkloadElsewhere == 0}
}

func ownership(d *device, company, personal string) string {
	if d.state == 0 && d.traits&traitUnenrolled != 0 || d.traits&traitPersonal != 0 {
		return personal
	}
	return company
}

// managedDevice lists the operators that tools use with success (contract c);
// operatingSystem is contradicted by one report and allowed here.
var managedDevice = &entity.Type[deviceView]{Name: "microsoft.graph.managedDevice", Properties: []entity.Property[deviceView]{
	{Name: "id", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.managedID.String() }},
	{Name: "userId", Ops: odata.Eq, Get: func(v deviceView) any { return v.userID() }},
	{Name: "deviceName", Sort: true, Ops: odata.Eq, Get: func(v deviceView) any { return v.name() }},
	{Name: "managedDeviceOwnerType", Ops: odata.Eq, Get: func(v deviceView) any { return ownership(v.d, "company", "personal") }},
	{Name: "enrolledDateTime", Sort: true, Ops: odata.OpsOrder, Get: func(v deviceView) any { return unixTime(v.d.enrolled) }},
	{Name: "lastSyncDateTime", Sort: true, Ops: odata.OpsOrder, Get: func(v deviceView) any { return unixTime(v.d.lastSync) }},
	{Name: "operatingSystem", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.operatingSystem() }},
	{Name: "osVersion", Sort: true, Ops: odata.Eq, Get: func(v deviceView) any { return v.d.release().version }},
	{Name: "complianceState", Ops: odata.Eq | odata.Ne, Get: func(v deviceView) any { return v.complianceState() }},
	{Name: "jailBroken", Get: func(deviceView) any { return "Unknown" }},
	{Name: "managementAgent", Ops: odata.Eq, Get: func(v deviceView) any { return v.managementAgent() }},
	{Name: "azureADRegistered", Get: func(v deviceView) any { return v.d.deviceID != ids.GUID{} }},
	{Name: "azureADDeviceId", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.deviceID.String() }},
	{Name: "deviceEnrollmentType", Get: func(v deviceView) any { return v.enrollmentType() }},
	{Name: "deviceRegistrationState", Get: func(v deviceView) any {
		if v.d.deviceID == (ids.GUID{}) {
			return "notRegistered"
		}
		return "registered"
	}},
	{Name: "deviceCategoryDisplayName", Get: func(deviceView) any { return "Unknown" }},
	{Name: "isSupervised", Get: func(v deviceView) any { return v.d.platform == platformMacOS }},
	{Name: "isEncrypted", Get: func(v deviceView) any { return v.d.traits&traitUnencrypted == 0 }},
	{Name: "userPrincipalName", Sort: true, Ops: odata.Eq, Get: func(v deviceView) any { return v.upn() }},
	{Name: "userDisplayName", Get: func(v deviceView) any {
		if v.d.user < 0 {
			return ""
		}
		return v.s.displayName(v.d.user)
	}},
	{Name: "emailAddress", Get: func(v deviceView) any { return v.upn() }},
	{Name: "model", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.modelName() }},
	{Name: "manufacturer", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.manufacturer() }},
	{Name: "serialNumber", Sort: true, Ops: odata.Eq, Get: func(v deviceView) any { return v.serial() }},
	{Name: "managedDeviceName", Get: func(v deviceView) any { return v.name() + "_managed" }},
	{Name: "managementState", Ops: odata.Eq, Get: func(v deviceView) any { return v.d.management.String() }},
	{Name: "easActivated", Get: func(deviceView) any { return false }},
	{Name: "easActivationDateTime", Get: func(deviceView) any { return neverTime }},
	{Name: "exchangeAccessState", Get: func(deviceView) any { return "none" }},
	{Name: "exchangeAccessStateReason", Get: func(deviceView) any { return "none" }},
	{Name: "partnerReportedThreatState", Get: func(deviceView) any { return "unknown" }},
	{Name: "complianceGracePeriodExpirationDateTime", Get: func(v deviceView) any {
		if v.complianceState() == "inGracePeriod" {
			return unixTime(v.s.start.Unix() + 3*dayOf)
		}
		return "9999-12-31T23:59:59.9999999Z"
	}},
	{Name: "totalStorageSpaceInBytes", Get: func(deviceView) any { return int64(512) << 30 }},
	{Name: "freeStorageSpaceInBytes", Get: func(deviceView) any { return int64(200) << 30 }},
	{Name: "deviceActionResults", Get: func(deviceView) any { return []object{} }},
	{Name: "configurationManagerClientEnabledFeatures", Get: func(v deviceView) any { return v.workloads() }},
	{Name: "joinType", Beta: true, Get: func(v deviceView) any { return v.joinType() }},
	{Name: "ownerType", Beta: true, Get: func(v deviceView) any { return ownership(v.d, "company", "personal") }},
	{Name: "deviceType", Beta: true, Get: func(v deviceView) any { return v.deviceType() }},
	{Name: "usersLoggedOn", Beta: true, Get: func(v deviceView) any { return v.usersLoggedOn() }},
	{Name: "roleScopeTagIds", Beta: true, Get: func(deviceView) any { return []string{} }},
	{Name: "skuFamily", Beta: true, Get: func(v deviceView) any {
		if v.d.platform != platformWindows {
			return ""
		}
		return "Enterprise"
	}},
}}

func (v deviceView) userID() string {
	if v.d.user < 0 {
		return ""
	}
	return v.s.users[v.d.user].id.String()
}

func (v deviceView) upn() string {
	if v.d.user < 0 {
		return ""
	}
	return v.s.userPrincipalName(v.d.user)
}

func (v deviceView) serial() string { return fmt.Sprintf("SN%08X", uint32(v.d.machine)*2654435761) }

const agentCoManaged = "configurationManagerClientMdm"

func (v deviceView) managementAgent() string {
	switch agent := v.d.special().agent; {
	case agent != "":
		return agent
	case v.d.traits&traitCoManaged != 0 && v.d.platform == platformWindows:
		return agentCoManaged
	}
	return "mdm"
}

func (v deviceView) deviceType() string {
	switch v.d.platform {
	case platformMacOS:
		return "macMDM"
	case platformIOS, platformAndroid:
		return mobileKinds[v.d.operatingSystem()].deviceType
	}
	return "windowsRT" // ASSUMED: beta reports desktops under this name
}

func (v deviceView) complianceState() string {
	switch state := v.d.special().compliance; {
	case state != "":
		return state
	case v.d.lastSync == 0:
		return "unknown"
	case v.d.traits&traitUnencrypted != 0:
		return "noncompliant"
	default:
		return "compliant"
	}
}

func (v deviceView) enrollmentType() string {
	switch {
	case v.d.platform == platformMacOS:
		return "appleBulkWithUser"
	case v.d.traits&traitPersonal != 0, v.d.platform.phone():
		return "userEnrollment"
	case v.d.traits&traitHybrid != 0:
		return "windowsAutoEnrollment"
	default:
		return "windowsAzureADJoin"
	}
}

func (s *Server) eachDevice(include func(*device) bool) entity.Keyed[deviceView] {
	return func(after int64) iter.Seq2[int64, deviceView] {
		return func(yield func(int64, deviceView) bool) {
			for i := after + 1; i < int64(len(s.fleet.devices)); i++ {
				v := s.device(int32(i))
				if include(v.d) && !yield(i, v) {
					return
				}
			}
		}
	}
}

func inDirectory(d *device) bool   { return d.traits&(traitNoEntra|traitDeleted) == 0 }
func isEnrolled(d *device) bool    { return d.traits&(traitUnenrolled|traitLeft) == 0 }
func inContact(d *device) bool     { return d.traits&traitSilent == 0 }
func takesPolicies(d *device) bool { return isEnrolled(d) && d.traits&traitNoPolicy == 0 }

// inTenant is false for a device of which nothing is left.
func inTenant(d *device) bool     { return inDirectory(d) || isEnrolled(d) }
func unixUTC(sec int64) time.Time { return time.Unix(sec, 0).UTC() }

func listDevices(c *call) (*reply, error) {
	if err := c.AdvancedQuery(&c.Query); err != nil {
		return nil, err
	}
	return listReply(c, c.Query, entraDevice, c.server.devicesAsOf(c.listAsOf()), listStyle{context: "devices", size: 100, max: 999, refuseAbove: true})
}

// getDevice accepts the object id, or devices(deviceId='…').
func getDevice(c *call) (*reply, error) {
	members, err := entraDevice.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	seen, found := c.seenDevice(c.params["id"])
	if !found {
		return nil, c.NotFound(c.params["id"])
	}
	return c.entityReply(http.StatusOK, "devices/$entity", entity.Render(seen, members)), nil
}

// findDevice finds a device that truly is in the directory.
func (s *Server) findDevice(key string) (int32, bool) {
	if alternate, ok := alternateKey(key, "deviceId"); ok {
		id, _ := ids.ParseGUID(alternate)
		i, found := s.entra[id]
		return i, found
	}
	id, ok := ids.ParseGUID(key)
	i, found := s.objects[id]
	return i - int32(len(s.users)), ok && found && int(i) >= len(s.users)
}

func listManagedDevices(c *call) (*reply, error) {
	return listReply(c, c.Query, managedDevice, c.server.eachDevice(isEnrolled),
		listStyle{context: "deviceManagement/managedDevices", size: 1000, max: 1000, count: countTotal})
}

func getManagedDevice(c *call) (*reply, error) {
	members, err := managedDevice.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	i, err := c.managedDevice()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "deviceManagement/managedDevices/$entity", entity.Render(c.server.device(i), members)), nil
}

func (c *call) managedDevice() (int32, error) {
	key := c.params["id"]
	id, ok := ids.ParseGUID(key)
	i, found := c.server.managed[id]
	if !ok || !found {
		return 0, c.NotFound(key)
	}
	return i, nil
}

// syncDevice asks the device to check in. The answer proves nothing: a sleeping
// or silent device comes when it can, or never (contract c).
func syncDevice(c *call) (*reply, error) {
	i, err := c.managedDevice()
	if err != nil {
		return nil, err
	}
	s := c.server
	if d := &s.fleet.devices[i]; d.nextSync != 0 {
		at := s.awake(i, c.now.Unix()+30+int64(s.drawAt(i, "sync", d.checkins)*270))
		if at < d.nextSync {
			s.schedule(i, at)
		}
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// noManagedCount is the documented refusal of managedDevices/$count (contract c).
func noManagedCount(c *call) (*reply, error) {
	return nil, odata.Fail(http.StatusBadRequest, "No OData route exists that match template ~/singleton/navigation/$count with http verb GET for request "+c.Path+".",
		"No OData route exists that match template ~/singleton/navigation/$count with http verb GET for request %s.", c.Path)
}
