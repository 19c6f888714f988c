// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// A stored ledger is a series of chunks of EntriesPerChunk entries, the last one shorter. All numbers are big-endian.
//
//	 0  4  magic "TGWL"
//	 4  1  version
//	 5  1  1 when the audience is growing
//	 6  1  unit: D or U
//	 7  1  length of the payload hash
//	 8 16  wave
//	24  4  attempt
//	28  4  revision
//	32  8  generation of the ledger in which this chunk was written
//	40  2  index of the chunk, from 0
//	42  2  number of chunks when this one was written
//	44  4  entries before that generation
//	48  4  changes of that generation
//	52     payload hash
//	 …     the entries as they were before
//	 …     the changes: 4 bytes of position in the chunk, then the entry as it is; positions ascend
//	 …  4  CRC-32C of all bytes before it
//
// An entry is its id and then the times asked, confirmed, excluded, joined and of the last word, 4 bytes each, the kind of
// that word and the refusal.
//
// Kubernetes has no transaction over several objects, nor over a ledger and the status that binds it. So each chunk says
// what it holds and what it held before its newest change: whatever subset of the chunks of a save a crash leaves behind,
// the ledger that the status binds can be rebuilt and proven, and every change since then is seen one by one. A chunk
// without a change stays byte for byte as it is and need not be written (P12).
const (
	codecMagic   = "TGWL"
	codecVersion = 2

	headerSize   = 52
	checksumSize = 4
	entrySize    = len(ID{}) + 5*4 + 2
	changeSize   = 4 + entrySize

	// EntriesPerChunk is how many entries a chunk holds: 228,000 bytes as it is, and [MaxChunkBytes] at most when each
	// of them has changed.
	EntriesPerChunk = 6000
	// MaxChunkBytes is more than the largest chunk has: 512 KiB, 683 KiB as the base64 of a Kubernetes object, which may
	// have 1.5 MiB.
	MaxChunkBytes = 512 << 10

	maxPayloadHash = math.MaxUint8
	maxChunks      = math.MaxUint16
)

// errTruncated says that a chunk ends before its header says it does.
var errTruncated = errors.New("it is cut off")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunk is one decoded chunk. Its bytes are sound; what they say about others is not yet checked.
type chunk struct {
	Header
	generation   int64
	index, count int
	// before is what it held before generation, now what it holds.
	before, now []Entry
	raw         []byte
}

// at returns what the chunk held in a generation of the ledger: its own, a later one, or the one before.
func (c *chunk) at(generation int64) []Entry {
	if c == nil {
		return nil
	}
	if c.generation > generation {
		return c.before
	}
	return c.now
}

