// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// screen prints lines, and on a terminal a block of lines below them that is redrawn in place.
type screen struct {
	out   *os.File
	live  bool
	drawn int // lines of the block on the screen
	width int
}

func newScreen(out *os.File) *screen {
	s := &screen{out: out, width: 120}
	if fd := int(out.Fd()); term.IsTerminal(fd) && os.Getenv("TERM") != "dumb" {
		s.live = true
		if w, _, err := term.GetSize(fd); err == nil && w > 20 {
			s.width = w
		}
	}
	return s
}

// line prints one line above the block.
func (s *screen) line(format string, args ...any) {
	s.erase()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// block redraws the lines at the bottom; without a terminal it does nothing.
func (s *screen) block(lines []string) {
	if !s.live {
		return
	}
	s.erase()
	for _, l := range lines {
		if r := []rune(l); len(r) >= s.width {
			l = string(r[:s.width-2]) + "…"
		}
		fmt.Fprintln(s.out, l)
	}
	s.drawn = len(lines)
}

func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

// bar draws how much of whole is done.
func bar(done, whole, width int) string {
	if whole <= 0 {
		return strings.Repeat("·", width)
	}
	n := min(width, done*width/whole)
	return strings.Repeat("█", n) + strings.Repeat("·", width-n)
}
