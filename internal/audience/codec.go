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
	"slices"

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
//	52  4  failures before that generation
//	56  4  failures as they are
//	60     payload hash
//	 …     the entries as they were before
//	 …     the changes: 4 bytes of position in the chunk, then the entry as it is; positions ascend
//	 …     the failures as they were before, then as they are
//	 …  4  CRC-32C of all bytes before it
//
// An entry is its id and then the times asked, confirmed, excluded, joined and of the last word, 4 bytes each, the kind of
// that word, the refusal, and 1 when it failed once. A failure is the position of its entry in the chunk in 2 bytes, then
// device, time of enrolment and time of the report, 4 bytes each, and its kind.
//
// Kubernetes has no transaction over several objects, nor over a ledger and the status that binds it. So each chunk says
// what it holds and what it held before its newest change: whatever subset of the chunks of a save a crash leaves behind,
// the ledger that the status binds can be rebuilt and proven, and every change since then is seen one by one. A chunk
// without a change stays byte for byte as it is and need not be written (P12).
const (
	codecMagic   = "TGWL"
	codecVersion = 3

	headerSize   = 60
	checksumSize = 4
	entrySize    = len(ID{}) + 5*4 + 3
	changeSize   = 4 + entrySize
	failureSize  = 2 + 3*4 + 1

	// EntriesPerChunk is how many entries a chunk holds: 195,000 bytes as it is, twice that and 20,000 when each of them has
	// changed, and at most [MaxChunkBytes] when each has as many failures as are kept as well.
	EntriesPerChunk = 5000
	// MaxChunkBytes is more than the largest chunk has: 1 MiB, 1.34 MiB as the base64 of a Kubernetes object, which may
	// have 1.5 MiB.
	MaxChunkBytes = 1 << 20

	maxChunkFailures = EntriesPerChunk * MaxFailures
	maxPayloadHash   = math.MaxUint8
	maxChunks        = math.MaxUint16
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
	before, now content
	raw         []byte
}

// content is what a chunk holds. The failures count the entries from the beginning of the chunk.
type content struct {
	entries  []Entry
	failures []Failure
}

func (c content) equal(other content) bool {
	return slices.Equal(c.entries, other.entries) && slices.Equal(c.failures, other.failures)
}

// at returns what the chunk held in a generation of the ledger: its own, a later one, or the one before.
func (c *chunk) at(generation int64) content {
	if c == nil {
		return content{}
	}
	if c.generation > generation {
		return c.before
	}
	return c.now
}

