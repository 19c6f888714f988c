// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// countRoutes count a whole collection of the directory. Contract g has counts of
// members only; that these exist, want the header and take $filter or $search is
// documented (query-parameters, count parameter: "GET /users/$count", and
// aad-advanced-queries). The roles are those of the lists. ASSUMED.
func countRoutes() []route {
	return []route{
		{method: get, pattern: "users/$count", roles: rolesReadUsers, query: odata.OptFilter | odata.OptSearch, handle: countUsers},
		{method: get, pattern: "devices/$count", roles: rolesReadDevices, query: odata.OptFilter | odata.OptSearch, handle: countDevices},
		{method: get, pattern: "groups/$count", roles: rolesReadGroups, query: odata.OptFilter | odata.OptSearch, handle: countGroups},
	}
}

func countUsers(c *call) (*reply, error) {
	return countCollection(c, userEntity, c.server.eachUser)
}

func countDevices(c *call) (*reply, error) {
	return countCollection(c, entraDevice, c.server.eachDevice(inDirectory))
}

// countGroups counts what a list of the moment shows.
func countGroups(c *call) (*reply, error) {
	return countCollection(c, groupEntity, c.server.groupsAsOf(c.listAsOf()))
}

// countCollection counts what a list with the same filter would hold. The segment
// stands for $count=true, so that every filter of the advanced engine works
// (aad-advanced-queries: as query parameter or as URL segment).
func countCollection[T any](c *call, e *entity.Type[T], items entity.Keyed[T]) (*reply, error) {
	return c.countReply(func() (int, error) {
		q := c.Query
		q.Count = true
		if err := c.AdvancedQuery(&q); err != nil {
			return 0, err
		}
		if err := c.CompileFilter(&q, e.Name, e.Support(&c.Request)); err != nil {
			return 0, err
		}
		return entity.CountMatches(&c.Request, q, e, items), nil
	})
}
