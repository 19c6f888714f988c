// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// confirmGone asks a second time before a read says NotFound. Just after a write one replica may still miss an
// object that another one has (contract a.5, g), and a caller that believes the first would make a second object
// (P5). Between the two reads lies Config.ConfirmDelay. Whatever the second read says stands: the object, an error
// of another kind, or NotFound, which then means gone.
func (c *Client) confirmGone(ctx context.Context, op call, again func() error) error {
	if err := sleep(ctx, c.cfg.Clock, c.cfg.ConfirmDelay); err != nil {
		return &Error{Kind: KindTransient, Op: op.op, Err: err,
			Message: "the tenant said once that the object does not exist; gave up before asking again"}
	}
	return again()
}

// erase sends a delete. A tenant that answers NotFound is asked for the object itself: only when a read misses it
// too it is gone, otherwise the delete came before the object was everywhere and has to be sent again later.
func (c *Client) erase(ctx context.Context, op call, ri *abs.RequestInformation, read func(context.Context) error) error {
	first := c.send(ctx, op, ri, nil)
	if KindOf(first) != KindNotFound {
		return first
	}
	err := read(ctx)
	switch {
	case KindOf(err) == KindNotFound:
		return first
	case err != nil:
		return err
	}
	e := *asError(first)
	e.Kind, e.Foreign = KindTransient, false
	e.Message = "the tenant said that there is nothing to delete, and then showed the object: delete it again"
	return &e
}
