// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package refusal_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/refusal"
)

// TestOf: the directory's words stand as they are, Intune wraps its own unless the gateway spoke, and a fault of the simulator
// tells the client nothing.
func TestOf(t *testing.T) {
	now := time.Date(2026, 6, 1, 8, 30, 0, 0, time.FixedZone("", 2*3600))
	refused := odata.Fail(http.StatusConflict, "Conflict", "Taken by '%s'.", "x")
	refused.Header = http.Header{"Retry-After": {"3"}}
	plain := odata.NoSegment("x")
	inner := odata.Fail(http.StatusForbidden, odata.CodeForbidden, "Forbidden.")
	inner.Inner = "behind"
	for name, c := range map[string]struct {
		err           error
		intune        bool
		status        int
		code, message string
		wrapped       bool
		header        http.Header
		inner         any
	}{
		"directory":         {err: refused, status: 409, code: "Conflict", message: "Taken by 'x'.", header: refused.Header},
		"wrapped by a call": {err: fmt.Errorf("assign: %w", refused), status: 409, code: "Conflict", message: "Taken by 'x'.", header: refused.Header},
		"intune":            {err: refused, intune: true, status: 409, code: "Conflict", message: "Taken by 'x'.", wrapped: true, header: refused.Header},
		"gateway":           {err: plain, intune: true, status: 400, code: "BadRequest", message: "Resource not found for the segment 'x'."},
		"service behind":    {err: inner, status: 403, code: "Forbidden", message: "Forbidden.", inner: "behind"},
		"own fault": {err: errors.New("secret"), status: 500, code: "InternalServerError", message: "An internal server error has occurred.",
			header: http.Header{refusal.OwnFaultHeader: {"secret"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := odata.Request{HTTP: &http.Request{Header: http.Header{"Client-Request-Id": {"mine"}}}, RequestID: "theirs", Path: "/p", Intune: c.intune}
			got := refusal.Of(&r, now, c.err)
			e := got.Body.Error
			if got.Status != c.status || e.Code != c.code || !strings.Contains(e.Message, c.message) || (e.Message != c.message) != c.wrapped {
				t.Errorf("answers %d %s %q", got.Status, e.Code, e.Message)
			}
			want := map[string]any{"date": "2026-06-01T06:30:00", "request-id": "theirs", "client-request-id": "mine"}
			if c.inner != nil {
				want["message"] = c.inner
			}
			if diff := cmp.Diff(want, e.InnerError); diff != "" {
				t.Errorf("innerError (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.header, got.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}
