// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// ID is the Entra object id of a device. It is the id that a group has as its member; neither the device's own
// deviceId nor its Intune id can be one (contract g). The bytes stand in the order of the text, so that IDs
// sort as their text does.
type ID [16]byte

// ErrZeroID says that an id is the GUID of zeros, by which Graph says "none" (contract c).
var ErrZeroID = errors.New("the GUID of zeros names no object")

// guidDashes are the positions of the dashes in a GUID of 36 characters.
var guidDashes = [...]int{8, 13, 18, 23}

// ParseID reads a GUID of the form 00000000-0000-0000-0000-000000000000 in upper or lower case, without braces. The
// error is [ErrZeroID] for the GUID of zeros, and names the text otherwise.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 {
		return ID{}, malformed(s)
	}
	digits := make([]byte, 0, 32)
	from := 0
	for _, dash := range guidDashes {
		if s[dash] != '-' {
			return ID{}, malformed(s)
		}
		digits = append(digits, s[from:dash]...)
		from = dash + 1
	}
	digits = append(digits, s[from:]...)
	if _, err := hex.Decode(id[:], digits); err != nil {
		return ID{}, malformed(s)
	}
	if id.IsZero() {
		return ID{}, ErrZeroID
	}
	return id, nil
}

// String returns the GUID in lower case, as Graph writes it.
func (id ID) String() string {
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	for _, dash := range guidDashes {
		text[dash] = '-'
	}
	return string(text[:])
}

// IsZero says whether the id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids as their texts: negative when id comes before other, 0 when they are equal.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// malformed quotes at most one GUID's length of what was found.
func malformed(s string) error {
	const most = 48
	shown := s
	if len(shown) > most {
		shown = shown[:most] + "…"
	}
	return fmt.Errorf("object id %q is not a GUID: write 32 hexadecimal digits as 8-4-4-4-12", shown)
}
