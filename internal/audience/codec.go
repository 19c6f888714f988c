// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"
)

// A stored ledger is a series of chunks, each a header and a run of entries. All numbers are big-endian.
//
//	 0  4  magic "TGLG"
//	 4  1  version
//	 5  1  zero
//	 6  2  index of the chunk, from 0
//	 8  2  number of chunks
//	10  2  length of the payload hash
//	12  4  attempt
//	16  4  entries in the ledger
//	20  4  entries in this chunk
//	24 16  membership: attempt, payload hash and the devices in order, hashed
//	40     payload hash
//	 …     entries: 16 bytes of id, 8 bytes of Unix seconds, 0 while pending
//	 …  4  CRC-32C of all bytes before it
//
// Kubernetes has no transaction over several ConfigMaps. The membership never changes during an attempt, so it is what
// ties the chunks together, and only times of exposure are new when the ledger is stored again. Whatever subset of its
// chunks a crash leaves behind is therefore still a ledger of this attempt in which some devices are not exposed yet,
// and a chunk without a new exposure comes out byte for byte as before and need not be written.
const (
	codecMagic   = "TGLG"
	codecVersion = 1

	headerSize   = 40
	checksumSize = 4
	entrySize    = len(ID{}) + 8
	setSize      = 16

	// MaxChunkBytes is the most that one chunk holds, 700 KiB: 933 KiB as the base64 of a ConfigMap's binaryData,
	// below the limit of 1 MiB for a ConfigMap.
	MaxChunkBytes = 700 << 10
	// maxPayloadHash is far above any hash and keeps the header small beside the entries, in bytes.
	maxPayloadHash = 1024
)

// ErrIncomplete says that the chunks are sound and do not make one ledger: one is missing, or they are of different
// ones. A crash while the ledger of a new attempt was stored for the first time leaves this behind. As long as the
// attempt's audience is not recorded anywhere else nothing of it was exposed, and it may be resolved again.
var ErrIncomplete = errors.New("the stored ledger is incomplete")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the ledger as one or more chunks of at most MaxChunkBytes. The same ledger always gives the same
// bytes. A ledger that cannot be read back the same is refused with an error: an attempt below 1, a payload hash that
// is too long, an id of zeros, a device listed twice, a time of exposure that is not in whole seconds after 1970.
func Encode(l Ledger) ([][]byte, error) {
	if err := validate(l); err != nil {
		return nil, fmt.Errorf("encode ledger of attempt %d: %w", l.Attempt, err)
	}
	perChunk := (MaxChunkBytes - headerSize - len(l.PayloadHash) - checksumSize) / entrySize
	count := max(1, (len(l.Entries)+perChunk-1)/perChunk)
	if count > math.MaxUint16 {
		return nil, fmt.Errorf("encode ledger of attempt %d: %d devices need more than %d chunks", l.Attempt, len(l.Entries), math.MaxUint16)
	}
	set := membership(l)
	chunks := make([][]byte, 0, count)
	for i := range count {
		entries := l.Entries[i*perChunk : min((i+1)*perChunk, len(l.Entries))]
		chunks = append(chunks, encodeChunk(l, set, i, count, entries))
	}
	return chunks, nil
}

// Decode reads the ledger back from its chunks, in any order. A missing, repeated, damaged or foreign chunk, and one of
// another version, gives an error that names it: a ledger is complete or it is unknown, never short (P4).
func Decode(chunks [][]byte) (Ledger, error) {
	if len(chunks) == 0 {
		return Ledger{}, errors.New("decode ledger: there is no chunk")
	}
	parts := make([]*chunk, 0, len(chunks))
	for i, data := range chunks {
		c, err := decodeChunk(data)
		if err != nil {
			return Ledger{}, fmt.Errorf("decode ledger: chunk at position %d of %d: %w", i+1, len(chunks), err)
		}
		parts = append(parts, c)
	}
	l, err := assemble(parts)
	if err != nil {
		return Ledger{}, fmt.Errorf("decode ledger: %w", err)
	}
	return l, nil
}

func validate(l Ledger) error {
	if l.Attempt < 1 {
		return fmt.Errorf("attempt is %d, it must be at least 1", l.Attempt)
	}
	if len(l.PayloadHash) > maxPayloadHash {
		return fmt.Errorf("payload hash has %d bytes, at most %d fit", len(l.PayloadHash), maxPayloadHash)
	}
	known := make(map[ID]struct{}, len(l.Entries))
	for i, e := range l.Entries {
		if e.Device.IsZero() {
			return fmt.Errorf("entry %d: %w", i, ErrZeroID)
		}
		if _, twice := known[e.Device]; twice {
			return fmt.Errorf("entry %d: device %s is listed twice", i, e.Device)
		}
		known[e.Device] = struct{}{}
		if !e.ExposedAt.IsZero() && (e.ExposedAt.Nanosecond() != 0 || e.ExposedAt.Unix() < 1) {
			return fmt.Errorf("entry %d: device %s exposed at %s, which is not in whole seconds after 1970", i, e.Device, e.ExposedAt.UTC().Format(time.RFC3339Nano))
		}
	}
	return nil
}

