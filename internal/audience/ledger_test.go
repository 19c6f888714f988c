// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC)

// exposedLedger has n devices of which the first exposed are exposed, in two batches eight hours apart.
func exposedLedger(n, exposed int) Ledger {
	l := NewLedger(3, "sha256:payload", Order(fleet(9, n), "s"))
	l, _ = l.Expose(exposed/2, start)
	l, _ = l.Expose(exposed-exposed/2, start.Add(8*time.Hour))
	return l
}

func TestNewLedgerKeepsOrderAndListsEachDeviceOnce(t *testing.T) {
	ids := fleet(1, 5)
	l := NewLedger(1, "h", append(slices.Clone(ids), ids[2], ids[0]))
	if got := l.IDs(); !slices.Equal(got, ids) {
		t.Errorf("devices %v, want %v", got, ids)
	}
	if got := l.Pending(); !slices.Equal(got, ids) {
		t.Errorf("pending %v, want all", got)
	}
	if got := l.Exposed(); len(got) != 0 || !l.LastExposedAt().IsZero() {
		t.Errorf("exposed %v in a new ledger", got)
	}
}

func TestPromise02_ExposeTakesMembersInOrderAndEachOnce(t *testing.T) {
	ids := fleet(2, 25)
	l := NewLedger(1, "h", ids)
	var exposed []ID
	for i := range 4 {
		now := start.Add(time.Duration(i)*time.Hour + 700*time.Millisecond)
		before := l
		beforeEntries := slices.Clone(l.Entries)
		next, batch := l.Expose(10, now)
		if !slices.Equal(before.Entries, beforeEntries) {
			t.Fatal("Expose changed the ledger it was called on")
		}
		exposed = append(exposed, batch...)
		if got := next.Pending(); !slices.Equal(got, ids[len(exposed):]) {
			t.Fatalf("batch %d: pending %v", i, got)
		}
		for _, id := range batch {
			if got := next.Index()[id]; !got.Equal(now.Truncate(time.Second)) {
				t.Fatalf("batch %d: %s exposed at %s", i, id, got)
			}
		}
		l = next
	}
	if !slices.Equal(exposed, ids) {
		t.Errorf("exposed %v, want each member once and in order", exposed)
	}
	if got, want := l.LastExposedAt(), start.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("last exposed at %s, want %s", got, want)
	}
	if !l.Contains(ids[24]) || l.Contains(fleet(99, 1)[0]) {
		t.Error("Contains does not tell members from others")
	}
}

func TestExposeNobody(t *testing.T) {
	l := NewLedger(1, "h", fleet(2, 5))
	for name, c := range map[string]struct {
		n   int
		now time.Time
	}{
		"no device":       {0, start},
		"negative":        {-3, start},
		"zero time":       {5, time.Time{}},
		"the epoch":       {5, time.Unix(0, 0)},
		"before the unit": {5, time.Unix(0, 999_999_999)},
	} {
		next, batch := l.Expose(c.n, c.now)
		if len(batch) != 0 || len(next.Exposed()) != 0 {
			t.Errorf("%s: exposed %v", name, batch)
		}
	}
}

func TestPromise10_LedgerRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 29_000, 100_000} {
		want := exposedLedger(n, min(n, 95))
		chunks, err := Encode(want)
		if err != nil {
			t.Fatalf("%d devices: %v", n, err)
		}
		size := 0
		for _, c := range chunks {
			size += len(c)
			if len(c) > MaxChunkBytes {
				t.Errorf("%d devices: a chunk of %d bytes", n, len(c))
			}
		}
		if perDevice := 24; size > perDevice*n+len(chunks)*100 {
			t.Errorf("%d devices take %d bytes", n, size)
		}
		slices.Reverse(chunks)
		got, err := Decode(chunks)
		if err != nil {
			t.Fatalf("%d devices: %v", n, err)
		}
		if n == 0 {
			got.Entries, want.Entries = nil, nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d devices: %.2000s", n, diff)
		}
	}
}

// The stored form is read by later releases: these bytes must not change without a new version.
func TestStoredFormIsFixed(t *testing.T) {
	l := Ledger{Attempt: 2, PayloadHash: "h", Entries: []Entry{{Device: ID{15: 1}, ExposedAt: time.Unix(16, 0).UTC()}, {Device: ID{15: 2}}}}
	chunks, err := Encode(l)
	if err != nil {
		t.Fatal(err)
	}
	body := chunks[0][:len(chunks[0])-checksumSize]
	want := "TGLG\x01\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x02" + string(body[24:40]) + "h" +
		strings.Repeat("\x00", 15) + "\x01" + "\x00\x00\x00\x00\x00\x00\x00\x10" +
		strings.Repeat("\x00", 15) + "\x02" + strings.Repeat("\x00", 8)
	if string(body) != want {
		t.Errorf("stored as %q", body)
	}
	if len(chunks) != 1 || binary.BigEndian.Uint32(chunks[0][len(body):]) != crc32.Checksum(body, castagnoli) {
		t.Error("the chunk does not end with the checksum of its bytes")
	}
}

func TestPromise10_CrashBetweenChunksLeavesALedgerOfTheAttempt(t *testing.T) {
	old := exposedLedger(70_000, 29_800)
	next, batch := old.Expose(200, start.Add(9999*time.Hour)) // reaches into the second chunk
	before, after := mustEncode(t, old), mustEncode(t, next)
	if !bytes.Equal(before[2], after[2]) {
		t.Error("a chunk without a new exposure changed")
	}
	for _, mixed := range [][][]byte{
		{after[0], before[1], before[2]},
		{before[0], after[1], before[2]},
	} {
		got, err := Decode(mixed)
		if err != nil {
			t.Fatalf("partly stored ledger: %v", err)
		}
		if n := len(got.Exposed()); n <= 29_800 || n >= 29_800+len(batch) {
			t.Errorf("partly stored ledger has %d exposed devices", n)
		}
		if !slices.Equal(got.IDs(), old.IDs()) {
			t.Error("partly stored ledger has another membership")
		}
	}
}

