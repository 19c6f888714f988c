// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Passkeys says who has which passkey. Shares are of all users.
type Passkeys struct {
	// SyncedPercent of users have a synced passkey. Default 20.
	SyncedPercent *float64 `json:"syncedPercent,omitempty"`
	// DeviceBoundPercent of users have a security key or an authenticator
	// passkey. Default 10.
	DeviceBoundPercent *float64 `json:"deviceBoundPercent,omitempty"`
	// NoMethodPercent of users have no second method at all. Default 2.
	NoMethodPercent *float64 `json:"noMethodPercent,omitempty"`
}

var (
	rolesAudit        = []string{"AuditLog.Read.All"}
	rolesUserPasskeys = []string{"UserAuthMethod-Passkey.Read.All", "UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"}
)

// userDraw is the user's own number in [0,1) for a label.
func (s *Server) userDraw(i int32, label string) float64 {
	return ids.Uniform(ids.Mix(ids.Mix(s.options.Seed^ids.HashText("user "+label)) ^ uint64(i)))
}

func (s *Server) hasSynced(i int32) bool {
	p := s.passkeys()
	return s.userDraw(i, "synced")*100 < orDefault(p.SyncedPercent, 20)
}

func (s *Server) hasDeviceBound(i int32) bool {
	p := s.passkeys()
	return s.userDraw(i, "device bound")*100 < orDefault(p.DeviceBoundPercent, 10)
}

func (s *Server) passkeys() Passkeys {
	if s.scenario.Passkeys == nil {
		return Passkeys{}
	}
	return *s.scenario.Passkeys
}

// methodsOf are the methods that a user registered, in the words of the report
// (contract i).
func (s *Server) methodsOf(i int32) []string {
	out := []string{}
	if s.userDraw(i, "no method")*100 >= orDefault(s.passkeys().NoMethodPercent, 2) {
		out = append(out, "microsoftAuthenticatorPush", "softwareOneTimePasscode")
	}
	if s.hasDeviceBound(i) {
		out = append(out, "passKeyDeviceBound")
	}
	if s.hasSynced(i) {
		out = append(out, "passKeySynced")
	}
	for _, d := range s.users[i].devices {
		if device := &s.fleet.devices[d]; isEnrolled(device) && device.platform == platformWindows {
			return append(out, "windowsHelloForBusiness")
		}
	}
	return out
}

// reportStamp is when the batch report was made last: each night (contract i:
// not a live signal).
func (s *Server) reportStamp() time.Time {
	now := s.clock.Now().UTC()
	return now.Truncate(24 * time.Hour).Add(-2 * time.Hour)
}

func (u userView) passwordless() bool {
	methods := u.s.methodsOf(u.i)
	return len(methods) > 0 && methods[len(methods)-1] != "softwareOneTimePasscode"
}

var registrationEntity = &entity.Type[userView]{Name: "microsoft.graph.userRegistrationDetails", Properties: []entity.Property[userView]{
	{Name: "id", Ops: odata.Eq, Get: func(u userView) any { return u.s.users[u.i].id.String() }},
	{Name: "userPrincipalName", Ops: odata.Eq | odata.StartsWith, Get: func(u userView) any { return u.s.userPrincipalName(u.i) }},
	{Name: "userDisplayName", Ops: odata.Eq | odata.StartsWith, Get: func(u userView) any { return u.s.displayName(u.i) }},
	{Name: "userType", Ops: odata.Eq, Get: func(userView) any { return "member" }},
	{Name: "isAdmin", Ops: odata.Eq, Get: func(userView) any { return false }},
	{Name: "isSsprRegistered", Ops: odata.Eq, Get: func(userView) any { return false }},
	{Name: "isSsprEnabled", Ops: odata.Eq, Get: func(userView) any { return false }},
	{Name: "isSsprCapable", Ops: odata.Eq, Get: func(userView) any { return false }},
	{Name: "isMfaRegistered", Ops: odata.Eq, Get: func(u userView) any { return len(u.s.methodsOf(u.i)) > 0 }},
	{Name: "isMfaCapable", Ops: odata.Eq, Get: func(u userView) any { return len(u.s.methodsOf(u.i)) > 0 }},
	{Name: "isPasswordlessCapable", Ops: odata.Eq, Get: func(u userView) any { return u.passwordless() }},
	{Name: "methodsRegistered", Ops: odata.Any, Get: func(u userView) any { return u.s.methodsOf(u.i) }},
	{Name: "isSystemPreferredAuthenticationMethodEnabled", Ops: odata.Eq, Get: func(userView) any { return true }},
	{Name: "systemPreferredAuthenticationMethods", Ops: odata.Any, Get: func(u userView) any {
		switch {
		case u.s.hasSynced(u.i), u.s.hasDeviceBound(u.i):
			return []string{"Fido2"} // contract i: observed, differs from the documented list
		case len(u.s.methodsOf(u.i)) == 0:
			return []string{}
		}
		return []string{"PhoneAppNotification"}
	}},
	{Name: "userPreferredMethodForSecondaryAuthentication", Ops: odata.Eq, Get: func(u userView) any {
		if len(u.s.methodsOf(u.i)) == 0 {
			return "none"
		}
		return "push"
	}},
	{Name: "lastUpdatedDateTime", Get: func(u userView) any { return intuneTime(u.s.reportStamp()) }},
}}

