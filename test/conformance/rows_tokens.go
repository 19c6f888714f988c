// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/base64"
	"net/url"
)

const tokenPath = "{authority}/{tenant}/oauth2/v2.0/token"

var form = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

// asserting asks for a token with a client assertion.
func asserting(assertion string) string {
	return "grant_type=client_credentials&client_id={client}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default" +
		"&client_assertion_type=" + url.QueryEscape("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") + "&client_assertion=" + url.QueryEscape(assertion)
}

// stranger is a service account token of a cluster that no tenant trusts; its
// signature is none.
func stranger() string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256","typ":"JWT","kid":"none"}`)) + "." +
		part([]byte(`{"iss":"https://oidc.conformance.invalid/","sub":"system:serviceaccount:tidegate-system:tidegate","aud":["api://AzureADTokenExchange"],"nbf":1767225600,"exp":4102444800}`)) + "." +
		part([]byte("no signature"))
}

// tokenRows follow contract l.
var tokenRows = []Row{
	{Name: "token: unknown secret", Source: "contract l.1", Method: post, Path: tokenPath, As: Nobody,
		Header: form,
		Body:   "grant_type=client_credentials&client_id={client}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=wrong",
		Status: 401, Want: []string{`error="invalid_client"`, "error_description~AADSTS7000215", "error_codes.0=7000215", "trace_id", "correlation_id"}},
	{Name: "token: unknown application", Source: "ASSUMED: the number is known (AADSTS700016), the status is not", Method: post,
		Path: tokenPath, As: Nobody, Header: form,
		Body:   "grant_type=client_credentials&client_id=00000000-0000-0000-0000-00000000dead&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=wrong",
		Status: 400, Want: []string{"error_description~AADSTS700016"}},
	{Name: "token: unknown tenant", Source: "ASSUMED: the number is known (AADSTS90002), the status is not", Method: post,
		Path: "{authority}/00000000-0000-0000-0000-00000000dead/oauth2/v2.0/token", As: Nobody, Header: form,
		Body:   "grant_type=client_credentials&client_id={client}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=wrong",
		Status: 400, Want: []string{"error", "error_description~AADSTS90002"}},
	{Name: "token: no credential", Source: "contract l.1: a secret or an assertion; ASSUMED: the status", Method: post, Path: tokenPath, As: Nobody,
		Header: form,
		Body:   "grant_type=client_credentials&client_id={client}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
		Status: 401, Want: []string{`error="invalid_client"`, "error_description~AADSTS7000218"}},
	{Name: "token: an assertion that is none", Source: "contract l.1; ASSUMED: number and status", Method: post, Path: tokenPath, As: Nobody, Header: form, Body: asserting("none"),
		Status: 400, Want: []string{"error", "error_description~AADSTS50027", "error_codes.0=50027"}},
	{Name: "token: an assertion of a stranger", Source: "contract l.3: seen as 700211; ASSUMED: the status", Method: post, Path: tokenPath, As: Nobody, Header: form, Body: asserting(stranger()),
		Status: 401, Want: []string{`error="invalid_client"`, "error_description~AADSTS700211", "trace_id"}},
	{Name: "token: a federated credential that spreads", Source: "contract l.3: for minutes after it was made, even after a success; ASSUMED: the status", Given: NewFederation, Method: post, Path: tokenPath, As: Nobody, Header: form, Body: asserting(stranger()),
		Status: 400, Want: []string{"error", "error_description~AADSTS70021:"}},
	{Name: "an expired token", Source: "contract 0.4, l.2", Method: get, Path: policies, As: Expired, Status: 401, Want: []string{`error.code="InvalidAuthenticationToken"`, innerError}},
	{Name: "an expired token for a write", Source: "contract 0.4, l.2", Method: post, Path: groups, As: Expired, Body: `{"displayName":"x","mailEnabled":false,"mailNickname":"x","securityEnabled":true}`, Status: 401, Want: []string{`error.code="InvalidAuthenticationToken"`}},
	{Name: "a token that is none", Source: "contract 0.4, l.2", Method: get, Path: groups, As: Nobody, Header: map[string]string{"Authorization": "Bearer none"}, Status: 401, Want: []string{`error.code="InvalidAuthenticationToken"`, "error.message"}},
	{Name: "no token", Source: "contract 0.4, l.2", Method: get, Path: policies, As: Nobody, Status: 401, Want: []string{`error.code="InvalidAuthenticationToken"`, innerError}},
}
