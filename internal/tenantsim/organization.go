// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// rolesOrganization read tenant-level facts. ASSUMED for this pair of routes.
var rolesOrganization = []string{"Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All"}

var organizationEntity = &entity[*Server]{name: "microsoft.graph.organization", properties: []property[*Server]{
	{name: "id", get: func(s *Server) any { return s.options.TenantID }},
	{name: "displayName", get: func(*Server) any { return "Contoso" }},
	{name: "tenantType", get: func(*Server) any { return "AAD" }},
	{name: "countryLetterCode", get: func(*Server) any { return "NL" }},
	{name: "createdDateTime", get: func(s *Server) any { return entraTime(s.start.AddDate(-3, 0, 0)) }},
	{name: "mobileDeviceManagementAuthority", hidden: true, get: func(*Server) any { return "intune" }},
	{name: "verifiedDomains", get: func(s *Server) any {
		return []object{{"capabilities": "Email", "isDefault": true, "isInitial": true, "name": s.options.Domain, "type": "Managed"}}
	}},
}}

// listOrganization is minimal. ASSUMED: the contract does not cover it.
func listOrganization(c *call) (*reply, error) {
	members, err := organizationEntity.projection(c, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("organization", c.Query.Selected), "value": []object{render(c.server, members)},
	}}, nil
}

// getOrganization knows this tenant only.
func getOrganization(c *call) (*reply, error) {
	if !sameID(c.params["id"], c.server.options.TenantID) {
		return nil, c.NotFound(c.params["id"])
	}
	return oneOf(c, organizationEntity, "organization")
}

// oneOf renders the tenant's only object of a kind.
func oneOf(c *call, e *entity[*Server], context string) (*reply, error) {
	members, err := e.projection(c, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, context+"/$entity", render(c.server, members)), nil
}

func getSku(c *call) (*reply, error) {
	if !sameID(c.params["id"], c.server.options.TenantID+"_"+skuE5) {
		return nil, c.NotFound(c.params["id"])
	}
	return oneOf(c, skuEntity, "subscribedSkus")
}

var skuEntity = &entity[*Server]{name: "microsoft.graph.subscribedSku", properties: []property[*Server]{
	{name: "id", get: func(s *Server) any { return s.options.TenantID + "_" + skuE5 }},
	{name: "accountName", get: func(*Server) any { return "Contoso" }},
	{name: "appliesTo", get: func(*Server) any { return "User" }},
	{name: "capabilityStatus", get: func(*Server) any { return "Enabled" }},
	{name: "consumedUnits", get: func(s *Server) any { return len(s.users) }},
	{name: "skuId", get: func(*Server) any { return skuE5 }},
	{name: "skuPartNumber", get: func(*Server) any { return "SPE_E5" }},
	{name: "prepaidUnits", get: func(s *Server) any {
		return object{"enabled": len(s.users) + 100, "lockedOut": 0, "suspended": 0, "warning": 0}
	}},
	{name: "servicePlans", get: func(s *Server) any {
		var out []object
		for _, name := range s.servicePlans() {
			out = append(out, object{"servicePlanId": ids.NewGUID(ids.HashText(name), "plan", 0).String(), "servicePlanName": name,
				"provisioningStatus": "Success", "appliesTo": "User"})
		}
		return out
	}},
}}

const skuE5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"

// listSkus shows one subscription with the plans that the tenant has. ASSUMED
// values.
func listSkus(c *call) (*reply, error) {
	members, err := skuEntity.projection(c, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("subscribedSkus", c.Query.Selected), "value": []object{render(c.server, members)},
	}}, nil
}
