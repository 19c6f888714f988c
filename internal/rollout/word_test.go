// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// people is a wave of unit User that has exposed two people: one with the devices 10 and 11, one with device 12. All succeed.
func people() World {
	w := aWorld(2)
	w.Policy.Spec.Unit = v1alpha1.UnitUser
	own(&w, []int{10, 11}, []int{12})
	w.Wave.Status.Proof = w.proof()
	return w
}

// own gives the first people of the wave these devices.
func own(w *World, devices ...[]int) {
	r, _ := w.Fleet.(reading)
	r.owned = map[audience.ID][]audience.ID{}
	for person, own := range devices {
		for _, i := range own {
			r.owned[device(person)] = append(r.owned[device(person)], device(i))
		}
	}
	w.Fleet = r
}

// reports is a device that reports a status at an hour, from its first enrolment or a later one.
func reports(w *World, i, status int, at float64, again int) {
	setFacts(w, i, func(f *diagnosis.Facts) {
		f.Enrolment, f.Report = enrolled(i, again), &diagnosis.Report{At: hour(at), Status: status}
	})
}

// TestPromise15_UserWithAWipedFailure: of a person's two devices one fails and is wiped, or is given to somebody else. The other
// one's success does not undo the failure.
func TestPromise15_UserWithAWipedFailure(t *testing.T) {
	for name, lose := range map[string]func(w *World){
		"wiped": func(w *World) {
			setFacts(w, 11, func(f *diagnosis.Facts) { *f = diagnosis.Facts{} })
		},
		"retired, still listed": func(w *World) {
			setFacts(w, 11, func(f *diagnosis.Facts) { f.Managed, f.Report = false, nil })
		},
		"gone from the inventory": func(w *World) { own(w, []int{10}, []int{12}) },
		"given to the other person, for whom it works": func(w *World) {
			own(w, []int{10}, []int{11, 12})
			reports(w, 11, diagnosis.StatusSucceeded, 71.5, 0)
		},
		"the only one left": func(w *World) { own(w, nil, []int{12}) },
		"enrolled again, no report yet": func(w *World) {
			setFacts(w, 11, func(f *diagnosis.Facts) { f.Enrolment, f.Report = enrolled(11, 1), nil })
		},
		"enrolled again, and succeeds": func(w *World) { reports(w, 11, diagnosis.StatusSucceeded, 71.5, 1) },
		"a new record of the same device": func(w *World) {
			setFacts(w, 11, func(f *diagnosis.Facts) {
				f.Enrolment = audience.EnrolmentOf(device(11), device(500), hour(-1000))
				f.Report = &diagnosis.Report{At: hour(71.5), Status: diagnosis.StatusSucceeded}
			})
		},
		"does not apply any more": func(w *World) { reports(w, 11, diagnosis.StatusNotApplicable, 71.5, 0) },
		"in conflict now":         func(w *World) { reports(w, 11, diagnosis.StatusConflict, 71.5, 0) },
		"an older success": func(w *World) { // of another account on it, whose row is the only one left
			reports(w, 11, diagnosis.StatusSucceeded, 70, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := people()
			reports(&w, 11, diagnosis.StatusError, 71, 0)
			keep(&w)
			if d := count15(t, w); d.Failed != 1 {
				t.Fatalf("%+v", d)
			}
			lose(&w)
			for range 2 {
				if d := count15(t, w); d.Failed != 1 || d.Succeeded != 1 || d.Recovered != 0 {
					t.Errorf("the person no longer counts as failed: %+v", d)
				}
				keep(&w)
			}
			if keep(&w) {
				t.Error("nothing was said, and something was learned")
			}
		})
	}
}

// TestPromise15_UserRecovers: a person has recovered when each of their devices that failed has succeeded later, and not before.
func TestPromise15_UserRecovers(t *testing.T) {
	w := people()
	step := func(what string, failed, conflict, succeeded, recovered int32) {
		t.Helper()
		for _, when := range []string{"seen", "kept"} {
			if d := count15(t, w); d.Failed != failed || d.Conflict != conflict || d.Succeeded != succeeded || d.Recovered != recovered {
				t.Errorf("%s, %s: %+v", what, when, d)
			}
			keep(&w)
		}
	}
	reports(&w, 10, diagnosis.StatusConflict, 70, 0)
	reports(&w, 11, diagnosis.StatusError, 70, 0)
	step("both fail", 1, 0, 1, 0)
	reports(&w, 11, diagnosis.StatusSucceeded, 71, 0)
	step("the worse one recovers", 0, 1, 1, 0)
	own(&w, []int{11}, []int{12})
	step("the other one is away", 0, 1, 1, 0)
	own(&w, []int{10, 11}, []int{12})
	reports(&w, 10, diagnosis.StatusSucceeded, 71, 0)
	step("it comes back, and succeeds", 0, 0, 2, 1)
	reports(&w, 10, diagnosis.StatusError, 71.5, 0)
	step("it fails again", 1, 0, 1, 0)
	reports(&w, 10, diagnosis.StatusRemediated, 71.6, 0)
	setFacts(&w, 10, func(f *diagnosis.Facts) { f.Account = diagnosis.AccountDisabled })
	own(&w, []int{10}, []int{12})
	step("it succeeds, disabled, and is the last one", 0, 0, 2, 1)
}

