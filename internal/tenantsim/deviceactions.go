// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// rolesWriteManaged delete managed devices; retire and wipe are privileged
// operations as syncDevice is (documentation of managedDevice: delete, retire, wipe).
var rolesWriteManaged = []string{"DeviceManagementManagedDevices.ReadWrite.All"}

// deviceChangeShape is what an application may change of a directory device
// (documentation of device: update); of that, what the fleet can show.
var deviceChangeShape = shape.Shape{TypeName: "microsoft.graph.device", Members: map[string]shape.Member{
	"id": {Kind: shape.String, ReadOnly: true}, "accountEnabled": {Kind: shape.Bool, Required: true},
}}

// patchDevice enables or disables a device of the directory.
func patchDevice(c *call) (*reply, error) {
	i, err := c.directoryDevice()
	if err != nil {
		return nil, err
	}
	if err := deviceChangeShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	c.server.deviceWillChange(i, c.now)
	if d := &c.server.fleet.devices[i]; boolean(c.Body, "accountEnabled") {
		d.traits &^= traitDisabled
	} else {
		d.disable(c.now.Unix())
	}
	return c.deviceDone(i)
}

// deleteDevice takes a device out of the directory for good.
func deleteDevice(c *call) (*reply, error) {
	s := c.server
	i, err := c.directoryDevice()
	if err != nil {
		return nil, err
	}
	s.deviceWillChange(i, c.now)
	change := fleetChange{s: s, at: c.now.Unix(), byRequest: true}
	change.leaveDirectory(i, &s.fleet.devices[i])
	change.commit()
	return c.deviceDone(i)
}

// orderDevice serves retire and wipe: the order waits for the device.
func orderDevice(order management) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) {
		i, err := c.managedDevice()
		if err != nil {
			return nil, err
		}
		if err := c.onlyParameters(c.Body, "keepEnrollmentData", "keepUserData", "macOsUnlockCode", "persistEsimDataPlan", "obliterationBehavior"); err != nil {
			return nil, err
		}
		d := &c.server.fleet.devices[i]
		d.management, d.left = order, c.now.Unix()
		return c.deviceDone(i)
	}
}

// deleteManagedDevice takes a device out of Intune: it is shown as deletePending
// until the next run of the service, and gone then, whether it has heard of it or
// not (ASSUMED).
func deleteManagedDevice(c *call) (*reply, error) {
	i, err := c.managedDevice()
	if err != nil {
		return nil, err
	}
	d := &c.server.fleet.devices[i]
	d.management, d.left = managementDeletePending, c.now.Unix()
	c.server.leaveSoon(i, c.now.Unix())
	return c.deviceDone(i)
}

// deviceDone ends a request that changed a device.
func (c *call) deviceDone(i int32) (*reply, error) {
	c.server.deviceChanged(i, c.now.Unix())
	c.server.fleet.requested++
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
