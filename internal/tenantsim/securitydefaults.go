// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// rolesWriteDefaults change security defaults. The documentation names two
// permissions to write with beside the one to read; either is taken. ASSUMED.
var rolesWriteDefaults = []string{"Policy.ReadWrite.SecurityDefaults", "Policy.ReadWrite.ConditionalAccess"}

const defaultsContext = "policies/identitySecurityDefaultsEnforcementPolicy"

// securityDefaultsEntity is the one policy of its kind, with the documented id.
var securityDefaultsEntity = &entity.Type[*Server]{Name: "microsoft.graph.identitySecurityDefaultsEnforcementPolicy", Properties: []entity.Property[*Server]{
	{Name: "id", Get: func(*Server) any { return strengthPrefix + "5" }},
	{Name: "displayName", Get: func(*Server) any { return "Security Defaults" }},
	{Name: "description", Get: func(*Server) any {
		return "Basic identity security mechanisms that Microsoft recommends for every organization."
	}},
	{Name: "isEnabled", Get: func(s *Server) any { return s.securityDefaults }},
	{Name: "deletedDateTime", Hidden: true, Get: func(*Server) any { return nil }},
}}

// securityDefaultsShape: only the switch can be written; what else a client read
// and sends back is ignored.
var securityDefaultsShape = shape.Shape{TypeName: securityDefaultsEntity.Name, Members: map[string]shape.Member{
	"id": {ReadOnly: true}, "displayName": {ReadOnly: true}, "description": {ReadOnly: true}, "deletedDateTime": {ReadOnly: true},
	"isEnabled": {Kind: shape.Bool},
}}

func getSecurityDefaults(c *call) (*reply, error) {
	members, err := securityDefaultsEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, defaultsContext, entity.Render(c.server, members)), nil
}

// patchSecurityDefaults: security defaults and enabled conditional access
// policies exclude each other (documentation of security defaults; domain C19).
// Report-only and disabled policies do not stand in the way. ASSUMED, as the
// sentence is.
func patchSecurityDefaults(c *call) (*reply, error) {
	s := c.server
	if err := securityDefaultsShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	v, given := c.Body["isEnabled"]
	on, isBool := v.(bool)
	if given && !isBool {
		return nil, c.BadRequest("Property 'isEnabled' cannot be null.")
	}
	if on {
		for _, p := range s.access.All() {
			if p.doc["state"] == "enabled" {
				return nil, c.accessError(1930, "Security defaults cannot be enabled while the conditional access policy '%s' is.", p.ID)
			}
		}
	}
	if given && on != s.securityDefaults {
		s.securityDefaults = on
		c.changed()
	}
	return &reply{status: http.StatusNoContent}, nil
}
