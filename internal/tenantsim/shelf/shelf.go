// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package shelf

import (
	"iter"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/late"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Meta is what every object on a shelf has.
type Meta struct {
	ID string
	// Sequence orders the objects; it grows with each that is made.
	Sequence uint64
	// Created and Modified are equal until the object changes.
	Created, Modified time.Time
	Changed           bool      // since it was made
	Deleted           time.Time // zero: it lives
}

func (m *Meta) head() *Meta { return m }

// Item is a pointer to a type that embeds Meta.
type Item[T any] interface {
	*T
	head() *Meta
}

// Shelf holds the objects of one kind in the order of their creation, with
// their trail. The zero value is empty and ready.
type Shelf[T any, P Item[T]] struct {
	items []*T
	trail late.Trail[T]
}

// Stock puts objects on an empty shelf that were there before everything that is
// added, and made at the moment. They bring their ids.
func (sh *Shelf[T, P]) Stock(made time.Time, items []*T) {
	for i, item := range items {
		head := P(item).head()
		head.Sequence, head.Created, head.Modified = uint64(i), made, made
	}
	sh.items = items
}

// Add puts a new object at the end of the shelf. The sequence is greater than
// that of every other object.
func (sh *Shelf[T, P]) Add(at late.Instant, item *T, id string, sequence uint64) {
	head := P(item).head()
	head.ID, head.Sequence = id, sequence
	head.Created, head.Modified = at.Now, at.Now
	sh.items = append(sh.items, item)
	sh.trail.Created(at, item)
}

// Change notes how the item looked before a change that the caller makes next.
func (sh *Shelf[T, P]) Change(at late.Instant, item *T) {
	sh.trail.Changing(at, item)
	P(item).head().Modified = at.Now
}

// ChangedFrom notes how the item looked before a change that the caller has made.
// The caller says when it was modified.
func (sh *Shelf[T, P]) ChangedFrom(at late.Instant, item, was *T) { sh.trail.Note(at, item, was) }

// Remove takes the item from the shelf. Late reads still show it.
func (sh *Shelf[T, P]) Remove(at late.Instant, item *T) {
	sh.trail.Removed(at, item)
	sh.items = slices.DeleteFunc(sh.items, func(o *T) bool { return o == item })
}

// All are the objects as they truly are. The list must not be changed.
func (sh *Shelf[T, P]) All() []*T { return sh.items }

// Get finds an object by id as it truly is; nil when there is none.
func (sh *Shelf[T, P]) Get(id string) *T {
	for _, item := range sh.items {
		if ids.Same(P(item).head().ID, id) {
			return item
		}
	}
	return nil
}

// Find is the object of an id as it is, for writes: it must be readable by now,
// as of the moment that reads of the request see. The error is a 404.
func (sh *Shelf[T, P]) Find(r *odata.Request, id string, asOf time.Time) (*T, error) {
	item := sh.Get(id)
	if item == nil || sh.trail.At(item, asOf) == nil {
		return nil, r.NotFound(id)
	}
	return item, nil
}

// See is the object of an id as a read of the moment sees it. It must not be
// changed. The error is a 404.
func (sh *Shelf[T, P]) See(r *odata.Request, id string, asOf time.Time) (*T, error) {
	for _, item := range append(slices.Clone(sh.trail.Gone()), sh.items...) {
		if !ids.Same(P(item).head().ID, id) {
			continue
		}
		if seen := sh.trail.At(item, asOf); seen != nil {
			return seen, nil
		}
	}
	return nil, r.NotFound(id)
}

// Listed yields the objects as a list of the moment sees them. They must not be
// changed.
func (sh *Shelf[T, P]) Listed(asOf time.Time) entity.Keyed[*T] {
	return func(after int64) iter.Seq2[int64, *T] {
		return func(yield func(int64, *T) bool) {
			for _, item := range sh.trail.WithGone(sh.items, func(o *T) uint64 { return P(o).head().Sequence }) {
				key := int64(P(item).head().Sequence)
				if seen := sh.trail.At(item, asOf); key > after && seen != nil && !yield(key, seen) {
					return
				}
			}
		}
	}
}
