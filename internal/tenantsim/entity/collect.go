// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package entity

import (
	"iter"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Keyed yields items with an ascending key > after. The key is the place to
// resume, so that pages neither repeat nor lose items when others come or go.
type Keyed[T any] func(after int64) iter.Seq2[int64, T]

// EachOf yields a list by position.
func EachOf[T any](list []T) Keyed[T] {
	return func(after int64) iter.Seq2[int64, T] {
		return func(yield func(int64, T) bool) {
			for i := after + 1; i < int64(len(list)); i++ {
				if !yield(i, list[i]) {
					return
				}
			}
		}
	}
}

// Collect renders up to size matching items. It returns the key of the last
// one, and whether another match follows.
func Collect[T any](c *odata.Request, q odata.Query, e *Type[T], items iter.Seq2[int64, T], members []*Property[T], size int, decorate func(int64, map[string]any) error) (page []map[string]any, last int64, more bool, err error) {
	page = make([]map[string]any, 0, min(size, 1024))
	skip := q.Skip
	for key, item := range items {
		if q.Filter != nil && !q.Filter.Eval(e.getter(c, item)) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(page) == size {
			return page, last, true, nil
		}
		out := Render(item, members)
		if decorate != nil {
			if err := decorate(key, out); err != nil {
				return nil, 0, false, err
			}
		}
		page, last = append(page, out), key
	}
	return page, last, false, nil
}

// CountMatches counts the objects that match the query.
func CountMatches[T any](c *odata.Request, q odata.Query, e *Type[T], items Keyed[T]) int {
	n := 0
	for _, item := range items(-1) {
		if q.Filter == nil || q.Filter.Eval(e.getter(c, item)) {
			n++
		}
	}
	return n
}
