// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Extra holds the members of an object that its struct does not model, and those that it models but would not
// write again because they are empty. A decoder must tolerate both, and a write that replaces an object must
// repeat them (contract 0.3, o.6).
type Extra map[string]json.RawMessage

// time reads an extra member that is a time; zero when it is absent, null, a sentinel or no time.
func (x Extra) time(name string) time.Time {
	var t timestamp
	if raw, ok := x[name]; ok && json.Unmarshal(raw, &t) == nil {
		return t.Time
	}
	return time.Time{}
}

// decodeOpen reads an object into the tagged members of v, a pointer to a struct without methods of its own, and
// returns the members that v would not render again. Names count to the letter, unlike in encoding/json: a member of
// another case is another member and must not be written back twice. The annotation @odata.context belongs to the
// answer and not to the object, so it is left out.
func decodeOpen(raw []byte, v any) (Extra, error) {
	members, err := membersOf(raw)
	if err != nil {
		return nil, err
	}
	value := reflect.ValueOf(v).Elem()
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		text, ok := members[name]
		if !ok || name == "-" {
			continue
		}
		if err := json.Unmarshal(text, value.Field(i).Addr().Interface()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	written, err := marshal(v)
	if err != nil {
		return nil, err
	}
	known, err := membersOf(written)
	if err != nil {
		return nil, err
	}
	for name := range known {
		delete(members, name)
	}
	delete(members, "@odata.context")
	return rest(members), nil
}

// encodeOpen renders the tagged members of v and after them the extra members that v does not render itself, by
// name. Equal values give equal bytes.
func encodeOpen(v any, extra Extra) ([]byte, error) {
	written, err := marshal(v)
	if err != nil || len(extra) == 0 {
		return written, err
	}
	known, err := membersOf(written)
	if err != nil {
		return nil, fmt.Errorf("render %T: %w", v, err)
	}
	missing := Extra{}
	for name, raw := range extra {
		if _, ok := known[name]; !ok {
			missing[name] = raw
		}
	}
	if len(missing) == 0 {
		return written, nil
	}
	tail, err := object(missing)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		return tail, nil
	}
	return append(append(written[:len(written)-1], ','), tail[1:]...), nil
}
