// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package odata is what a service that speaks OData knows of a request before it
// knows any tenant: its path, query options, headers and body, the language of
// $filter with its evaluation over one object, and the refusals.
//
//	request.go      one request, and refusals in the words of its workload
//	query.go        the query options, read strictly
//	requestbody.go  the body of a write, decoded
//	annotations.go  what clients send back that is no member
//	errors.go       a refusal and its codes
//	filter.go       a parsed filter, and how it decides over an object
//	filterparse.go  from text to a filter
//	search.go       $search of the directory, as one more node of a filter
//	list.go         comma lists such as that of $select
package odata
