// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

const goneJSON = `{"error":{"code":"ResourceNotFound","message":"no such object"}}`

// byIDReads are the reads whose NotFound a caller takes for "gone".
var byIDReads = map[string]func(context.Context, *Client) error{
	"ConfigurationPolicy":  func(ctx context.Context, c *Client) error { _, err := c.ConfigurationPolicy(ctx, "x1"); return err },
	"PolicySettings":       func(ctx context.Context, c *Client) error { _, err := c.PolicySettings(ctx, "x1"); return err },
	"Assignments":          func(ctx context.Context, c *Client) error { _, err := c.Assignments(ctx, "x1"); return err },
	"Group":                func(ctx context.Context, c *Client) error { _, err := c.Group(ctx, "x1"); return err },
	"GroupByUniqueName":    func(ctx context.Context, c *Client) error { _, err := c.GroupByUniqueName(ctx, "x1"); return err },
	"Members":              func(ctx context.Context, c *Client) error { _, err := c.Members(ctx, "x1"); return err },
	"TransitiveMembers":    func(ctx context.Context, c *Client) error { _, err := c.TransitiveMembers(ctx, "x1"); return err },
	"Remediation":          func(ctx context.Context, c *Client) error { _, err := c.Remediation(ctx, "x1"); return err },
	"AssignmentFilter":     func(ctx context.Context, c *Client) error { _, err := c.AssignmentFilter(ctx, "x1"); return err },
	"ConditionalAccess":    func(ctx context.Context, c *Client) error { _, err := c.ConditionalAccessPolicy(ctx, "x1"); return err },
	"RemediationAssign...": func(ctx context.Context, c *Client) error { _, err := c.RemediationAssignments(ctx, "x1"); return err },
}

// TestGoneNeedsTwoReads: one 404 is not believed, two well-formed ones are, and nothing else is ever "gone".
func TestGoneNeedsTwoReads(t *testing.T) {
	type reply struct {
		status int
		body   string
	}
	notFound, here := reply{404, goneJSON}, reply{status: 200}
	tests := []struct {
		name    string
		replies []reply // the last one repeats
		want    Kind
		sent    int
	}{
		{"missed once", []reply{notFound, here}, "", 2},
		{"missed twice", []reply{notFound}, KindNotFound, 2},
		{"400 is no absence", []reply{{400, `{"error":{"code":"BadRequest","message":"resource does not exist"}}`}}, KindInvalid, 1},
		{"a 404 of a gateway", []reply{{404, `<html>Not Found</html>`}}, KindTransient, 4},
		{"a wrong URL", []reply{{404, `{"error":{"code":"BadRequest","message":"Resource not found for the segment 'x'."}}`}}, KindInvalid, 1},
		{"missed, then refused", []reply{notFound, {403, `{"error":{"code":"Forbidden","message":"no"}}`}}, KindForbidden, 2},
		{"missed, then 400", []reply{notFound, {400, `{"error":{"code":"BadRequest","message":"no"}}`}}, KindInvalid, 2},
	}
	for op, read := range byIDReads {
		for _, tt := range tests {
			t.Run(op+"/"+tt.name, func(t *testing.T) {
				srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
					next := tt.replies[min(n, len(tt.replies))-1]
					if next == here {
						succeed(w, r)
						return
					}
					answer(w, next.status, "%s", next.body)
				})
				err := read(t.Context(), testClient(t, srv.URL))
				if KindOf(err) != tt.want || (tt.want == "") != (err == nil) || srv.count() != tt.sent {
					t.Errorf("got %v after %d requests, want %q after %d", err, srv.count(), tt.want, tt.sent)
				}
			})
		}
	}
}

// eventually polls a condition for at most 5 s of real time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// TestGoneIsAskedLater: between the two reads lies ConfirmDelay, and a caller that gives up gets no NotFound.
func TestGoneIsAskedLater(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 404, goneJSON) })
	clk := clocktesting.NewFakeClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Clock, cfg.ConfirmDelay = clk, 3*time.Second })
	done := make(chan error, 1)
	go func() { _, err := c.Group(t.Context(), "g1"); done <- err }()
	eventually(t, "wait for the second read", clk.HasWaiters)
	clk.Step(3*time.Second - time.Nanosecond)
	if srv.count() != 1 || !clk.HasWaiters() {
		t.Fatalf("%d requests before the delay is over", srv.count())
	}
	clk.Step(time.Nanosecond)
	wantKind(t, <-done, KindNotFound)
	if srv.count() != 2 {
		t.Errorf("%d requests", srv.count())
	}

	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, err := c.Group(ctx, "g1"); done <- err }()
	eventually(t, "wait for the second read", clk.HasWaiters)
	cancel()
	if e := wantKind(t, <-done, KindTransient); !errors.Is(e, context.Canceled) {
		t.Errorf("got %v", e)
	}
}

// TestDeleteOfWhatIsHere: a delete that misses an object which can be read is not done.
func TestDeleteOfWhatIsHere(t *testing.T) {
	deletes := map[string]func(context.Context, *Client) error{
		"policy":      func(ctx context.Context, c *Client) error { return c.DeleteConfigurationPolicy(ctx, "x1") },
		"group":       func(ctx context.Context, c *Client) error { return c.DeleteGroup(ctx, "x1") },
		"remediation": func(ctx context.Context, c *Client) error { return c.DeleteRemediation(ctx, "x1") },
		"filter":      func(ctx context.Context, c *Client) error { return c.DeleteAssignmentFilter(ctx, "x1") },
	}
	tests := []struct {
		name   string
		status int
		body   string
		want   Kind
	}{
		{"still here", 200, `{"id":"x1"}`, KindTransient},
		{"gone", 404, goneJSON, KindNotFound},
		{"unreadable", 403, `{"error":{"code":"Forbidden","message":"no"}}`, KindForbidden},
	}
	for name, remove := range deletes {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
					if r.Method == http.MethodDelete {
						answer(w, 404, goneJSON)
						return
					}
					answer(w, tt.status, "%s", tt.body)
				})
				wantKind(t, remove(t.Context(), testClient(t, srv.URL)), tt.want)
			})
		}
	}
}
