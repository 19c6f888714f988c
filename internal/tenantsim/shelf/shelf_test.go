// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package shelf_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/internal/tenantsim/late"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

type book struct {
	shelf.Meta
	title string
}

type books = shelf.Shelf[book, *book]

// library is a shelf and its bin on a clock that stands until it is moved.
type library struct {
	t   *testing.T
	now time.Time
	lag *late.Lag
	on  books
	bin shelf.Bin[book, *book]
	n   uint64
}

func newLibrary(t *testing.T, lag *late.Lag) *library {
	return &library{t: t, now: time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC), lag: lag}
}

func (l *library) at() late.Instant { return late.Instant{Now: l.now, Lag: l.lag} }

func (l *library) wait(d time.Duration) { l.now = l.now.Add(d) }

// add gives the book its title as id.
func (l *library) add(title string) *book {
	l.n++
	b := &book{title: title}
	l.on.Add(l.at(), b, title, l.n)
	return b
}

// shows are the titles of a list that is behind by the span.
func (l *library) shows(behind time.Duration) string {
	var out []string
	for _, b := range l.on.Listed(l.now.Add(-behind))(-1) {
		out = append(out, b.title)
	}
	return strings.Join(out, " ")
}

// sees is the title that a read of the id sees that is behind by the span, and whether a write of then may name it.
func (l *library) sees(id string, behind time.Duration) (title string, writable bool) {
	l.t.Helper()
	r := &odata.Request{}
	asOf := l.now.Add(-behind)
	b, err := l.on.See(r, id, asOf)
	switch refused := (*odata.Error)(nil); {
	case err == nil:
		title = b.title
	case !errors.As(err, &refused) || refused.Status != http.StatusNotFound || !strings.Contains(refused.Message, id):
		l.t.Errorf("%s: %v is no 404 that names it", id, err)
	}
	_, err = l.on.Find(r, id, asOf)
	return title, err == nil
}

func (l *library) want(what string, id string, behind time.Duration, title string, writable bool) {
	l.t.Helper()
	if got, may := l.sees(id, behind); got != title || may != writable {
		l.t.Errorf("%s: %s reads as %q, writable %v; want %q, %v", what, id, got, may, title, writable)
	}
}

// TestLateReads: reads that are a minute behind show what was, writes meet what is, and both refuse what is not readable yet.
func TestLateReads(t *testing.T) {
	const minute = time.Minute
	l := newLibrary(t, &late.Lag{Read: late.Fixed(minute)})
	a := l.add("a")
	l.want("made", "a", minute, "", false)
	l.want("made", "A", 0, "a", true) // ids have no case
	l.wait(minute)
	l.want("a minute later", "a", minute, "a", true)

	b := l.add("b")
	l.on.Change(l.at(), a)
	a.title = "a2"
	if l.wait(minute / 2); !a.Modified.Equal(l.now.Add(-minute/2)) || !b.Modified.Equal(b.Created) {
		t.Errorf("a was modified %s, b %s", a.Modified, b.Modified)
	}
	l.want("changed", "a", minute, "a", true)
	l.want("changed", "a", 0, "a2", true)
	was := *b
	b.title = "b2"
	l.on.ChangedFrom(l.at(), b, &was)
	l.wait(minute / 2)
	l.want("changed afterwards", "b", minute/2, "b2", true)
	l.want("changed afterwards", "b", minute*3/4, "b", true)

	l.on.Remove(l.at(), a)
	l.want("removed", "a", minute/4, "a2", false)
	if late, now := l.shows(minute/4), l.shows(0); late != "a2 b2" || now != "b2" || l.on.Get("a") != nil {
		t.Errorf("lists show %q and %q", late, now)
	}
	l.wait(2 * minute)
	l.add("c")
	l.want("long removed", "a", minute, "", false)
}

// TestListedResumes: a list goes on behind the last key.
func TestListedResumes(t *testing.T) {
	l := newLibrary(t, nil)
	for _, title := range []string{"a", "b", "c"} {
		l.add(title)
	}
	var got []string
	for key, b := range l.on.Listed(l.now)(int64(l.on.All()[0].Sequence)) {
		if got = append(got, b.title); key != int64(b.Sequence) {
			t.Errorf("%s has key %d, its sequence is %d", b.title, key, b.Sequence)
		}
	}
	if diff := cmp.Diff([]string{"b", "c"}, got); diff != "" {
		t.Errorf("after the first (-want +got):\n%s", diff)
	}
}

// TestStock: what was always there comes first, with ids of its own.
func TestStock(t *testing.T) {
	l := newLibrary(t, &late.Lag{Read: late.Fixed(time.Hour)})
	made := l.now.AddDate(-1, 0, 0)
	l.on.Stock(made, []*book{{Meta: shelf.Meta{ID: "y"}, title: "y"}, {Meta: shelf.Meta{ID: "x"}, title: "x"}})
	l.add("a")
	if got := l.shows(0); got != "y x a" {
		t.Errorf("the list is %q", got)
	}
	l.want("of old", "x", time.Hour, "x", true)
	if x := l.on.Get("x"); !x.Created.Equal(made) || !x.Modified.Equal(made) || x.Sequence != 1 {
		t.Errorf("x is %+v", x)
	}
}

// TestBin: what was thrown away comes back to its place as a changed copy, or ends when its time is over.
func TestBin(t *testing.T) {
	l := newLibrary(t, &late.Lag{Read: late.Fixed(time.Minute)})
	l.add("a")
	b := l.add("b")
	l.add("c")
	l.wait(time.Hour)
	l.bin.Throw(l.at(), &l.on, b, l.now)
	if got := l.shows(0); got != "a c" || l.shows(time.Second) != "a b c" || !b.Deleted.IsZero() {
		t.Errorf("thrown away: the list is %q, a late one %q, the look of before is deleted %s", got, l.shows(time.Second), b.Deleted)
	}
	kept, err := l.bin.Find(&odata.Request{}, "B")
	if err != nil || !kept.Deleted.Equal(l.now) {
		t.Fatalf("the bin has %+v (%v)", kept, err)
	}
	l.wait(time.Second)
	back := l.bin.Restore(l.at(), &l.on, kept, l.now)
	if got := l.shows(0); got != "a b c" || !back.Changed || !back.Deleted.IsZero() || !back.Modified.Equal(l.now) || len(l.bin.All()) != 0 {
		t.Errorf("restored: the list is %q, the object %+v, the bin holds %d", got, back, len(l.bin.All()))
	}
	if _, err := l.bin.Find(&odata.Request{}, "b"); err == nil {
		t.Error("what was restored is in the bin")
	}
	if all := l.on.All(); len(all) != 3 || all[1] != back {
		t.Errorf("restored: it is not in its place of %d", len(all))
	}
	l.want("before the deletion", "b", 2*time.Second, "b", false)
	l.want("between deletion and return", "b", time.Second/2, "", false)
	l.want("back", "b", 0, "b", true)

	l.bin.Throw(l.at(), &l.on, back, l.now)
	l.wait(time.Hour)
	l.bin.Throw(l.at(), &l.on, l.on.Get("a"), l.now)
	if early, due := l.bin.Purge(l.now, time.Hour+1), l.bin.Purge(l.now, time.Hour); early != 0 || due != 1 || len(l.bin.All()) != 1 {
		t.Errorf("purged %d early and %d when due; %d stay", early, due, len(l.bin.All()))
	}
	l.bin.Drop(l.bin.All()[0])
	if len(l.bin.All()) != 0 {
		t.Error("what was dropped is in the bin")
	}
}
