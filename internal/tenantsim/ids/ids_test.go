// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package ids

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestGUID(t *testing.T) {
	g := NewGUID(1, "device", 7)
	if g != NewGUID(1, "device", 7) || g == NewGUID(1, "device", 8) || g == NewGUID(1, "user", 7) || g == NewGUID(2, "device", 7) {
		t.Error("an id follows from seed, kind and number, and from nothing else")
	}
	if text := g.String(); len(text) != 36 || text[14] != '4' || !strings.ContainsRune("89ab", rune(text[19])) {
		t.Errorf("%s is no random GUID of version 4", text)
	}
	for _, text := range []string{g.String(), strings.ToUpper(g.String())} {
		if back, ok := ParseGUID(text); !ok || back != g {
			t.Errorf("%s was read as %s, %v", text, back, ok)
		}
	}
	for _, text := range []string{"", g.String()[1:], "{" + g.String()[2:] + "}", strings.ReplaceAll(g.String(), "-", "_"), "g" + g.String()[1:]} {
		if _, ok := ParseGUID(text); ok {
			t.Errorf("%q was taken for a GUID", text)
		}
	}
}

// TestBitset holds the set against a map, through growth and removals.
func TestBitset(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		from := random.IntN(150)
		b := FullBitset(from, from+random.IntN(150))
		want := map[int]bool{}
		b.Each(func(i int) { want[i] = true })
		for range 50 {
			i := random.IntN(400)
			if random.IntN(3) == 0 {
				b.Clear(i)
				delete(want, i)
				continue
			}
			b.Set(i)
			want[i] = true
		}
		var got []int
		b.Each(func(i int) { got = append(got, i) })
		if b.Count() != len(want) || len(got) != len(want) || !slices.IsSorted(got) {
			t.Fatalf("count %d, visited %d, want %d in order", b.Count(), len(got), len(want))
		}
		for i := range 500 {
			if b.Has(i) != want[i] || b.Word(i>>6)>>(i&63)&1 == 1 != want[i] {
				t.Fatalf("%d: has %v, want %v", i, b.Has(i), want[i])
			}
		}
		joined := NewBitset(10)
		joined.Set(3)
		joined.Or(b)
		want[3] = true
		if joined.Count() != len(want) || !joined.Has(3) {
			t.Fatalf("joined has %d, want %d", joined.Count(), len(want))
		}
	}
}

func TestFullBitset(t *testing.T) {
	for _, bounds := range [][2]int{{0, 0}, {0, 64}, {1, 64}, {63, 65}, {64, 192}, {5, 200}, {7, 7}} {
		b := FullBitset(bounds[0], bounds[1])
		for i := range 260 {
			if b.Has(i) != (i >= bounds[0] && i < bounds[1]) {
				t.Errorf("%v: has %d is %v", bounds, i, b.Has(i))
			}
		}
	}
}
