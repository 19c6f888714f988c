// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// requirement is what a device must have for a setting to apply. The service
// does not publish it; devices show it by reporting NotApplicable.
type requirement struct {
	edge         int // major version
	windowsBuild int
	macOS        int // major version
}

func (r requirement) met(d *device) bool {
	if edgeReleases[d.edge].major < r.edge {
		return false
	}
	if d.platform == platformMacOS {
		return d.release().build >= r.macOS
	}
	return d.release().build >= r.windowsBuild
}

// and joins two requirements.
func (r requirement) and(o requirement) requirement {
	return requirement{max(r.edge, o.edge), max(r.windowsBuild, o.windowsBuild), max(r.macOS, o.macOS)}
}

// passkeyNeeds are the minima of the passkey setting: Edge 145 (domain 2.2),
// and the operating systems of R17.
var passkeyNeeds = requirement{edge: 145, windowsBuild: 22621, macOS: 13}

// passkeyPolicies are the Edge policies with those minima: the real one, and the
// article's literal names (ASSUMED).
var passkeyPolicies = []string{catalog.PasskeysPolicy, "PasswordlessSigninEnabled", "PasskeySyncEnabled", "PasskeyBackupStorageLocation", "PasskeySyncScope"}

// needsOf is what a device must have for a definition, whatever its generation.
func needsOf(d *definition) requirement {
	if d.OfEdge() && slices.Contains(passkeyPolicies, d.Name) {
		return passkeyNeeds
	}
	return requirement{}
}

// passkeyEffectOf is what a value of a definition does to saving passkeys on a
// managed device. Chrome's setting and the twin for mobile application management
// do nothing there.
func passkeyEffectOf(d *definition, value string) passkeyState {
	if d == nil || d.Name != catalog.PasskeysPolicy || !d.OfEdge() || d.Kind != catalog.Choice {
		return passkeyUnset
	}
	switch strings.TrimPrefix(value, d.ID) {
	case "_1", "_true":
		return passkeyAllowed
	case "_0", "_false":
		return passkeyBlocked
	default:
		return passkeyUnset
	}
}
