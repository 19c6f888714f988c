// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Licences says which subscriptions the tenant lacks. The zero value has all.
type Licences struct {
	// NoIntune makes every Intune route answer 403 without a list of scopes
	// (contract 0.4).
	NoIntune bool `json:"noIntune,omitempty"`
	// NoEntraP1 makes sign-in logs and registration details answer 403
	// (contract n).
	NoEntraP1 bool `json:"noEntraP1,omitempty"`
}

// licence refuses what the tenant did not buy. It comes before permissions: the
// service does not get as far as to look at them. ASSUMED order.
func (c *call) licence() error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	switch has := s.scenario.Licences; {
	case has == nil:
		return nil
	case has.NoIntune && c.route.intune:
		return odata.Fail(http.StatusForbidden, odata.CodeForbidden, "An error has occurred")
	case has.NoEntraP1 && c.route.work == workReports:
		return odata.Fail(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
			"Neither tenant is B2C or tenant doesn't have premium license")
	}
	return nil
}

// servicePlans are the plans of the tenant's one subscription: Intune, Entra P1
// and P2, and the rights management that Edge sync needs (domain T8, T9).
func (s *Server) servicePlans() []string {
	plans := []string{"INTUNE_A", "AAD_PREMIUM", "AAD_PREMIUM_P2", "RMS_S_PREMIUM"}
	if has := s.scenario.Licences; has != nil {
		plans = slices.DeleteFunc(plans, func(p string) bool {
			return has.NoIntune && p == "INTUNE_A" || has.NoEntraP1 && (p == "AAD_PREMIUM" || p == "AAD_PREMIUM_P2")
		})
	}
	return plans
}

// ExpireTokens makes Graph refuse every token that was issued until now, as if
// its lifetime were over. New tokens work.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenEpoch++
}
