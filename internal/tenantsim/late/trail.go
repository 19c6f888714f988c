// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package late

import (
	"slices"
	"time"
)

// Look is how an object looked until a moment; Was nil: it did not exist.
type Look[T any] struct {
	Until time.Time
	Was   *T
}

// Instant is when something changes, and how far reads are behind then; Lag nil:
// not at all.
type Instant struct {
	Now time.Time
	Lag *Lag
}

// Trail remembers how objects of one kind looked. The zero value is ready.
type Trail[T any] struct {
	past map[*T][]Look[T]
	gone []*T // removed objects that some read may still show
}

// Created notes an object that is made at the instant. Without lag it does
// nothing, as Changing and Removed.
func (t *Trail[T]) Created(at Instant, item *T) { t.Note(at, item, nil) }

// Changing notes an object that is about to change at the instant.
func (t *Trail[T]) Changing(at Instant, item *T) {
	was := *item
	t.Note(at, item, &was)
}

// Removed notes an object that is about to be removed at the instant.
func (t *Trail[T]) Removed(at Instant, item *T) {
	t.Changing(at, item)
	if at.Lag != nil {
		t.gone = append(t.gone, item)
	}
}

// Note keeps how an object looked until the instant; was nil: it was not there.
func (t *Trail[T]) Note(at Instant, item, was *T) {
	if at.Lag == nil {
		return
	}
	t.prune(at.Now.Add(-at.Lag.Longest()))
	if t.past == nil {
		t.past = map[*T][]Look[T]{}
	}
	t.past[item] = append(t.past[item], Look[T]{Until: at.Now, Was: was})
}

// Empty says that every read sees what is.
func (t *Trail[T]) Empty() bool { return len(t.past) == 0 }

// Gone are the removed objects that some read may still show. The list must not
// be changed.
func (t *Trail[T]) Gone() []*T { return t.gone }

// prune forgets what no read can show any more.
func (t *Trail[T]) prune(before time.Time) {
	for item, looks := range t.past {
		kept := slices.DeleteFunc(looks, func(l Look[T]) bool { return !l.Until.After(before) })
		if len(kept) > 0 {
			t.past[item] = kept
			continue
		}
		delete(t.past, item)
		t.gone = slices.DeleteFunc(t.gone, func(g *T) bool { return g == item })
	}
}

// At returns how the object looked at the moment, or nil if it was not there.
// The result must not be changed.
func (t *Trail[T]) At(item *T, asOf time.Time) *T {
	for _, l := range t.past[item] {
		if l.Until.After(asOf) {
			return l.Was
		}
	}
	if slices.Contains(t.gone, item) {
		return nil
	}
	return item
}

// WithGone merges removed objects into a list that is ordered by sequence.
func (t *Trail[T]) WithGone(live []*T, sequence func(*T) uint64) []*T {
	if len(t.gone) == 0 {
		return live
	}
	all := append(slices.Clone(live), t.gone...)
	slices.SortFunc(all, func(a, b *T) int { return int(int64(sequence(a)) - int64(sequence(b))) })
	return all
}
