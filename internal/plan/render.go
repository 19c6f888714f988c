// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// String renders the action on one line, the same for the same action: it is
// logged, shown in a dry run and compared in tests.
func (a Action) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", a.Kind, a.Key)
	if a.ID != "" {
		fmt.Fprintf(&b, " id=%s", a.ID)
	}
	if a.Kind == Assign {
		fmt.Fprintf(&b, " include=[%s] exclude=[%s]", strings.Join(a.Include, " "), strings.Join(a.Exclude, " "))
		if len(a.KeepForeign) > 0 {
			kept := make([]string, len(a.KeepForeign))
			for i, t := range a.KeepForeign {
				kept[i] = t.String()
			}
			fmt.Fprintf(&b, " keep=[%s]", strings.Join(kept, " "))
		}
	}
	fmt.Fprintf(&b, ": %s", a.Reason)
	return b.String()
}

// Fingerprint identifies what the action writes, so that an approval which was asked for it (contract m) is used for
// nothing else: 16 hex digits. Reasons do not count.
func (a Action) Fingerprint() string {
	h := sha256.New()
	say := func(parts ...string) { fmt.Fprintf(h, "%q\n", parts) }
	say(string(a.Kind), a.Key.String(), a.ID)
	switch a.Kind {
	case Assign:
		say(string(a.Everyone))
		say(a.Include...)
		say(a.Exclude...)
		for _, t := range a.KeepForeign {
			say(t.String())
		}
	case Create, Replace, Rename:
		say(a.Desired.Name, a.Desired.Description, a.Desired.Hash)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// String is the kind and the ids of group and filter.
func (t Target) String() string {
	text := string(t.Kind)
	if t.GroupID != "" {
		text += ":" + t.GroupID
	}
	if t.FilterID != "" {
		text += " filter " + t.FilterID
	}
	return text
}

// Label is the target as a status lists it: kind and group.
func (t Target) Label() string {
	return strings.TrimSpace(string(t.Kind) + " " + t.GroupID)
}

// String renders the drift on one line.
func (d Drift) String() string { return fmt.Sprintf("%s %s: %s", d.Kind, d.Key, d.Detail) }

// newAction fills in what follows from the kind.
func newAction(kind ActionKind, key Key, id, reason string) Action {
	a := Action{Kind: kind, Key: key, ID: id, Reason: reason, Repeatable: kind != Create}
	switch kind {
	case Create:
		a.Precondition = "no policy carries the marker and the create is journalled"
	case LookUp:
		a.Precondition = "the journal has the create open"
	case Replace, Rename:
		a.Precondition = "the policy exists and carries the marker"
	case Assign:
		a.Precondition = "the assignments are those that the plan was made from, and every action before this one is done"
	case Delete:
		a.Precondition = "the policy carries the marker, or is gone already; every action before this one is done"
	case RemoveCopy:
		a.Precondition = "the copy carries the marker and the name and has no assignment, and the policy itself is another one"
	}
	return a
}
