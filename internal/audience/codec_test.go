// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// encoded is a ledger as it is first stored.
func encoded(t testing.TB, l Ledger) [][]byte {
	t.Helper()
	return over(t, Stored{}, l, 1)
}

// over is a ledger as it is stored over another.
func over(t testing.TB, s Stored, l Ledger, generation int64) [][]byte {
	t.Helper()
	parts, err := s.Encode(&l, generation)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]byte, len(parts))
	for i, p := range parts {
		out[i] = p.Data
	}
	return out
}

func decoded(t testing.TB, chunks [][]byte) Stored {
	t.Helper()
	s, err := decode(chunks)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPromise10_LedgerRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, EntriesPerChunk, EntriesPerChunk + 1, 50_000} {
		want := exposedLedger(n, min(n, 95))
		chunks := encoded(t, want)
		slices.Reverse(chunks)
		got := decoded(t, chunks).at(1)
		if diff := cmp.Diff(want.Header, got.Header); diff != "" || !slices.Equal(want.Entries, got.Entries) || got.Digest() != want.Digest() {
			t.Errorf("%d devices: another ledger %s", n, diff)
		}
	}
}

// TestChunksStayBelowTheLimit: also when every entry of a full chunk has just changed.
func TestChunksStayBelowTheLimit(t *testing.T) {
	h := header()
	h.PayloadHash = strings.Repeat("x", maxPayloadHash)
	old := NewLedger(h, fleet(9, EntriesPerChunk))
	first := over(t, Stored{}, old, 1)
	next, _ := old.Expose(EntriesPerChunk, start)
	second := over(t, decoded(t, first), next, 2)
	fails := func(l Ledger, from int) Ledger { // MaxFailures devices of every person, and again with other devices
		var all []Heard
		for i := range l.Entries {
			h := Heard{Entry: i, Last: Word{WordFailed, Stamp(100 + from)}}
			for d := range MaxFailures {
				h.Failures = append(h.Failures, Failure{Entry: int32(i), Enrolment: Enrolment{Device: uint32(from + d)}, Kind: WordFailed, At: 5})
			}
			all = append(all, h)
		}
		l, _ = l.Hear(all)
		return l
	}
	failed := fails(next, 1)
	third := over(t, decoded(t, second), failed, 3)
	fourth := over(t, decoded(t, third), fails(failed, 9), 4)
	if want := 900_000; len(fourth[0]) < want {
		t.Errorf("%d bytes: these are not the most that a chunk can have", len(fourth[0]))
	}
	for name, chunks := range map[string][][]byte{"first": first, "all changed": second, "all failed": third, "all failed again": fourth} {
		if len(chunks) != 1 || len(chunks[0]) > MaxChunkBytes {
			t.Errorf("%s: %d chunks, %d bytes", name, len(chunks), len(chunks[0]))
		}
	}
}

// TestPromise12_ChunksWithoutAChangeStayAsTheyAre, byte for byte, over many generations.
func TestPromise12_ChunksWithoutAChangeStayAsTheyAre(t *testing.T) {
	l := NewLedger(header(), fleet(9, 3*EntriesPerChunk))
	chunks := encoded(t, l)
	for g := int64(2); g < 6; g++ {
		next, _ := l.Expose(100, start.Add(time.Duration(g)*time.Hour))
		after := over(t, decoded(t, chunks), next, g)
		if bytes.Equal(chunks[0], after[0]) || !bytes.Equal(chunks[1], after[1]) || !bytes.Equal(chunks[2], after[2]) {
			t.Fatalf("generation %d: a batch in the first chunk writes others, or not the first", g)
		}
		if again := over(t, decoded(t, after), next, g+1); !slices.EqualFunc(after, again, bytes.Equal) {
			t.Fatalf("generation %d: storing it again changes it", g)
		}
		l, chunks = next, after
	}
}

// TestStoredFormIsFixed: these bytes must not change without a new version.
func TestStoredFormIsFixed(t *testing.T) {
	h := growing()
	h.PayloadHash = "h"
	old := Ledger{Header: h, Entries: []Entry{{ID: ID{15: 1}, AskedAt: 16}}}
	next, _ := old.Confirm([]ID{{15: 1}}, time.Unix(17, 0))
	next, _ = next.Join([]ID{{15: 2}}, time.Unix(18, 0))
	next, _ = next.Hear([]Heard{{Last: Word{WordFailed, 19}, Failures: []Failure{{Enrolment: Enrolment{7, 8}, Kind: WordFailed, At: 19}}}})
	data := over(t, decoded(t, encoded(t, old)), next, 2)[0]
	body := data[:len(data)-checksumSize]
	id := func(b string) string { return strings.Repeat("\x00", 15) + b }
	zero := "\x00\x00\x00\x00"
	want := "TGWL\x03\x01D\x01" + string(h.Wave[:]) + "\x00\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x01" +
		"\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01" + "h" +
		id("\x01") + "\x00\x00\x00\x10" + zero + zero + zero + zero + "\x00\x00\x00" +
		"\x00\x00\x00\x00" + id("\x01") + "\x00\x00\x00\x10\x00\x00\x00\x11" + zero + zero + "\x00\x00\x00\x13" + "\x02\x00\x01" +
		"\x00\x00\x00\x01" + id("\x02") + zero + zero + zero + "\x00\x00\x00\x12" + zero + "\x00\x00\x00" +
		"\x00\x00" + "\x00\x00\x00\x07\x00\x00\x00\x08\x00\x00\x00\x13" + "\x02"
	if string(body) != want {
		t.Errorf("stored as %q\nwant      %q", body, want)
	}
	if binary.BigEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		t.Error("the chunk does not end with the checksum of its bytes")
	}
}

