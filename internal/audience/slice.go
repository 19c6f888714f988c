// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// placed is a device and its place in hash space.
type placed struct {
	at uint64
	id ID
}

// Order returns the distinct ids in a stable hash order: the place of a device depends on its id and the salt only,
// never on the other ids. Waves that shall nest in each other share one salt, such as the uid of their policy.
func Order(ids []ID, salt string) []ID { return identities(place(ids, salt)) }

// Slice returns the part of the distinct ids that s selects, in the order of [Order]; all of them when s is nil.
//
// Percent selects the devices whose place lies in the first Percent hundredths of hash space. So a slice of 5 lies
// inside one of 20 and that inside 100, and a device never moves when others join or leave. The price is that the
// number of devices is near Percent of the candidates but seldom exactly that. When a slice would come out empty, it
// takes the first device in order instead: the size is rounded up to at least one.
//
// Count selects the first Count devices in order. It nests as well, but a device at the edge can move when others
// join; the ledger of an attempt, which freezes the membership, is what keeps it in place.
//
// The API server lets exactly one of the two through, in its range. If both are set all the same, the smaller slice
// counts; if neither, or a value below 1, no device is selected: too few is the safe side.
func Slice(ids []ID, salt string, s *v1alpha1.Slice) []ID {
	ordered := place(ids, salt)
	if s == nil {
		return identities(ordered)
	}
	n := 0
	switch {
	case s.Percent != nil && s.Count != nil:
		n = min(withinPercent(ordered, *s.Percent), withinCount(ordered, *s.Count))
	case s.Percent != nil:
		n = withinPercent(ordered, *s.Percent)
	case s.Count != nil:
		n = withinCount(ordered, *s.Count)
	}
	return identities(ordered[:n])
}

// Digest returns "sha256:" and the hexadecimal hash of the set of ids, whatever their order and however often each is
// listed. Two audiences have the same digest only if they are the same devices.
func Digest(ids []ID) string {
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, ID.Compare)
	h := sha256.New()
	for _, id := range slices.Compact(sorted) {
		h.Write(id[:]) // a hash never returns an error
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// place returns the distinct ids by place, those of one place by id.
func place(ids []ID, salt string) []placed {
	all := make([]placed, len(ids))
	// The id has a fixed length and comes last, so no two pairs of salt and id are hashed as the same bytes.
	buf := append([]byte(salt), make([]byte, len(ID{}))...)
	for i, id := range ids {
		copy(buf[len(salt):], id[:])
		sum := sha256.Sum256(buf)
		all[i] = placed{at: binary.BigEndian.Uint64(sum[:]), id: id}
	}
	slices.SortFunc(all, func(a, b placed) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return a.id.Compare(b.id)
	})
	return slices.Compact(all)
}

func identities(all []placed) []ID {
	ids := make([]ID, len(all))
	for i, p := range all {
		ids[i] = p.id
	}
	return ids
}

// withinPercent counts the devices in the first percent hundredths of hash space, at least one if there is any.
func withinPercent(ordered []placed, percent int32) int {
	switch {
	case percent < 1 || len(ordered) == 0:
		return 0
	case percent >= 100:
		return len(ordered)
	}
	end := threshold(percent)
	n, _ := slices.BinarySearchFunc(ordered, end, func(p placed, end uint64) int {
		if p.at < end {
			return -1
		}
		return 1
	})
	return max(n, 1)
}

// threshold is percent hundredths of 2^64, rounded up. percent is from 1 to 99.
func threshold(percent int32) uint64 {
	quotient, remainder := bits.Div64(uint64(percent), 0, 100)
	if remainder > 0 {
		quotient++
	}
	return quotient
}

func withinCount(ordered []placed, count int32) int {
	if count < 1 {
		return 0
	}
	return min(len(ordered), int(min(int64(count), math.MaxInt32)))
}
