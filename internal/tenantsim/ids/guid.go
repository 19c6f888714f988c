// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package ids

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// GUID is an object id. It is kept as bytes because a large fleet holds three
// per device.
type GUID [16]byte

// NewGUID derives the n-th id of a kind from the seed, so that equal runs have
// equal ids.
func NewGUID(seed uint64, kind string, n uint64) GUID {
	var buf [16]byte
	binary.BigEndian.PutUint64(buf[:8], seed)
	binary.BigEndian.PutUint64(buf[8:], n)
	sum := sha256.Sum256(append(buf[:], kind...))
	var g GUID
	copy(g[:], sum[:16])
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// String renders the lower-case 8-4-4-4-12 form.
func (g GUID) String() string {
	var out [36]byte
	hex.Encode(out[0:8], g[0:4])
	out[8] = '-'
	hex.Encode(out[9:13], g[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], g[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], g[8:10])
	out[23] = '-'
	hex.Encode(out[24:36], g[10:16])
	return string(out[:])
}

// Same compares object ids as text: they are GUIDs and so have no case.
func Same(a, b string) bool { return strings.EqualFold(a, b) }

// ParseGUID accepts the 8-4-4-4-12 form in either case.
func ParseGUID(s string) (GUID, bool) {
	var g GUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, false
	}
	plain := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(g[:], []byte(plain)); err != nil {
		return GUID{}, false
	}
	return g, true
}

// Mix is splitmix64's finaliser: a cheap, well-spread hash of one word.
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// HashText is FNV-1a over s, finished by mix.
func HashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return Mix(h)
}

// Uniform maps a hash to [0, 1).
func Uniform(h uint64) float64 { return float64(h>>11) / (1 << 53) }