func TestEncodeRefuses(t *testing.T) {
	id := fleet(1, 1)[0]
	with := func(edit func(*Ledger)) Ledger {
		l := Ledger{Header: header(), Entries: []Entry{{ID: id}}}
		edit(&l)
		return l
	}
	for name, c := range map[string]struct {
		ledger Ledger
		says   string
	}{
		"no attempt":           {with(func(l *Ledger) { l.Attempt = 0 }), "attempt is 0"},
		"negative revision":    {with(func(l *Ledger) { l.Revision = -1 }), "revision is -1"},
		"no unit":              {with(func(l *Ledger) { l.Unit = "" }), `unit is ""`},
		"long hash":            {with(func(l *Ledger) { l.PayloadHash = strings.Repeat("x", 256) }), "payload hash has 256 bytes"},
		"zero id":              {with(func(l *Ledger) { l.Entries[0].ID = ID{} }), "entry 0"},
		"listed twice":         {with(func(l *Ledger) { l.Entries = append(l.Entries, l.Entries[0]) }), id.String() + ": it is listed twice"},
		"confirmed, not asked": {with(func(l *Ledger) { l.Entries[0].ConfirmedAt = 5 }), "asked for at never"},
		"confirmed too early":  {with(func(l *Ledger) { l.Entries[0].AskedAt, l.Entries[0].ConfirmedAt = 9, 5 }), "confirmed at"},
		"asked when excluded":  {with(func(l *Ledger) { l.Entries[0].AskedAt, l.Entries[0].ExcludedAt = 9, 5 }), "excluded at"},
		"joined, not growing":  {with(func(l *Ledger) { l.Entries[0].JoinedAt = 5 }), "does not grow"},
		"asked before joining": {with(func(l *Ledger) { l.Growing, l.Entries[0].AskedAt, l.Entries[0].JoinedAt = true, 5, 9 }), "joined at"},
		"word without a time":  {with(func(l *Ledger) { l.Entries[0].AskedAt, l.Entries[0].Last.Kind = 5, WordFailed }), "last word"},
		"word, never asked":    {with(func(l *Ledger) { l.Entries[0].Last = Word{WordFailed, 5} }), "never asked for"},
		"unknown word":         {with(func(l *Ledger) { l.Entries[0].AskedAt, l.Entries[0].Last = 5, Word{wordKinds, 5} }), "last word"},
		"unknown refusal":      {with(func(l *Ledger) { l.Entries[0].Refused = refusals }), "reason 3"},
	} {
		if _, err := (Stored{}).Encode(&c.ledger, 1); err == nil || !strings.Contains(err.Error(), c.says) {
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
	chunks := encoded(t, exposedLedger(2*EntriesPerChunk+1, 20))
	other := exposedLedger(2*EntriesPerChunk+1, 20)
	other.Attempt++
	foreign := encoded(t, other)
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
	one := exposedLedger(1, 1)
	one, _ = one.Hear(told(&one, map[ID]Word{one.Entries[0].ID: {WordFailed, StampOf(start)}}))
	ofNobody := encoded(t, one)[0]
	ofNobody[len(ofNobody)-checksumSize-failureSize] = 9
	lost := map[string]bool{"missing chunk": true, "first missing": true, "empty chunk": true, "cut off": true, "cut to the header": true}
	for name, c := range map[string]struct {
		chunks [][]byte
		says   string
	}{
		"missing chunk":      {[][]byte{chunks[0], chunks[2]}, "missing: chunk 1"},
		"first missing":      {chunks[1:], "missing: chunk 0"},
		"repeated chunk":     {[][]byte{chunks[0], chunks[1], chunks[1], chunks[2]}, "chunk 1 is there twice"},
		"other attempt":      {[][]byte{chunks[0], foreign[1], chunks[2]}, "different ledgers"},
		"empty chunk":        {[][]byte{chunks[0], {}, chunks[2]}, "0 bytes are too few"},
		"cut off":            {[][]byte{chunks[0], chunks[1], chunks[2][:len(chunks[2])-1]}, "cut off"},
		"cut to the header":  {[][]byte{chunks[0][:headerSize+checksumSize], chunks[1], chunks[2]}, "cut off"},
		"other bytes":        {[][]byte{bytes.Repeat([]byte("x"), 100)}, "not the bytes of a ledger"},
		"other version":      {edit(1, 4, 9), "version 9"},
		"damaged entry":      {edit(2, len(chunks[2])-6, 0xff), "checksum"},
		"longer than it is":  {[][]byte{reseal(append(slices.Clone(chunks[0]), 1))}, "contradicts itself"},
		"too many entries":   {sealed(0, 45, 0xff), "contradicts itself"},
		"unknown flag":       {sealed(0, 5, 2), "flags 2"},
		"unknown unit":       {sealed(0, 6, 'X'), `unit is ""`},
		"generation 0":       {sealed(0, 39, 0), "generation 0"},
		"unknown flags":      {sealed(0, headerSize+len("sha256:payload")+4+entrySize-1, 2), "flags 2"},
		"failure of nobody":  {[][]byte{reseal(ofNobody)}, "a failure is of entry"},
		"index above count":  {sealed(0, 40, 0xff), "contradicts itself"},
		"changes out of row": {sealed(0, headerSize+len("sha256:payload")+3, 7), "out of order"},
	} {
		_, err := decode(c.chunks)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", name, err, c.says)
		}
		if loss := errors.Is(err, errMissing) || errors.Is(err, errTruncated); loss != lost[name] {
			t.Errorf("%s: %v is a loss: %t", name, err, loss)
		}
	}
}

// Whatever decode accepts is what Encode would have written: there is one stored form of a chunk.
func FuzzDecode(f *testing.F) {
	for _, l := range []Ledger{exposedLedger(0, 0), exposedLedger(12, 5)} {
		first := encoded(f, l)
		f.Add(first[0])
		next, _ := l.Expose(3, start.Add(100*time.Hour))
		if len(l.Entries) > 0 {
			next, _ = next.Hear(told(&next, map[ID]Word{l.Entries[0].ID: {WordFailed, StampOf(start)}}))
		}
		f.Add(over(f, decoded(f, first), next, 2)[0])
	}
	f.Add([]byte("TGWL"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > checksumSize {
			data = reseal(data)
		}
		c, err := decodeChunk(data)
		if err != nil {
			return
		}
		if again := encodeChunk(c); !bytes.Equal(again, data) {
			t.Fatalf("accepted %x, which is written as %x", data, again)
		}
	})
}

// history makes the next ledger of a random life of an attempt.
func history(r *rand.Rand, l Ledger, now time.Time) Ledger {
	some := func() []ID {
		var ids []ID
		for _, e := range l.Entries {
			if r.Intn(10) == 0 {
				ids = append(ids, e.ID)
			}
		}
		return ids
	}
	switch r.Intn(6) {
	case 0:
		l, _ = l.Expose(1+r.Intn(8), now)
	case 1:
		l, _ = l.Confirm(some(), now)
	case 2:
		l, _ = l.Refuse(some(), RefusedGone)
	case 3:
		l, _ = l.Exclude(some(), now)
	case 4:
		l, _ = l.Join(fleet(r.Int63(), r.Intn(4)), now)
	case 5:
		words := map[ID]Word{}
		for _, id := range some() {
			words[id] = Word{Kind: WordKind(1 + r.Intn(int(wordKinds)-1)), At: StampOf(now)}
		}
		l, _ = l.Hear(told(&l, words))
	}
	return l
}

// TestWhatTheVerbsMakeFollows: no life of an attempt makes a ledger that would be taken for a forged one, or that
// contradicts itself.
func TestWhatTheVerbsMakeFollows(t *testing.T) {
	for seed := range int64(200) {
		r := rand.New(rand.NewSource(seed))
		h := header()
		h.Growing = seed%2 == 0
		l, now := NewLedger(h, fleet(seed, 20)), start
		for step := range 40 {
			now = now.Add(time.Duration(r.Intn(3600)) * time.Second)
			next := history(r, l, now)
			if err := errors.Join(next.validate(), next.Follows(&l, now)); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
			l = next
		}
	}
}

func million() Ledger {
	l := NewLedger(header(), fleet(9, 1_000_000))
	l, _ = l.Expose(500_000, start)
	return l
}

// BenchmarkEncode1M and its siblings tell what a ledger of a million entries costs.
func BenchmarkEncode1M(b *testing.B) {
	l := million()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Stored{}).Encode(&l, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode1M(b *testing.B) {
	l := million()
	chunks := encoded(b, l)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(chunks); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead1M(b *testing.B) {
	l := million()
	chunks, bound := encoded(b, l), Stored{}.Bind(&l, nil, at(start))
	b.ReportAllocs()
	for b.Loop() {
		if r, _ := Read(chunks, l.Wave, l.Attempt, &bound); r.State != LedgerOK {
			b.Fatal(r.Message)
		}
	}
}
