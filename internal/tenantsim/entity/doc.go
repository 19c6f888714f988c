// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package entity describes the types of a tenant's objects member by member, and selects, filters, orders and renders objects by
// that description. It knows requests and no tenant.
//
//	entity.go    a type and its members
//	ordering.go  $orderby
//	collect.go   one page of the objects that match
package entity
