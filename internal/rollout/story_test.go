// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/testkit/golden"
)

// TestStories tells each of testdata/stories: commands, a line of dashes, and what happened. A paragraph without the line is
// for the reader. CONTRIBUTING.md says how to add one.
func TestStories(t *testing.T) {
	golden.Each(t, "testdata/stories", ".txt", func(t *testing.T, file, text string) {
		s := newStory(t)
		var told []string
		for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
			if commands, _, is := strings.Cut(paragraph+"\n", "\n----\n"); is {
				paragraph = commands + "\n----\n" + s.tell(commands)
			}
			told = append(told, strings.TrimSpace(paragraph))
		}
		golden.Match(t, file, strings.Join(told, "\n\n")+"\n")
	})
}

// tell does what the commands say, one a line, and says what happened.
func (s *story) tell(commands string) string {
	s.told.Reset()
	for line := range strings.Lines(commands) {
		line = strings.TrimSpace(line)
		if err := s.do(line); err != nil {
			s.t.Fatalf("%q: %v", line, err)
		}
	}
	s.settle()
	for _, w := range s.waves {
		fmt.Fprintf(&s.told, "%11s%s\n", "", standing(w))
	}
	fmt.Fprintf(&s.told, "%11sdevices: %s\n", "", s.devicesText())
	return s.told.String()
}

// do carries out one command. The vocabulary:
//
//	wave pilot: 100 devices, batches of 25 every 24h, bake 72h, floor 0.90[, rollback][, growing][, after canary][, watch 48h]
//	advance 24h                       time passes, in quarters of an hour
//	report 93 ok 1 failed             so many of the devices whose policy changed since they last reported do so
//	regress 3                         devices that had reported success report failure
//	payload B, revert                 the spec asks for another payload, or for the one before
//	pause, resume                     spec.paused of the wave
//	abort, rollback, retry [pilot]    the annotation of the wave; without a name that of the newest
//	exclude 3 exposed|pending         devices of the newest wave's audience are excluded
//	join 5                            devices come into the newest wave's audience
//	suspend tenant, resume tenant
//	telemetry stale, telemetry fresh  the fleet cannot be read, or can be again
//	crash after ledger|tenant         the operator is killed at its next write of that kind
//	lose answer, refuse write         what becomes of the next write to the tenant
//	lose ledger, restore ledger       the WaveLedgers of the newest wave
//	foreign adds 2, foreign removes 3 somebody else changes members of the newest wave's group
//	foreign deletes group
//	delete wave
func (s *story) do(line string) error {
	if s.setUp(line) {
		return nil
	}
	words := strings.Fields(line)
	if do, ok := plain[line]; ok {
		do(s)
		return nil
	}
	if do, ok := verbs[words[0]]; ok && len(words) > 1 {
		return do(s, words[1:])
	}
	return fmt.Errorf("unknown command; the vocabulary stands at story.do")
}

// plain are the commands without a number or a name.
var plain = map[string]func(*story){
	"revert":             func(s *story) { s.ask(s.asked[len(s.asked)-2]) },
	"pause":              func(s *story) { s.newest().Spec.Paused = true },
	"resume":             func(s *story) { s.newest().Spec.Paused = false },
	"abort":              func(s *story) { s.annotate(s.newest(), v1alpha1.AnnotationAbort) },
	"rollback":           func(s *story) { s.annotate(s.newest(), v1alpha1.AnnotationRollback) },
	"retry":              func(s *story) { s.annotate(s.newest(), v1alpha1.AnnotationRetry) },
	"suspend tenant":     func(s *story) { s.operatorTenant.Spec.Suspend = true },
	"resume tenant":      func(s *story) { s.operatorTenant.Spec.Suspend = false },
	"telemetry stale":    func(s *story) { s.unread = true },
	"telemetry fresh":    func(s *story) { s.unread = false },
	"crash after ledger": func(s *story) { s.crash = afterLedger },
	"crash after tenant": func(s *story) { s.crash = afterTenant },
	"lose answer":        func(s *story) { s.tenant.loseAnswer = true },
	"refuse write":       func(s *story) { s.tenant.refuse = true },
	"lose ledger":        func(s *story) { s.lost, s.ledgers = s.ledgers, map[string]chunks{} },
	"restore ledger":     func(s *story) { s.ledgers = s.lost },
	"foreign deletes group": func(s *story) {
		delete(s.tenant.groups, s.group().id)
	},
	"delete wave": func(s *story) { at := metav1.NewTime(s.now); s.newest().DeletionTimestamp = &at },
}

