// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Row is one row of an export. It is valid until yield returns; copy what is to be kept.
type Row struct {
	columns map[string]int
	values  []string
}

// Get returns the value of a column by its exact name, or an empty text when the file has no such column, or the row other
// columns than the file.
func (r Row) Get(column string) string {
	if i, ok := r.columns[column]; ok && i < len(r.values) {
		return r.values[i]
	}
	return ""
}

// Has reports whether the file has a column.
func (r Row) Has(column string) bool {
	_, ok := r.columns[column]
	return ok
}

// archiveError is a fault of the file, not of the caller's yield.
type archiveError struct{ err error }

// Error returns the fault.
func (e *archiveError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *archiveError) Unwrap() error { return e.err }

// readArchive reads every CSV file of a zip archive and hands out its rows. Faults of the archive come back as
// *archiveError, errors of yield as they are.
func readArchive(archive *os.File, required []string, yield func(Row) error) (int, error) {
	stat, err := archive.Stat()
	if err != nil {
		return 0, &archiveError{err}
	}
	return readZip(archive, stat.Size(), required, yield)
}

// readZip reads an archive from anything that can be read at an offset.
func readZip(r io.ReaderAt, size int64, required []string, yield func(Row) error) (int, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names of entries are never used as paths
		return 0, &archiveError{err}
	}
	rows, files := 0, 0
	for _, entry := range archive.File {
		if !strings.HasSuffix(strings.ToLower(entry.Name), ".csv") {
			continue
		}
		files++
		n, err := readEntry(entry, required, yield)
		rows += n
		if err != nil {
			return rows, err
		}
	}
	if files == 0 {
		return 0, &archiveError{errors.New("the archive holds no csv file")}
	}
	return rows, nil
}

// readEntry reads one file of an archive to its end, where its checksum is verified.
func readEntry(entry *zip.File, required []string, yield func(Row) error) (rows int, err error) {
	file, err := entry.Open()
	if err != nil {
		return 0, &archiveError{err}
	}
	defer func() {
		if closeErr := file.Close(); closeErr != nil && err == nil {
			err = &archiveError{closeErr}
		}
	}()
	return readCSV(file, required, yield)
}

// byteOrderMark starts the files of an export (contract b.4).
const byteOrderMark = "\ufeff"

// readCSV reads a CSV text with a header. Columns are found by name. A file without a required column is a fault. A row with
// more or fewer values than the header has no value in any column: guessing would move values into wrong ones.
func readCSV(r io.Reader, required []string, yield func(Row) error) (int, error) {
	bounded := &rowReader{r: r, left: maxRow}
	buffered := bufio.NewReaderSize(bounded, 64<<10)
	if mark, err := buffered.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		if _, err := buffered.Discard(len(mark)); err != nil {
			return 0, &archiveError{err}
		}
	}
	reader := csv.NewReader(buffered)
	reader.LazyQuotes = true // bare quotes in unquoted fields occur (contract b.4)
	reader.FieldsPerRecord = 0
	reader.ReuseRecord = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return 0, &archiveError{errors.New("the file is empty: not even a header")}
	}
	if err != nil {
		return 0, &archiveError{err}
	}
	columns, err := columnsOf(header, required)
	if err != nil {
		return 0, &archiveError{err}
	}
	for rows := 0; ; rows++ {
		bounded.left = maxRow
		values, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if errors.Is(err, csv.ErrFieldCount) {
			values, err = nil, nil
		}
		if err != nil {
			return rows, &archiveError{err}
		}
		if err := yield(Row{columns: columns, values: values}); err != nil {
			return rows, err
		}
	}
}

// columnsOf finds each column of a header. A required column that is missing, or there twice, is a fault.
func columnsOf(header, required []string) (map[string]int, error) {
	columns := make(map[string]int, len(header))
	for i, name := range header {
		if _, twice := columns[name]; twice && slices.Contains(required, name) {
			return nil, fmt.Errorf("column %q is there twice", name)
		}
		columns[strings.Clone(name)] = i
	}
	for _, name := range required {
		if _, ok := columns[name]; !ok {
			return nil, fmt.Errorf("column %q is missing", name)
		}
	}
	return columns, nil
}

// maxRow bounds one row of a file, in bytes. 256 columns of the longest texts are far below it.
const maxRow = 4 << 20

// rowReader ends a row that grows without end: a quote that is opened and never closed would otherwise pull the whole
// rest of the file into memory.
type rowReader struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (b *rowReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a row is longer than %d bytes: a quote is not closed", maxRow)
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}
