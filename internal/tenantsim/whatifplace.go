// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/netip"
	"slices"
	"strings"
)

// verdict is an answer that may be unknown.
type verdict int

const (
	verdictNo verdict = iota
	verdictUnknown
	verdictYes
)

func verdictOf(yes bool) verdict {
	if yes {
		return verdictYes
	}
	return verdictNo
}

// place judges locations: an exclusion wins; what the request does not tell
// cannot be judged.
func (w *whatIf) place(conditions object) string {
	locations := inner(conditions, "locations")
	if locations == nil {
		return reasonNone
	}
	inside, outside := w.within(locations["includeLocations"]), w.within(locations["excludeLocations"])
	switch {
	case outside == verdictYes, inside == verdictNo:
		return reasonLocation
	case outside == verdictUnknown, inside == verdictUnknown:
		return reasonUnknown
	default:
		return reasonNone
	}
}

// within tells whether the sign-in comes from one of the locations.
func (w *whatIf) within(list any) verdict {
	best := verdictNo
	for _, id := range texts(list) {
		best = max(best, w.at(id))
	}
	return best
}

func (w *whatIf) at(id string) verdict {
	switch id {
	case everything:
		return verdictYes
	case trustedAddressesID: // the tenant has no trusted addresses of multifactor authentication
		return verdictNo
	case allTrustedLocations:
		best := verdictNo
		for _, l := range w.s.locations.All() {
			if l.doc["isTrusted"] == true {
				best = max(best, w.inRanges(l))
			}
		}
		return best
	}
	l := w.s.locations.Get(strings.ToLower(id))
	switch {
	case l == nil: // deleted since the policy was written
		return verdictNo
	case l.kind() == countryLocation:
		return w.inCountry(l)
	default:
		return w.inRanges(l)
	}
}

// inRanges needs the address of the sign-in. One that is not an address was
// refused before.
func (w *whatIf) inRanges(l *namedLocation) verdict {
	address, err := netip.ParseAddr(text(w.conditions, "ipAddress"))
	if err != nil {
		return verdictUnknown
	}
	address = address.Unmap().WithZone("")
	return verdictOf(slices.ContainsFunc(objects(l.doc["ipRanges"]), func(r object) bool {
		first, last, ok := rangeBounds(r)
		return ok && first.Is4() == address.Is4() && !address.Less(first) && !last.Less(address)
	}))
}

// inCountry needs the country: which one an address is in is not simulated.
func (w *whatIf) inCountry(l *namedLocation) verdict {
	country := text(w.conditions, "country")
	if country == "" {
		return verdictUnknown
	}
	return verdictOf(slices.ContainsFunc(texts(l.doc["countriesAndRegions"]), func(code string) bool { return strings.EqualFold(code, country) }))
}
