// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func at(t time.Time) metav1.Time { return metav1.NewTime(t) }

// bind is what a status says of a ledger that was first stored at start.
func bind(l Ledger) *v1alpha1.LedgerBinding {
	return ptr.To(Stored{}.Bind(&l, nil, at(start)))
}

// TestRead: what is known of each kind of damage, and that it can be acted on.
func TestRead(t *testing.T) {
	l := exposedLedger(EntriesPerChunk+500, 20)
	chunks, bound := encoded(t, l), bind(l)
	copied := exposedLedger(EntriesPerChunk+500, 20)
	copied.Wave = WaveKeyOf("uid-b")
	older := exposedLedger(EntriesPerChunk+500, 20)
	older.Attempt = 2
	next, _ := l.Expose(30, start.Add(9*time.Hour))
	ahead := over(t, decoded(t, chunks), next, 2)
	after := ptr.To(decoded(t, chunks).Bind(&next, bound, at(start.Add(9*time.Hour))))
	further, _ := next.Expose(30, start.Add(10*time.Hour))
	tooFar := over(t, decoded(t, ahead), further, 3)
	miscounted := *bound
	miscounted.Asked--
	damaged := slices.Clone(chunks)
	damaged[1] = append(slices.Clone(chunks[1][:len(chunks[1])-2]), 1, 2)
	for name, c := range map[string]struct {
		chunks [][]byte
		bound  *v1alpha1.LedgerBinding
		want   ReadingState
		says   string
	}{
		"nothing":                      {nil, nil, LedgerNone, "attempt 3 has no ledger"},
		"as bound":                     {chunks, bound, LedgerOK, ""},
		"ahead":                        {ahead, bound, LedgerOK, ""},
		"ahead, and bound":             {ahead, after, LedgerOK, ""},
		"one chunk ahead":              {[][]byte{ahead[0], chunks[1]}, bound, LedgerOK, ""},
		"first write, whole":           {chunks, nil, LedgerNone, "does not bind it yet"},
		"first write, cut":             {chunks[:1], nil, LedgerNone, "not written to its end"},
		"first write, damaged":         {damaged, nil, LedgerNone, "not written to its end"},
		"first write, two of them":     {[][]byte{encoded(t, older)[0], chunks[1]}, nil, LedgerNone, "not written to its end"},
		"status lost":                  {ahead, nil, LedgerAltered, "generation 2"},
		"deleted":                      {nil, bound, LedgerLost, "no chunk at all"},
		"last chunk deleted":           {chunks[:1], bound, LedgerLost, "5000 of 5500 entries"},
		"first chunk deleted":          {chunks[1:], bound, LedgerLost, "chunk 0"},
		"truncated":                    {[][]byte{chunks[0], chunks[1][:900]}, bound, LedgerLost, "cut off"},
		"damaged":                      {damaged, bound, LedgerAltered, "checksum"},
		"chunk twice":                  {[][]byte{chunks[0], chunks[1], chunks[1]}, bound, LedgerAltered, "twice"},
		"copied from another wave":     {encoded(t, copied), bound, LedgerAltered, "another wave"},
		"of another attempt":           {encoded(t, older), bound, LedgerAltered, "attempt 2"},
		"one chunk of another attempt": {[][]byte{encoded(t, older)[0], chunks[1]}, bound, LedgerAltered, "different ledgers"},
		"rolled back":                  {chunks, after, LedgerAltered, "digest"},
		"two generations ahead":        {tooFar, bound, LedgerAltered, "generation 3"},
		"counts differ":                {chunks, &miscounted, LedgerAltered, "20 asked for"},
	} {
		r, _ := Read(c.chunks, l.Wave, l.Attempt, c.bound)
		if r.State != c.want || !strings.Contains(r.Message, c.says) || r.Message == "" {
			t.Errorf("%s: %s: %s; want %s and %q", name, r.State, r.Message, c.want, c.says)
		}
		if unusable := r.State == LedgerLost || r.State == LedgerAltered; unusable != strings.Contains(r.Message, "request a retry") || unusable && r.Ledger != nil {
			t.Errorf("%s: %s and ledger %t: %s", name, r.State, r.Ledger != nil, r.Message)
		}
		if want := name == "ahead" || name == "one chunk ahead"; r.Ahead != want || r.State == LedgerOK && r.Ledger == nil {
			t.Errorf("%s: ahead %t", name, r.Ahead)
		}
	}
}

