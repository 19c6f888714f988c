// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// OddItem is one item of a list, or one row of an export, that is other than the
// rest, while the list itself is whole.
type OddItem struct {
	// With is text that the item holds, such as an id, in any letter case. The
	// first item that has it is meant; empty: the first of the list. A page
	// without such an item goes out as it is.
	With string `json:"with,omitempty"`
	// Set replaces properties of the item, or columns of the row. Values may be
	// of the wrong type.
	Set map[string]any `json:"set,omitempty"`
	// Drop leaves properties out.
	Drop []string `json:"drop,omitempty"`
	// Null puts null in the item's place.
	Null bool `json:"asNull,omitempty"`
	// Gone leaves the item out.
	Gone bool `json:"gone,omitempty"`
}

func (o *OddItem) validate() error {
	if o == nil {
		return errors.New("item is missing: mode oddItem needs one, such as {set: {id: 7}}")
	}
	ways := 0
	for _, chosen := range []bool{o.Null, o.Gone, len(o.Set)+len(o.Drop) > 0} {
		if chosen {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("item: write one of asNull, gone, or set and drop")
	}
	return nil
}

func (o *OddItem) means(raw []byte) bool {
	return bytes.Contains(bytes.ToLower(raw), []byte(strings.ToLower(o.With)))
}

// spoilItem answers with one odd item. An answer that is no list stays as it is.
func (s *Server) spoilItem(w http.ResponseWriter, r *http.Request, f *Fault) (*reply, error) {
	out := s.answer(w, r, f.Name)
	raw, err := out.bytes()
	if err != nil || out.status != http.StatusOK {
		return out, err
	}
	odd := &reply{status: out.status, header: maps.Clone(out.header), contentType: out.contentType}
	if strings.HasPrefix(r.URL.Path, downloadPrefix) {
		odd.raw, err = f.Item.inArchive(raw)
	} else {
		odd.body, err = f.Item.inList(raw)
	}
	if err != nil || odd.raw == nil && odd.body == nil {
		return out, err
	}
	if odd.header == nil {
		odd.header = http.Header{}
	}
	odd.header.Set(faultHeader, f.Name)
	return odd, nil
}

// inList spoils an item of a page; nil when it holds none that is meant.
func (o *OddItem) inList(raw []byte) (any, error) {
	var page map[string]json.RawMessage
	var items []json.RawMessage
	list := json.Unmarshal(raw, &page) == nil && json.Unmarshal(page["value"], &items) == nil
	if !list {
		return nil, nil
	}
	for i, item := range items {
		if !o.means(item) {
			continue
		}
		var err error
		switch {
		case o.Null:
			items[i] = json.RawMessage("null")
		case o.Gone:
			items = append(items[:i:i], items[i+1:]...)
		default:
			items[i], err = o.spoil(item)
		}
		if err == nil {
			page["value"], err = json.Marshal(items)
		}
		return page, err
	}
	return nil, nil
}

func (o *OddItem) spoil(item json.RawMessage) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(item, &members); err != nil {
		return nil, fmt.Errorf("the item to spoil is no object: %w", err)
	}
	for name, value := range o.Set {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("item.set.%s: %w", name, err)
		}
		members[name] = raw
	}
	for _, name := range o.Drop {
		delete(members, name)
	}
	return json.Marshal(members)
}

// inArchive spoils a row of an export; nil when it holds none that is meant.
func (o *OddItem) inArchive(raw []byte) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(archive.File) != 1 {
		return nil, err
	}
	file, err := archive.File[0].Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(text), "\r\n")
	for i, line := range lines {
		if i == 0 || line == "" || !o.means([]byte(line)) {
			continue
		}
		if lines[i], err = o.row(lines[0], line); err != nil {
			return nil, err
		}
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		f, err := w.Create(archive.File[0].Name)
		if err == nil {
			_, err = io.WriteString(f, strings.Join(lines, ""))
		}
		err = errors.Join(err, w.Close())
		return buf.Bytes(), err
	}
	return nil, nil
}

// row is the line with other values, with a value less for each column that is
// dropped, empty for null, and nothing for gone.
func (o *OddItem) row(header, line string) (string, error) {
	switch {
	case o.Gone:
		return "", nil
	case o.Null:
		return "\r\n", nil
	}
	names, err := fields(strings.TrimPrefix(header, "\ufeff"))
	if err != nil {
		return "", err
	}
	values, err := fields(line)
	if err != nil || len(values) != len(names) {
		return "", errors.Join(errors.New("the row to spoil has other columns than the header"), err)
	}
	var cells []string
	for i, name := range names {
		if value, ok := o.Set[name]; ok {
			values[i] = fmt.Sprint(value)
		}
		if !slices.Contains(o.Drop, name) {
			cells = append(cells, values[i])
		}
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	err = w.Write(cells)
	w.Flush()
	return out.String(), errors.Join(err, w.Error())
}

func fields(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes = true
	return r.Read()
}
