// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// Limits of the documentation of the location condition (entra: concept
// assignment network).
const (
	maxNamedLocations = 195
	maxLocationRanges = 2000
	leastPrefixBits   = 8 // of an IPv4 range
)

// trustedAddressesID stands for the trusted addresses of multifactor
// authentication. The tenant has none.
const trustedAddressesID = "00000000-0000-0000-0000-000000000000"

// namedLocation is a document that says by @odata.type which kind it is.
type namedLocation struct {
	shelf.Meta
	doc object
}

const (
	ipLocation      = "microsoft.graph.ipNamedLocation"
	countryLocation = "microsoft.graph.countryNamedLocation"
)

func (l *namedLocation) kind() string { return strings.TrimPrefix(text(l.doc, "@odata.type"), "#") }

// namedLocationEntity has the members of both kinds; shownLocation leaves what
// the kind does not have: a country has no isTrusted (contract h).
var namedLocationEntity = func() *entity.Type[*namedLocation] {
	member := func(name string) func(*namedLocation) any {
		return func(l *namedLocation) any { return l.doc[name] }
	}
	return &entity.Type[*namedLocation]{Name: "microsoft.graph.namedLocation", Properties: []entity.Property[*namedLocation]{
		{Name: "id", Ops: odata.OpsEquality, Get: func(l *namedLocation) any { return l.ID }},
		{Name: "displayName", Ops: odata.OpsText, Sort: true, Get: member("displayName")},
		{Name: "createdDateTime", Ops: odata.OpsOrder, Sort: true, Get: func(l *namedLocation) any { return intuneTime(l.Created) }},
		{Name: "modifiedDateTime", Ops: odata.OpsOrder, Sort: true, Get: func(l *namedLocation) any { return intuneTime(l.Modified) }},
		{Name: "deletedDateTime", Hidden: true, Get: func(l *namedLocation) any {
			if l.Deleted.IsZero() {
				return nil
			}
			return intuneTime(l.Deleted)
		}},
		{Name: "isTrusted", Ops: odata.Eq, Get: member("isTrusted")},
		{Name: "ipRanges", Get: member("ipRanges")},
		{Name: "countriesAndRegions", Get: member("countriesAndRegions")},
		{Name: "countryLookupMethod", Get: member("countryLookupMethod")},
		{Name: "includeUnknownCountriesAndRegions", Get: member("includeUnknownCountriesAndRegions")},
	}}
}()

// Types of named locations that can be written; the others of beta are made by
// the service itself.
var (
	ipRangeShape = &shape.Shape{TypeName: "microsoft.graph.ipRange", Variants: []*shape.Shape{
		shapeOf("iPv4CidrRange", cidrMembers), shapeOf("iPv6CidrRange", cidrMembers), shapeOf("iPv4Range", boundMembers), shapeOf("iPv6Range", boundMembers)}}
	cidrMembers       = map[string]shape.Member{"cidrAddress": {Kind: shape.String, Required: true}}
	boundMembers      = map[string]shape.Member{"lowerAddress": {Kind: shape.String, Required: true}, "upperAddress": {Kind: shape.String, Required: true}}
	namedLocationHead = map[string]shape.Member{"id": {ReadOnly: true}, "createdDateTime": {ReadOnly: true}, "modifiedDateTime": {ReadOnly: true}, "deletedDateTime": {ReadOnly: true},
		"displayName": {Kind: shape.String, Required: true, Max: 256}}
	namedLocationShape = &shape.Shape{TypeName: "microsoft.graph.namedLocation", Variants: []*shape.Shape{
		shapeOf("ipNamedLocation", namedLocationHead, map[string]shape.Member{"isTrusted": {Kind: shape.Bool}, "ipRanges": {Kind: shape.Objects, Required: true, Of: ipRangeShape}}),
		shapeOf("countryNamedLocation", namedLocationHead, map[string]shape.Member{"countriesAndRegions": {Kind: shape.Strings, Required: true},
			"countryLookupMethod": enum("clientIpAddress", "authenticatorAppGps"), "includeUnknownCountriesAndRegions": {Kind: shape.Bool}}),
	}}
)

const (
	locationsContext        = "identity/conditionalAccess/namedLocations"
	locationsDeletedContext = "identity/conditionalAccess/deletedItems/namedLocations"
)

