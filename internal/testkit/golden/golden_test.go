// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// said is a test that keeps what it is told instead of failing.
type said struct {
	testing.TB
	errors []string
}

func (s *said) Helper() {}

func (s *said) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func (s *said) Fatalf(format string, args ...any) { s.Errorf(format, args...) }

// TestMatchCanFail: a difference fails and changes no file; -update writes it, a new file too, and the next look agrees.
func TestMatchCanFail(t *testing.T) {
	defer func(was bool) { *update = was }(*update)
	file := filepath.Join(t.TempDir(), "a.out.yaml")
	look := func(writes bool, got string) []string {
		*update = writes
		s := &said{}
		Match(s, file, got)
		return s.errors
	}
	if e := look(false, "one"); len(e) == 0 || !strings.Contains(e[0], "-update") {
		t.Errorf("a missing file: %q", e)
	}
	if e := look(true, "one"); len(e) != 0 {
		t.Errorf("writing: %q", e)
	}
	if e := look(false, "one"); len(e) != 0 {
		t.Errorf("the same: %q", e)
	}
	if e := look(false, "two"); len(e) != 1 {
		t.Errorf("another: %q", e)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "one" {
		t.Errorf("a comparison wrote %q %v", text, err)
	}
}
