// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

// confirmedLists are the reads that ask twice before they say that a list is empty.
var confirmedLists = map[string]func(ctx context.Context, c *Client) (int, error){
	"GroupsByDisplayName": func(ctx context.Context, c *Client) (int, error) {
		found, err := c.GroupsByDisplayName(ctx, "Pilot")
		return len(found), err
	},
	"Assignments": func(ctx context.Context, c *Client) (int, error) {
		found, err := c.Assignments(ctx, "p1")
		return len(found), err
	},
	"TransitiveMembers": func(ctx context.Context, c *Client) (int, error) {
		found, err := c.TransitiveMembers(ctx, "g1")
		return len(found), err
	},
}

// TestPromise04_EmptyIsAskedTwice: one empty answer may be that of a replica which is behind.
func TestPromise04_EmptyIsAskedTwice(t *testing.T) {
	const none, some, assigned = `{"value":[]}`, `{"value":[{"@odata.type":"#microsoft.graph.group","id":"g2","displayName":"Pilot"}]}`,
		`{"value":[{"id":"a1","target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"}}]}`
	for name, tt := range map[string]struct {
		bodies []string
		want   int
		fails  bool
		sent   int
	}{
		"some":                   {[]string{some}, 1, false, 1},
		"late":                   {[]string{none, some}, 1, false, 2},
		"none":                   {[]string{none, none}, 0, false, 2},
		"not said a second time": {[]string{none, ""}, 0, true, 2},
	} {
		for list, read := range confirmedLists {
			srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
				body := tt.bodies[min(n, len(tt.bodies))-1]
				if body == some && strings.HasSuffix(r.URL.Path, "/assignments") {
					body = assigned
				}
				if body != "" {
					answer(w, 200, "%s", body)
					return
				}
				answer(w, 403, `{"error":{"code":"Forbidden","message":"no"}}`)
			})
			found, err := read(t.Context(), testClient(t, srv.URL))
			if found != tt.want || (err != nil) != tt.fails || srv.count() != tt.sent {
				t.Errorf("%s, %s: %d, %v after %d requests", list, name, found, err, srv.count())
			}
		}
	}
}

// TestEmptyIsAskedLater: between the two reads lies ConfirmDelay, and a caller that gives up gets no empty list.
func TestEmptyIsAskedLater(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, `{"value":[]}`) })
	clk := clocktesting.NewFakeClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Clock, cfg.ConfirmDelay = clk, 3*time.Second })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := c.TransitiveMembers(ctx, "g1"); done <- err }()
	eventually(t, "wait for the second read", clk.HasWaiters)
	clk.Step(3*time.Second - time.Nanosecond)
	if srv.count() != 1 || !clk.HasWaiters() {
		t.Errorf("%d requests before the delay is over", srv.count())
	}
	cancel()
	if e := wantKind(t, <-done, KindTransient); !errors.Is(e, context.Canceled) {
		t.Errorf("got %v", e)
	}
}
