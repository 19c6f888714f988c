// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"encoding/binary"
	"errors"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// fleet returns n distinct ids from a seed.
func fleet(seed int64, n int) []ID {
	r := rand.New(rand.NewSource(seed))
	ids := make([]ID, n)
	for i := range ids {
		binary.BigEndian.PutUint64(ids[i][:8], r.Uint64())
		binary.BigEndian.PutUint64(ids[i][8:], uint64(i+1))
	}
	return ids
}

func shuffled(seed int64, ids []ID) []ID {
	out := slices.Clone(ids)
	rand.New(rand.NewSource(seed)).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func percent(p int32) *v1alpha1.Slice { return &v1alpha1.Slice{Percent: &p} }
func count(n int32) *v1alpha1.Slice   { return &v1alpha1.Slice{Count: &n} }

func set(ids []ID) map[ID]bool {
	out := make(map[ID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}

func TestParseID(t *testing.T) {
	const text = "8b1d0f3e-2f77-4c0a-9b0a-0123456789ab"
	for _, in := range []string{text, strings.ToUpper(text)} {
		id, err := ParseID(in)
		if err != nil {
			t.Fatalf("ParseID(%q): %v", in, err)
		}
		if got := id.String(); got != text {
			t.Errorf("ParseID(%q).String() = %q, want %q", in, got, text)
		}
	}
	if _, err := ParseID("00000000-0000-0000-0000-000000000000"); !errors.Is(err, ErrZeroID) {
		t.Errorf("GUID of zeros: error %v, want ErrZeroID", err)
	}
	for _, in := range []string{
		"", "8b1d", "{8b1d0f3e-2f77-4c0a-9b0a-0123456789ab}", "8b1d0f3e2f774c0a9b0a0123456789ab",
		"8b1d0f3e-2f77-4c0a-9b0a-0123456789ag", "8b1d0f3e-2f774-c0a-9b0a-0123456789ab",
		"8b1d0f3e_2f77_4c0a_9b0a_0123456789ab", strings.Repeat("x", 4000),
	} {
		_, err := ParseID(in)
		if err == nil || errors.Is(err, ErrZeroID) {
			t.Errorf("ParseID(%.40q): error %v, want one that says it is not a GUID", in, err)
			continue
		}
		if !strings.Contains(err.Error(), "8-4-4-4-12") || len(err.Error()) > 200 {
			t.Errorf("ParseID(%.40q): error %q does not say the remedy in short", in, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("8b1d0f3e-2f77-4c0a-9b0a-0123456789ab")
	f.Add("00000000-0000-0000-0000-000000000000")
	f.Add("é-----------------------------------")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		if got := id.String(); got != strings.ToLower(s) {
			t.Errorf("ParseID(%q).String() = %q", s, got)
		}
	})
}

func TestIDsSortAsTheirText(t *testing.T) {
	ids := fleet(1, 200)
	slices.SortFunc(ids, ID.Compare)
	if !slices.IsSortedFunc(ids, func(a, b ID) int { return strings.Compare(a.String(), b.String()) }) {
		t.Error("the order of ids is not the order of their texts")
	}
}

func TestOrderDependsOnIDAndSaltOnly(t *testing.T) {
	ids := fleet(2, 500)
	want := Order(ids, "salt")
	for seed := range int64(20) {
		in := shuffled(seed, ids)
		in = append(in, in[:50]...) // listed twice
		before := slices.Clone(in)
		if got := Order(in, "salt"); !slices.Equal(got, want) {
			t.Fatalf("seed %d: another order for the same devices", seed)
		}
		if !slices.Equal(in, before) {
			t.Fatalf("seed %d: the argument was changed", seed)
		}
	}
	if slices.Equal(Order(ids, "other"), want) {
		t.Error("another salt gives the same order")
	}
	if slices.Equal(want, ids) {
		t.Error("the hash order is the order of the argument")
	}
}

// The place in hash space is part of the stored behaviour: if it changes, every running slice changes.
func TestOrderIsFixed(t *testing.T) {
	ids := make([]ID, 6)
	for i := range ids {
		ids[i][15] = byte(i + 1)
	}
	var got []byte
	for _, id := range Order(ids, "tidegate") {
		got = append(got, id[15])
	}
	if want := []byte{2, 1, 5, 4, 6, 3}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestSlicesNest(t *testing.T) {
	for seed := range int64(30) {
		ids := fleet(seed, 1+int(seed)*37)
		for _, unit := range []func(int32) *v1alpha1.Slice{percent, count} {
			inner := Slice(ids, "s", unit(1))
			if len(inner) == 0 {
				t.Fatalf("seed %d: the smallest slice of %d devices is empty", seed, len(ids))
			}
			for p := int32(2); p <= 100; p++ {
				outer := Slice(ids, "s", unit(p))
				if len(outer) < len(inner) || !slices.Equal(outer[:len(inner)], inner) {
					t.Fatalf("seed %d: slice %d does not lie inside slice %d", seed, p-1, p)
				}
				inner = outer
			}
		}
		if got := Slice(ids, "s", percent(100)); len(got) != len(ids) {
			t.Fatalf("seed %d: 100 percent of %d devices are %d", seed, len(ids), len(got))
		}
	}
}

func TestNobodyMovesWhenOthersJoinOrLeave(t *testing.T) {
	all := fleet(7, 3000)
	for _, p := range []int32{1, 5, 20, 50, 99, 100} {
		whole := set(Slice(all, "s", percent(p)))
		for seed := range int64(20) {
			r := rand.New(rand.NewSource(seed))
			some := shuffled(seed, all)[:500+r.Intn(2500)]
			got := set(Slice(some, "s", percent(p)))
			for _, id := range some {
				if got[id] != whole[id] {
					t.Fatalf("percent %d, seed %d: device %s changed its slice", p, seed, id)
				}
			}
		}
	}
}

func TestPercentIsAboutThatPart(t *testing.T) {
	ids := fleet(3, 20000)
	for _, p := range []int32{1, 5, 20, 50, 80} {
		got, want := float64(len(Slice(ids, "s", percent(p)))), float64(p)*200
		if got < want*0.85 || got > want*1.15 {
			t.Errorf("%d percent of 20000 devices are %v", p, got)
		}
	}
}

func TestSliceSizes(t *testing.T) {
	ids := fleet(4, 10)
	both := func(p, n int32) *v1alpha1.Slice { return &v1alpha1.Slice{Percent: &p, Count: &n} }
	for name, c := range map[string]struct {
		ids   []ID
		slice *v1alpha1.Slice
		want  int
	}{
		"all":                          {ids, nil, 10},
		"listed twice":                 {append(slices.Clone(ids), ids...), nil, 10},
		"no candidates":                {nil, percent(5), 0},
		"at least one":                 {ids[:1], percent(1), 1},
		"above 100 percent":            {ids, percent(400), 10},
		"count":                        {ids, count(3), 3},
		"count above the candidates":   {ids, count(300), 10},
		"both, count is smaller":       {ids, both(100, 2), 2},
		"both, percent is smaller":     {ids[:1], both(1, 5), 1},
		"neither selects no device":    {ids, &v1alpha1.Slice{}, 0},
		"percent 0 selects no device":  {ids, percent(0), 0},
		"percent below 0":              {ids, percent(-5), 0},
		"count 0 selects no device":    {ids, count(0), 0},
		"count below 0":                {ids, count(-1), 0},
		"one candidate and 99 percent": {ids[:1], percent(99), 1},
	} {
		if got := len(Slice(c.ids, "s", c.slice)); got != c.want {
			t.Errorf("%s: %d devices, want %d", name, got, c.want)
		}
	}
}

func TestThresholdIsRoundedUp(t *testing.T) {
	if got := threshold(50); got != 1<<63 {
		t.Errorf("threshold(50) = %d, want 2^63", got)
	}
	// 2^64/100 = 184467440737095516.16
	if got := threshold(1); got != 184467440737095517 {
		t.Errorf("threshold(1) = %d", got)
	}
}

func TestDigest(t *testing.T) {
	ids := fleet(5, 100)
	want := Digest(ids)
	if !strings.HasPrefix(want, "sha256:") || len(want) != len("sha256:")+64 {
		t.Fatalf("digest %q has another form", want)
	}
	if got := Digest(append(shuffled(1, ids), ids[3])); got != want {
		t.Error("the digest depends on order or repetition")
	}
	if Digest(ids[1:]) == want {
		t.Error("the digest does not see a device that left")
	}
	if got, want := Digest(nil), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; got != want {
		t.Errorf("digest of nobody is %s, want %s", got, want)
	}
}

func BenchmarkSlice200k(b *testing.B) {
	ids := fleet(6, 200_000)
	for b.Loop() {
		Slice(ids, "salt", percent(20))
	}
}
