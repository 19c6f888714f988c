// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package shelf

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/late"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Bin holds what was removed from a shelf and can come back, in the order of
// its deletion. The zero value is empty and ready.
type Bin[T any, P Item[T]] struct{ items []*T }

// Throw moves an object from its shelf into the bin. It is a copy that says as of
// when it was deleted: the time of the request, which may have waited since.
func (b *Bin[T, P]) Throw(at late.Instant, from *Shelf[T, P], item *T, deleted time.Time) {
	from.Remove(at, item)
	kept := *item
	P(&kept).head().Deleted = deleted
	b.items = append(b.items, &kept)
}

// Restore moves an object back to its place on the shelf. It is a copy: reads
// that lag may still show the one that was deleted.
func (b *Bin[T, P]) Restore(at late.Instant, to *Shelf[T, P], item *T, modified time.Time) *T {
	b.Drop(item)
	back := *item
	head := P(&back).head()
	head.Deleted, head.Modified, head.Changed = time.Time{}, modified, true
	place, _ := slices.BinarySearchFunc(to.items, head.Sequence, func(o *T, n uint64) int { return cmp.Compare(P(o).head().Sequence, n) })
	to.items = slices.Insert(to.items, place, &back)
	to.trail.Created(at, &back)
	return &back
}

// Drop deletes an object for good.
func (b *Bin[T, P]) Drop(item *T) {
	b.items = slices.DeleteFunc(b.items, func(o *T) bool { return o == item })
}

// All are the objects in the bin. The list must not be changed.
func (b *Bin[T, P]) All() []*T { return b.items }

// Find is the object of an id. The error is a 404.
func (b *Bin[T, P]) Find(r *odata.Request, id string) (*T, error) {
	for _, item := range b.items {
		if ids.Same(P(item).head().ID, id) {
			return item, nil
		}
	}
	return nil, r.NotFound(id)
}

// Purge ends what has been in the bin for the span and returns how much that is.
func (b *Bin[T, P]) Purge(now time.Time, kept time.Duration) uint64 {
	before := len(b.items)
	b.items = slices.DeleteFunc(b.items, func(item *T) bool { return now.Sub(P(item).head().Deleted) >= kept })
	return uint64(before - len(b.items))
}