// listRegistrations has no $skip (contract i). Page sizes are ASSUMED to be
// those of users.
func listRegistrations(c *call) (*reply, error) {
	return listReply(c, c.Query, registrationEntity, c.server.eachUser, listStyle{context: "reports/authenticationMethods/userRegistrationDetails", size: 100, max: 999})
}

// passkey is one registered passkey of a user.
type passkey struct {
	user   userView
	synced bool
}

// Two authenticator models, one of a password manager and one of a key.
const (
	syncedAAGUID = "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"
	boundAAGUID  = "cb69481e-8ff7-4039-93ec-0a2729a154a8"
)

func (p passkey) pick(synced, bound string) string {
	if p.synced {
		return synced
	}
	return bound
}

var passkeyEntity = &entity.Type[passkey]{Name: "microsoft.graph.fido2AuthenticationMethod", Properties: []entity.Property[passkey]{
	{Name: "id", Get: func(p passkey) any {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %v", p.user.s.users[p.user.i].id, p.synced))
		return base64.RawURLEncoding.EncodeToString(sum[:24])
	}},
	{Name: "displayName", Get: func(p passkey) any {
		return p.user.s.givenName(p.user.i) + p.pick(" password manager", " security key")
	}},
	{Name: "createdDateTime", Get: func(p passkey) any {
		return entraTime(p.user.s.start.Add(-time.Duration(p.user.s.userDraw(p.user.i, "passkey age")*1000) * time.Hour))
	}},
	{Name: "aaGuid", Get: func(p passkey) any { return p.pick(syncedAAGUID, boundAAGUID) }},
	{Name: "model", Get: func(p passkey) any { return p.pick("Google Password Manager", "YubiKey 5 Series with NFC") }},
	{Name: "attestationCertificates", Get: func(passkey) any { return []string{} }},
	{Name: "attestationLevel", Get: func(p passkey) any { return p.pick("notAttested", "attested") }},
	{Name: "passkeyType", Get: func(p passkey) any { return p.pick("synced", "deviceBound") }},
	{Name: "publicKeyCredential", Get: func(passkey) any { return nil }},
}}

// listPasskeys is users/{id}/authentication/fido2Methods: the live signal.
func listPasskeys(c *call) (*reply, error) {
	i, ok := c.server.findUser(c.params["id"])
	if !ok {
		return nil, c.NotFound(c.params["id"])
	}
	user := userView{c.server, i}
	items := func(after int64) iter.Seq2[int64, passkey] {
		return func(yield func(int64, passkey) bool) {
			if c.server.hasDeviceBound(i) && after < 0 && !yield(0, passkey{user, false}) {
				return
			}
			if c.server.hasSynced(i) && after < 1 {
				yield(1, passkey{user, true})
			}
		}
	}
	return listReply(c, c.Query, passkeyEntity, items, listStyle{context: "users('" + c.server.users[i].id.String() + "')/authentication/fido2Methods", size: 100, max: 999})
}

// getPasskey is one method by id.
func getPasskey(c *call) (*reply, error) {
	key := c.params["method"]
	i, ok := c.server.findUser(c.params["id"])
	if !ok {
		return nil, c.NotFound(c.params["id"])
	}
	members, err := passkeyEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	for _, p := range []passkey{{userView{c.server, i}, false}, {userView{c.server, i}, true}} {
		has := c.server.hasDeviceBound(i)
		if p.synced {
			has = c.server.hasSynced(i)
		}
		if has && passkeyEntity.Lookup("id", false).Get(p) == any(key) {
			return c.entityReply(http.StatusOK, "users('"+c.params["id"]+"')/authentication/fido2Methods/$entity", entity.Render(p, members)), nil
		}
	}
	return nil, c.NotFound(key)
}
