// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "math/bits"

// bitset is a set of small integers: the members of a group or the targets of
// a policy by dense index. Iteration is in ascending order, which makes lists
// that are built from it stable under paging. A set has no size: what lies
// beyond its words is not in it, so sets that were made before the fleet grew
// go together with newer ones.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

// fullBitset holds from and everything up to but not including to.
func fullBitset(from, to int) bitset {
	b := newBitset(to)
	for i := from; i < to; i++ {
		if i&63 == 0 && i+64 <= to {
			b[i>>6] = ^uint64(0)
			i += 63
			continue
		}
		b.set(i)
	}
	return b
}

func (b bitset) has(i int) bool {
	w := i >> 6
	return w < len(b) && b[w]&(1<<(i&63)) != 0
}

// set adds an element. The set grows when it must, so a caller that shares a
// set with others makes it large enough first.
func (b *bitset) set(i int) {
	b.grow(i>>6 + 1)
	(*b)[i>>6] |= 1 << (i & 63)
}

func (b bitset) clear(i int) {
	if w := i >> 6; w < len(b) {
		b[w] &^= 1 << (i & 63)
	}
}

// grow makes room for so many words.
func (b *bitset) grow(words int) {
	if missing := words - len(*b); missing > 0 {
		*b = append(*b, make(bitset, missing)...)
	}
}

// word is the w-th word, zero beyond the end.
func (b bitset) word(w int) uint64 {
	if w < len(b) {
		return b[w]
	}
	return 0
}

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// grown returns the set with room for n elements; it may share memory.
func (b bitset) grown(n int) bitset {
	if missing := (n+63)/64 - len(b); missing > 0 {
		return append(b, make(bitset, missing)...)
	}
	return b
}

// or adds every element of o.
func (b *bitset) or(o bitset) {
	b.grow(len(o))
	for i, w := range o {
		(*b)[i] |= w
	}
}

// next returns the smallest element >= i, or -1.
func (b bitset) next(i int) int {
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

// each calls f for every element in ascending order.
func (b bitset) each(f func(int)) {
	for i := b.next(0); i >= 0; i = b.next(i + 1) {
		f(i)
	}
}
