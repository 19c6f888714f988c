// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// rolesUserHello read the Windows Hello methods of users. The contract names the
// permission for all methods; the narrow one follows the name of that for
// passkeys and is ASSUMED.
var rolesUserHello = []string{"UserAuthMethod-WindowsHello.Read.All", "UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"}

var helloEntity = &entity.Type[deviceView]{Name: "microsoft.graph.windowsHelloForBusinessAuthenticationMethod", Properties: []entity.Property[deviceView]{
	{Name: "id", Get: func(v deviceView) any {
		return ids.NewGUID(ids.HashText(v.d.objectID.String()), "windowsHello", 0).String()
	}},
	{Name: "displayName", Get: func(v deviceView) any { return v.name() }},
	{Name: "createdDateTime", Get: func(v deviceView) any { return unixTime(v.d.enrolled) }},
	{Name: "keyStrength", Get: func(deviceView) any { return "normal" }},
}}

// listHello is users/{id}/authentication/windowsHelloForBusinessMethods: one key
// for each Windows device of the user (contract i).
func listHello(c *call) (*reply, error) {
	i, ok := c.server.findUser(c.params["id"])
	if !ok {
		return nil, c.NotFound(c.params["id"])
	}
	own := []deviceView{}
	for _, d := range c.server.users[i].devices {
		if v := c.server.device(d); isEnrolled(v.d) && v.d.platform == platformWindows {
			own = append(own, v)
		}
	}
	return listReply(c, c.Query, helloEntity, entity.EachOf(own),
		listStyle{context: "users('" + c.server.users[i].id.String() + "')/authentication/windowsHelloForBusinessMethods", size: 100, max: 999})
}
