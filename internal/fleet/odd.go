// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import "fmt"

// Odd is what one list of a reading held that could not be read, while the list itself was whole. It counts as not said: of the
// device nothing is known by it, and all others are judged by theirs.
type Odd struct {
	// List names the list or report.
	List string
	// Items is how many of it, at least one, and First what is wrong with the first of them.
	Items int
	First string
}

// oddities collects the Odd of one list.
type oddities struct {
	odd   Odd
	total int // items so far
	// nameless is how many of the odd have no id: any of those that are missing may be they.
	nameless int
}

func oddOf(list string) *oddities { return &oddities{odd: Odd{List: list}} }

// next counts an item, and notes why it could not be read; nil when it could.
func (o *oddities) next(err error) {
	o.total++
	if err == nil {
		return
	}
	if o.odd.Items++; o.odd.Items == 1 {
		o.odd.First = fmt.Sprintf("item %d: %v", o.total, err)
	}
}

// verdict is an error when most of the list cannot be read: then it is not what it is taken for, and nothing is known by it.
func (o *oddities) verdict(op string) error {
	if 2*o.odd.Items <= o.total {
		return nil
	}
	return unreadable(op, "%d of %d items of %s, %s", o.odd.Items, o.total, o.odd.List, o.odd.First)
}

// appended adds what was odd to a list, if anything was.
func (o *oddities) appended(list []Odd) []Odd {
	if o == nil || o.odd.Items == 0 {
		return list
	}
	return append(list, o.odd)
}
