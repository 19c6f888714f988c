// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package ids

import "math/bits"

// Bitset is a set of small integers: the members of a group or the targets of
// a policy by dense index. Iteration is in ascending order, which makes lists
// that are built from it stable under paging. A set has no size: what lies
// beyond its words is not in it, so sets that were made before the fleet grew
// go together with newer ones.
type Bitset []uint64

// NewBitset returns an empty set with room for 0 to n-1.
func NewBitset(n int) Bitset { return make(Bitset, (n+63)/64) }

// FullBitset holds from and everything up to but not including to.
func FullBitset(from, to int) Bitset {
	b := NewBitset(to)
	for i := from; i < to; i++ {
		if i&63 == 0 && i+64 <= to {
			b[i>>6] = ^uint64(0)
			i += 63
			continue
		}
		b.Set(i)
	}
	return b
}

// Has says whether i is in the set.
func (b Bitset) Has(i int) bool {
	w := i >> 6
	return w < len(b) && b[w]&(1<<(i&63)) != 0
}

// Set adds an element. The set grows when it must, so a caller that shares a
// set with others makes it large enough first.
func (b *Bitset) Set(i int) {
	b.grow(i>>6 + 1)
	(*b)[i>>6] |= 1 << (i & 63)
}

// Clear removes an element.
func (b Bitset) Clear(i int) {
	if w := i >> 6; w < len(b) {
		b[w] &^= 1 << (i & 63)
	}
}

// grow makes room for so many words.
func (b *Bitset) grow(words int) {
	if missing := words - len(*b); missing > 0 {
		*b = append(*b, make(Bitset, missing)...)
	}
}

// Word is the w-th word, zero beyond the end.
func (b Bitset) Word(w int) uint64 {
	if w < len(b) {
		return b[w]
	}
	return 0
}

// Count is the number of elements.
func (b Bitset) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Grown returns the set with room for n elements; it may share memory.
func (b Bitset) Grown(n int) Bitset {
	if missing := (n+63)/64 - len(b); missing > 0 {
		return append(b, make(Bitset, missing)...)
	}
	return b
}

// Or adds every element of o.
func (b *Bitset) Or(o Bitset) {
	b.grow(len(o))
	for i, w := range o {
		(*b)[i] |= w
	}
}

// Next returns the smallest element >= i, or -1.
func (b Bitset) Next(i int) int {
	if i < 0 {
		i = 0
	}
	w := i >> 6
	if w >= len(b) {
		return -1
	}
	if rest := b[w] >> (i & 63); rest != 0 {
		return i + bits.TrailingZeros64(rest)
	}
	for w++; w < len(b); w++ {
		if b[w] != 0 {
			return w<<6 + bits.TrailingZeros64(b[w])
		}
	}
	return -1
}

// Each calls f for every element in ascending order.
func (b Bitset) Each(f func(int)) {
	for i := b.Next(0); i >= 0; i = b.Next(i + 1) {
		f(i)
	}
}
