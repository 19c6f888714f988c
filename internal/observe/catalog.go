// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/settings"
)

// catalogAge is how long a tenant's catalog answers are kept. The catalog changes a few times a year and a search is the
// most expensive read that a policy makes (domain 2.7 allows a day).
const catalogAge = 24 * time.Hour

// CatalogSource searches a tenant's settings catalog.
type CatalogSource interface {
	SettingDefinitions(ctx context.Context, filter graph.SettingFilter) ([]graph.SettingDefinition, error)
}

// Catalogs keeps the definitions that matter to Tidegate, by Tenant. Safe for concurrent use.
type Catalogs struct {
	mu   sync.Mutex
	kept map[types.NamespacedName]catalog
}

type catalog struct {
	src  CatalogSource
	at   time.Time
	defs []settings.Definition
}

// NewCatalogs returns an empty cache.
func NewCatalogs() *Catalogs { return &Catalogs{kept: map[types.NamespacedName]catalog{}} }

// Definitions searches for everything that a payload can resolve to. That there is nothing is believed only of a catalog that
// can be searched, and is an error otherwise. An answer that left a setting unresolved is worth
// asking again at once: forget it by Drop.
func (c *Catalogs) Definitions(ctx context.Context, tenant types.NamespacedName, src CatalogSource, now time.Time) ([]settings.Definition, error) {
	c.mu.Lock()
	k, ok := c.kept[tenant]
	c.mu.Unlock()
	if ok && k.src == src && now.Sub(k.at) < catalogAge && !now.Before(k.at) {
		return k.defs, nil
	}
	seen := map[string]bool{}
	var defs []settings.Definition
	for _, term := range settings.SearchTerms() {
		found, err := src.SettingDefinitions(ctx, graph.SettingFilter{Contains: term})
		if err != nil {
			return nil, err
		}
		for i := range found {
			if !seen[found[i].ID] {
				seen[found[i].ID] = true
				defs = append(defs, definition(&found[i]))
			}
		}
	}
	if !slices.ContainsFunc(defs, func(d settings.Definition) bool { return !d.Unreadable }) {
		if err := searchable(ctx, src); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	c.kept[tenant] = catalog{src: src, at: now, defs: defs}
	c.mu.Unlock()
	return defs, nil
}

// Drop forgets what is kept of a tenant.
func (c *Catalogs) Drop(tenant types.NamespacedName) {
	c.mu.Lock()
	delete(c.kept, tenant)
	c.mu.Unlock()
}
