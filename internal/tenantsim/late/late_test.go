// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package late_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/late"
)

var start = time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)

type thing struct{ sequence, value int }

// TestTrailAgainstHistory: a read of any moment that the lag allows shows what a full history shows, whatever was made, changed
// and removed meanwhile, and lists show removed objects in their old place.
func TestTrailAgainstHistory(t *testing.T) {
	lag := &late.Lag{Read: late.Fixed(5 * time.Minute), Index: late.Fixed(9 * time.Minute)}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var (
			trail   late.Trail[thing]
			live    []*thing
			every   []*thing
			history []map[*thing]thing // by minute, at its end
		)
		for minute := range 60 {
			at := late.Instant{Now: start.Add(time.Duration(minute) * time.Minute), Lag: lag}
			for range rnd.IntN(3) {
				k := rnd.IntN(len(live) + 1)
				switch {
				case k == len(live):
					item := &thing{sequence: len(every), value: 0}
					live, every = append(live, item), append(every, item)
					trail.Created(at, item)
				case rnd.IntN(3) == 0:
					trail.Removed(at, live[k])
					live = append(live[:k:k], live[k+1:]...)
				default:
					trail.Changing(at, live[k])
					live[k].value++
				}
			}
			now := map[*thing]thing{}
			for _, item := range live {
				now[item] = *item
			}
			history = append(history, now)
			for back := range min(minute+1, 10) {
				shown, want := "", ""
				for _, item := range trail.WithGone(live, func(o *thing) uint64 { return uint64(o.sequence) }) {
					if seen := trail.At(item, at.Now.Add(-time.Duration(back)*time.Minute)); seen != nil {
						shown += fmt.Sprint(*seen)
					}
				}
				for _, item := range every {
					if seen, there := history[minute-back][item]; there {
						want += fmt.Sprint(seen)
					}
				}
				if shown != want {
					t.Fatalf("seed %d, minute %d, %d back: shown %s, was %s", seed, minute, back, shown, want)
				}
			}
		}
	}
}

// TestTrailForgets: what no read can show any more is dropped with the next note, and without lag nothing is kept.
func TestTrailForgets(t *testing.T) {
	one, other := &thing{sequence: 1}, &thing{sequence: 2}
	at := func(minute int, lag *late.Lag) late.Instant {
		return late.Instant{Now: start.Add(time.Duration(minute) * time.Minute), Lag: lag}
	}
	lag := &late.Lag{Members: late.Fixed(2 * time.Minute)}
	var trail late.Trail[thing]
	trail.Created(at(0, lag), one)
	trail.Removed(at(1, lag), one)
	if trail.Empty() || len(trail.Gone()) != 1 {
		t.Errorf("empty %v, gone %d: the removed object was not kept", trail.Empty(), len(trail.Gone()))
	}
	trail.Created(at(3, lag), other)
	if len(trail.Gone()) != 0 {
		t.Errorf("gone %d: the removed object was kept for longer than the lag", len(trail.Gone()))
	}
	var none late.Trail[thing]
	none.Created(at(0, nil), one)
	none.Removed(at(1, nil), one)
	if !none.Empty() || len(none.Gone()) != 0 {
		t.Error("without lag something was kept")
	}
}

// TestBehind: one replica is as late as can be, several share the range, and a request always meets the same.
func TestBehind(t *testing.T) {
	read := func(l *late.Lag) late.Range { return l.Read }
	var none *late.Lag
	if d := none.Behind("r", read); d != 0 {
		t.Errorf("without lag a read is %s behind", d)
	}
	between := late.Range{Min: late.Fixed(time.Minute).Min, Max: late.Fixed(5 * time.Minute).Max}
	for want, lag := range map[string]late.Lag{
		"5m0s":           {Read: between},
		"1m0s 3m0s 5m0s": {Read: between, Replicas: 3},
		"0s 2m0s 4m0s":   {Read: late.Fixed(4 * time.Minute), Replicas: 3}, // the freshest is not behind
	} {
		met := map[time.Duration]bool{}
		for i := range 200 {
			d := lag.Behind(fmt.Sprint(i), read)
			if met[d] = true; lag.Behind(fmt.Sprint(i), read) != d {
				t.Fatalf("%s: request %d met two replicas", want, i)
			}
		}
		var got []string
		for d := time.Duration(0); d <= 5*time.Minute; d += time.Second {
			if met[d] {
				got = append(got, d.String())
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("replicas are %v behind, want %s", got, want)
		}
	}
}
