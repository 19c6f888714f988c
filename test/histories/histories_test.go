// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/tidegate/tidegate/internal/testkit/fastworld"
)

var (
	seedFlag   = flag.Uint64("seed", 0, "tell one history and its story")
	actorsFlag = flag.String("actors", "", "with -seed: who takes part, separated by commas; none: nobody")
	roundsFlag = flag.Int("rounds", 0, "with -seed: how many rounds before the end")
	shrinkFlag = flag.Bool("shrink", true, "look for the shortest story of each kind")
	endingFlag = flag.String("ending", "", "with -seed: healthy, bad, badNext or silent")
)

// few are the histories that the suite tells when nobody says how many, fewest those with -short.
const few, fewest = 60, 8

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	debug.SetGCPercent(400) // a world is small and makes much that is soon of no use
	os.Exit(m.Run())
}

// TestHistories tells HISTORIES histories from seed HISTORIES_FROM, or the one that -seed asks for.
func TestHistories(t *testing.T) {
	if *seedFlag != 0 {
		one := tale{seed: *seedFlag, ending: ending(*endingFlag), rounds: *roundsFlag, trace: true}
		if *actorsFlag != "" {
			one.actors = strings.Split(*actorsFlag, ",")
		}
		story, found := live(t, one)
		for _, line := range story {
			t.Log(line)
		}
		for _, v := range found {
			t.Error(v)
		}
		return
	}
	count := few
	if testing.Short() {
		count = fewest
	}
	from, count := number(t, "HISTORIES_FROM", 1), number(t, "HISTORIES", count)
	began := time.Now()
	var mu sync.Mutex
	next, told := from, 0
	kinds := map[string]int{}
	work := func() {
		for {
			mu.Lock()
			seed := next
			if seed >= from+count {
				mu.Unlock()
				return
			}
			next++
			mu.Unlock()
			_, found := live(t, tale{seed: uint64(seed)})
			mu.Lock()
			told++
			fresh := len(found) > 0 && kinds[found[0].Kind()] == 0
			if len(found) > 0 {
				kinds[found[0].Kind()]++
			}
			mu.Unlock()
			if len(found) > 0 {
				t.Logf("seed %d: %s", seed, found[0])
			}
			if fresh {
				report(t, tale{seed: uint64(seed)}, found[0])
			}
		}
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		group.Go(work)
	}
	group.Wait()
	t.Logf("%d histories in %s, broken: %v", told, time.Since(began).Round(time.Second), kinds)
}

// live tells a tale to its end.
func live(t testing.TB, tl tale) (told []string, found []fastworld.Violation) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if b, ok := r.(broken); ok {
				t.Errorf("%s: the history itself failed: %v", tl.drawn(), b.err)
				return
			}
			panic(r)
		}
	}()
	s := begin(t, tl)
	s.tell()
	if !s.over() {
		s.end()
	}
	return append(s.world.Story(), s.world.Oracle.Describe()...), s.world.Oracle.Violations
}

// report shrinks a tale that breaks a promise, and fails the test with it.
func report(t *testing.T, tl tale, v fastworld.Violation) {
	t.Helper()
	tl = tl.drawn()
	if !*shrinkFlag {
		t.Errorf("%s\n  %s", tl, v)
		return
	}
	breaks := func(other tale) bool {
		_, found := live(t, other)
		return len(found) > 0 && found[0].Kind() == v.Kind()
	}
	for i := 0; i < len(tl.actors); {
		other := tl
		other.actors = slices.Delete(slices.Clone(tl.actors), i, i+1)
		if breaks(other) {
			tl = other
		} else {
			i++
		}
	}
	for tl.rounds > 1 {
		other := tl
		other.rounds--
		if !breaks(other) {
			break
		}
		tl = other
	}
	tl.trace = true
	story, found := live(t, tl)
	if len(found) > 0 {
		v = found[0]
	}
	t.Errorf("%s\n  %s\n%s", tl, v, strings.Join(tail(story, 40), "\n"))
}

func tail(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }

func number(t *testing.T, name string, absent int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatal(fmt.Errorf("%s is %q: write a count", name, text))
	}
	return n
}
