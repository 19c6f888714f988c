// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"
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

// member is one member of an object to be rendered.
type member struct {
	name  string
	value any
}

// object renders members in the order given and then extra members in the order of their names.
func object(extra map[string]json.RawMessage, members ...member) ([]byte, error) {
	names := make([]string, 0, len(extra))
	for name := range extra {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		members = append(members, member{name, extra[name]})
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// membersOf splits an object into its members.
func membersOf(raw []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	if members == nil {
		return nil, errors.New("an object is null")
	}
	return members, nil
}

// rest returns the members that are left, or nil when there are none.
func rest(members map[string]json.RawMessage) map[string]json.RawMessage {
	if len(members) == 0 {
		return nil
	}
	return members
}

// compact removes the blanks of a JSON text.
func compact(raw []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