func mustEncode(t *testing.T, l Ledger) [][]byte {
	t.Helper()
	chunks, err := Encode(l)
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

func TestEncodeRefuses(t *testing.T) {
	id := fleet(1, 1)[0]
	for name, c := range map[string]struct {
		ledger Ledger
		says   string
	}{
		"no attempt":       {Ledger{}, "attempt is 0"},
		"long hash":        {Ledger{Attempt: 1, PayloadHash: strings.Repeat("x", 1025)}, "payload hash has 1025 bytes"},
		"zero id":          {Ledger{Attempt: 1, Entries: []Entry{{}}}, "entry 0"},
		"listed twice":     {Ledger{Attempt: 1, Entries: []Entry{{Device: id}, {Device: id}}}, id.String() + " is listed twice"},
		"part of a second": {Ledger{Attempt: 1, Entries: []Entry{{Device: id, ExposedAt: start.Add(1)}}}, "whole seconds"},
		"before 1970":      {Ledger{Attempt: 1, Entries: []Entry{{Device: id, ExposedAt: time.Unix(0, 0)}}}, "whole seconds after 1970"},
	} {
		if _, err := Encode(c.ledger); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", name, err, c.says)
		}
	}
}

// reseal corrects the checksum after an edit, so that the checks behind it are reached.
func reseal(c []byte) []byte {
	body := c[:len(c)-checksumSize]
	return binary.BigEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	chunks := mustEncode(t, exposedLedger(70_000, 20))
	other := exposedLedger(70_000, 20)
	other.Attempt++
	foreign := mustEncode(t, other)
	edit := func(i, at int, b byte) [][]byte {
		out := slices.Clone(chunks)
		out[i] = slices.Clone(out[i])
		out[i][at] = b
		return out
	}
	sealed := func(i, at int, b byte) [][]byte {
		out := edit(i, at, b)
		out[i] = reseal(out[i])
		return out
	}
	for name, c := range map[string]struct {
		chunks [][]byte
		says   string
	}{
		"nothing":             {nil, "there is no chunk"},
		"missing chunk":       {[][]byte{chunks[0], chunks[2]}, "chunk 1 of 3 is missing"},
		"repeated chunk":      {[][]byte{chunks[0], chunks[1], chunks[1]}, "chunk 1 of 3 is there twice"},
		"other attempt":       {[][]byte{chunks[0], foreign[1], chunks[2]}, "different ledgers"},
		"empty chunk":         {[][]byte{chunks[0], {}, chunks[2]}, "position 2 of 3: it has 0 bytes"},
		"other bytes":         {[][]byte{bytes.Repeat([]byte("x"), 100)}, "not the bytes of a ledger"},
		"other version":       {edit(1, 4, 9), "position 2 of 3: it has version 9"},
		"damaged entry":       {edit(2, 500, 0xff), "position 3 of 3: its checksum"},
		"cut off":             {[][]byte{chunks[0], chunks[1], chunks[2][:len(chunks[2])-1]}, "checksum"},
		"header contradicts":  {sealed(0, 23, 1), "contradicts itself"},
		"reserved byte":       {sealed(0, 5, 1), "contradicts itself"},
		"index above count":   {sealed(0, 6, 0xff), "contradicts itself"},
		"another device":      {sealed(0, headerSize+len("sha256:payload"), 0), "not those that the header was written for"},
		"one device of zeros": {[][]byte{reseal(append(slices.Clone(mustEncode(t, exposedLedger(1, 0))[0][:headerSize+14]), make([]byte, 28)...))}, "GUID of zeros"},
	} {
		_, err := Decode(c.chunks)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", name, err, c.says)
		}
		if incomplete := name == "missing chunk" || name == "other attempt"; errors.Is(err, ErrIncomplete) != incomplete {
			t.Errorf("%s: error %v is ErrIncomplete: %t", name, err, !incomplete)
		}
	}
}

// Whatever Decode accepts is what Encode would have written: there is one stored form of a ledger.
func FuzzDecode(f *testing.F) {
	seed := func(l Ledger) []byte {
		chunks, err := Encode(l)
		if err != nil {
			f.Fatal(err)
		}
		return chunks[0]
	}
	f.Add(seed(exposedLedger(0, 0)), []byte(nil))
	f.Add(seed(exposedLedger(12, 5)), []byte(nil))
	f.Add(seed(exposedLedger(3, 3)), seed(exposedLedger(3, 0)))
	f.Add([]byte("TGLG"), []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) > checksumSize {
			a = reseal(a)
		}
		chunks := [][]byte{a}
		if b != nil {
			chunks = append(chunks, b)
		}
		l, err := Decode(chunks)
		if err != nil {
			return
		}
		again, err := Encode(l)
		if err != nil {
			t.Fatalf("decoded ledger cannot be encoded: %v", err)
		}
		reread, err := Decode(again)
		if err != nil || !slices.Equal(reread.Entries, l.Entries) {
			t.Fatalf("a second round trip differs: %v", err)
		}
		if len(chunks) == 1 && len(again) == 1 && !bytes.Equal(again[0], a) {
			t.Fatalf("accepted %x, which is written as %x", a, again[0])
		}
	})
}

func BenchmarkEncodeDecode100k(b *testing.B) {
	l := exposedLedger(100_000, 1000)
	for b.Loop() {
		chunks, err := Encode(l)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Decode(chunks); err != nil {
			b.Fatal(err)
		}
	}
}
