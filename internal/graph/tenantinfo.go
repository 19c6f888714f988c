// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"

	"github.com/microsoftgraph/msgraph-sdk-go/organization"
	"github.com/microsoftgraph/msgraph-sdk-go/subscribedskus"
)

// SubscribedSKU is a product that the tenant has bought.
type SubscribedSKU struct {
	// ID is the row's id, SKUID the product's; SKUPartNumber is its short name, such as SPE_E5.
	ID            string `json:"id"`
	SKUID         string `json:"skuId"`
	SKUPartNumber string `json:"skuPartNumber"`
	// AppliesTo is User or Company, CapabilityStatus Enabled, Warning, Suspended, Deleted or LockedOut.
	AppliesTo        string `json:"appliesTo"`
	CapabilityStatus string `json:"capabilityStatus"`
	// ConsumedUnits are licences that are assigned, PrepaidUnits those that were bought.
	ConsumedUnits int `json:"consumedUnits"`
	PrepaidUnits  struct {
		Enabled   int `json:"enabled"`
		Suspended int `json:"suspended"`
		Warning   int `json:"warning"`
		LockedOut int `json:"lockedOut"`
	} `json:"prepaidUnits"`
	// ServicePlans are the services in the product (T8, T9).
	ServicePlans []ServicePlan `json:"servicePlans"`
}

// ServicePlan is one service of a product.
type ServicePlan struct {
	ID   string `json:"servicePlanId"`
	Name string `json:"servicePlanName"`
	// ProvisioningStatus is Success, Disabled, PendingInput, PendingActivation or PendingProvisioning.
	ProvisioningStatus string `json:"provisioningStatus"`
	// AppliesTo is User or Company.
	AppliesTo string `json:"appliesTo"`
}

// SubscribedSKUs lists what the tenant has bought.
func (c *Client) SubscribedSKUs(ctx context.Context) ([]SubscribedSKU, error) {
	// ASSUMED: the least permission; the contract names none for this list.
	op := call{op: "SubscribedSKUs", class: classDirectory, effect: effectRead, units: 1, permissions: []string{"LicenseAssignment.Read.All"}}
	ri, err := subscribedskus.NewSubscribedSkusRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(s SubscribedSKU) error {
		if s.ID == "" {
			return withoutID(op, "product")
		}
		return nil
	})
}

// Organization is the tenant's own directory entry.
type Organization struct {
	// ID is the tenant id.
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	// TenantType is AAD for a workforce tenant.
	TenantType string `json:"tenantType"`
	// MDMAuthority is intune where Intune manages devices; empty or unknown otherwise.
	MDMAuthority string `json:"mobileDeviceManagementAuthority"`
	// VerifiedDomains are the domains of the tenant.
	VerifiedDomains []VerifiedDomain `json:"verifiedDomains"`
}

// VerifiedDomain is a domain of a tenant.
type VerifiedDomain struct {
	Name      string `json:"name"`
	IsDefault bool   `json:"isDefault"`
	IsInitial bool   `json:"isInitial"`
}

// Organization reads the tenant's own entry: the cheapest proof of which tenant the credentials reach.
func (c *Client) Organization(ctx context.Context) (Organization, error) {
	// ASSUMED: the least permission; the contract names none for this list.
	op := call{op: "Organization", class: classDirectory, effect: effectRead, units: 1, permissions: []string{"Organization.Read.All"}}
	ri, err := organization.NewOrganizationRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return Organization{}, invalid(op.op, "%v", err)
	}
	found, err := collect[Organization](ctx, c, op, ri, nil)
	if err != nil {
		return Organization{}, err
	}
	if len(found) != 1 || found[0].ID == "" {
		return Organization{}, &Error{Kind: KindTransient, Op: op.op, Message: "the tenant did not answer with one organization"}
	}
	return found[0], nil
}
