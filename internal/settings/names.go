// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import "github.com/tidegate/tidegate/api/v1alpha1"

// PolicyPasskeys is the one real Edge policy about passkeys: whether a signed-in
// user may save new passkeys to the password manager. It is on when not set.
const PolicyPasskeys = "PasswordManagerPasskeysEnabled"

// minEdgePasskeys is the first Edge version, on Windows and on macOS, that knows
// PolicyPasskeys (Edge policy reference).
const minEdgePasskeys = "145"

// The article's literal names (R24, R35). No Edge of today has a policy by one of
// them; a tenant's catalog is asked all the same.
const (
	literalPasswordlessSignin = "PasswordlessSigninEnabled"
	literalPasskeySync        = "PasskeySyncEnabled"
	literalPasskeyCreation    = "AllowPasskeyCreation"
	literalBackupLocation     = "PasskeyBackupStorageLocation"
	literalSyncScope          = "PasskeySyncScope"
)

// SearchTerms are the policy names to look for in the tenant's catalog, by name
// or, in lower case, as a part of the definition id (contract a.6). The order is
// fixed.
func SearchTerms() []string {
	return []string{
		literalPasswordlessSignin, literalPasskeySync, literalPasskeyCreation,
		literalBackupLocation, literalSyncScope, PolicyPasskeys,
	}
}

// wish is one setting that the spec asks for.
type wish struct {
	field   string // in spec.settings
	literal string
	value   string // Enabled, Disabled, or the text of a location
	// mapped is a real policy that is the very same thing as the setting, if any.
	mapped string
	// substitute is a real policy that comes nearest; written under Substitute only.
	substitute string
	// advice says what a person is to look at, under Substitute, because nothing or
	// not all of the setting is written. Tidegate does not look (P11).
	advice string
	// hopeless says why neither stands in; it makes the setting Unsupported.
	hopeless string
}

// wishes lists what s asks for, in a fixed order.
func wishes(s v1alpha1.PasskeySettings) []wish {
	all := []wish{
		passwordlessSignin(s.PasswordlessSignin),
		passkeySync(s.PasskeySync),
		{
			field: "passkeyCreation", literal: literalPasskeyCreation, value: string(s.PasskeyCreation),
			mapped: PolicyPasskeys,
		},
		{
			field: "backupStorageLocation", literal: literalBackupLocation, value: s.BackupStorageLocation,
			advice: "passkeys are stored with the account that is signed in to the Edge profile, and Edge's passkey policy " +
				"leaves consumer accounts alone; restrict the accounts with RestrictSigninToPattern if you need more",
		},
		{
			field: "syncScope", literal: literalSyncScope, value: s.SyncScope,
			advice: "what syncs follows the account that is signed in to the Edge profile, and Edge's passkey policy leaves " +
				"consumer accounts alone; restrict the accounts with RestrictSigninToPattern if you need more",
		},
	}
	asked := all[:0]
	for _, w := range all {
		if w.value != "" {
			asked = append(asked, w)
		}
	}
	return asked
}

func passwordlessSignin(value v1alpha1.Toggle) wish {
	w := wish{field: "passwordlessSignin", literal: literalPasswordlessSignin, value: string(value)}
	if value == v1alpha1.Disabled {
		w.hopeless = "WebAuthn is always on in Edge and no policy turns it off; sign-in methods are set in Entra"
		return w
	}
	w.advice = "sign-in methods are set in Entra. Look yourself, Tidegate does not: the passkey method must be enabled in the " +
		"tenant's authentication methods, and PasswordManagerEnabled must not be off"
	return w
}

func passkeySync(value v1alpha1.Toggle) wish {
	w := wish{field: "passkeySync", literal: literalPasskeySync, value: string(value), substitute: PolicyPasskeys}
	w.advice = "whether passkeys then sync is decided by other policies. Look yourself, Tidegate does not: SyncDisabled must not be on, " +
		"SyncTypesListDisabled must not have passwords, BrowserSignin must not be 0"
	if value == v1alpha1.Disabled {
		w.advice = "it stops new passkeys; those already saved keep syncing"
	}
	return w
}
