// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// renameBody is all that a PATCH of a policy may carry: a body with settings is refused (contract a.4).
type renameBody struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// RenameConfigurationPolicy writes name and description of a policy and leaves settings and assignments alone (contract
// a5). Unlike a replacement it cannot take back a setting that somebody changed since the policy was read. An empty
// name is Invalid, a policy that is not there is NotFound. The same bytes lead to the same state, so a lost answer is
// safe to repeat.
func (c *Client) RenameConfigurationPolicy(ctx context.Context, id, name, description string) error {
	op := configurationWrite("RenameConfigurationPolicy", effectIdempotent)
	if err := needID(op.op, "policy id", id); err != nil {
		return err
	}
	if strings.TrimSpace(name) == "" {
		return invalid(op.op, "policy name is empty: give the policy a name")
	}
	ri, err := c.betaRequest(abs.PATCH, policyPath(id), nil, renameBody{Name: name, Description: description})
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	// What the answer repeats of the policy is not needed: the next look reads it again.
	return c.send(ctx, op, ri, nil)
}
