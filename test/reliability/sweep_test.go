// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package reliability

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// mode is one way in which a request goes wrong.
type mode struct {
	name  string
	fault tenantsim.Fault
	// and are faults that come with it, whatever request is hit.
	and []tenantsim.Fault
	// writes limits the mode to writes. Each hit of such a mode costs a second of
	// real time that cannot be had for less: the simulator keeps a closed socket
	// closed for at least that long, and Retry-After counts whole seconds. There
	// are three reads for each write, a read that is repeated leaves nothing
	// behind, and "reset" and "429" spoil reads in the same two ways.
	writes bool
}

func status(code int, afterEffect bool) tenantsim.Fault {
	return tenantsim.Fault{Mode: tenantsim.FaultStatus, Status: code, AfterEffect: afterEffect}
}

const long = tenantsim.Duration(2 * attemptTimeout)

// modes are all faults of a tenant that is well again afterwards.
var modes = []mode{
	{name: "refused", fault: tenantsim.Fault{Mode: tenantsim.FaultRefuse}, writes: true},
	{name: "reset", fault: tenantsim.Fault{Mode: tenantsim.FaultReset}},
	{name: "lost answer", fault: tenantsim.Fault{Mode: tenantsim.FaultLostAnswer}},
	{name: "cut body", fault: tenantsim.Fault{Mode: tenantsim.FaultCut}},
	{name: "half a body", fault: tenantsim.Fault{Mode: tenantsim.FaultTruncated}},
	{name: "gateway page", fault: tenantsim.Fault{Mode: tenantsim.FaultHTML}},
	{name: "gateway page after effect", fault: tenantsim.Fault{Mode: tenantsim.FaultHTML, AfterEffect: true}},
	{name: "portal page that says 200", fault: tenantsim.Fault{Mode: tenantsim.FaultHTML, Status: 200}},
	{name: "500", fault: status(500, false)},
	{name: "500 after effect", fault: status(500, true)},
	{name: "503", fault: status(503, false)},
	{name: "504 after effect", fault: status(504, true)},
	{name: "401", fault: status(401, false)},
	{name: "401, and the token endpoint is down", fault: status(401, false),
		and: []tenantsim.Fault{{Mode: tenantsim.FaultTokenDown, Match: tenantsim.FaultMatch{Nth: 1}}}},
	{name: "404", fault: status(404, false)},
	{name: "409", fault: status(409, false)},
	{name: "429", fault: tenantsim.Fault{Mode: tenantsim.FaultThrottle}},
	{name: "429 storm", fault: tenantsim.Fault{Mode: tenantsim.FaultThrottle, For: tenantsim.Duration(60 * time.Millisecond)}},
	{name: "429 with Retry-After", fault: tenantsim.Fault{Mode: tenantsim.FaultThrottle, RetryAfter: 1}, writes: true},
	{name: "late", fault: tenantsim.Fault{Mode: tenantsim.FaultDelay, Delay: long}},
	{name: "late after effect", fault: tenantsim.Fault{Mode: tenantsim.FaultDelay, Delay: long, AfterEffect: true}},
	{name: "delivered twice", fault: tenantsim.Fault{Mode: tenantsim.FaultDuplicate}},
}

// reference is the sequence without a fault: its requests, what it leaves, and
// how many policies it creates on the way there.
type reference struct {
	requests []tenantsim.Record
	state    string
	creates  int
}

func newReference(t *testing.T) reference {
	t.Helper()
	tn := newTenant(t)
	if err := tn.run(t.Context()); err != nil {
		t.Fatalf("the sequence does not even work without a fault: %v", err)
	}
	ref := reference{state: tn.state()}
	journal := tn.sim.Journal().Records
	ref.requests = slices.Concat(journal[:tn.adminFrom], journal[tn.adminTo:])
	ref.creates, _ = tn.creates()
	return ref
}

func isWrite(r tenantsim.Record) bool { return r.Method != http.MethodGet }

