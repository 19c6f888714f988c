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
	"math"
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
func readArchive(file *archive, limits caps, required []string, yield func(Row) error) (int, error) {
	stat, err := file.Stat()
	if err != nil {
		return 0, &archiveError{err}
	}
	return readZip(file, stat.Size(), limits, required, yield)
}

// readZip reads an archive from anything that can be read at an offset, within limits: a small archive can hold a text
// without end.
func readZip(r io.ReaderAt, size int64, limits caps, required []string, yield func(Row) error) (int, error) {
	files, err := openZip(r, size, limits)
	if err != nil {
		return 0, &archiveError{err}
	}
	rows, total := 0, &csvTotal{limits: limits}
	for _, entry := range files {
		n, err := readEntry(entry, total, required, yield)
		rows += n
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// openZip finds the CSV files of an archive.
func openZip(r io.ReaderAt, size int64, limits caps) ([]*zip.File, error) {
	directory := &directoryReader{r: r, left: limits.directory}
	archive, err := zip.NewReader(directory, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names of entries are never used as paths
		return nil, err
	}
	directory.left = math.MaxInt64 // from here on its files are read
	var files []*zip.File
	for _, entry := range archive.File {
		if strings.HasSuffix(strings.ToLower(entry.Name), ".csv") {
			files = append(files, entry)
		}
	}
	switch {
	case len(files) == 0:
		return nil, errors.New("the archive holds no csv file")
	case len(files) > limits.archiveFiles:
		return nil, tooMuch("the export archive holds more than %d files", limits.archiveFiles)
	}
	return files, nil
}

// directoryReader ends the reading of an archive's list of files when that is longer than any: each of them takes memory.
type directoryReader struct {
	r    io.ReaderAt
	left int64
}

// ReadAt implements io.ReaderAt.
func (d *directoryReader) ReadAt(p []byte, offset int64) (int, error) {
	if d.left < 0 {
		return 0, tooMuch("the list of files of the export archive is too long")
	}
	n, err := d.r.ReadAt(p, offset)
	d.left -= int64(n)
	return n, err
}

// csvTotal counts what the files of one archive hold together.
type csvTotal struct {
	limits caps
	bytes  int64
	rows   int
}

// readEntry reads one file of an archive to its end, where its checksum is verified.
func readEntry(entry *zip.File, total *csvTotal, required []string, yield func(Row) error) (rows int, err error) {
	file, err := entry.Open()
	if err != nil {
		return 0, &archiveError{err}
	}
	defer func() {
		if closeErr := file.Close(); closeErr != nil && err == nil {
			err = &archiveError{closeErr}
		}
	}()
	return readCSV(file, total, required, yield)
}

// byteOrderMark starts the files of an export (contract b.4).
const byteOrderMark = "\ufeff"

// readCSV reads a CSV text with a header. Columns are found by name. A file without a required column is a fault. A row with
// more or fewer values than the header has no value in any column: guessing would move values into wrong ones.
func readCSV(r io.Reader, total *csvTotal, required []string, yield func(Row) error) (int, error) {
	bounded := &rowReader{r: r, total: total, left: total.limits.csvRow}
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
	if len(header) > total.limits.columns {
		return 0, &archiveError{tooMuch("the export file has more than %d columns", total.limits.columns)}
	}
	columns, err := columnsOf(header, required)
	if err != nil {
		return 0, &archiveError{err}
	}
	for rows := 0; ; rows++ {
		bounded.left = total.limits.csvRow
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
		if total.rows++; total.rows > total.limits.csvRows {
			return rows, &archiveError{tooMuch("the export file goes on after %d rows", total.limits.csvRows)}
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

// rowReader ends a row that grows without end: a quote that is opened and never closed would otherwise pull the whole
// rest of the file into memory. It ends a text without end as well, which a small archive can hold.
type rowReader struct {
	r     io.Reader
	total *csvTotal
	left  int64
}

// Read implements io.Reader.
func (b *rowReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a row is longer than %s: a quote is not closed", size(b.total.limits.csvRow))
	}
	if b.total.bytes > b.total.limits.csv {
		return 0, tooMuch("the export file is longer than %s unpacked", size(b.total.limits.csv))
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	b.total.bytes += int64(n)
	return n, err
}
