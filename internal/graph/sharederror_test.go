// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/sync/errgroup"
)

// oneFailure hands out a token for each of the first requests and then one and the same error to everybody.
type oneFailure struct {
	good int64
	asks atomic.Int64
	err  *Error
}

func (f *oneFailure) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if f.asks.Add(1) > f.good {
		return azcore.AccessToken{}, f.err
	}
	return azcore.AccessToken{Token: jwt(1), ExpiresOn: time.Now()}, nil
}

// sharing is a client whose token requests fail with one error for all, after the first good ones.
func sharing(t *testing.T, srv *recorder, good int64, failure *Error) *Client {
	c := testClient(t, srv.URL)
	c.tokens = newTokenSource(func() (azcore.TokenCredential, error) { return &oneFailure{good: good, err: failure}, nil }, "scope")
	return c
}

// TestPromise05_FailureIsEachCallsOwn: one failed token request is the error of every call that waited for it. The outcome of
// one is unknown, as its answer was lost before; the others sent nothing, and say so.
func TestPromise05_FailureIsEachCallsOwn(t *testing.T) {
	failure := &Error{Kind: KindTransient, Message: "the token endpoint is away"}
	srv := serve(t, func(_ int, _ http.ResponseWriter, _ *http.Request, _ string) { abort() })
	c := sharing(t, srv, 1, failure)

	lost := asError(c.SyncDevice(t.Context(), "d1")) // may be repeated: sent, answer lost, then no token
	if lost == nil || !lost.OutcomeUnknown || srv.count() != 1 {
		t.Fatalf("a write whose answer was lost ends with %+v after %d requests", lost, srv.count())
	}
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			e := asError(c.SyncDevice(t.Context(), "d2"))
			if e == nil || e.OutcomeUnknown || e == failure {
				t.Errorf("a write of which nothing was sent ends with %+v", e)
			}
		})
	}
	calls.Wait()
	if failure.OutcomeUnknown || srv.count() != 1 {
		t.Errorf("the shared error has become %+v after %d requests", failure, srv.count())
	}
}

// TestThrottledTokenIsEachCallsOwn: what a call adds to a refusal, the time to come back, does not go into the shared one.
func TestThrottledTokenIsEachCallsOwn(t *testing.T) {
	failure := &Error{Kind: KindThrottled, Status: http.StatusTooManyRequests, Message: "slow down"}
	srv := serve(t, func(_ int, _ http.ResponseWriter, _ *http.Request, _ string) { abort() })
	c := sharing(t, srv, 0, failure)
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			if _, err := c.Group(t.Context(), "g1"); KindOf(err) != KindThrottled || asError(err).RetryAt.IsZero() {
				t.Errorf("got %v", err)
			}
		})
	}
	calls.Wait()
	if !failure.RetryAt.IsZero() {
		t.Errorf("the shared error has become %+v", failure)
	}
}

// TestPromise05_FailureOfANeighbour: in a group of calls the first failure ends the others. A write that was under way then has
// not failed as its neighbour did: what became of it is unknown.
func TestPromise05_FailureOfANeighbour(t *testing.T) {
	sent := make(chan struct{})
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			close(sent)
			hang(r)
		}
		<-sent
		answer(w, 403, `{"error":{"code":"Forbidden","message":"no"}}`)
	})
	c := testClient(t, srv.URL)
	var read, write error
	group, ctx := errgroup.WithContext(t.Context())
	group.Go(func() error {
		write = c.SyncDevice(ctx, "d1")
		return write
	})
	group.Go(func() error {
		_, read = c.Group(ctx, "g1")
		return read
	})
	if err := group.Wait(); KindOf(err) != KindForbidden {
		t.Fatalf("the group ends with %v", err)
	}
	if e := wantKind(t, read, KindForbidden); e.OutcomeUnknown || e.Op != "Group" {
		t.Errorf("the read ends with %+v", e)
	}
	e := wantKind(t, write, KindTransient)
	if !e.OutcomeUnknown || e.Op != "SyncDevice" || !errors.Is(e, context.Canceled) {
		t.Errorf("the write that was under way ends with %+v", e)
	}
}
