// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// retrying runs attempts until one succeeds or its error may not be tried again. An error that comes after a
// lost answer keeps OutcomeUnknown: a later refusal does not tell what the first attempt did. The error is this call's
// own: what is noted in it reaches no other call that failed for the same cause.
func (c *Client) retrying(ctx context.Context, op call, attempt func(context.Context) error) error {
	unknown := false
	for n := 1; ; n++ {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		e := own(err)
		if e == nil {
			return err
		}
		unknown = unknown || e.OutcomeUnknown
		e.OutcomeUnknown = unknown
		wait, again := c.backoff(ctx, op, n, e)
		if !again {
			return e
		}
		c.metrics.retried(op.op)
		if e.Kind == KindThrottled {
			c.metrics.throttled(op.class, max(wait, 0))
		}
		if err := sleep(ctx, c.cfg.Clock, wait); err != nil {
			return &Error{Kind: KindTransient, Op: op.op, Message: e.Message, Hint: strings.TrimPrefix(e.Hint+"; gave up waiting to try again", "; "), Foreign: e.Foreign,
				Status: e.Status, Code: e.Code, RequestID: e.RequestID, OutcomeUnknown: unknown, Err: err}
		}
	}
}

// backoff decides whether attempt n may be followed by another, and how long to wait before.
func (c *Client) backoff(ctx context.Context, op call, n int, e *Error) (time.Duration, bool) {
	if n >= c.cfg.MaxAttempts || ctx.Err() != nil || !repeatable(op, e) {
		return 0, false
	}
	wait := rand.N(min(c.cfg.RetryBase<<min(n-1, 16), c.cfg.RetryCap) + 1) // #nosec G404 -- jitter, not a secret
	if !e.RetryAt.IsZero() {
		wait = e.RetryAt.Sub(c.cfg.Clock.Now())
		if wait > c.cfg.MaxRetryWait {
			return 0, false
		}
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return 0, false // There is no time left to try: what went wrong is worth more than "deadline exceeded".
	}
	return wait, true
}

// repeatable reports whether sending the request again can help and does no harm.
func repeatable(op call, e *Error) bool {
	switch e.Kind {
	case KindThrottled:
		// A 429 is a refusal before any effect, so writes may follow it too. The 500 of the query broker
		// (contract k.4) is only known from reads.
		return e.Status == http.StatusTooManyRequests || op.effect == effectRead
	case KindTransient:
		if e.Status == http.StatusInternalServerError || e.Status == http.StatusNotImplemented {
			return false // contract k.4: other 500s stay errors
		}
		switch e.Code {
		case codeLinkExpired, codeJobFailed, codeJobSlow, codeTooMuch, codeTooSlow:
			return false // The same link, job or host will not do better.
		}
		if !e.OutcomeUnknown && e.Status == 0 {
			return true // Nothing was sent: no connection or no token.
		}
		return op.effect != effectUnsafe
	}
	return false
}

// Codes of failures of an export that Graph itself has no code for.
const (
	codeLinkExpired = "exportLinkExpired" // storage no longer accepts the link
	codeJobFailed   = "exportJobFailed"   // the tenant gave the job up
	codeJobSlow     = "exportJobSlow"     // the job took longer than ExportMaxWait
)
