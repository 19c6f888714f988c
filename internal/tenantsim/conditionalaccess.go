// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// maxAccessPolicies is the limit of a tenant (contract h, inferred).
const maxAccessPolicies = 195

// Permissions of contract h.
var (
	rolesReadPolicy  = []string{"Policy.Read.All", "Policy.Read.ConditionalAccess"}
	rolesWriteAccess = []string{"Policy.ReadWrite.ConditionalAccess"}
)

// accessPolicy is a conditional access policy: a document with known members.
type accessPolicy struct {
	shelf.Meta
	doc object
}

func (p *accessPolicy) member(name string) func(*accessPolicy) any {
	return func(q *accessPolicy) any { return q.doc[name] }
}

var accessPolicyEntity = func() *entity.Type[*accessPolicy] {
	var p *accessPolicy
	return &entity.Type[*accessPolicy]{Name: "microsoft.graph.conditionalAccessPolicy", Properties: []entity.Property[*accessPolicy]{
		{Name: "id", Ops: odata.OpsEquality, Get: func(p *accessPolicy) any { return p.ID }},
		{Name: "templateId", Get: func(*accessPolicy) any { return nil }},
		{Name: "partialEnablementStrategy", Beta: true, Get: p.member("partialEnablementStrategy")},
		{Name: "displayName", Ops: odata.OpsText, Get: p.member("displayName")},
		{Name: "description", Get: p.member("description")},
		{Name: "createdDateTime", Ops: odata.OpsOrder, Get: func(p *accessPolicy) any { return intuneTime(p.Created) }},
		{Name: "modifiedDateTime", Ops: odata.OpsOrder, Get: func(p *accessPolicy) any {
			if !p.Changed { // contract h: null on a policy that never changed
				return nil
			}
			return intuneTime(p.Modified)
		}},
		{Name: "state", Ops: odata.Eq, Get: p.member("state")},
		{Name: "conditions", Get: p.member("conditions")},
		{Name: "grantControls", Get: p.member("grantControls")},
		{Name: "sessionControls", Get: p.member("sessionControls")},
		{Name: "deletedDateTime", Hidden: true, Get: func(p *accessPolicy) any {
			if p.Deleted.IsZero() {
				return nil
			}
			return intuneTime(p.Deleted)
		}},
	}}
}()

const accessContext = "identity/conditionalAccess/policies"

// shownAccess gives a policy the shape of the version that reads it and expands
// its authentication strength (contract h). Controls may be null as a whole.
func (c *call) shownAccess(out object) {
	for _, name := range []string{"conditions", "grantControls", "sessionControls"} {
		if doc, ok := out[name].(map[string]any); ok {
			out[name] = accessPolicyShape.Members[name].Of.Shown(doc, c.Beta)
		}
	}
	grant, ok := out["grantControls"].(map[string]any)
	if !ok {
		return
	}
	c.hideUnknownMembers(grant)
	ref, ok := grant["authenticationStrength"].(map[string]any)
	if !ok {
		return
	}
	grant["authenticationStrength"] = c.shownStrength(text(ref, "id"))
	grant["authenticationStrength@odata.context"] = c.base() + "/$metadata#" + accessContext + "('" + text(out, "id") + "')/grantControls/authenticationStrength/$entity"
}

// shownStrength is a strength in full; only its id when it is gone.
func (c *call) shownStrength(id string) object {
	strength := c.server.strengths.Get(id)
	if strength == nil {
		return object{"id": id}
	}
	members, err := strengthEntity.Projection(&c.Request, nil)
	if err != nil {
		return object{"id": id}
	}
	return entity.Render(strength, members)
}

func listAccessPolicies(c *call) (*reply, error) {
	return listReply(c, c.Query, accessPolicyEntity, c.server.access.Listed(c.listAsOf()), listStyle{context: accessContext, size: 100, max: 999,
		decorate: func(_ int64, out object) error {
			c.shownAccess(out)
			return nil
		}})
}

func getAccessPolicy(c *call) (*reply, error) {
	p, err := c.server.access.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.accessReply(http.StatusOK, p, c.Query.Selected)
}

func (c *call) accessReply(status int, p *accessPolicy, selected []string) (*reply, error) {
	members, err := accessPolicyEntity.Projection(&c.Request, selected)
	if err != nil {
		return nil, err
	}
	out := entity.Render(p, members)
	c.shownAccess(out)
	return c.entityReply(status, accessContext+"/$entity", out), nil
}

func createAccessPolicy(c *call) (*reply, error) {
	normalAccess(c.Body)
	if err := accessPolicyShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	s := c.server
	if len(s.access.All()) >= maxAccessPolicies {
		return nil, c.BadRequest("The maximum number of policies (%d) is reached.", maxAccessPolicies)
	}
	p := &accessPolicy{doc: object{}}
	if err := c.mergeAccess(p); err != nil {
		return nil, err
	}
	shelve(s, &s.access, p, "conditionalAccessPolicy")
	c.changed()
	return c.accessReply(http.StatusCreated, p, nil)
}

func patchAccessPolicy(c *call) (*reply, error) {
	s := c.server
	p, err := s.access.Find(c.byID())
	if err != nil {
		return nil, err
	}
	normalAccess(c.Body)
	if err := accessPolicyShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	was := *p
	if err := c.mergeAccess(p); err != nil {
		return nil, err
	}
	s.access.ChangedFrom(s.instant(), p, &was)
	p.Modified, p.Changed = c.now, true
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// deleteAccessPolicy is soft: see restoreAccess.
func deleteAccessPolicy(c *call) (*reply, error) {
	p, err := c.server.access.Find(c.byID())
	if err != nil {
		return nil, err
	}
	s := c.server
	s.accessDeleted.Throw(s.instant(), &s.access, p, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// mergeAccess builds the document from the old one and the body, and checks
// the whole of it: a change that fits alone may not fit what stays.
func (c *call) mergeAccess(p *accessPolicy) error {
	next := accessPolicyShape.Merged(p.doc, c.Body)
	if err := c.checkAccess(next, c.Body); err != nil {
		return err
	}
	p.doc = next
	return nil
}
