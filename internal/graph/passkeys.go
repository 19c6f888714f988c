// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"context"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/reports"
)

// UserRegistration is what the registration report says of a user (contract i). The report is made in batches: it is
// as old as UpdatedAt and no live signal.
type UserRegistration struct {
	// UserID is the object id of the user.
	UserID            string
	UserPrincipalName string
	// UserType is member or guest.
	UserType string
	// IsAdmin, IsMFACapable and IsPasswordlessCapable are as the report has them.
	IsAdmin, IsMFACapable, IsPasswordlessCapable bool
	// Methods are words such as passKeySynced and passKeyDeviceBound. The set is open: expect unknown ones.
	Methods []string
	// UpdatedAt is zero when the report does not say.
	UpdatedAt time.Time
}

// wireRegistration is a row of the registration report on the wire.
type wireRegistration struct {
	ID                    string    `json:"id"`
	UserPrincipalName     string    `json:"userPrincipalName"`
	UserType              string    `json:"userType"`
	IsAdmin               bool      `json:"isAdmin"`
	IsMFACapable          bool      `json:"isMfaCapable"`
	IsPasswordlessCapable bool      `json:"isPasswordlessCapable"`
	Methods               []string  `json:"methodsRegistered"`
	UpdatedAt             timestamp `json:"lastUpdatedDateTime"`
}

// reportsRead describes reads of sign-ins and of the registration report (contract i, j, k.3).
func reportsRead(op string, permissions ...string) call {
	return call{op: op, class: classReports, effect: effectRead, permissions: append([]string{"AuditLog.Read.All"}, permissions...)}
}

// UserRegistrations hands what the registration report says of each user to yield. It needs Entra ID P1. An error of
// yield ends the call and comes back as it is.
func (c *Client) UserRegistrations(ctx context.Context, yield func(UserRegistration) error) error {
	op := reportsRead("UserRegistrations")
	ri, err := reports.NewAuthenticationMethodsUserRegistrationDetailsRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return list(ctx, c, op, ri, func(w wireRegistration) error {
		if w.ID == "" {
			return withoutID(op, "user")
		}
		return yield(UserRegistration{UserID: w.ID, UserPrincipalName: w.UserPrincipalName, UserType: w.UserType, IsAdmin: w.IsAdmin,
			IsMFACapable: w.IsMFACapable, IsPasswordlessCapable: w.IsPasswordlessCapable, Methods: w.Methods, UpdatedAt: w.UpdatedAt.Time})
	})
}

// Passkey is a FIDO2 method of a user: the live sign that somebody has a passkey (contract i).
type Passkey struct {
	// ID is opaque text.
	ID string
	// DisplayName and Model are for people.
	DisplayName, Model string
	// AAGUID is the model of authenticator.
	AAGUID string
	// Type is deviceBound or synced, AttestationLevel attested or notAttested; other words are passed on.
	Type, AttestationLevel string
	// CreatedAt is zero when the tenant does not say.
	CreatedAt time.Time
}

// wirePasskey is a FIDO2 method on the wire.
type wirePasskey struct {
	ID               string    `json:"id"`
	DisplayName      string    `json:"displayName"`
	Model            string    `json:"model"`
	AAGUID           string    `json:"aaGuid"`
	Type             string    `json:"passkeyType"`
	AttestationLevel string    `json:"attestationLevel"`
	CreatedAt        timestamp `json:"createdDateTime"`
}

// UserPasskeys is what Fido2Methods learned about one user: Passkeys, or Err.
type UserPasskeys struct {
	// UserID is the id that was asked for.
	UserID string
	// Passkeys is empty for a user without any.
	Passkeys []Passkey
	// Err is an *Error when this user could not be read; the others do not suffer. It never means "no passkey".
	Err error
}

// fido2Wave is how many users are read before their results are handed out, so that memory does not grow with the
// number of users.
const fido2Wave = 10 * batchLimit

// Fido2Methods reads the passkeys of users, 20 in a request (contract k.1), and hands one result per user to yield, in
// the order of userIDs. The result of a user is final: yield sees each exactly once. An error of yield ends the call
// and comes back as it is; the end of the context ends it with what was not handed out left unread.
func (c *Client) Fido2Methods(ctx context.Context, userIDs []string, yield func(UserPasskeys) error) error {
	op := call{op: "Fido2Methods", class: classDirectory, effect: effectRead, units: 1, permissions: []string{"UserAuthMethod-Passkey.Read.All"}}
	for _, id := range userIDs {
		if err := needID(op.op, "user id", id); err != nil {
			return err
		}
	}
	for len(userIDs) > 0 {
		wave := userIDs[:min(fido2Wave, len(userIDs))]
		userIDs = userIDs[len(wave):]
		requests := make([]batchRequest, len(wave))
		for i, id := range wave {
			requests[i] = batchRequest{Method: "GET", URL: batchPath("users", id, "authentication", "fido2Methods")}
		}
		for i, r := range c.batch(ctx, op, requests) {
			if err := ctx.Err(); err != nil {
				return &Error{Kind: KindTransient, Op: op.op, Message: err.Error(), Err: err}
			}
			if err := yield(c.userPasskeys(ctx, op, wave[i], r)); err != nil {
				return err
			}
		}
	}
	return nil
}

// userPasskeys reads one answer of a batch and, for a user with more than a page of passkeys, the rest.
func (c *Client) userPasskeys(ctx context.Context, op call, userID string, r batchResult) UserPasskeys {
	if r.Err != nil {
		return UserPasskeys{UserID: userID, Err: r.Err}
	}
	items, next, err := decodePage[wirePasskey](newPageReader(bytes.NewReader(r.Body), c.caps), nil)
	if err != nil {
		return UserPasskeys{UserID: userID, Err: &Error{Kind: KindTransient, Op: op.op, Status: r.Status, Message: "the answer did not parse: " + err.Error(), Foreign: c.hosts.custom}}
	}
	if next != "" {
		more, err := c.restOfPasskeys(ctx, op, next)
		if err != nil {
			return UserPasskeys{UserID: userID, Err: err}
		}
		items = append(items, more...)
	}
	out := UserPasskeys{UserID: userID}
	for _, w := range items {
		out.Passkeys = append(out.Passkeys, Passkey{ID: w.ID, DisplayName: w.DisplayName, Model: w.Model, AAGUID: w.AAGUID, Type: w.Type,
			AttestationLevel: w.AttestationLevel, CreatedAt: w.CreatedAt.Time})
	}
	return out
}

// restOfPasskeys follows the link to the pages that a batch answer left out.
func (c *Client) restOfPasskeys(ctx context.Context, op call, next string) ([]wirePasskey, error) {
	ri, err := c.resume(op, next)
	if err != nil {
		return nil, err
	}
	return collect[wirePasskey](ctx, c, op, ri, nil)
}