// membership identifies what stays the same during an attempt.
func membership(l Ledger) [setSize]byte {
	h := sha256.New()
	var fixed [8]byte
	binary.BigEndian.PutUint32(fixed[0:], uint32(l.Attempt))
	binary.BigEndian.PutUint32(fixed[4:], uint32(len(l.PayloadHash)))
	h.Write(fixed[:]) // a hash never returns an error
	h.Write([]byte(l.PayloadHash))
	for _, e := range l.Entries {
		h.Write(e.Device[:])
	}
	return [setSize]byte(h.Sum(nil)[:setSize])
}

func encodeChunk(l Ledger, set [setSize]byte, index, count int, entries []Entry) []byte {
	out := make([]byte, 0, headerSize+len(l.PayloadHash)+len(entries)*entrySize+checksumSize)
	out = append(out, codecMagic...)
	out = append(out, codecVersion, 0)
	out = binary.BigEndian.AppendUint16(out, uint16(index))
	out = binary.BigEndian.AppendUint16(out, uint16(count))
	out = binary.BigEndian.AppendUint16(out, uint16(len(l.PayloadHash)))
	out = binary.BigEndian.AppendUint32(out, uint32(l.Attempt))
	out = binary.BigEndian.AppendUint32(out, uint32(len(l.Entries)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(entries)))
	out = append(out, set[:]...)
	out = append(out, l.PayloadHash...)
	for _, e := range entries {
		out = append(out, e.Device[:]...)
		var at int64
		if !e.ExposedAt.IsZero() {
			at = e.ExposedAt.Unix()
		}
		out = binary.BigEndian.AppendUint64(out, uint64(at))
	}
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// chunk is one decoded chunk; its bytes are sound, what they say about the others is not yet checked.
type chunk struct {
	index, count int
	total        int
	attempt      int32
	set          [setSize]byte
	payloadHash  string
	entries      []byte
}

func decodeChunk(data []byte) (*chunk, error) {
	if len(data) < headerSize+checksumSize {
		return nil, fmt.Errorf("it has %d bytes, too few for a header", len(data))
	}
	if !bytes.HasPrefix(data, []byte(codecMagic)) {
		return nil, fmt.Errorf("it begins with %q, not with %q: these are not the bytes of a ledger", data[:len(codecMagic)], codecMagic)
	}
	if version := data[4]; version != codecVersion {
		return nil, fmt.Errorf("it has version %d, this program reads version %d: run the release that wrote it, or a newer one", version, codecVersion)
	}
	body, sum := data[:len(data)-checksumSize], data[len(data)-checksumSize:]
	if binary.BigEndian.Uint32(sum) != crc32.Checksum(body, castagnoli) {
		return nil, errors.New("its checksum does not match: it was damaged or edited")
	}
	c := &chunk{
		index:   int(binary.BigEndian.Uint16(data[6:])),
		count:   int(binary.BigEndian.Uint16(data[8:])),
		attempt: int32(binary.BigEndian.Uint32(data[12:])),
		total:   int(binary.BigEndian.Uint32(data[16:])),
		set:     [setSize]byte(data[24:headerSize]),
	}
	hashSize := int(binary.BigEndian.Uint16(data[10:]))
	entries := int64(binary.BigEndian.Uint32(data[20:]))
	if data[5] != 0 || c.index >= c.count || int64(len(body)) != int64(headerSize)+int64(hashSize)+entries*int64(entrySize) {
		return nil, fmt.Errorf("its header contradicts itself: index %d of %d, %d entries in %d bytes", c.index, c.count, entries, len(data))
	}
	c.payloadHash = string(body[headerSize : headerSize+hashSize])
	c.entries = body[headerSize+hashSize:]
	return c, nil
}

// assemble joins the chunks of one ledger.
func assemble(parts []*chunk) (Ledger, error) {
	first := parts[0]
	byIndex := make([]*chunk, first.count)
	for _, c := range parts {
		if c.set != first.set || c.count != first.count || c.total != first.total || c.attempt != first.attempt || c.payloadHash != first.payloadHash {
			return Ledger{}, fmt.Errorf("%w: chunk %d of attempt %d and chunk %d of attempt %d are of different ledgers", ErrIncomplete, first.index, first.attempt, c.index, c.attempt)
		}
		if byIndex[c.index] != nil {
			return Ledger{}, fmt.Errorf("chunk %d of %d is there twice", c.index, c.count)
		}
		byIndex[c.index] = c
	}
	l := Ledger{Attempt: first.attempt, PayloadHash: first.payloadHash}
	for i, c := range byIndex {
		if c == nil {
			return Ledger{}, fmt.Errorf("%w: chunk %d of %d is missing", ErrIncomplete, i, first.count)
		}
		l.Entries = appendEntries(l.Entries, c.entries)
	}
	if len(l.Entries) != first.total {
		return Ledger{}, fmt.Errorf("the chunks hold %d devices, their header says %d", len(l.Entries), first.total)
	}
	if err := validate(l); err != nil {
		return Ledger{}, err
	}
	if membership(l) != first.set {
		return Ledger{}, errors.New("the devices are not those that the header was written for")
	}
	return l, nil
}

func appendEntries(entries []Entry, data []byte) []Entry {
	for ; len(data) >= entrySize; data = data[entrySize:] {
		e := Entry{Device: ID(data[:len(ID{})])}
		if at := int64(binary.BigEndian.Uint64(data[len(ID{}):])); at != 0 {
			e.ExposedAt = time.Unix(at, 0).UTC()
		}
		entries = append(entries, e)
	}
	return entries
}