// TestPromise16_ForgedSuccessor: who can write ledgers and not the status can compute every digest, and still cannot make
// the operator expose somebody who is not in the audience, or take back or date back what happened.
func TestPromise16_ForgedSuccessor(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(l *Ledger)
		says  string
	}{
		"a new member":          {func(l *Ledger) { l.Entries = append(l.Entries, Entry{ID: fleet(99, 1)[0]}) }, "does not grow"},
		"another member":        {func(l *Ledger) { l.Entries[15].ID = fleet(99, 1)[0] }, "it was "},
		"an exposure undone":    {func(l *Ledger) { l.Entries[1].AskedAt = 0 }, "asked for at never"},
		"an exposure moved":     {func(l *Ledger) { l.Entries[0].AskedAt-- }, "asked for at"},
		"an exposure of old":    {func(l *Ledger) { l.Entries[15].AskedAt = StampOf(start.Add(-time.Hour)) }, "before the ledger was last changed"},
		"the excluded":          {func(l *Ledger) { l.Entries[18].AskedAt, l.Entries[18].ExcludedAt = StampOf(start), 0 }, "excluded at never"},
		"the excluded, asked":   {func(l *Ledger) { l.Entries[18].AskedAt = l.Entries[18].ExcludedAt }, "refused or excluded"},
		"an exclusion undone":   {func(l *Ledger) { l.Entries[18].ExcludedAt = 0 }, "excluded at never"},
		"a refusal undone":      {func(l *Ledger) { l.Entries[19].Refused = RefusedNot }, "refused for reason 0"},
		"a confirmation of old": {func(l *Ledger) { l.Entries[1].ConfirmedAt = l.Entries[1].AskedAt }, "confirmed at"},
		"a confirmation undone": {func(l *Ledger) { l.Entries[0].ConfirmedAt = 0 }, "confirmed at never"},
		"a word undone":         {func(l *Ledger) { l.Entries[0].Last, l.Entries[0].FailedOnce, l.Failures = Word{}, false, nil }, "last word at never"},
		"a failure undone": {func(l *Ledger) {
			l.Entries[0].Last.Kind, l.Entries[0].FailedOnce, l.Failures = WordSucceeded, false, nil
		}, "said never to have"},
		"a failure dropped":  {func(l *Ledger) { l.Failures = nil }, "its failures say"},
		"another revision":   {func(l *Ledger) { l.Revision++ }, "digest"},
		"another payload":    {func(l *Ledger) { l.PayloadHash = "sha256:other" }, "digest"},
		"a growing audience": {func(l *Ledger) { l.Growing = true }, "digest"},
	} {
		ids := fleet(7, 20)
		l := NewLedger(header(), ids)
		l, _ = l.Expose(10, start.Add(-24*time.Hour))
		l, _ = l.Confirm(ids[:1], start.Add(-20*time.Hour))
		l, _ = l.Hear(told(&l, map[ID]Word{ids[0]: {WordFailed, StampOf(start.Add(-time.Hour))}}))
		l, _ = l.Exclude(ids[18:19], start.Add(-time.Hour))
		l, _ = l.Refuse(ids[19:], RefusedUnusable)
		bound := bind(l)
		forged := Ledger{Header: l.Header, Entries: slices.Clone(l.Entries), Failures: slices.Clone(l.Failures)}
		c.forge(&forged)
		data := encodeChunk(&chunk{Header: forged.Header, generation: 2, count: 1, before: content{l.Entries, l.Failures}, now: content{forged.Entries, forged.Failures}})
		if r, _ := Read([][]byte{data}, l.Wave, l.Attempt, bound); r.State != LedgerAltered || !strings.Contains(r.Message, c.says) {
			t.Errorf("%s: %s: %s; want %q", name, r.State, r.Message, c.says)
		}
	}
}

// TestJoinersOfAForgedSuccessor: an audience that grows takes nobody who says to have been there before.
func TestJoinersOfAForgedSuccessor(t *testing.T) {
	l := NewLedger(growing(), fleet(7, 3))
	for name, joined := range map[string]Stamp{"from the start": 0, "of old": StampOf(start.Add(-time.Hour))} {
		forged := append(slices.Clone(l.Entries), Entry{ID: fleet(99, 1)[0], JoinedAt: joined})
		data := encodeChunk(&chunk{Header: l.Header, generation: 2, count: 1, before: content{entries: l.Entries}, now: content{entries: forged}})
		if r, _ := Read([][]byte{data}, l.Wave, l.Attempt, bind(l)); r.State != LedgerAltered || !strings.Contains(r.Message, "new, and joined at") {
			t.Errorf("%s: %s: %s", name, r.State, r.Message)
		}
	}
}

// TestPromise04_AnyEditIsSeen: no single byte of a bound ledger can be changed unseen, with or without a corrected checksum.
func TestPromise04_AnyEditIsSeen(t *testing.T) {
	l := exposedLedger(40, 20)
	first := encoded(t, l)
	next, _ := l.Expose(5, start.Add(9*time.Hour))
	chunks := over(t, decoded(t, first), next, 2)
	bound := ptr.To(decoded(t, first).Bind(&next, bind(l), at(start.Add(9*time.Hour))))
	r := rand.New(rand.NewSource(1))
	// These bytes are about the write, not about the ledger: an older generation, another count of chunks.
	free := func(i int) bool { return i >= 32 && i < 44 }
	for i := range chunks[0][:len(chunks[0])-checksumSize] {
		data := slices.Clone(chunks[0])
		data[i] ^= byte(1 + r.Intn(255))
		if got, _ := Read([][]byte{data}, l.Wave, l.Attempt, bound); got.State == LedgerOK {
			t.Fatalf("byte %d: an edit is not seen", i)
		}
		got, _ := Read([][]byte{reseal(data)}, l.Wave, l.Attempt, bound)
		if got.State == LedgerOK && !free(i) && got.Ledger.Digest() != bound.Digest {
			t.Fatalf("byte %d: an edit with a checksum of its own is not seen", i)
		}
	}
}