// verbs are the commands with one.
var verbs = map[string]func(*story, []string) error{
	"advance": func(s *story, args []string) error {
		d, err := time.ParseDuration(args[0])
		if err == nil {
			s.advance(d)
		}
		return err
	},
	"report":   (*story).report,
	"regress":  func(s *story, args []string) error { return s.regress(args) },
	"payload":  func(s *story, args []string) error { s.ask(args[0]); return nil },
	"abort":    func(s *story, args []string) error { return s.annotateNamed(args[0], v1alpha1.AnnotationAbort) },
	"rollback": func(s *story, args []string) error { return s.annotateNamed(args[0], v1alpha1.AnnotationRollback) },
	"retry":    func(s *story, args []string) error { return s.annotateNamed(args[0], v1alpha1.AnnotationRetry) },
	"exclude":  (*story).exclude,
	"join": func(s *story, args []string) error {
		n, err := strconv.Atoi(args[0])
		s.enrol(s.newest().Name, n)
		return err
	},
	"foreign": (*story).foreign,
}

// setUp reads "wave pilot: 100 devices, …"; false for any other command.
func (s *story) setUp(line string) bool {
	rest, is := strings.CutPrefix(line, "wave ")
	name, options, named := strings.Cut(rest, ": ")
	if !is || !named {
		return false
	}
	w := newWave(name)
	devices := 0
	for _, o := range strings.Split(options, ", ") {
		var n int32
		var text string
		if got, _ := fmt.Sscanf(o, "%d devices", &devices); got == 1 {
			continue
		}
		if got, _ := fmt.Sscanf(o, "batches of %d every %s", &n, &text); got == 2 {
			w.Spec.Exposure.BatchSize, w.Spec.Exposure.Interval = n, s.duration(text)
			continue
		}
		key, value, _ := strings.Cut(o, " ")
		switch key {
		case "bake":
			w.Spec.Gate.Bake = s.duration(value)
		case "watch":
			w.Spec.PostWatch.Duration = s.duration(value)
		case "floor":
			w.Spec.Gate.Promote.FloorRate = value
		case "rollback":
			w.Spec.OnFailure.Action = v1alpha1.FailureRollback
		case "growing":
			w.Spec.Audience.Membership = v1alpha1.MembershipGrowing
		case "after":
			w.Spec.DependsOn = append(w.Spec.DependsOn, v1alpha1.WaveDependency{Name: value})
		default:
			s.t.Fatalf("%q: a wave has no %q", line, o)
		}
	}
	s.waves = append(s.waves, w)
	s.enrol(name, devices)
	return true
}

func (s *story) duration(text string) metav1.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return metav1.Duration{Duration: d}
}

// report lets devices that owe a report on what they have now send one.
func (s *story) report(args []string) error {
	for ; len(args) > 1; args = args[2:] {
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		status := map[string]int{"ok": diagnosis.StatusSucceeded, "failed": diagnosis.StatusError, "conflict": diagnosis.StatusConflict}[args[1]]
		for _, d := range s.devices {
			if n > 0 && d.owes {
				d.send(status, s.now)
				n--
			}
		}
		if n > 0 {
			return fmt.Errorf("%d devices too many: the others have nothing new to report on", n)
		}
	}
	return nil
}

func (s *story) regress(args []string) error {
	n, err := strconv.Atoi(args[0])
	for _, d := range s.devices {
		if r := d.reports[d.has]; n > 0 && d.has > 0 && !d.owes && r.Status == diagnosis.StatusSucceeded {
			d.send(diagnosis.StatusError, s.now)
			n--
		}
	}
	return err
}

func (s *story) exclude(args []string) error {
	n, err := strconv.Atoi(args[0])
	exposed := len(args) > 1 && args[1] == "exposed"
	for _, d := range s.devices {
		if n > 0 && d.wave == s.newest().Name && !s.excluded[d.id] && (d.has > 0) == exposed {
			s.excluded[d.id] = true
			n--
		}
	}
	return err
}

// foreign is somebody else at work in the tenant.
func (s *story) foreign(args []string) error {
	n, err := strconv.Atoi(args[1])
	g := s.group()
	for _, d := range s.devices {
		if n > 0 && g.members[d.id] != (args[0] == "adds") {
			g.set(d.id, args[0] == "adds", s.now)
			n--
		}
	}
	return err
}

func (s *story) annotateNamed(name, annotation string) error {
	for _, w := range s.waves {
		if w.Name == name {
			s.annotate(w, annotation)
			return nil
		}
	}
	return fmt.Errorf("no wave is called %q", name)
}

// annotate asks for something by an annotation that was not there before.
func (s *story) annotate(w *v1alpha1.PilotWave, annotation string) {
	if w.Annotations == nil {
		w.Annotations = map[string]string{}
	}
	s.requests++
	w.Annotations[annotation] = strconv.Itoa(s.requests)
}