// isCreate tells the one request that is not safe to repeat.
func isCreate(r tenantsim.Record) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/configurationPolicies")
}

// creates counts the creates that took effect, whether or not their answer
// arrived, and how many of them only a gateway sent, that delivered one twice.
func (tn *tenant) creates() (all, doubled int) {
	for _, r := range tn.sim.Journal().Records {
		if !isCreate(r) || r.Status != http.StatusCreated || !r.Changed {
			continue
		}
		if all++; strings.HasPrefix(r.Fault, string(tenantsim.FaultDuplicate)) {
			doubled++
		}
	}
	return all, doubled / 2
}

// findings tells what differs from the reference. What is left in the tenant is
// not enough: a second policy that was found and removed again was still in
// force for a while, so every create that the operator sent counts.
func (ref reference) findings(tn *tenant) []string {
	var out []string
	if diff := cmp.Diff(strings.Split(ref.state, "\n"), strings.Split(tn.state(), "\n")); diff != "" {
		out = append(out, "the tenant is not as without the fault (-want +got):\n"+diff)
	}
	if all, doubled := tn.creates(); all-doubled != ref.creates {
		out = append(out, fmt.Sprintf("%d creates took effect, and a gateway doubled %d of them: want %d without those", all, doubled, ref.creates))
	}
	return out
}

// TestFaultSweep hits every request of the reference sequence with every fault:
// what is left in the tenant is what is left without a fault. There is no second
// object and never was one, nothing of anybody else's has changed, and no
// goroutine is left.
func TestFaultSweep(t *testing.T) {
	ref := newReference(t)
	t.Logf("%d requests, %d modes; the tenant at the end:\n%s", len(ref.requests), len(modes), ref.state)
	before := runtime.NumGoroutine()
	t.Run("each", func(t *testing.T) {
		for _, m := range modes {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				for i, r := range ref.requests {
					switch {
					case m.writes && !isWrite(r), testing.Short() && !isWrite(r):
						continue
					}
					sweepOne(t, ref, m, i+1)
				}
			})
		}
	})
	if left := goroutines(before); left > before {
		t.Errorf("%d goroutines are left, %d were there before", left, before)
	}
}

// sweepOne spoils the n-th request.
func sweepOne(t *testing.T, ref reference, m mode, n int) {
	t.Helper()
	r := ref.requests[n-1]
	t.Run(fmt.Sprintf("%d %s %s", n, r.Method, strings.ReplaceAll(strings.TrimPrefix(r.Path, "/"), "/", " ")), func(t *testing.T) {
		tn := newTenant(t)
		fault := m.fault
		fault.Match.Nth = n
		// The first tokens were fetched when the tenant was set up.
		faults := append([]tenantsim.Fault{fault}, m.and...)
		if err := tn.sim.SetFaults(faults); err != nil {
			t.Fatal(err)
		}
		if err := tn.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, finding := range ref.findings(tn) {
			t.Error(finding)
		}
		for _, f := range faults {
			if !hit(tn, f) {
				t.Errorf("request %d never came: the fault %s hit nothing", n, f.Mode)
			}
		}
	})
}

// hit tells whether the journal shows a request that a fault hit.
func hit(tn *tenant, fault tenantsim.Fault) bool {
	for _, r := range tn.sim.Journal().Records {
		if strings.HasPrefix(r.Fault, string(fault.Mode)) {
			return true
		}
	}
	return false
}

