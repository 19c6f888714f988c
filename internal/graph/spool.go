// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"os"
	"sync"
)

// Spool bounds the disk on which export files are kept while they are read. All clients of a process share one, as they share
// the disk: a volume that overflows takes the process along. One tenant may have half of it, so that a host that sends without
// end leaves room for the others. It is safe for concurrent use.
type Spool struct {
	limit int64

	mu    sync.Mutex
	used  int64
	realm map[string]int64
}

// NewSpool returns a spool of so many bytes.
func NewSpool(limit int64) *Spool { return &Spool{limit: limit, realm: map[string]int64{}} }

// take reserves space for one tenant, or says why there is none.
func (s *Spool) take(realm string, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.realm[realm]+bytes > s.limit/2:
		return fmt.Errorf("the export files of this tenant would take more than %s, half of the space for such files: enlarge the volume at /tmp and --spool-size", size(s.limit/2))
	case s.used+bytes > s.limit:
		return fmt.Errorf("the export files of all tenants would take more than %s: this one is fetched again later; enlarge the volume at /tmp and --spool-size if that goes on", size(s.limit))
	}
	s.used += bytes
	s.realm[realm] += bytes
	return nil
}

// give returns space.
func (s *Spool) give(realm string, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= bytes
	if s.realm[realm] -= bytes; s.realm[realm] <= 0 {
		delete(s.realm, realm)
	}
}

// archive is an export file on disk.
type archive struct {
	*os.File
	spool *Spool // nil: unbounded
	realm string
	held  int64
}

// newArchive makes an empty file.
func (c *Client) newArchive() (*archive, error) {
	file, err := os.CreateTemp(c.cfg.TempDir, "tidegate-export-*.zip")
	if err != nil {
		return nil, err
	}
	return &archive{File: file, spool: c.cfg.Spool, realm: c.realm}, nil
}

// Write implements io.Writer, within what the spool has.
func (a *archive) Write(p []byte) (int, error) {
	if a.spool != nil {
		if err := a.spool.take(a.realm, int64(len(p))); err != nil {
			return 0, &Error{Kind: KindTransient, Code: codeTooMuch, Message: err.Error()}
		}
		a.held += int64(len(p))
	}
	return a.File.Write(p)
}

// empty makes the file as it was at first.
func (a *archive) empty() error {
	if _, err := a.Seek(0, 0); err != nil {
		return err
	}
	if err := a.Truncate(0); err != nil {
		return err
	}
	a.release()
	return nil
}

// release gives back the space of what was written.
func (a *archive) release() {
	if a.spool != nil {
		a.spool.give(a.realm, a.held)
	}
	a.held = 0
}

// remove closes and deletes a file that is no longer needed.
func (a *archive) remove() {
	_ = a.Close()
	_ = os.Remove(a.Name())
	a.release()
}
