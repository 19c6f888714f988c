// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// user is a person of the directory. Names are computed from the index.
type user struct {
	id ids.GUID
	// devices are the indices of the devices whose primary user this is.
	devices []int32
}

// makeUsers creates the people. Directory indices 0..len(users)-1 are users,
// devices follow.
func (s *Server) makeUsers() {
	s.users = make([]user, s.options.Users)
	for i := range s.users {
		s.users[i].id = ids.NewGUID(s.options.Seed, "user", uint64(i))
		s.objects[s.users[i].id] = int32(i)
	}
}

var givenNames = []string{"Ana", "Ben", "Chloe", "Dev", "Elif", "Farid", "Grete", "Hugo", "Ines", "Jonas", "Kaya", "Lars", "Mina", "Noor", "Omar", "Pia", "Quinn", "Rosa", "Sami", "Tove"}
var surnames = []string{"Aalto", "Berg", "Costa", "Diaz", "Egger", "Fofana", "Ganz", "Haddad", "Ito", "Janssen", "Kowal", "Lindt", "Moreau", "Novak", "Okafor", "Pereira", "Rossi", "Sato", "Tamm", "Weiss"}

func (s *Server) givenName(i int32) string { return givenNames[int(i)%len(givenNames)] }
func (s *Server) surname(i int32) string {
	return surnames[int(i)/len(givenNames)%len(surnames)]
}

func (s *Server) displayName(i int32) string {
	return fmt.Sprintf("%s %s %d", s.givenName(i), s.surname(i), i)
}

func (s *Server) userPrincipalName(i int32) string {
	return fmt.Sprintf("%s.%s.%d@%s", strings.ToLower(s.givenName(i)), strings.ToLower(s.surname(i)), i, s.options.Domain)
}

// userView is a user as the API shows it.
type userView struct {
	s *Server
	i int32
}

var userEntity = &entity.Type[userView]{Name: "microsoft.graph.user", Properties: []entity.Property[userView]{
	{Name: "id", Ops: odata.OpsEquality, Get: func(u userView) any { return u.s.users[u.i].id.String() }},
	{Name: "displayName", Sort: true, Ops: odata.OpsText, Get: func(u userView) any { return u.s.displayName(u.i) }},
	{Name: "givenName", Ops: odata.OpsText, Get: func(u userView) any { return u.s.givenName(u.i) }},
	{Name: "surname", Ops: odata.OpsText, Get: func(u userView) any { return u.s.surname(u.i) }},
	{Name: "mail", Ops: odata.OpsText, Get: func(u userView) any { return u.s.userPrincipalName(u.i) }},
	{Name: "userPrincipalName", Sort: true, Ops: odata.OpsText | odata.EndsWith, Get: func(u userView) any { return u.s.userPrincipalName(u.i) }},
	{Name: "jobTitle", Get: func(userView) any { return nil }},
	{Name: "mobilePhone", Get: func(userView) any { return nil }},
	{Name: "officeLocation", Get: func(userView) any { return nil }},
	{Name: "preferredLanguage", Get: func(userView) any { return nil }},
	{Name: "businessPhones", Get: func(userView) any { return []string{} }},
	{Name: "accountEnabled", Ops: odata.Eq, Hidden: true, Get: func(userView) any { return true }},
	{Name: "userType", Ops: odata.Eq, Hidden: true, Get: func(userView) any { return "Member" }},
	{Name: "createdDateTime", Ops: odata.OpsOrder, Hidden: true, Get: func(u userView) any { return entraTime(u.s.start.AddDate(-1, 0, 0)) }},
}}

// rolesReadUsers are the permissions that show user properties.
var rolesReadUsers = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}

func (s *Server) eachUser(after int64) iter.Seq2[int64, userView] {
	return func(yield func(int64, userView) bool) {
		for i := after + 1; i < int64(len(s.users)); i++ {
			if !yield(i, userView{s, int32(i)}) {
				return
			}
		}
	}
}

func listUsers(c *call) (*reply, error) {
	if err := c.AdvancedQuery(&c.Query); err != nil {
		return nil, err
	}
	return listReply(c, c.Query, userEntity, c.server.eachUser, listStyle{context: "users", size: 100, max: 999, refuseAbove: true})
}

// getUser accepts the object id or the userPrincipalName.
func getUser(c *call) (*reply, error) {
	key := c.params["id"]
	members, err := userEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	i, ok := c.server.findUser(key)
	if !ok {
		return nil, c.NotFound(key)
	}
	return c.entityReply(http.StatusOK, "users/$entity", entity.Render(userView{c.server, i}, members)), nil
}

func (s *Server) findUser(key string) (int32, bool) {
	if id, ok := ids.ParseGUID(key); ok {
		i, found := s.objects[id]
		return i, found && int(i) < len(s.users)
	}
	local, _, _ := strings.Cut(key, "@")
	number := local[strings.LastIndexByte(local, '.')+1:]
	var i int32
	if _, err := fmt.Sscanf(number, "%d", &i); err != nil || i < 0 || int(i) >= len(s.users) {
		return 0, false
	}
	return i, strings.EqualFold(s.userPrincipalName(i), key)
}

// entityReply renders one object with its context.
func (c *call) entityReply(status int, context string, body object) *reply {
	body["@odata.context"] = c.context(context, c.Query.Selected)
	return &reply{status: status, body: body}
}