// shownLocation takes the members of other kinds away.
func (c *call) shownLocation(l *namedLocation, out object) {
	own := namedLocationShape.Variant(l.doc)
	for name := range out {
		if _, has := own.Members[name]; !has {
			delete(out, name)
		}
	}
	out["@odata.type"] = l.doc["@odata.type"]
	if !l.Deleted.IsZero() && len(c.Query.Selected) == 0 {
		out["deletedDateTime"] = intuneTime(l.Deleted)
	}
}

func listNamedLocations(c *call) (*reply, error) {
	return c.locationList(c.server.locations.Listed(c.listAsOf()), locationsContext)
}

func listDeletedLocations(c *call) (*reply, error) {
	return c.locationList(entity.EachOf(c.server.locationsDeleted.All()), locationsDeletedContext)
}

func (c *call) locationList(items entity.Keyed[*namedLocation], context string) (*reply, error) {
	byKey := map[int64]*namedLocation{}
	for key, l := range items(-1) {
		byKey[key] = l
	}
	return listReply(c, c.Query, namedLocationEntity, items, listStyle{context: context, size: 100, max: 999,
		decorate: func(key int64, out object) error {
			c.shownLocation(byKey[key], out)
			return nil
		}})
}

func (c *call) locationReply(status int, context string, l *namedLocation, selected []string) (*reply, error) {
	members, err := namedLocationEntity.Projection(&c.Request, selected)
	if err != nil {
		return nil, err
	}
	out := entity.Render(l, members)
	c.shownLocation(l, out)
	return c.entityReply(status, context+"/$entity", out), nil
}

func getNamedLocation(c *call) (*reply, error) {
	l, err := c.server.locations.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.locationReply(http.StatusOK, locationsContext, l, c.Query.Selected)
}

func getDeletedLocation(c *call) (*reply, error) {
	l, err := c.server.locationsDeleted.Find(&c.Request, c.params["id"])
	if err != nil {
		return nil, err
	}
	return c.locationReply(http.StatusOK, locationsDeletedContext, l, c.Query.Selected)
}

func createNamedLocation(c *call) (*reply, error) {
	s := c.server
	if err := namedLocationShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	if len(s.locations.All()) >= maxNamedLocations {
		return nil, c.accessError(1920, "The maximum number of named locations (%d) is reached.", maxNamedLocations)
	}
	l := &namedLocation{}
	if err := c.mergeLocation(l); err != nil {
		return nil, err
	}
	shelve(s, &s.locations, l, "namedLocation")
	c.changed()
	return c.locationReply(http.StatusCreated, locationsContext, l, nil)
}

