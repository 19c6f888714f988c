// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import "context"

// confirmEmpty reads a list a second time before it says that there is nothing in it, as confirmGone does for one object: a
// replica that is behind answers 200 and an empty list (contract g). It is for lists of which an empty one moves people: a
// name that nobody has stops a policy, an exclusion without members excludes nobody, a copy without assignments is deleted.
// Between the two reads lies Config.ConfirmDelay, and what the second read says stands.
func confirmEmpty[T any](ctx context.Context, c *Client, op call, read func() ([]T, error)) ([]T, error) {
	found, err := read()
	if err != nil || len(found) > 0 {
		return found, err
	}
	if err := sleep(ctx, c.cfg.Clock, c.cfg.ConfirmDelay); err != nil {
		return nil, &Error{Kind: KindTransient, Op: op.op, Err: err, Message: "the tenant answered once with an empty list; gave up before asking again"}
	}
	return read()
}
