// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// maxVersionParts bounds what is accepted as a version; Edge and Windows have four.
const maxVersionParts = 8

// Version is a dotted numeric version, most significant part first.
type Version []uint64

// ParseVersion reads a version such as 145, 145.0.3800.58 or 10.0.22621. Each part
// is a decimal number of digits only. The error names the text and what a version
// looks like.
func ParseVersion(s string) (Version, error) {
	parts := strings.Split(s, ".")
	if len(parts) > maxVersionParts {
		return nil, fmt.Errorf("version %q has %d parts, more than %d", s, len(parts), maxVersionParts)
	}
	v := make(Version, len(parts))
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("version %q: write numbers separated by dots, like 145.0.3800.58: part %d: %w", s, i+1, err)
		}
		v[i] = n
	}
	return v, nil
}

// Compare returns -1, 0 or +1 as v is lower than, equal to or higher than w. A
// missing part counts as 0: 13 equals 13.0.
func (v Version) Compare(w Version) int {
	for i := range max(len(v), len(w)) {
		if c := cmp.Compare(v.part(i), w.part(i)); c != 0 {
			return c
		}
	}
	return 0
}

func (v Version) part(i int) uint64 {
	if i < len(v) {
		return v[i]
	}
	return 0
}

// String is the version with its parts separated by dots.
func (v Version) String() string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.FormatUint(n, 10)
	}
	return strings.Join(parts, ".")
}

// CompareVersions compares two versions as text: see ParseVersion and Compare.
func CompareVersions(a, b string) (int, error) {
	v, err := ParseVersion(a)
	if err != nil {
		return 0, err
	}
	w, err := ParseVersion(b)
	if err != nil {
		return 0, err
	}
	return v.Compare(w), nil
}
