// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/late"
)

// meta is what every object on a shelf has.
type meta struct {
	id                string
	sequence          uint64
	created, modified time.Time
	changed           bool      // since it was made
	deleted           time.Time // zero: it lives
}

func (m *meta) head() *meta { return m }

type headed[T any] interface {
	*T
	head() *meta
}

// shelf holds the objects of one kind in the order of their creation, with
// their trail.
type shelf[T any, P headed[T]] struct {
	items []*T
	trail late.Trail[T]
}

func (sh *shelf[T, P]) add(s *Server, item *T, kind string) {
	id, sequence := s.nextID(kind)
	head, now := P(item).head(), s.clock.Now()
	head.id, head.sequence = id.String(), sequence
	head.created, head.modified = now, now // equal means: never changed
	sh.items = append(sh.items, item)
	sh.trail.Created(s.instant(), item)
}

// change notes how the item looked before a change that the caller makes next.
func (sh *shelf[T, P]) change(s *Server, item *T) {
	sh.trail.Changing(s.instant(), item)
	P(item).head().modified = s.clock.Now()
}

func (sh *shelf[T, P]) remove(s *Server, item *T) {
	sh.trail.Removed(s.instant(), item)
	sh.items = slices.DeleteFunc(sh.items, func(o *T) bool { return o == item })
}

// sameID compares ids, which are GUIDs and so have no case.
func sameID(a, b string) bool { return strings.EqualFold(a, b) }

// get finds a live object by id.
func (sh *shelf[T, P]) get(id string) *T {
	for _, item := range sh.items {
		if sameID(P(item).head().id, id) {
			return item
		}
	}
	return nil
}

// find is the object of the path's {id} as it is, for writes: it must be
// readable by now.
func (sh *shelf[T, P]) find(c *call) (*T, error) {
	item := sh.get(c.params["id"])
	if item == nil || sh.trail.At(item, c.readAsOf()) == nil {
		return nil, c.NotFound(c.params["id"])
	}
	return item, nil
}

// see is the object of the path's {id} as a read sees it.
func (sh *shelf[T, P]) see(c *call) (*T, error) {
	for _, item := range append(slices.Clone(sh.trail.Gone()), sh.items...) {
		if !sameID(P(item).head().id, c.params["id"]) {
			continue
		}
		if seen := sh.trail.At(item, c.readAsOf()); seen != nil {
			return seen, nil
		}
	}
	return nil, c.NotFound(c.params["id"])
}

// listed yields the objects as a list sees them.
func (sh *shelf[T, P]) listed(c *call) entity.Keyed[*T] {
	asOf := c.listAsOf()
	return func(after int64) iter.Seq2[int64, *T] {
		return func(yield func(int64, *T) bool) {
			for _, item := range sh.trail.WithGone(sh.items, func(o *T) uint64 { return P(o).head().sequence }) {
				key := int64(P(item).head().sequence)
				if seen := sh.trail.At(item, asOf); key > after && seen != nil && !yield(key, seen) {
					return
				}
			}
		}
	}
}
