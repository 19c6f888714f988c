// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/memberrule"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// group is a directory group. Members that are users or devices are a set of
// directory indices; nested groups are kept apart.
type group struct {
	id       ids.GUID
	sequence uint64
	displayName, description,
	mailNickname, uniqueName string
	mail                         string
	mailEnabled, securityEnabled bool
	// synced groups belong to the on-premises directory.
	synced         bool
	groupTypes     []string
	membershipRule string
	rule           *memberrule.Rule // of a dynamic group
	evaluation     evaluation
	// stored are the other members that a caller wrote, as they were sent.
	stored           object
	owners           []string
	principals       []string // members that are service principals, by id
	created, deleted time.Time
	direct           ids.Bitset
	drift            ids.Bitset // members that the fleet changed by itself
	nested           []*group
	// known are the members that Intune knows while changes are on their way;
	// nil: the newest. late are those changes.
	known    *membership
	late     arrivals
	inIntune ids.Bitset // transitive members that Intune knows, as of inGen
	inGen    uint64
	// touched is when the group itself changed, log how its members did, in
	// generations of delta queries.
	touched uint64
	log     []memberChange
	flat    ids.Bitset // transitive members as of flatGen
	flatGen uint64
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Permissions of contract g and l.5. A wider permission implies the narrower.
var (
	rolesReadGroups  = []string{"GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	rolesCreateGroup = []string{"Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	rolesWriteGroups = []string{"Group.ReadWrite.All", "Directory.ReadWrite.All"}
	rolesMembers     = []string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	rolesWriteDevice = []string{"Device.ReadWrite.All", "Directory.ReadWrite.All"}
)

// groupsAsOf yields the live groups as a list of the moment shows them.
func (s *Server) groupsAsOf(asOf time.Time) entity.Keyed[*group] {
	return func(after int64) iter.Seq2[int64, *group] { return s.eachGroup(after, asOf) }
}

func (s *Server) eachGroup(after int64, asOf time.Time) iter.Seq2[int64, *group] {
	return func(yield func(int64, *group) bool) {
		from, _ := slices.BinarySearchFunc(s.ordered, after+1, func(g *group, key int64) int { return int(int64(g.sequence) - key) })
		for _, g := range s.ordered[from:] {
			if seen := s.groupTrail.At(g, asOf); seen != nil && seen.deleted.IsZero() && !yield(int64(g.sequence), seen) {
				return
			}
		}
	}
}

func listGroups(c *call) (*reply, error) {
	if err := c.AdvancedQuery(&c.Query); err != nil {
		return nil, err
	}
	return listReply(c, c.Query, groupEntity, c.server.groupsAsOf(c.listAsOf()), listStyle{context: "groups", size: 100, max: 999, refuseAbove: true})
}

func getGroup(c *call) (*reply, error) {
	members, err := groupEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	_, seen, err := c.findGroup()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, "groups/$entity", entity.Render(seen, members)), nil
}

// group finds the group of the path as it truly is. It must exist and be
// readable by now.
func (c *call) group() (*group, error) {
	g, _, err := c.findGroup()
	if err == nil && !g.deleted.IsZero() {
		return nil, c.NotFound(c.params["id"])
	}
	return g, err
}

// findGroup finds the group of the path by id or by (uniqueName=…): as it is,
// and as a read sees it.
func (c *call) findGroup() (live, seen *group, err error) {
	key := c.params["id"]
	if name, ok := alternateKey(key, "uniqueName"); ok {
		live, key = c.server.groupByUniqueName(name), name
	} else {
		id, isID := ids.ParseGUID(key)
		if !isID {
			return nil, nil, c.BadRequest("Invalid object identifier '%s'.", key)
		}
		live = c.server.groups[id]
	}
	if live != nil {
		seen = c.server.groupTrail.At(live, c.readAsOf())
	}
	if seen == nil || !seen.deleted.IsZero() {
		return nil, nil, c.NotFound(key)
	}
	return live, seen, nil
}

// groupByUniqueName also finds deleted groups: they hold their name until they
// are purged (contract g, inferred).
func (s *Server) groupByUniqueName(name string) *group {
	for _, g := range s.ordered {
		if g.uniqueName == name && name != "" {
			return g
		}
	}
	return nil
}

func createGroup(c *call) (*reply, error) {
	if err := c.checkGroupBody(true); err != nil {
		return nil, err
	}
	g, err := c.newGroup(text(c.Body, "uniqueName"))
	if err != nil {
		return nil, err
	}
	members, err := groupEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	out := c.entityReply(http.StatusCreated, "groups/$entity", entity.Render(g, members))
	out.header = http.Header{"Location": {c.base() + "/directoryObjects/" + g.id.String() + "/Microsoft.DirectoryServices.Group"}}
	return out, nil
}

// newGroup creates a group from a checked body. Display names need not be
// unique; the unique name must be.
func (c *call) newGroup(uniqueName string) (*group, error) {
	s := c.server
	next := &group{groupTypes: []string{}}
	next.setFields(c.Body)
	if err := c.checkKind(nil, next); err != nil {
		return nil, err
	}
	if s.groupByUniqueName(uniqueName) != nil {
		return nil, odata.Fail(http.StatusConflict, odata.CodeSameKey, "Another object with the same value for property uniqueName already exists.") // ASSUMED text
	}
	relations := append(texts(c.Body["members@odata.bind"]), texts(c.Body["owners@odata.bind"])...)
	if len(relations) > 20 { // contract g
		return nil, c.BadRequest("The number of relations in the request is %d, at most 20 are allowed.", len(relations))
	}
	refs, err := c.newMembers(next, texts(c.Body["members@odata.bind"]))
	if err != nil {
		return nil, err
	}
	owners := texts(c.Body["owners@odata.bind"])
	for _, owner := range owners {
		if _, err := c.ownerID(owner); err != nil {
			return nil, err
		}
	}
	g := s.addGroupObject(text(c.Body, "displayName"))
	g.created, g.uniqueName, g.owners, g.rule = c.now, uniqueName, owners, next.rule
	g.setFields(c.Body)
	if g.unified() {
		g.mail = g.mailNickname + "@" + s.options.Domain
	}
	s.groupTrail.Created(s.instant(), g)
	if len(refs) > 0 {
		s.changeMembers(g, func() {
			for _, ref := range refs {
				s.join(g, ref)
			}
		})
	}
	s.ruleChanged(g, c.now)
	c.changed()
	return g, nil
}

// newMembers resolves the members that a new group begins with.
func (c *call) newMembers(g *group, targets []string) ([]memberRef, error) {
	refs, err := c.references(targets)
	if err != nil {
		return nil, err
	}
	if len(refs) > 0 && g.dynamic() {
		return nil, c.checkMemberWrite(g)
	}
	for i, ref := range refs {
		if slices.Contains(refs[:i], ref) {
			return nil, c.BadRequest("One or more added object references already exist for the following modified properties: 'members'.")
		}
		if err := c.checkNesting(g, ref); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

func (s *Server) addGroupObject(displayName string) *group {
	id, sequence := s.nextID("group")
	g := &group{id: id, sequence: sequence, displayName: displayName, securityEnabled: true, groupTypes: []string{},
		created: s.start, direct: ids.NewBitset(len(s.users) + len(s.fleet.devices))}
	s.groups[id] = g
	s.ordered = append(s.ordered, g)
	s.touchGroup(g)
	return g
}

// setFields copies the writable members that the body names.
func (g *group) setFields(body object) {
	for name, field := range map[string]*string{
		"displayName": &g.displayName, "description": &g.description,
		"mailNickname": &g.mailNickname, "membershipRule": &g.membershipRule,
	} {
		if _, present := body[name]; present {
			*field = text(body, name)
		}
	}
	if _, present := body["mailEnabled"]; present {
		g.mailEnabled = boolean(body, "mailEnabled")
	}
	if _, present := body["securityEnabled"]; present {
		g.securityEnabled = boolean(body, "securityEnabled")
	}
	if types, present := body["groupTypes"]; present {
		g.groupTypes = append([]string{}, texts(types)...)
	}
	g.stored = maps.Clone(g.stored) // looks of before keep theirs
	for _, name := range storedNames {
		if value, present := body[name]; present {
			if g.stored == nil {
				g.stored = object{}
			}
			g.stored[name] = value
		}
	}
}

// storedNames are the members that come back as they were written.
var storedNames = append([]string{"classification", "isAssignableToRole", "membershipRuleProcessingState", "preferredDataLocation", "preferredLanguage",
	"theme", "visibility", "resourceBehaviorOptions", "resourceProvisioningOptions", "writebackConfiguration", "unseenCount"}, unifiedSwitches...)

// patchGroup updates a group; with the alternate key and Prefer:
// create-if-missing it creates one (contract g: upsert, 201 or 204).
func patchGroup(c *call) (*reply, error) {
	if err := c.checkGroupBody(false); err != nil {
		return nil, err
	}
	name, byName := alternateKey(c.params["id"], "uniqueName")
	upsert := byName && c.prefers("create-if-missing")
	if upsert {
		switch g := c.server.groupByUniqueName(name); {
		case g == nil:
			return upsertGroup(c, name)
		case !g.deleted.IsZero():
			// ASSUMED: that a soft-deleted group holds its unique name, status and text.
			return nil, odata.Fail(http.StatusConflict, odata.CodeSameKey, "A deleted object still holds the value '%s' for property uniqueName.", name)
		}
	}
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	next, err := c.checkPatch(g)
	if err != nil {
		return nil, err
	}
	owners, err := c.boundOwners(g, upsert)
	if err != nil {
		return nil, err
	}
	if bind, present := c.Body["members@odata.bind"]; present {
		if err := c.addMembers(g, texts(bind)); err != nil {
			return nil, err
		}
	}
	if next != nil {
		c.applyGroup(g, next)
		g.owners = append(slices.Clone(g.owners), owners...)
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// checkPatch returns the group as it would be after the change, nil if the body
// is about members only: they have a permission of their own.
func (c *call) checkPatch(g *group) (*group, error) {
	if !namesFields(c.Body) {
		return nil, nil
	}
	if err := c.authorizeGroup(g, rolesWriteGroups); err != nil {
		return nil, err
	}
	if unique, present := c.Body["uniqueName"]; present && unique != any(g.uniqueName) {
		return nil, c.BadRequest("Property 'uniqueName' is read-only and cannot be set.") // contract g: treat as immutable
	}
	if err := c.checkGroupWrite(g); err != nil {
		return nil, err
	}
	next := *g
	next.setFields(c.Body)
	return &next, c.checkKind(g, &next)
}

// applyGroup writes the fields that were checked before.
func (c *call) applyGroup(g, next *group) {
	s := c.server
	s.groupTrail.Changing(s.instant(), g)
	evaluate := g.membershipRule != next.membershipRule || g.dynamic() != next.dynamic() || g.paused() != next.paused()
	g.rule = next.rule
	g.setFields(c.Body)
	s.touchGroup(g)
	if evaluate {
		s.ruleChanged(g, c.now)
	}
}

// namesFields reports whether the body is about more than members.
func namesFields(body object) bool {
	for name := range body {
		if name != "members@odata.bind" && !strings.HasPrefix(name, "@odata.") {
			return true
		}
	}
	return false
}

// authorizeGroup lets an application with Group.Create manage what it owns;
// without an owner such a group is out of its reach for ever (contract g).
func (c *call) authorizeGroup(g *group, roles []string) error {
	owner := "/" + c.server.principalID.String()
	if c.hasAny("Group.Create") && slices.ContainsFunc(g.owners, func(o string) bool { return strings.HasSuffix(o, owner) }) {
		return nil
	}
	return c.authorize(roles)
}

func upsertGroup(c *call, name string) (*reply, error) {
	if err := c.authorize(rolesCreateGroup); err != nil {
		return nil, err
	}
	if err := c.checkGroupBody(true); err != nil {
		return nil, err
	}
	if given := text(c.Body, "uniqueName"); given != "" && given != name {
		return nil, c.BadRequest("The value of property 'uniqueName' differs from the key '%s' of the request.", name)
	}
	g, err := c.newGroup(name)
	if err != nil {
		return nil, err
	}
	members, err := groupEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusCreated, "groups/$entity", entity.Render(g, members)), nil
}

func (c *call) prefers(preference string) bool {
	for _, value := range c.HTTP.Header.Values("Prefer") {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), preference) {
				return true
			}
		}
	}
	return false
}

// deleteGroup is soft: the object stays for 30 days and its members are no
// longer targeted.
func deleteGroup(c *call) (*reply, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.authorizeGroup(g, rolesWriteGroups); err != nil {
		return nil, err
	}
	if err := c.checkGroupWrite(g); err != nil {
		return nil, err
	}
	s := c.server
	s.groupTrail.Changing(s.instant(), g)
	s.changeMembers(g, func() {
		g.deleted = c.now
		s.touchGroup(g)
	})
	if due := g.deleted.Add(keptDeleted); s.nextPurge.IsZero() || due.Before(s.nextPurge) {
		s.nextPurge = due
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
