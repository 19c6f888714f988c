// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package hosts lets a test's Graph client speak to servers on loopback, as the flag --allow-endpoint-hosts does for the operator.
package hosts

import (
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/graph"
)

// Of is the host and port of the root URL of a server.
func Of(root string) string {
	_, host, _ := strings.Cut(root, "://")
	return host
}

// Allow lets an endpoint name the hosts of some URLs.
func Allow(t testing.TB, urls ...string) graph.HostList {
	t.Helper()
	entries := make([]string, len(urls))
	for i, u := range urls {
		entries[i] = Of(u)
	}
	l, err := graph.ParseHosts(entries)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
