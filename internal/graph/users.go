// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"

	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// User is an Entra user.
type User struct {
	// ID is the object id.
	ID string `json:"id"`
	// UserPrincipalName is the sign-in name.
	UserPrincipalName string `json:"userPrincipalName"`
	// DisplayName is free text.
	DisplayName string `json:"displayName"`
	// AccountEnabled is nil when the application may not read it.
	AccountEnabled *bool `json:"accountEnabled"`
	// UserType is Member or Guest.
	UserType string `json:"userType"`
}

// Users hands every user of the tenant to yield. An error of yield ends the call and comes back as it is.
func (c *Client) Users(ctx context.Context, yield func(User) error) error {
	op := call{op: "Users", class: classDirectory, effect: effectRead, units: 2, permissions: []string{"User.Read.All"}}
	ri, err := users.NewUsersRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx,
		&users.UsersRequestBuilderGetRequestConfiguration{QueryParameters: &users.UsersRequestBuilderGetQueryParameters{
			Select: []string{"id", "userPrincipalName", "displayName", "accountEnabled", "userType"}, Top: ptr(directoryPage)}})
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return list(ctx, c, op, ri, func(u User) error {
		if u.ID == "" {
			return withoutID(op, "user")
		}
		return yield(u)
	})
}
