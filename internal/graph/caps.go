// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidegate/tidegate/internal/room"
)

// caps are what one call takes from a host at most, however it behaves. They are far above what a tenant with two million
// devices needs. Sizes are bytes after decompression.
type caps struct {
	// page is one answer of Graph; item one element of a list in it, pageRows how many there are. A page of 1,000 rows is
	// about 2 MB.
	page, item int64
	pageRows   int
	// pages, rows and list are one list, read to its end. A list that is handed on row by row may be longer than list: who
	// keeps its rows counts them.
	pages, rows int
	list        int64
	// archive is an export file as it is sent, columns, csvRow, csvRows and csv what is in it. A million rows are about 120
	// MB, and 600 MB unpacked.
	archive      int64
	columns      int
	csvRow       int64
	csvRows      int
	csv          int64
	archiveFiles int
	// directory is the list of files in an archive.
	directory int64
}

// defaultCaps hold for every client.
var defaultCaps = caps{
	page: 16 << 20, item: 4 << 20, pageRows: 10_000,
	pages: 20_000, rows: 5_000_000, list: 256 << 20,
	archive: MaxArchive, columns: 1024, csvRow: 1 << 20, csvRows: 20_000_000, csv: 4 << 30, archiveFiles: 64, directory: 1 << 20,
}

// MaxArchive is the largest export file that is read, in bytes: about two million rows.
const MaxArchive = 256 << 20

// maxTokenBody is how much of an answer of the token endpoint is read, in bytes. A token is a few kilobytes.
const maxTokenBody = 1 << 20

// maxHeaders is how much of the headers of an answer is read, in bytes.
const maxHeaders = 256 << 10

// codeTooMuch and codeTooSlow mark answers that were given up: the same host will not do better at once.
const (
	codeTooMuch = "answerTooLarge"
	codeTooSlow = "answerTooSlow"
)

// tooMuch is the error for an answer without end. what says what passed which cap.
func tooMuch(format string, args ...any) *Error {
	return &Error{Kind: KindTransient, Code: codeTooMuch, Message: fmt.Sprintf(format, args...) +
		", more than any tenant has; nothing of it is used: check the host in spec.endpoint of the Tenant, and what stands between it and the operator"}
}

// size renders a cap.
func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// cappedReader ends a text that is longer than a cap with an error that says so. What an io.LimitReader cuts looks as if it
// had broken off.
type cappedReader struct {
	r    io.Reader
	left int64
	full func() error
}

// capped limits a reader to limit bytes; what names the text.
func capped(r io.Reader, limit int64, what string) *cappedReader {
	return &cappedReader{r: r, left: limit, full: func() error { return tooMuch("%s is longer than %s", what, size(limit)) }}
}

// Read implements io.Reader.
func (c *cappedReader) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, c.full()
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n, c.full()
	}
	return n, err
}

// pageReader is the body of a page: capped as a whole, and in each of its elements.
type pageReader struct {
	*cappedReader
	caps  caps
	read  int64
	until int64 // where the present element has to end; 0 between elements
}

func newPageReader(r io.Reader, c caps) *pageReader {
	return &pageReader{cappedReader: capped(r, c.page, "a page"), caps: c}
}

// Read implements io.Reader.
func (p *pageReader) Read(b []byte) (int, error) {
	if p.until > 0 && p.read > p.until {
		return 0, tooMuch("an element of a list is longer than %s", size(p.caps.item))
	}
	n, err := p.cappedReader.Read(b)
	p.read += int64(n)
	return n, err
}

// element says that the next element starts, before or at what was read so far.
func (p *pageReader) element() { p.until = p.read + p.caps.item }

// listCaps watches over one list while it is read.
type listCaps struct {
	caps        caps
	pages, rows int
	bytes       int64
	streamed    bool        // the list is handed on row by row
	share       *room.Share // of the memory for lists that are kept; nil when it is not bounded
}

// page counts one page, and says what is too much of the list.
func (l *listCaps) page(rows int, bytes int64) error {
	l.pages, l.rows, l.bytes = l.pages+1, l.rows+rows, l.bytes+bytes
	switch {
	case l.pages > l.caps.pages:
		return tooMuch("the list goes on after %d pages", l.caps.pages)
	case l.rows > l.caps.rows:
		return tooMuch("the list goes on after %d rows", l.caps.rows)
	case l.streamed:
		return nil
	case l.bytes > l.caps.list:
		return tooMuch("the list is longer than %s", size(l.caps.list))
	case l.share == nil:
		return nil
	}
	if err := l.share.Take(bytes); err != nil {
		return &Error{Kind: KindTransient, Code: codeTooMuch, Message: "the list is too long for now: " + err.Error(), Err: err}
	}
	return nil
}

// tooSlowError is the cause of a request whose answer did not end in time although bytes kept coming.
type tooSlowError struct{ limit time.Duration }

// Error implements error.
func (e *tooSlowError) Error() string {
	return fmt.Sprintf("the answer was not complete after %s: the server, or what stands in between, sends too slowly", e.limit)
}

// isTooSlow reports whether a call was given up because the answer did not end.
func isTooSlow(err error) bool {
	var slow *tooSlowError
	return errors.As(err, &slow)
}