// goroutines waits until no more are left than before, or long enough.
func goroutines(before int) int {
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		http.DefaultClient.CloseIdleConnections()
		time.Sleep(10 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}

// TestSweepCanSee switches off what protects the operator, one thing at a time:
// then the sweep finds a second policy, or the create of one that was removed
// again. A sweep that cannot see that proves nothing.
func TestSweepCanSee(t *testing.T) {
	ref := newReference(t)
	lag := func(tn *tenant) { tn.operator.source = lagging{tn.operator.client, map[string]int{}} }
	blindly := func(tn *tenant) { tn.operator.source = blind{tn.operator.client} }
	noJournal := func(tn *tenant) { tn.operator.noJournal = true }
	keepCopies := func(tn *tenant) { tn.operator.keepCopies = true }
	const lost, twice = tenantsim.FaultLostAnswer, tenantsim.FaultDuplicate
	for name, tc := range map[string]struct {
		mode   tenantsim.FaultMode
		change []func(*tenant)
		// seen is what the sweep must say, creates how many took effect.
		seen    bool
		creates int
	}{
		"all in place":                                       {lost, nil, false, 2},
		"the look-up switched off":                           {lost, []func(*tenant){blindly}, true, 3},
		"a list that lags":                                   {lost, []func(*tenant){lag}, false, 2},
		"a list that lags, and no journal":                   {lost, []func(*tenant){lag, noJournal}, true, 3}, // the copy is removed later
		"a list that lags, no journal, and copies stay":      {lost, []func(*tenant){lag, noJournal, keepCopies}, true, 3},
		"no journal and copies stay, but a list that is new": {lost, []func(*tenant){noJournal, keepCopies}, false, 2},
		"delivered twice":                                    {twice, nil, false, 3},
		"delivered twice, with a list that lags":             {twice, []func(*tenant){lag}, false, 3},
		"delivered twice, and copies stay":                   {twice, []func(*tenant){keepCopies}, true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTenant(t)
			for _, change := range tc.change {
				change(tn)
			}
			if err := tn.sim.SetFaults([]tenantsim.Fault{{Mode: tc.mode,
				Match: tenantsim.FaultMatch{Method: http.MethodPost, Route: "/beta/deviceManagement/configurationPolicies", Nth: 1}}}); err != nil {
				t.Fatal(err)
			}
			if err := tn.run(t.Context()); err != nil && !tc.seen {
				t.Fatal(err)
			}
			findings := ref.findings(tn)
			if seen := len(findings) > 0; seen != tc.seen {
				t.Errorf("%s: the sweep sees something %t, want %t\n%s", tc.mode, seen, tc.seen, strings.Join(findings, "\n"))
			}
			if all, _ := tn.creates(); all != tc.creates {
				t.Errorf("%s: %d creates took effect, want %d", tc.mode, all, tc.creates)
			}
		})
	}
}

// TestCancelReturnsAtOnce cancels the context while a request waits for its
// answer: whatever runs returns within 100 ms.
func TestCancelReturnsAtOnce(t *testing.T) {
	ref := newReference(t)
	for i, r := range ref.requests {
		t.Run(fmt.Sprintf("%d %s", i+1, r.Method), func(t *testing.T) {
			t.Parallel()
			took := time.Hour
			// A machine that is busy elsewhere is given two more chances.
			for attempt := 0; attempt < 3 && took > 100*time.Millisecond; attempt++ {
				took = cancelDuring(t, i+1)
			}
			if took > 100*time.Millisecond {
				t.Errorf("returned after %s", took)
			}
		})
	}
}

// errStop is why the test cancels.
var errStop = errors.New("the operator shuts down")

func cancelDuring(t *testing.T, n int) time.Duration {
	t.Helper()
	tn := newTenant(t)
	tn.operator.looks = map[plan.Key]int{}
	if err := tn.sim.SetFaults([]tenantsim.Fault{{Mode: tenantsim.FaultDelay, Delay: tenantsim.Duration(time.Minute), Match: tenantsim.FaultMatch{Nth: n}}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- tn.run(ctx) }()
	deadline := time.Now().Add(20 * time.Second)
	for held := false; !held; {
		select {
		case err := <-ended:
			t.Fatalf("ended before the request was held: %v", err)
		default:
		}
		for _, f := range tn.sim.Faults() {
			held = held || f.Hits > 0
		}
		if time.Now().After(deadline) {
			t.Fatal("the request never came")
		}
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	cancel(errStop)
	if err := <-ended; !errors.Is(err, errStop) {
		t.Errorf("ended with %v, want the reason of the cancellation", err)
	}
	return time.Since(began)
}
