// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// groupEntity has every member of schema.json's group that is no navigation,
// per version. Those that real lists leave out are hidden: $select names them.
var groupEntity = &entity.Type[*group]{Name: "microsoft.graph.group", Properties: slices.Concat([]entity.Property[*group]{
	{Name: "id", Ops: odata.OpsEquality, Get: func(g *group) any { return g.id.String() }},
	{Name: "deletedDateTime", Get: func(g *group) any {
		if g.deleted.IsZero() {
			return nil
		}
		return entraTime(g.deleted)
	}},
	{Name: "createdDateTime", Sort: true, Ops: odata.OpsOrder, Get: func(g *group) any { return entraTime(g.created) }},
	{Name: "description", Ops: odata.OpsText, Get: func(g *group) any { return orNull(g.description) }},
	{Name: "displayName", Sort: true, Ops: odata.OpsText, Get: func(g *group) any { return g.displayName }},
	{Name: "groupTypes", Get: func(g *group) any { return g.groupTypes }},
	{Name: "mail", Ops: odata.OpsText, Get: func(g *group) any { return orNull(g.mail) }},
	{Name: "mailEnabled", Ops: odata.Eq, Get: func(g *group) any { return g.mailEnabled }},
	{Name: "mailNickname", Sort: true, Ops: odata.OpsText, Get: func(g *group) any { return g.mailNickname }},
	{Name: "membershipRule", Get: func(g *group) any { return orNull(g.membershipRule) }},
	{Name: "onPremisesLastSyncDateTime", Get: func(g *group) any {
		if !g.synced {
			return nil
		}
		return entraTime(g.created)
	}},
	{Name: "onPremisesSyncEnabled", Ops: odata.Eq, Get: func(g *group) any {
		if !g.synced {
			return nil
		}
		return true
	}},
	{Name: "proxyAddresses", Get: func(g *group) any {
		if g.mail == "" {
			return []string{}
		}
		return []string{"SMTP:" + g.mail}
	}},
	{Name: "renewedDateTime", Get: func(g *group) any { return entraTime(g.created) }},
	{Name: "securityEnabled", Ops: odata.Eq, Get: func(g *group) any { return g.securityEnabled }},
	{Name: "securityIdentifier", Get: func(g *group) any { return sidOf(g.id) }},
	{Name: "uniqueName", Ops: odata.OpsText, Get: func(g *group) any { return orNull(g.uniqueName) }},
	{Name: "visibility", Get: (*group).visibility},
	{Name: "membershipRuleProcessingStatus", Beta: true, Hidden: true, Get: (*group).processingStatus},
}, storedMembers(), constantMembers())}

// storedMembers come back as they were written; null until then.
func storedMembers() []entity.Property[*group] {
	var out []entity.Property[*group]
	for _, name := range []string{"classification", "isAssignableToRole", "membershipRuleProcessingState", "preferredDataLocation", "preferredLanguage", "theme"} {
		p := entity.Property[*group]{Name: name, Get: func(g *group) any { return g.stored[name] }}
		if name == "isAssignableToRole" || name == "membershipRuleProcessingState" {
			p.Ops = odata.Eq // contract-2 x.2: filterable
		}
		out = append(out, p)
	}
	for _, name := range append(slices.Clone(unifiedSwitches), "unseenCount") {
		out = append(out, entity.Property[*group]{Name: name, Hidden: true, Get: func(g *group) any { return g.stored[name] }})
	}
	for _, name := range []string{"resourceBehaviorOptions", "resourceProvisioningOptions"} {
		out = append(out, entity.Property[*group]{Name: name, Get: func(g *group) any {
			if v, written := g.stored[name]; written && v != nil {
				return v
			}
			return []string{}
		}})
	}
	return append(out, entity.Property[*group]{Name: "writebackConfiguration", Beta: true, Get: func(g *group) any { return g.stored["writebackConfiguration"] }})
}

// constantMembers are true of every group here: nobody gives a group a licence
// or a label, and no group expires.
func constantMembers() []entity.Property[*group] {
	var out []entity.Property[*group]
	add := func(value any, hidden bool, names ...string) {
		for _, name := range names {
			out = append(out, entity.Property[*group]{Name: name, Hidden: hidden, Get: func(*group) any { return value }})
		}
	}
	add(nil, false, "expirationDateTime", "onPremisesDomainName", "onPremisesNetBiosName", "onPremisesSamAccountName", "onPremisesSecurityIdentifier")
	add([]object{}, false, "onPremisesProvisioningErrors", "serviceProvisioningErrors")
	add([]object{}, true, "assignedLabels", "assignedLicenses")
	add([]string{}, true, "infoCatalogs")
	add(nil, true, "accessType", "hasMembersWithLicenseErrors", "isArchived", "isFavorite", "isManagementRestricted", "licenseProcessingState",
		"onPremisesExtensionAttributes", "organizationId", "unseenConversationsCount", "unseenMessagesCount", "welcomeMessageEnabled")
	return append(out, entity.Property[*group]{Name: "createdByAppId", Beta: true, Hidden: true, Get: func(*group) any { return nil }})
}

