// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// tokenSource hands out the tenant's token. The credential inside caches and refreshes it ahead of its end;
// renew throws the credential away, because roles are frozen in a token until the next one (contract l.2).
type tokenSource struct {
	build credentialFunc
	scope string
	// turn is held by the one call that asks the credential. The credential's own lock would keep a second caller in
	// line for as long as the first waits for the token endpoint, also after its context has ended.
	turn chan struct{}

	mu   sync.Mutex
	cred azcore.TokenCredential
	held heldToken
}

// heldToken is the token that was used last; it is never shown.
type heldToken struct {
	azcore.AccessToken
	cred azcore.TokenCredential
	// askAgain is when a refresh that failed may be tried again.
	askAgain time.Time
}

// refreshPause is how long a token that is still good is used on before its refresh is tried again.
const refreshPause = 30 * time.Second

// good reports whether the token came from a credential and has a minute left at least.
func (h heldToken) good(cred azcore.TokenCredential, now time.Time) bool {
	return h.cred == cred && h.Token != "" && now.Add(time.Minute).Before(h.ExpiresOn)
}

// newTokenSource hands out tokens of the credentials that build makes.
func newTokenSource(build credentialFunc, scope string) *tokenSource {
	return &tokenSource{build: build, scope: scope, turn: make(chan struct{}, 1)}
}

// token returns a valid token and the credential it came from. claims answers a challenge of Graph and is
// empty otherwise. While the token endpoint is down, a token that was to be refreshed ahead of its end is used on.
func (s *tokenSource) token(ctx context.Context, claims string) (azcore.AccessToken, azcore.TokenCredential, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return azcore.AccessToken{}, nil, ctx.Err()
	}
	cred, err := s.credential()
	if err != nil {
		return azcore.AccessToken{}, nil, err
	}
	held := s.last()
	// Tokens live on the wall clock, like the credential's own cache.
	usable := claims == "" && held.good(cred, time.Now())
	if usable && time.Now().Before(held.askAgain) {
		return held.AccessToken, cred, nil
	}
	tok, err := askToken(ctx, cred, policy.TokenRequestOptions{Scopes: []string{s.scope}, Claims: claims})
	switch {
	case err == nil:
		held = heldToken{AccessToken: tok, cred: cred}
	case usable && ctx.Err() == nil && endpointDown(err):
		held.askAgain = time.Now().Add(refreshPause)
		tok, err = held.AccessToken, nil
	default:
		return tok, cred, err
	}
	s.mu.Lock()
	s.held = held
	s.mu.Unlock()
	return tok, cred, err
}

// askToken asks the credential. Where the network failed it returns that failure itself: the library makes text of it, in which it
// cannot be told from what a server said.
func askToken(ctx context.Context, cred azcore.TokenCredential, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	var failed atomic.Pointer[error]
	tok, err := cred.GetToken(context.WithValue(ctx, signInKey{}, &failed), options)
	if network := failed.Load(); err != nil && network != nil {
		err = *network
	}
	return tok, err
}

// endpointDown reports whether no token came because the endpoint could not be reached or failed. A refusal is another
// matter: it must show at once.
func endpointDown(err error) bool {
	resp := tokenResponse(err)
	return resp == nil || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500
}

// last returns the token that was used last, or an empty one.
func (s *tokenSource) last() heldToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// credential returns the current credential, made when first needed.
func (s *tokenSource) credential() (azcore.TokenCredential, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cred == nil {
		cred, err := s.build()
		if err != nil {
			return nil, err
		}
		s.cred = cred
	}
	return s.cred, nil
}

// renew makes the next token a new one, unless another call has already done so since stale was handed out.
func (s *tokenSource) renew(stale azcore.TokenCredential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stale == nil || s.cred == stale {
		s.cred = nil
	}
}

// Permissions is what the tenant granted to the application, as its token says.
type Permissions struct {
	// Roles holds the application permissions, such as Device.Read.All. It is fixed when the token is issued;
	// call RenewToken to see a later consent. Best effort: Graph decides, not the claim (contract l.2).
	Roles []string
	// ExpiresAt is the end of the token.
	ExpiresAt time.Time
	// TenantID is the directory that issued the token.
	TenantID string
}

// Permissions reads the roles claim of the tenant's token. A token without roles gives an empty list. The
// token itself is never shown.
func (c *Client) Permissions(ctx context.Context) (Permissions, error) {
	const op = "Permissions"
	var p Permissions
	err := c.retrying(ctx, call{op: op, effect: effectRead}, func(ctx context.Context) error {
		tok, _, err := c.tokens.token(ctx, "")
		if err != nil {
			return c.tokenError(ctx, op, err)
		}
		claims, ok := decodeClaims(tok.Token)
		if !ok {
			return &Error{Kind: KindTransient, Op: op, Message: "the token of the tenant is not a JWT, its permissions cannot be read"}
		}
		p = Permissions{Roles: claims.Roles, TenantID: claims.TenantID, ExpiresAt: tok.ExpiresOn}
		return nil
	})
	return p, err
}

// RenewToken makes the next request ask for a new token, so that a permission granted meanwhile is seen.
func (c *Client) RenewToken() { c.tokens.renew(nil) }

// tokenClaims are the members of an app-only token that are read (contract l.2).
type tokenClaims struct {
	Roles    []string `json:"roles"`
	TenantID string   `json:"tid"`
}

// decodeClaims reads the payload of a JWT without checking its signature: Graph does that, this is a hint.
func decodeClaims(token string) (tokenClaims, bool) {
	var claims tokenClaims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return claims, false
	}
	return claims, true
}