// TestPromise15_UserWithManyFailures: more devices of a person fail than are told apart. The person recovers no more, and is failed
// whatever the devices say.
func TestPromise15_UserWithManyFailures(t *testing.T) {
	w := people()
	many := []int{10, 11, 13, 14, 15, 16, 17}
	own(&w, many, []int{12})
	for _, i := range many {
		reports(&w, i, diagnosis.StatusError, 70, 0)
	}
	keep(&w)
	if n := len(w.Record().FailuresOf(0)); n != audience.MaxFailures {
		t.Fatalf("%d failures are kept", n)
	}
	for _, i := range many {
		reports(&w, i, diagnosis.StatusSucceeded, 71, 0)
	}
	keep(&w)
	if d := count15(t, w); d.Failed != 1 {
		t.Errorf("%+v", d)
	}
	if keep(&w) {
		t.Error("the same is learned again")
	}
}

// saying is a report that a device made, as the oracle remembers it.
type saying struct {
	at     float64
	status int
}

// TestPromise15_ByTheWholeHistory: for 72 hours devices report, are wiped, given away, enrolled anew, and the operator stores what it
// learns, or restarts before it does. What it counts is what somebody counts who remembers everything that was ever shown.
func TestPromise15_ByTheWholeHistory(t *testing.T) {
	for _, unit := range []v1alpha1.Unit{v1alpha1.UnitDevice, v1alpha1.UnitUser} {
		recoveries, failures := int32(0), int32(0)
		for seed := range uint64(150) {
			r := rand.New(rand.NewPCG(seed, 15))
			w := people()
			w.Policy.Spec.Unit = unit
			history := map[audience.ID]map[audience.Enrolment][]saying{} // by entry
			failed := map[audience.ID]bool{}
			owners := map[int]int{10: 0, 11: 0, 12: 1}
			if unit == v1alpha1.UnitDevice {
				owners = map[int]int{0: 0, 1: 1}
			}
			for step := range 25 {
				at := 53 + float64(step)*0.7
				for _, i := range slices.Sorted(maps.Keys(owners)) {
					switch r.IntN(6) {
					case 0: // wiped
						setFacts(&w, i, func(f *diagnosis.Facts) { f.Managed, f.Report, f.Enrolment = false, nil, audience.Enrolment{} })
					case 1: // enrolled again
						setFacts(&w, i, func(f *diagnosis.Facts) { *f = factsOf(quiet, i, hour(72)); f.Enrolment = enrolled(i, 1+r.IntN(2)) })
					case 2, 3:
						again := 0
						setFacts(&w, i, func(f *diagnosis.Facts) {
							if !f.Managed {
								*f = factsOf(quiet, i, hour(72))
							}
							for f.Enrolment != enrolled(i, again) {
								again++
							}
						})
						reports(&w, i, []int{diagnosis.StatusError, diagnosis.StatusConflict, diagnosis.StatusSucceeded, diagnosis.StatusSucceeded}[r.IntN(4)], at, again)
					case 4:
						if unit == v1alpha1.UnitUser {
							owners[i] = r.IntN(3) // of a person who is not in the wave, for 2
						}
					}
				}
				if unit == v1alpha1.UnitUser {
					own(&w, ownedBy(owners, 0), ownedBy(owners, 1))
				}
				remember15(&w, history)
				want, told := oracle15(&w, history, failed)
				if !told {
					break // more failures than are told apart, see TestPromise15_UserWithManyFailures
				}
				got := count15(t, w)
				if got.Failed != want.Failed || got.Conflict != want.Conflict || got.Recovered != want.Recovered || got.Succeeded != want.Succeeded {
					t.Fatalf("%s, seed %d, step %d: %+v, the history says %+v", unit, seed, step, got, want)
				}
				recoveries, failures = recoveries+got.Recovered, failures+got.Failed
				keep(&w)
				if again := count15(t, w); again != got {
					t.Fatalf("%s, seed %d, step %d: %+v once it is stored, %+v before", unit, seed, step, again, got)
				}
			}
		}
		if recoveries < 100 || failures < 100 {
			t.Errorf("%s: %d recoveries, %d failures: the history is too tame", unit, recoveries, failures)
		}
	}
}

