// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// groupEntity has every member of schema.json's group that is no navigation,
// per version. Those that real lists leave out are hidden: $select names them.
var groupEntity = &entity[*group]{name: "microsoft.graph.group", properties: slices.Concat([]property[*group]{
	{name: "id", ops: odata.OpsEquality, get: func(g *group) any { return g.id.String() }},
	{name: "deletedDateTime", get: func(g *group) any {
		if g.deleted.IsZero() {
			return nil
		}
		return entraTime(g.deleted)
	}},
	{name: "createdDateTime", sort: true, ops: odata.OpsOrder, get: func(g *group) any { return entraTime(g.created) }},
	{name: "description", ops: odata.OpsText, get: func(g *group) any { return orNull(g.description) }},
	{name: "displayName", sort: true, ops: odata.OpsText, get: func(g *group) any { return g.displayName }},
	{name: "groupTypes", get: func(g *group) any { return g.groupTypes }},
	{name: "mail", ops: odata.OpsText, get: func(g *group) any { return orNull(g.mail) }},
	{name: "mailEnabled", ops: odata.Eq, get: func(g *group) any { return g.mailEnabled }},
	{name: "mailNickname", sort: true, ops: odata.OpsText, get: func(g *group) any { return g.mailNickname }},
	{name: "membershipRule", get: func(g *group) any { return orNull(g.membershipRule) }},
	{name: "onPremisesLastSyncDateTime", get: func(g *group) any {
		if !g.synced {
			return nil
		}
		return entraTime(g.created)
	}},
	{name: "onPremisesSyncEnabled", ops: odata.Eq, get: func(g *group) any {
		if !g.synced {
			return nil
		}
		return true
	}},
	{name: "proxyAddresses", get: func(g *group) any {
		if g.mail == "" {
			return []string{}
		}
		return []string{"SMTP:" + g.mail}
	}},
	{name: "renewedDateTime", get: func(g *group) any { return entraTime(g.created) }},
	{name: "securityEnabled", ops: odata.Eq, get: func(g *group) any { return g.securityEnabled }},
	{name: "securityIdentifier", get: func(g *group) any { return sidOf(g.id) }},
	{name: "uniqueName", ops: odata.OpsText, get: func(g *group) any { return orNull(g.uniqueName) }},
	{name: "visibility", get: (*group).visibility},
	{name: "membershipRuleProcessingStatus", beta: true, hidden: true, get: (*group).processingStatus},
}, storedMembers(), constantMembers())}

// storedMembers come back as they were written; null until then.
func storedMembers() []property[*group] {
	var out []property[*group]
	for _, name := range []string{"classification", "isAssignableToRole", "membershipRuleProcessingState", "preferredDataLocation", "preferredLanguage", "theme"} {
		p := property[*group]{name: name, get: func(g *group) any { return g.stored[name] }}
		if name == "isAssignableToRole" || name == "membershipRuleProcessingState" {
			p.ops = odata.Eq // contract-2 x.2: filterable
		}
		out = append(out, p)
	}
	for _, name := range append(slices.Clone(unifiedSwitches), "unseenCount") {
		out = append(out, property[*group]{name: name, hidden: true, get: func(g *group) any { return g.stored[name] }})
	}
	for _, name := range []string{"resourceBehaviorOptions", "resourceProvisioningOptions"} {
		out = append(out, property[*group]{name: name, get: func(g *group) any {
			if v, written := g.stored[name]; written && v != nil {
				return v
			}
			return []string{}
		}})
	}
	return append(out, property[*group]{name: "writebackConfiguration", beta: true, get: func(g *group) any { return g.stored["writebackConfiguration"] }})
}

// constantMembers are true of every group here: nobody gives a group a licence
// or a label, and no group expires.
func constantMembers() []property[*group] {
	var out []property[*group]
	add := func(value any, hidden bool, names ...string) {
		for _, name := range names {
			out = append(out, property[*group]{name: name, hidden: hidden, get: func(*group) any { return value }})
		}
	}
	add(nil, false, "expirationDateTime", "onPremisesDomainName", "onPremisesNetBiosName", "onPremisesSamAccountName", "onPremisesSecurityIdentifier")
	add([]object{}, false, "onPremisesProvisioningErrors", "serviceProvisioningErrors")
	add([]object{}, true, "assignedLabels", "assignedLicenses")
	add([]string{}, true, "infoCatalogs")
	add(nil, true, "accessType", "hasMembersWithLicenseErrors", "isArchived", "isFavorite", "isManagementRestricted", "licenseProcessingState",
		"onPremisesExtensionAttributes", "organizationId", "unseenConversationsCount", "unseenMessagesCount", "welcomeMessageEnabled")
	return append(out, property[*group]{name: "createdByAppId", beta: true, hidden: true, get: func(*group) any { return nil }})
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
	for _, p := range groupEntity.properties {
		if _, writable := out[p.name]; !writable {
			out[p.name] = shape.Member{ReadOnly: true}
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
		case known && groupEntity.lookup(name, c.Beta) == nil && groupEntity.lookup(name, !c.Beta) != nil:
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