func encodeChunk(c *chunk) []byte {
	changes := changed(c.before, c.now)
	out := make([]byte, 0, headerSize+len(c.PayloadHash)+len(c.before)*entrySize+len(changes)*changeSize+checksumSize)
	out = append(out, codecMagic...)
	out = append(out, codecVersion, 0, c.Unit[0], byte(len(c.PayloadHash)))
	if c.Growing {
		out[5] = 1
	}
	out = append(out, c.Wave[:]...)
	out = binary.BigEndian.AppendUint32(out, uint32(c.Attempt))
	out = binary.BigEndian.AppendUint32(out, uint32(c.Revision))
	out = binary.BigEndian.AppendUint64(out, uint64(c.generation))
	out = binary.BigEndian.AppendUint16(out, uint16(c.index))
	out = binary.BigEndian.AppendUint16(out, uint16(c.count))
	out = binary.BigEndian.AppendUint32(out, uint32(len(c.before)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(changes)))
	out = append(out, c.PayloadHash...)
	for i := range c.before {
		out = appendEntry(out, &c.before[i])
	}
	for _, i := range changes {
		out = binary.BigEndian.AppendUint32(out, uint32(i))
		out = appendEntry(out, &c.now[i])
	}
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// changed lists the positions at which now differs from before, which is no longer than now.
func changed(before, now []Entry) []int {
	var out []int
	for i := range now {
		if i >= len(before) || now[i] != before[i] {
			out = append(out, i)
		}
	}
	return out
}

func appendEntry(out []byte, e *Entry) []byte {
	out = append(out, e.ID[:]...)
	for _, s := range [...]Stamp{e.AskedAt, e.ConfirmedAt, e.ExcludedAt, e.JoinedAt, e.Last.At} {
		out = binary.BigEndian.AppendUint32(out, uint32(s))
	}
	return append(out, byte(e.Last.Kind), byte(e.Refused))
}

func readEntry(data []byte) Entry {
	stamp := func(i int) Stamp { return Stamp(binary.BigEndian.Uint32(data[len(ID{})+4*i:])) }
	return Entry{
		ID: ID(data[:len(ID{})]), AskedAt: stamp(0), ConfirmedAt: stamp(1), ExcludedAt: stamp(2), JoinedAt: stamp(3),
		Last: Word{Kind: WordKind(data[entrySize-2]), At: stamp(4)}, Refused: Refusal(data[entrySize-1]),
	}
}

// decodeChunk reads a chunk back. The error wraps errTruncated when its end is missing.
func decodeChunk(data []byte) (*chunk, error) {
	if len(data) < headerSize+checksumSize {
		return nil, fmt.Errorf("%w: %d bytes are too few for a header", errTruncated, len(data))
	}
	if !bytes.HasPrefix(data, []byte(codecMagic)) {
		return nil, fmt.Errorf("it begins with %q, not with %q: these are not the bytes of a ledger", data[:len(codecMagic)], codecMagic)
	}
	if version := data[4]; version != codecVersion {
		return nil, fmt.Errorf("it has version %d, this program reads version %d: run the release that wrote it", version, codecVersion)
	}
	before, changes := int64(binary.BigEndian.Uint32(data[44:])), int64(binary.BigEndian.Uint32(data[48:]))
	size := headerSize + int64(data[7]) + before*int64(entrySize) + changes*int64(changeSize) + checksumSize
	if before <= EntriesPerChunk && changes <= EntriesPerChunk && int64(len(data)) < size {
		return nil, fmt.Errorf("%w: it has %d bytes of %d", errTruncated, len(data), size)
	}
	body, sum := data[:len(data)-checksumSize], data[len(data)-checksumSize:]
	if binary.BigEndian.Uint32(sum) != crc32.Checksum(body, castagnoli) {
		return nil, errors.New("its checksum does not match: it was damaged or edited")
	}
	if before > EntriesPerChunk || changes > EntriesPerChunk || int64(len(data)) != size {
		return nil, fmt.Errorf("its header contradicts itself: %d entries and %d changes in %d bytes", before, changes, len(data))
	}
	c := &chunk{
		generation: int64(binary.BigEndian.Uint64(data[32:])),
		index:      int(binary.BigEndian.Uint16(data[40:])), count: int(binary.BigEndian.Uint16(data[42:])),
		raw: data,
	}
	if err := c.readHeader(data); err != nil {
		return nil, err
	}
	return c, c.readEntries(body[headerSize+len(c.PayloadHash):], int(before), int(changes))
}

func (c *chunk) readHeader(data []byte) error {
	c.Header = Header{
		Wave: WaveKey(data[8:24]), Growing: data[5] == 1,
		Attempt: int32(binary.BigEndian.Uint32(data[24:])), Revision: int32(binary.BigEndian.Uint32(data[28:])),
		PayloadHash: string(data[headerSize : headerSize+int(data[7])]),
	}
	switch data[6] {
	case 'D':
		c.Unit = v1alpha1.LedgerUnitDevice
	case 'U':
		c.Unit = v1alpha1.LedgerUnitUser
	}
	if data[5] > 1 || c.generation < 1 || c.index >= c.count {
		return fmt.Errorf("its header contradicts itself: flags %d, generation %d, chunk %d of %d", data[5], c.generation, c.index, c.count)
	}
	return c.validate()
}

func (c *chunk) readEntries(data []byte, before, changes int) error {
	c.before = make([]Entry, 0, before)
	for ; before > 0; before-- {
		c.before = append(c.before, readEntry(data))
		data = data[entrySize:]
	}
	if c.now = c.before; changes == 0 {
		return nil
	}
	c.now = append(make([]Entry, 0, max(len(c.before), changes)), c.before...)
	last := -1
	for ; changes > 0; changes-- {
		i, e := int64(binary.BigEndian.Uint32(data)), readEntry(data[4:])
		switch {
		case i <= int64(last) || i > int64(len(c.now)) || i >= EntriesPerChunk:
			return fmt.Errorf("its changes are out of order: position %d after %d", i, last)
		case i == int64(len(c.now)):
			c.now = append(c.now, e)
		case c.now[i] == e:
			return fmt.Errorf("its change at position %d changes nothing", i)
		default:
			c.now[i] = e
		}
		last, data = int(i), data[changeSize:]
	}
	return nil
}

// validate refuses a header that cannot be stored.
func (h *Header) validate() error {
	switch {
	case h.Attempt < 1:
		return fmt.Errorf("attempt is %d, it must be at least 1", h.Attempt)
	case h.Revision < 0:
		return fmt.Errorf("revision is %d, it must not be negative", h.Revision)
	case h.Unit != v1alpha1.LedgerUnitDevice && h.Unit != v1alpha1.LedgerUnitUser:
		return fmt.Errorf("unit is %q, it must be %s or %s", h.Unit, v1alpha1.LedgerUnitDevice, v1alpha1.LedgerUnitUser)
	case len(h.PayloadHash) > maxPayloadHash:
		return fmt.Errorf("payload hash has %d bytes, at most %d fit", len(h.PayloadHash), maxPayloadHash)
	}
	return nil
}

// validate refuses a ledger that contradicts itself.
func (l *Ledger) validate() error {
	if err := l.Header.validate(); err != nil {
		return err
	}
	known := make(map[ID]struct{}, len(l.Entries))
	for i := range l.Entries {
		e := &l.Entries[i]
		if err := e.validate(); err != nil {
			return fmt.Errorf("entry %d, %s: %w", i, e.ID, err)
		}
		if _, twice := known[e.ID]; twice {
			return fmt.Errorf("entry %d, %s: it is listed twice", i, e.ID)
		}
		known[e.ID] = struct{}{}
		if !l.Growing && !e.JoinedAt.IsZero() {
			return fmt.Errorf("entry %d, %s: it joined at %s, and the audience does not grow", i, e.ID, e.JoinedAt)
		}
	}
	return nil
}

func (e *Entry) validate() error {
	switch {
	case e.ID.IsZero():
		return ErrZeroID
	case !e.ConfirmedAt.IsZero() && (e.AskedAt.IsZero() || e.ConfirmedAt < e.AskedAt):
		return fmt.Errorf("confirmed at %s, asked for at %s", e.ConfirmedAt, e.AskedAt)
	case !e.ExcludedAt.IsZero() && e.ExcludedAt < e.AskedAt:
		return fmt.Errorf("asked for at %s, excluded at %s", e.AskedAt, e.ExcludedAt)
	case !e.AskedAt.IsZero() && e.AskedAt < e.JoinedAt:
		return fmt.Errorf("asked for at %s, joined at %s", e.AskedAt, e.JoinedAt)
	case e.Last.Kind >= wordKinds || (e.Last.Kind == WordNone) != e.Last.At.IsZero():
		return fmt.Errorf("last word %d at %s", e.Last.Kind, e.Last.At)
	case !e.Last.At.IsZero() && e.AskedAt.IsZero():
		return fmt.Errorf("last word %s, and it was never asked for", e.Last.Kind)
	case e.Refused >= refusals:
		return fmt.Errorf("refused for reason %d, which is not known", e.Refused)
	}
	return nil
}