func ownedBy(owners map[int]int, person int) []int {
	var out []int
	for _, i := range slices.Sorted(maps.Keys(owners)) {
		if owners[i] == person {
			out = append(out, i)
		}
	}
	return out
}

// remember15 adds what the reading shows of the two exposed entries to the history.
func remember15(w *World, history map[audience.ID]map[audience.Enrolment][]saying) {
	for _, e := range w.Record().Entries[:2] {
		if history[e.ID] == nil {
			history[e.ID] = map[audience.Enrolment][]saying{}
		}
		for _, f := range w.facts(e.ID, "allow") {
			if f.Report != nil {
				history[e.ID][f.Enrolment] = append(history[e.ID][f.Enrolment], saying{f.Report.At.Sub(hour(0)).Hours(), f.Report.Status})
			}
		}
	}
}

// oracle15 counts by all that was ever shown: a device that failed is failed until it said later, in that enrolment, that it
// succeeded. failed are those who had a failure once. told is false when more devices of one person fail than a ledger tells apart.
func oracle15(w *World, history map[audience.ID]map[audience.Enrolment][]saying, failed map[audience.ID]bool) (d v1alpha1.DeviceCounts, told bool) {
	for _, e := range w.Record().Entries[:2] {
		standing, all, succeeded := map[int]bool{}, 0, false
		for _, said := range history[e.ID] {
			bad, ever, good := verdict15(said)
			standing[bad] = true
			if ever {
				all++
			}
			failed[e.ID] = failed[e.ID] || ever
			succeeded = succeeded || good
		}
		if all > audience.MaxFailures {
			return d, false
		}
		switch {
		case standing[diagnosis.StatusError]:
			d.Failed++
		case standing[diagnosis.StatusConflict]:
			d.Conflict++
		case succeeded:
			d.Succeeded++
			if failed[e.ID] {
				d.Recovered++
			}
		}
	}
	return d, true
}

// verdict15 is what a device in one enrolment counts as by all that it said: its failure that stands, or 0; whether there ever
// was one; whether it ever succeeded.
func verdict15(said []saying) (bad int, ever, good bool) {
	since := 0.
	for _, s := range said {
		switch {
		case s.status == diagnosis.StatusSucceeded:
			good = true
			if s.at > since {
				bad = 0
			}
			continue
		case bad == 0, bad == diagnosis.StatusConflict && s.status == diagnosis.StatusError:
			bad, since = s.status, s.at
		}
		ever = true
	}
	return bad, ever, good
}

func count15(t *testing.T, w World) v1alpha1.DeviceCounts {
	t.Helper()
	_, m, err := w.Situation()
	if err != nil {
		t.Fatal(err)
	}
	return m.Evidence.Devices
}

// TestPromise15_RepairByWipingDoesNotPass: of 100 devices nine fail, which is too many for 0.95. The help desk wipes, retires, disables or
// enrolls them anew; the wave is judged as before, and so is the evidence to halt it. Repaired devices count once they report.
func TestPromise15_RepairByWipingDoesNotPass(t *testing.T) {
	anew := func(f *diagnosis.Facts, i, status int) {
		*f = factsOf(quiet, i, hour(72))
		f.Enrolment, f.Report = enrolled(i, 1), &diagnosis.Report{At: hour(71.5), Status: status}
	}
	for name, repair := range map[string]func(f *diagnosis.Facts, i int){
		"wiped":                      func(f *diagnosis.Facts, _ int) { *f = diagnosis.Facts{Name: f.Name} },
		"retired":                    func(f *diagnosis.Facts, _ int) { f.Managed, f.Report, f.Enrolment = false, nil, audience.Enrolment{} },
		"about to be retired":        func(f *diagnosis.Facts, _ int) { f.ManagementState, f.Report = "retirePending", nil },
		"disabled":                   func(f *diagnosis.Facts, _ int) { f.Account, f.Report = diagnosis.AccountDisabled, nil },
		"silent for long":            func(f *diagnosis.Facts, _ int) { f.LastSync, f.Report = hour(-300), nil },
		"enrolled again":             func(f *diagnosis.Facts, i int) { anew(f, i, diagnosis.StatusUnknown) },
		"enrolled again, succeeds":   func(f *diagnosis.Facts, i int) { anew(f, i, diagnosis.StatusSucceeded) },
		"enrolled again, not for it": func(f *diagnosis.Facts, i int) { anew(f, i, diagnosis.StatusNotApplicable) },
		"same enrolment, not for it": func(f *diagnosis.Facts, _ int) {
			f.Report = &diagnosis.Report{At: hour(71.5), Status: diagnosis.StatusNotApplicable}
		},
		"same enrolment, in conflict": func(f *diagnosis.Facts, _ int) {
			f.Report = &diagnosis.Report{At: hour(71.5), Status: diagnosis.StatusConflict}
		},
	} {
		c := trial{spec: judgedBy("0.95"), devices: devices(failing, 9, good, 91)}.evidence()
		c.learn()
		before, err := Judge(c)
		if err != nil || before.State == EvidencePass || before.Row.N != 100 || before.Row.K != 9 {
			t.Fatalf("%+v, %v", before, err)
		}
		c.change(9, repair)
		for _, when := range []string{"seen", "kept"} {
			j, err := Judge(c)
			if err != nil || j.State != before.State || j.Row != before.Row || j.Devices != before.Devices {
				t.Errorf("%s, %s: %s %+v, before %s %+v", name, when, j.State, j.Row, before.State, before.Row)
			}
			c.learn()
		}
	}
	c := trial{spec: judgedBy("0.95"), devices: devices(failing, 9, good, 91)}.evidence()
	c.learn()
	c.change(9, func(f *diagnosis.Facts, _ int) {
		f.Report = &diagnosis.Report{At: hour(71.5), Status: diagnosis.StatusSucceeded}
	})
	for _, when := range []string{"seen", "kept"} {
		j, err := Judge(c)
		if err != nil || j.State != EvidencePass || j.Row.K != 0 || j.Devices.Succeeded != 100 || j.Devices.Recovered != 9 ||
			!strings.HasSuffix(j.Message, "; 9 of the 100 devices that succeeded had failed before and recovered") {
			t.Errorf("recovered, %s: %s %+v %+v %q %v", when, j.State, j.Row, j.Devices, j.Message, err)
		}
		c.learn()
	}
}