func encodeChunk(c *chunk) []byte {
	changes := changed(c.before.entries, c.now.entries)
	out := make([]byte, 0, c.size(len(c.before.entries), len(changes), len(c.before.failures)+len(c.now.failures)))
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
	for _, n := range [...]int{len(c.before.entries), len(changes), len(c.before.failures), len(c.now.failures)} {
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	out = append(out, c.PayloadHash...)
	for i := range c.before.entries {
		out = appendEntry(out, &c.before.entries[i])
	}
	for _, i := range changes {
		out = binary.BigEndian.AppendUint32(out, uint32(i))
		out = appendEntry(out, &c.now.entries[i])
	}
	for _, f := range c.before.failures {
		out = appendFailure(out, f)
	}
	for _, f := range c.now.failures {
		out = appendFailure(out, f)
	}
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// size is the number of bytes of a chunk of so many entries before, changes, and failures before and now.
func (h *Header) size(entries, changes, failures int) int {
	return headerSize + len(h.PayloadHash) + entries*entrySize + changes*changeSize + failures*failureSize + checksumSize
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
	return append(out, byte(e.Last.Kind), byte(e.Refused), flag(e.FailedOnce))
}

func flag(is bool) byte {
	if is {
		return 1
	}
	return 0
}

func readEntry(data []byte) (Entry, error) {
	stamp := func(i int) Stamp { return Stamp(binary.BigEndian.Uint32(data[len(ID{})+4*i:])) }
	e := Entry{
		ID: ID(data[:len(ID{})]), AskedAt: stamp(0), ConfirmedAt: stamp(1), ExcludedAt: stamp(2), JoinedAt: stamp(3),
		Last: Word{Kind: WordKind(data[entrySize-3]), At: stamp(4)}, Refused: Refusal(data[entrySize-2]), FailedOnce: data[entrySize-1] == 1,
	}
	if data[entrySize-1] > 1 {
		return e, fmt.Errorf("entry %s has flags %d, which are not known", e.ID, data[entrySize-1])
	}
	return e, nil
}

func appendFailure(out []byte, f Failure) []byte {
	out = binary.BigEndian.AppendUint16(out, uint16(f.Entry))
	for _, n := range [...]uint32{f.Enrolment.Device, uint32(f.Enrolment.EnrolledAt), uint32(f.At)} {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return append(out, byte(f.Kind))
}

func readFailure(data []byte) Failure {
	number := func(i int) uint32 { return binary.BigEndian.Uint32(data[2+4*i:]) }
	return Failure{
		Entry:     int32(binary.BigEndian.Uint16(data)),
		Enrolment: Enrolment{Device: number(0), EnrolledAt: Stamp(number(1))}, At: Stamp(number(2)), Kind: WordKind(data[failureSize-1]),
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
	parts, known := partsOf(data)
	size := headerSize + int64(data[7]) + parts.entries*int64(entrySize) + parts.changes*int64(changeSize) +
		(parts.failuresBefore+parts.failures)*int64(failureSize) + checksumSize
	if known && int64(len(data)) < size {
		return nil, fmt.Errorf("%w: it has %d bytes of %d", errTruncated, len(data), size)
	}
	body, sum := data[:len(data)-checksumSize], data[len(data)-checksumSize:]
	if binary.BigEndian.Uint32(sum) != crc32.Checksum(body, castagnoli) {
		return nil, errors.New("its checksum does not match: it was damaged or edited")
	}
	if !known || int64(len(data)) != size {
		return nil, fmt.Errorf("its header contradicts itself: %+v in %d bytes", parts, len(data))
	}
	c := &chunk{
		generation: int64(binary.BigEndian.Uint64(data[32:])),
		index:      int(binary.BigEndian.Uint16(data[40:])), count: int(binary.BigEndian.Uint16(data[42:])),
		raw: data,
	}
	if err := c.readHeader(data); err != nil {
		return nil, err
	}
	body, err := c.readEntries(body[headerSize+len(c.PayloadHash):], parts)
	if err != nil {
		return nil, err
	}
	if body, err = c.before.readFailures(body, parts.failuresBefore); err != nil {
		return nil, err
	}
	_, err = c.now.readFailures(body, parts.failures)
	return c, err
}

// parts are the numbers of what a chunk holds.
type parts struct{ entries, changes, failuresBefore, failures int64 }

// partsOf reads them from a header; known is false when no chunk has so many.
func partsOf(data []byte) (p parts, known bool) {
	number := func(at int) int64 { return int64(binary.BigEndian.Uint32(data[at:])) }
	p = parts{number(44), number(48), number(52), number(56)}
	return p, max(p.entries, p.changes) <= EntriesPerChunk && max(p.failuresBefore, p.failures) <= maxChunkFailures
}

func (c *chunk) readHeader(data []byte) error {
	c.Header = Header{
		Wave: WaveKey(data[8:24]), Growing: data[5] == 1,
		Attempt: int32(binary.BigEndian.Uint32(data[24:])), Revision: int32(binary.BigEndian.Uint32(data[28:])),
		PayloadHash: string(data[headerSize : headerSize+int(data[7])]),
	}
	switch data[6] {
	case 'D':
		c.Unit = v1alpha1.UnitDevice
	case 'U':
		c.Unit = v1alpha1.UnitUser
	}
	if data[5] > 1 || c.generation < 1 || c.index >= c.count {
		return fmt.Errorf("its header contradicts itself: flags %d, generation %d, chunk %d of %d", data[5], c.generation, c.index, c.count)
	}
	return c.validate()
}

// readEntries reads the entries and their changes, and returns what comes after them.
func (c *chunk) readEntries(data []byte, p parts) ([]byte, error) {
	c.before.entries = make([]Entry, p.entries)
	for i := range c.before.entries {
		var err error
		if c.before.entries[i], err = readEntry(data); err != nil {
			return nil, err
		}
		data = data[entrySize:]
	}
	if c.now.entries = c.before.entries; p.changes == 0 {
		return data, nil
	}
	now := append(make([]Entry, 0, max(p.entries, p.changes)), c.before.entries...)
	last := int64(-1)
	for range p.changes {
		i := int64(binary.BigEndian.Uint32(data))
		e, err := readEntry(data[4:])
		switch {
		case err != nil:
			return nil, err
		case i <= last || i > int64(len(now)) || i >= EntriesPerChunk:
			return nil, fmt.Errorf("its changes are out of order: position %d after %d", i, last)
		case i == int64(len(now)):
			now = append(now, e)
		case now[i] == e:
			return nil, fmt.Errorf("its change at position %d changes nothing", i)
		default:
			now[i] = e
		}
		last, data = i, data[changeSize:]
	}
	c.now.entries = now
	return data, nil
}

// readFailures reads n failures of the entries, and returns what comes after them. Whether they fit the words of the
// entries is told by [Ledger.validate].
func (c *content) readFailures(data []byte, n int64) ([]byte, error) {
	for range n {
		f := readFailure(data)
		if int(f.Entry) >= len(c.entries) {
			return nil, fmt.Errorf("a failure is of entry %d of %d", f.Entry, len(c.entries))
		}
		c.failures, data = append(c.failures, f), data[failureSize:]
	}
	return data, nil
}

// validate refuses a header that cannot be stored.
func (h *Header) validate() error {
	switch {
	case h.Attempt < 1:
		return fmt.Errorf("attempt is %d, it must be at least 1", h.Attempt)
	case h.Revision < 0:
		return fmt.Errorf("revision is %d, it must not be negative", h.Revision)
	case h.Unit != v1alpha1.UnitDevice && h.Unit != v1alpha1.UnitUser:
		return fmt.Errorf("unit is %q, it must be %s or %s", h.Unit, v1alpha1.UnitDevice, v1alpha1.UnitUser)
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
	return l.validateFailures()
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