// unifiedSwitches exist on Microsoft 365 groups only, and are written in a PATCH
// of their own (group-update page).
var unifiedSwitches = []string{"allowExternalSenders", "autoSubscribeNewMembers", "hideFromAddressLists", "hideFromOutlookClients", "isSubscribedByMail"}

// groupWords are members that are text in the metadata and take certain words
// only (group resource page). A captured body has one in lower case, so case does
// not matter; that the word comes back in its usual form is ASSUMED.
var groupWords = map[string][]string{
	"visibility":                    {"Private", "Public", "HiddenMembership"},
	"theme":                         {"Teal", "Purple", "Green", "Blue", "Pink", "Orange", "Red"},
	"membershipRuleProcessingState": {"On", "Paused"},
}

// groupShape is the body of POST and PATCH (contract g): what the group resource
// page and schema.json let a caller write. Whatever else the type has is read-only.
var groupShape = shape.Shape{TypeName: "microsoft.graph.group", Members: groupMembers()}

func groupMembers() map[string]shape.Member {
	out := map[string]shape.Member{
		"displayName":                   {Kind: shape.String, Required: true, Max: 256},
		"description":                   {Kind: shape.String, Max: 1024},
		"mailEnabled":                   {Kind: shape.Bool, Required: true},
		"mailNickname":                  {Kind: shape.String, Required: true, Max: 64},
		"securityEnabled":               {Kind: shape.Bool, Required: true},
		"uniqueName":                    {Kind: shape.String, Max: 256},
		"groupTypes":                    {Kind: shape.Strings, Values: []string{typeUnified, typeDynamic}},
		"classification":                {Kind: shape.String},
		"preferredDataLocation":         {Kind: shape.String},
		"preferredLanguage":             {Kind: shape.String},
		"theme":                         {Kind: shape.String},
		"membershipRule":                {Kind: shape.String},
		"membershipRuleProcessingState": {Kind: shape.String},
		"isAssignableToRole":            {Kind: shape.Bool},
		"visibility":                    {Kind: shape.String},
		"resourceBehaviorOptions":       {Kind: shape.Strings},
		"resourceProvisioningOptions":   {Kind: shape.Strings},
		"unseenCount":                   {Kind: shape.Int},
		"writebackConfiguration":        {Kind: shape.Object},
		"members@odata.bind":            {Kind: shape.Strings},
		"owners@odata.bind":             {Kind: shape.Strings},
	}
	for _, name := range unifiedSwitches {
		out[name] = shape.Member{Kind: shape.Bool}
	}
	for _, p := range groupEntity.Properties {
		if _, writable := out[p.Name]; !writable {
			out[p.Name] = shape.Member{ReadOnly: true}
		}
	}
	return out
}

// checkGroupBody is groupShape.check, and refuses what is read-only or of
// another version: a 2xx that loses what the caller sent is worse.
func (c *call) checkGroupBody(create bool) error {
	for _, name := range sortedKeys(c.Body) {
		m, known := groupShape.Members[name]
		switch {
		case known && groupEntity.Lookup(name, c.Beta) == nil && groupEntity.Lookup(name, !c.Beta) != nil:
			return c.BadRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, groupShape.TypeName)
		case m.ReadOnly && c.Body[name] != nil:
			return c.BadRequest("Property '%s' is read-only and cannot be set.", name)
		}
	}
	if err := groupShape.Check(&c.Request, c.Body, create); err != nil {
		return err
	}
	for _, name := range sortedKeys(groupWords) {
		value, isText := c.Body[name].(string)
		i := slices.IndexFunc(groupWords[name], func(word string) bool { return strings.EqualFold(word, value) })
		switch {
		case isText && i < 0:
			return invalidGroupValue(c, name)
		case isText:
			c.Body[name] = groupWords[name][i]
		}
	}
	return nil
}

// visibility is what was written or the default: Public for Microsoft 365
// groups, Private for the others (contract-2 x.3).
func (g *group) visibility() any {
	switch v := g.stored["visibility"]; {
	case v != nil:
		return v
	case g.unified():
		return "Public"
	default:
		return "Private"
	}
}

// sidOf derives a group's security identifier from its id, as the directory
// does: the four little-endian words of the GUID after S-1-12-1.
func sidOf(id ids.GUID) string {
	order := [16]int{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}
	var b strings.Builder
	b.WriteString("S-1-12-1")
	for w := range 4 {
		var n uint32
		for i := 3; i >= 0; i-- {
			n = n<<8 | uint32(id[order[4*w+i]])
		}
		b.WriteString("-")
		b.WriteString(uintText(n))
	}
	return b.String()
}