// TestPromise15_WipedFailuresStillHalt: four failures of twelve devices halt a wave (gate F6), also when each is wiped as soon as it is
// seen, so that no reading shows two of them.
func TestPromise15_WipedFailuresStillHalt(t *testing.T) {
	c := trial{spec: judgedBy("0.80"), devices: devices(good, 12, unexposed, 40), exposed: 69}.evidence()
	for i := range 4 {
		j, err := Judge(c)
		if err != nil || j.State == EvidenceHalt {
			t.Fatalf("%d failures: %s, %v", i, j.State, err)
		}
		c.changeOne(i, func(f *diagnosis.Facts) { f.Report = &diagnosis.Report{At: hour(70), Status: diagnosis.StatusError} })
		c.learn()
		c.changeOne(i, func(f *diagnosis.Facts) { *f = diagnosis.Facts{} })
		c.learn()
	}
	if j, err := Judge(c); err != nil || j.State != EvidenceHalt || j.Devices.Failed != 4 {
		t.Errorf("%s %+v, %v", j.State, j.Devices, err)
	}
}

// TestPromise15_DeletedMemberStillCounts: a device that failed is deleted in the directory. The next repair of the group asks for it
// again, and the tenant refuses: that takes nothing away. Neither does it of one that was silent. Who was never a member is left out.
func TestPromise15_DeletedMemberStillCounts(t *testing.T) {
	w := aWorld(15)
	reports(&w, 0, diagnosis.StatusError, 71, 0)
	setFacts(&w, 1, func(f *diagnosis.Facts) { f.Report = nil })
	keep(&w)
	next, _ := w.Record().Refuse([]audience.ID{device(0), device(1), device(30)}, audience.RefusedGone)
	w.Ledger = readOf(&next)
	for _, i := range []int{0, 1} {
		setFacts(&w, i, func(f *diagnosis.Facts) { *f = diagnosis.Facts{} })
	}
	if d := count15(t, w); d.Failed != 1 || d.Stale != 1 || d.Succeeded != 13 || d.Pending != 24 {
		t.Errorf("%+v", d)
	}
	_, m, err := w.Situation()
	if err != nil || m.Audience.Eligible != 39 || m.Audience.Refused != 3 {
		t.Errorf("%+v, %v", m.Audience, err)
	}
}

// learn stores what the case tells, as the controller does.
func (c *Case) learn() {
	next, _ := c.Ledger.Hear(c.news())
	c.Ledger = &next
}

// change edits what the reading says of the first n devices.
func (c *Case) change(n int, edit func(f *diagnosis.Facts, i int)) {
	for i := range n {
		c.changeOne(i, func(f *diagnosis.Facts) { edit(f, i) })
	}
}

func (c *Case) changeOne(i int, edit func(*diagnosis.Facts)) {
	was := c.Facts
	c.Facts = func(id audience.ID) []diagnosis.Facts {
		facts := was(id)
		if id == device(i) {
			edit(&facts[0])
		}
		return facts
	}
}
