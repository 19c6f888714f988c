// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestCollectionCounts: a count is what the list with the same filter holds; it
// needs the header, and is text.
func TestCollectionCounts(t *testing.T) {
	tt := newTenant(t, Options{Devices: 30, Scenario: quiet(GroupSpec{DisplayName: "one", Count: 5}, GroupSpec{DisplayName: "two", Count: 5})})
	filters := map[string][]string{
		"groups":  {"", "displayName eq 'one'", "startswith(displayName,'t')", "not(displayName eq 'one')"},
		"users":   {"", "startswith(displayName,'A')", "endsWith(userPrincipalName,'.com')"},
		"devices": {"", "operatingSystem eq 'Windows'", "not(operatingSystem eq 'Windows')"},
	}
	for _, version := range []string{"/beta/", "/v1.0/"} {
		for collection, list := range filters {
			for _, filter := range list {
				query := ""
				if filter != "" {
					query = "?$filter=" + url.QueryEscape(filter)
				}
				n := 0
				next := version + collection + strings.Replace(query, "?", "?$count=true&", 1)
				for next != "" {
					page := tt.want(200, "GET", next, nil, "ConsistencyLevel", "eventual")
					n += len(objects(page["value"]))
					next = strings.TrimPrefix(text(page, "@odata.nextLink"), "https://"+testHost)
					next = strings.TrimPrefix(next, "http://"+testHost)
				}
				if got := tt.count(version + collection + "/$count" + query); got != fmt.Sprint(n) || n == 0 && filter == "" {
					t.Errorf("%s%s %s: count %s, the list holds %d", version, collection, filter, got, n)
				}
			}
			tt.errorOf(400, "GET", version+collection+"/$count", nil)
			if w := tt.do("GET", version+collection+"/$count", nil, "ConsistencyLevel", "eventual", "Accept", "application/json"); w.Code != 415 {
				t.Errorf("%s as JSON: %d", collection, w.Code)
			}
			for _, bad := range []string{"$filter=no%20eq%201", "$top=1", "$select=id"} {
				if w := tt.do("GET", version+collection+"/$count?"+bad, nil, "ConsistencyLevel", "eventual"); w.Code != 400 {
					t.Errorf("%s with %s: %d", collection, bad, w.Code)
				}
			}
		}
	}
	if n := tt.count(`/v1.0/groups/$count?$search=` + url.QueryEscape(`"displayName:one"`)); n != "1" {
		t.Errorf("search counts %s", n)
	}
}
