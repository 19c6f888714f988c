// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// origin is where the tenant pretends to be.
const origin = "https://graph.microsoft.com"

// Portal sends a request as an administrator in the portal would, with no client of ours between. body is JSON or empty; the
// answer's body goes into the value that into points to, unless it is nil. A foreign edit is of the oracle's concern: see
// Oracle.Foreign.
func (w *World) Portal(method, path, body string, into any) error {
	if w.portal == "" {
		if err := w.signIn(); err != nil {
			return err
		}
	}
	r := httptest.NewRequest(method, origin+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.portal)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	w.Sim.Handler().ServeHTTP(answer, r)
	if method != http.MethodGet {
		w.Oracle.written = w.Clock.Now()
	}
	w.tell("portal %s %s %s: %d", method, path, clip(body), answer.Code)
	if answer.Code >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Body.Bytes(), into)
}

func (w *World) signIn() error {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {w.Sim.ClientID()}, "client_secret": {w.Sim.ClientSecret()},
		"scope": {"https://graph.microsoft.com/.default"}}
	r := httptest.NewRequest(http.MethodPost, "https://login.microsoftonline.com/"+w.Sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.Sim.Handler().ServeHTTP(answer, r)
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || body.Token == "" {
		return fmt.Errorf("the portal cannot sign in: %d %s", answer.Code, answer.Body)
	}
	w.portal = body.Token
	return nil
}