// patchNamedLocation: the documentation wants @odata.type. It cannot make
// another kind of a location. ASSUMED.
func patchNamedLocation(c *call) (*reply, error) {
	s := c.server
	l, err := s.locations.Find(c.byID())
	if err != nil {
		return nil, err
	}
	if err := namedLocationShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	if own := namedLocationShape.Variant(c.Body); own.TypeName != l.kind() {
		return nil, c.BadRequest("A named location of type '%s' cannot become '%s'.", l.kind(), own.TypeName)
	}
	was := *l
	if err := c.mergeLocation(l); err != nil {
		return nil, err
	}
	s.locations.ChangedFrom(s.instant(), l, &was)
	l.Modified, l.Changed = c.now, true
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// mergeLocation changes a location; nothing is changed when it returns an error.
// Defaults are documented (resources of both kinds).
func (c *call) mergeLocation(l *namedLocation) error {
	next := namedLocationShape.Merged(l.doc, c.Body)
	defaults := object{"isTrusted": false}
	if strings.TrimPrefix(text(next, "@odata.type"), "#") == countryLocation {
		defaults = object{"includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress"}
	}
	for name, v := range defaults {
		if next[name] == nil {
			next[name] = v
		}
	}
	if text(next, "displayName") == "" {
		return c.accessError(1921, "A named location needs a displayName.")
	}
	if err := c.checkLocation(next); err != nil {
		return err
	}
	l.doc = next
	return nil
}

// checkLocation checks what a location consists of. Numbers and texts ASSUMED.
func (c *call) checkLocation(doc object) error {
	if strings.TrimPrefix(text(doc, "@odata.type"), "#") == countryLocation {
		codes := texts(doc["countriesAndRegions"])
		if bad := slices.IndexFunc(codes, func(code string) bool { return !isCountry(code) }); bad >= 0 {
			return c.accessError(1922, "'%s' of countriesAndRegions is not a two-letter country code.", codes[bad])
		}
		if len(codes) == 0 {
			return c.accessError(1922, "'countriesAndRegions' must name at least one country or region.")
		}
		return nil
	}
	ranges := objects(doc["ipRanges"])
	if len(ranges) == 0 || len(ranges) > maxLocationRanges {
		return c.accessError(1923, "'ipRanges' has %d ranges: 1 to %d are allowed.", len(ranges), maxLocationRanges)
	}
	for _, r := range ranges {
		if _, _, ok := rangeBounds(r); !ok {
			return c.accessError(1924, "'%s%s' of ipRanges is not a range of type '%s'.", text(r, "cidrAddress"), text(r, "lowerAddress"), text(r, "@odata.type"))
		}
	}
	return nil
}

func isCountry(code string) bool {
	return len(code) == 2 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// rangeBounds are the first and the last address of a range, if it is one of the
// type that it states. Host bits may be set, as in the documented examples.
func rangeBounds(r object) (first, last netip.Addr, ok bool) {
	kind := strings.TrimPrefix(text(r, "@odata.type"), "#microsoft.graph.")
	four := strings.HasPrefix(kind, "iPv4")
	if !strings.HasSuffix(kind, "CidrRange") {
		first, err1 := netip.ParseAddr(text(r, "lowerAddress"))
		last, err2 := netip.ParseAddr(text(r, "upperAddress"))
		return first, last, err1 == nil && err2 == nil && first.Is4() == four && last.Is4() == four && first.Zone()+last.Zone() == "" && !last.Less(first)
	}
	prefix, err := netip.ParsePrefix(text(r, "cidrAddress"))
	if err != nil || prefix.Addr().Is4() != four || four && prefix.Bits() < leastPrefixBits {
		return first, last, false
	}
	prefix = prefix.Masked()
	end := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(end)*8; bit++ {
		end[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ = netip.AddrFromSlice(end)
	return prefix.Addr(), last, true
}

// deleteNamedLocation is soft. One that is trusted must be made untrusted first
// (provider: named location); one that a policy names cannot go (ASSUMED).
func deleteNamedLocation(c *call) (*reply, error) {
	s := c.server
	l, err := s.locations.Find(c.byID())
	if err != nil {
		return nil, err
	}
	for _, p := range s.access.All() {
		if p.namesLocation(l.ID) {
			return nil, c.accessError(1925, "The named location '%s' is used by the conditional access policy '%s'.", l.ID, p.ID)
		}
	}
	if l.doc["isTrusted"] == true {
		return nil, c.accessError(1926, "The named location '%s' is trusted: it must be marked as not trusted before it can be deleted.", l.ID)
	}
	s.locationsDeleted.Throw(s.instant(), &s.locations, l, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

func (p *accessPolicy) namesLocation(id string) bool {
	locations := inner(inner(p.doc, "conditions"), "locations")
	return slices.ContainsFunc(append(texts(locations["includeLocations"]), texts(locations["excludeLocations"])...),
		func(named string) bool { return strings.EqualFold(named, id) })
}

func restoreLocation(c *call) (*reply, error) {
	s := c.server
	l, err := s.locationsDeleted.Find(&c.Request, c.params["id"])
	if err != nil {
		return nil, err
	}
	if len(c.Body) > 0 {
		return nil, c.BadRequest("The action 'restore' takes no parameters.")
	}
	if len(s.locations.All()) >= maxNamedLocations {
		return nil, c.accessError(1920, "The maximum number of named locations (%d) is reached.", maxNamedLocations)
	}
	back := s.locationsDeleted.Restore(s.instant(), &s.locations, l, c.now)
	c.changed()
	return c.locationReply(http.StatusOK, locationsContext, back, nil)
}

func purgeDeletedLocation(c *call) (*reply, error) {
	l, err := c.server.locationsDeleted.Find(&c.Request, c.params["id"])
	if err != nil {
		return nil, err
	}
	c.server.locationsDeleted.Drop(l)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
