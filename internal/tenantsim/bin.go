// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"slices"
	"time"
)

// keptAccess is how long something deleted from conditional access can be
// restored. The contract says that deletion is soft, not for how long: ASSUMED,
// as groups.
const keptAccess = keptDeleted

// bin holds what was removed from a shelf and can come back, in the order of
// its deletion.
type bin[T any, P headed[T]] struct{ items []*T }

// throw moves an object from its shelf into the bin.
func (b *bin[T, P]) throw(s *Server, from *shelf[T, P], item *T, now time.Time) {
	from.remove(s, item)
	kept := *item
	P(&kept).head().deleted = now
	b.items = append(b.items, &kept)
}

// restore moves an object back to its place on the shelf. It is a copy: reads
// that lag may still show the one that was deleted.
func (b *bin[T, P]) restore(s *Server, to *shelf[T, P], item *T, now time.Time) *T {
	b.drop(item)
	back := *item
	head := P(&back).head()
	head.deleted, head.modified, head.changed = time.Time{}, now, true
	at, _ := slices.BinarySearchFunc(to.items, head.sequence, func(o *T, n uint64) int { return cmp.Compare(P(o).head().sequence, n) })
	to.items = slices.Insert(to.items, at, &back)
	to.trail.Created(s.instant(), &back)
	return &back
}

func (b *bin[T, P]) drop(item *T) {
	b.items = slices.DeleteFunc(b.items, func(o *T) bool { return o == item })
}

// find is the object of the path's {id}.
func (b *bin[T, P]) find(c *call) (*T, error) {
	for _, item := range b.items {
		if sameID(P(item).head().id, c.params["id"]) {
			return item, nil
		}
	}
	return nil, c.NotFound(c.params["id"])
}

// purge ends what has been in the bin long enough and returns how much that is.
func (b *bin[T, P]) purge(now time.Time) uint64 {
	before := len(b.items)
	b.items = slices.DeleteFunc(b.items, func(item *T) bool { return now.Sub(P(item).head().deleted) >= keptAccess })
	return uint64(before - len(b.items))
}

// purgeAccess empties the bins of conditional access.
func (s *Server) purgeAccess(now time.Time) {
	s.changes += s.accessDeleted.purge(now) + s.locationsDeleted.purge(now)
}
