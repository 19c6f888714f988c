// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"encoding/json"
	"errors"
)

// item is one element of a list. That one does not parse says nothing of its neighbours: it keeps why, and as much of itself
// as could be read. What is no JSON at all is a fault of the whole answer, and never gets here.
type item[T any] struct {
	value T
	odd   error
}

// errNull is an element that is null.
var errNull = errors.New("it is null")

// UnmarshalJSON implements json.Unmarshaler. It fails never.
func (i *item[T]) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) {
		i.odd = errNull
		return nil
	}
	i.odd = json.Unmarshal(raw, &i.value)
	return nil
}
