// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// definition is one setting of the tenant's catalog.
type definition = catalog.Definition

// Ids of the settings that matter to a passkey rollout. PasskeysMacOS exists in
// the fictitious catalog edge-with-macos-passkeys only.
const (
	PasskeysWindowsDevice  = catalog.PasskeysWindowsDevice
	PasskeysWindowsUser    = catalog.PasskeysWindowsUser
	PasskeysMacOS          = catalog.PasskeysMacOS
	PasswordManagerWindows = catalog.PasswordManagerWindows
)

// CatalogMacOSPasskeys names the catalog of tests that need one setting on two
// platforms. It is fictitious: no public catalog has the passkey setting for macOS.
const CatalogMacOSPasskeys = catalog.MacOSPasskeys

// openCatalog returns the built-in catalog of that name, or else reads the file
// of that name.
func openCatalog(nameOrFile string) (*catalog.Catalog, error) {
	if catalog.IsBuiltin(nameOrFile) {
		return catalog.Builtin(nameOrFile)
	}
	c, err := catalog.Load(nameOrFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("catalog %q is neither built in (%s) nor a file", nameOrFile, strings.Join(catalog.Names(), ", "))
	}
	return c, err
}

// categoryView is a category with its place in the tree.
type categoryView struct {
	catalog.Category
	root     string
	children []string
}

// categoryViews works the tree out of the parents.
func categoryViews(list []catalog.Category) []categoryView {
	parent, below := map[string]string{}, map[string][]string{}
	for _, k := range list {
		parent[k.ID] = k.Parent
		below[k.Parent] = append(below[k.Parent], k.ID)
	}
	out := make([]categoryView, len(list))
	for i, k := range list {
		root := k.ID
		for steps := 0; parent[root] != "" && steps < len(list); steps++ {
			root = parent[root]
		}
		out[i] = categoryView{k, root, append([]string{}, below[k.ID]...)}
	}
	return out
}

// rootName is the parentCategoryId of a category at the top (ASSUMED: the
// contract only says that the tree hangs by this member).
const rootName = "00000000-0000-0000-0000-000000000000"

var categoryEntity = &entity.Type[categoryView]{Name: "microsoft.graph.deviceManagementConfigurationCategory", Properties: []entity.Property[categoryView]{
	{Name: "id", Ops: odata.OpsEquality, Get: func(k categoryView) any { return k.ID }},
	{Name: "name", Ops: odata.OpsText | odata.Contains, Get: func(k categoryView) any { return k.DisplayName }},
	{Name: "displayName", Ops: odata.OpsText | odata.Contains, Get: func(k categoryView) any { return k.DisplayName }},
	{Name: "description", Get: func(categoryView) any { return nil }},
	{Name: "categoryDescription", Get: func(categoryView) any { return nil }},
	{Name: "helpText", Get: func(categoryView) any { return nil }},
	{Name: "parentCategoryId", Ops: odata.Eq, Get: func(k categoryView) any {
		if k.Parent == "" {
			return rootName
		}
		return k.Parent
	}},
	{Name: "rootCategoryId", Ops: odata.Eq, Get: func(k categoryView) any { return k.root }},
	{Name: "childCategoryIds", Get: func(k categoryView) any { return k.children }},
	{Name: "platforms", Ops: odata.Eq | odata.Has, Get: func(k categoryView) any { return k.Platforms }},
	{Name: "technologies", Ops: odata.Eq | odata.Has, Get: func(k categoryView) any { return k.Technologies }},
	{Name: "settingUsage", Get: func(categoryView) any { return "configuration" }},
}}

func listCategories(c *call) (*reply, error) {
	return listReply(c, c.Query, categoryEntity, entity.EachOf(categoryViews(c.server.catalog.Categories)),
		listStyle{context: "deviceManagement/configurationCategories", size: 100, max: 1000, count: countPage}) // page size ASSUMED
}

func getCategory(c *call) (*reply, error) {
	members, err := categoryEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	for _, k := range categoryViews(c.server.catalog.Categories) {
		if ids.Same(k.ID, c.params["id"]) {
			return c.entityReply(http.StatusOK, "deviceManagement/configurationCategories/$entity", entity.Render(k, members)), nil
		}
	}
	return nil, c.NotFound(c.params["id"])
}

// definitionsAfter yields the definitions behind a place in the catalog. Places
// never change, so that pages neither repeat nor lose what stays while others
// come and go.
func definitionsAfter(all []*definition, keep func(*definition) bool) entity.Keyed[*definition] {
	return func(after int64) iter.Seq2[int64, *definition] {
		return func(yield func(int64, *definition) bool) {
			for _, d := range all {
				if d.Sequence() > after && keep(d) && !yield(d.Sequence(), d) {
					return
				}
			}
		}
	}
}
