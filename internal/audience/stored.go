// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// errMissing says that a part of a ledger is not there.
var errMissing = errors.New("a part of the ledger is missing")

// Digest returns "sha256:" and the hexadecimal hash of all that the ledger says.
func (l *Ledger) Digest() string {
	h := sha256.New()
	hashHeader(h, &l.Header, len(l.Entries))
	buf := make([]byte, 0, 4+entrySize)
	for i := range l.Entries {
		h.Write(appendEntry(buf, &l.Entries[i])) // a hash never returns an error
	}
	for _, f := range l.Failures {
		h.Write(appendFailure(binary.BigEndian.AppendUint32(buf, uint32(f.Entry)), f))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// hashHeader writes the header such that no two headers are the same bytes.
func hashHeader(h hash.Hash, header *Header, entries int) {
	out := append([]byte(codecMagic), codecVersion, header.Unit[0], 0)
	if header.Growing {
		out[len(out)-1] = 1
	}
	out = append(out, header.Wave[:]...)
	out = binary.BigEndian.AppendUint32(out, uint32(header.Attempt))
	out = binary.BigEndian.AppendUint32(out, uint32(header.Revision))
	out = binary.BigEndian.AppendUint32(out, uint32(entries))
	out = append(out, byte(len(header.PayloadHash)))
	h.Write(append(out, header.PayloadHash...))
}

// Stored is a ledger as its chunks say it: the newest that is written down, and the one before the newest generation.
type Stored struct {
	chunks []*chunk
}

// decode reads chunks, in any order. The error wraps errMissing or errTruncated when a part is not there, and says which.
func decode(chunks [][]byte) (Stored, error) {
	var s Stored
	for _, data := range chunks {
		c, err := decodeChunk(data)
		if err != nil {
			return Stored{}, err
		}
		s.chunks = append(s.chunks, c)
	}
	slices.SortStableFunc(s.chunks, func(a, b *chunk) int { return a.index - b.index })
	count := 0
	for i, c := range s.chunks {
		switch {
		case c.Header != s.chunks[0].Header:
			return Stored{}, fmt.Errorf("chunks %d and %d are of different ledgers", s.chunks[0].index, c.index)
		case i > 0 && c.index == s.chunks[i-1].index:
			return Stored{}, fmt.Errorf("chunk %d is there twice", c.index)
		case c.index != i:
			return Stored{}, fmt.Errorf("%w: chunk %d", errMissing, i)
		}
		count = max(count, c.count)
	}
	return s, nil
}

// contiguous says whether every chunk but the last is full.
func (s Stored) contiguous() error {
	for i, c := range s.chunks {
		if i < len(s.chunks)-1 && len(c.now.entries) != EntriesPerChunk {
			return fmt.Errorf("chunk %d has %d entries and is not the last", i, len(c.now.entries))
		}
	}
	return nil
}

// complete says whether all chunks are there that any of them knew of, as after a write that came to its end.
func (s Stored) complete() bool {
	for _, c := range s.chunks {
		if c.count > len(s.chunks) {
			return false
		}
	}
	return s.contiguous() == nil
}

// newest is the highest generation of a chunk.
func (s Stored) newest() int64 {
	var g int64
	for _, c := range s.chunks {
		g = max(g, c.generation)
	}
	return g
}

// at returns the ledger of a generation, which is no older than the one before the newest.
func (s Stored) at(generation int64) Ledger {
	l := Ledger{Entries: make([]Entry, 0, len(s.chunks)*EntriesPerChunk)}
	for _, c := range s.chunks {
		l.Header = c.Header
		held := c.at(generation)
		first := int32(len(l.Entries))
		l.Entries = append(l.Entries, held.entries...)
		for _, f := range held.failures {
			f.Entry += first
			l.Failures = append(l.Failures, f)
		}
	}
	return l
}

// Part is one chunk to be stored.
type Part struct {
	Data []byte
	// Generation in which the chunk was last written, and of how many the ledger then had.
	Generation int64
	Chunks     int
}

// Encode returns the chunks of l, to be stored over s as a generation that is the one after what the wave's status binds,
// see [NextGeneration]. A chunk that holds this already is returned as the very bytes that are stored. l has to follow
// what s holds (see [Ledger.Follows]); an error names what cannot be stored.
func (s Stored) Encode(l *Ledger, generation int64) ([]Part, error) {
	if err := l.validate(); err != nil {
		return nil, fmt.Errorf("encode ledger of attempt %d: %w", l.Attempt, err)
	}
	count := chunksFor(len(l.Entries))
	if count > maxChunks {
		return nil, fmt.Errorf("encode ledger of attempt %d: %d entries need more than %d chunks", l.Attempt, len(l.Entries), maxChunks)
	}
	out := make([]Part, count)
	for i := range count {
		var stored *chunk
		if i < len(s.chunks) {
			stored = s.chunks[i]
		}
		now := l.contentOf(i)
		if stored != nil && stored.Header == l.Header && stored.now.equal(now) && stored.count <= count {
			out[i] = Part{Data: stored.raw, Generation: stored.generation, Chunks: stored.count}
			continue
		}
		next := &chunk{Header: l.Header, generation: generation, index: i, count: count, before: stored.at(generation - 1), now: now}
		out[i] = Part{Data: encodeChunk(next), Generation: generation, Chunks: count}
	}
	return out, nil
}

// contentOf is what the chunk at an index is to hold.
func (l *Ledger) contentOf(index int) content {
	from, to := index*EntriesPerChunk, min((index+1)*EntriesPerChunk, len(l.Entries))
	out := content{entries: l.Entries[from:to]}
	for _, f := range failuresIn(l.Failures, from, to) {
		f.Entry -= int32(from)
		out.failures = append(out.failures, f)
	}
	return out
}

// chunksFor is the number of chunks of n entries.
func chunksFor(n int) int { return max(1, (n+EntriesPerChunk-1)/EntriesPerChunk) }

// ChunksOf is the number of chunks of the ledger that a status binds, 0 for none.
func ChunksOf(bound *v1alpha1.LedgerBinding) int {
	if bound == nil {
		return 0
	}
	return chunksFor(int(bound.Entries))
}

// NextGeneration is the generation of what is stored while a status binds bound; nil binds nothing.
func NextGeneration(bound *v1alpha1.LedgerBinding) int64 {
	if bound == nil {
		return 1
	}
	return bound.Generation + 1
}
