// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

var start = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

const window = 720 * time.Hour

// content is a payload of one setting per platform, whose value is text.
func content(text string, on ...v1alpha1.Platform) []v1alpha1.PinnedPayload {
	if len(on) == 0 {
		on = []v1alpha1.Platform{v1alpha1.PlatformWindows}
	}
	var out []v1alpha1.PinnedPayload
	for _, p := range on {
		out = append(out, v1alpha1.PinnedPayload{Platform: p, GraphPlatforms: strings.ToLower(string(p)), Technologies: "mdm",
			Settings: []v1alpha1.PinnedSetting{{DefinitionID: "edge_passkeys", Kind: "Choice", Value: text}}})
	}
	return out
}

func resolution(text string, on ...v1alpha1.Platform) *settings.Resolution {
	pinned := content(text, on...)
	return &settings.Resolution{Pinned: pinned, Baseline: content("off", on...), Hash: settings.HashPinned(pinned), NeedsEdge: "145"}
}

// story is a policy whose spec, waves and clock a test moves; step decides and keeps the result.
type story struct {
	t  *testing.T
	in Input
	Result
}

func begin(t *testing.T) *story {
	return &story{t: t, in: Input{Mode: v1alpha1.ModeGate, RevertWindow: window, Now: start, Devices: map[int32]int32{}}}
}

// ask changes the spec; the catalog has one content for each ask.
func (s *story) ask(text string, on ...v1alpha1.Platform) *story {
	s.in.Ask, s.in.Resolution = fmt.Sprint(text, on), resolution(text, on...)
	return s.step()
}

func (s *story) after(d time.Duration) *story {
	s.in.Now = s.in.Now.Add(d)
	return s.step()
}

func (s *story) step() *story {
	s.t.Helper()
	s.Result = Next(s.in)
	s.in.Revisions, s.in.LastRevision = s.Revisions, s.LastRevision
	s.in.Take = s.in.Take && !s.TakeHandled
	again := Next(s.in)
	if diff := cmp.Diff(s.Revisions, again.Revisions); diff != "" || again.LastRevision != s.LastRevision {
		s.t.Fatalf("the second look changes something:\n%s", diff)
	}
	s.in.Objects = nil
	for _, r := range Live(s.Revisions) {
		s.in.Objects = append(s.in.Objects, r.Number)
	}
	return s
}

// wave lets a wave be in a phase of an attempt of the target, with devices in its group.
func (s *story) wave(name string, phase v1alpha1.WavePhase, devices int32) *story {
	target := Target(s.in.Revisions)
	i := slices.IndexFunc(s.in.Waves, func(w Wave) bool { return w.Name == name })
	if i < 0 {
		s.in.Waves = append(s.in.Waves, Wave{Name: name, UID: "uid-" + name})
		i = len(s.in.Waves) - 1
	}
	w := &s.in.Waves[i]
	if w.Revision != target.Number {
		w.Attempt++
		w.Revision, w.PayloadHash = target.Number, target.PayloadHash
		w.Attempts = append(w.Attempts, Attempt{Attempt: w.Attempt, Revision: target.Number, GroupID: fmt.Sprint(name, w.Attempt), State: v1alpha1.Admitted, ExposedKnown: true})
	}
	a := &w.Attempts[len(w.Attempts)-1]
	s.in.Devices[w.Revision] += devices - a.Exposed
	w.Phase, a.Exposed, a.Succeeded = phase, devices, phase == v1alpha1.PhaseSucceeded
	return s
}

// empty lets devices of a revision have a later one, or leave.
func (s *story) empty(number int32) *story {
	s.in.Devices[number] = 0
	return s
}

// withdraw takes all groups of a revision out of the assignments.
func (s *story) withdraw(number int32) *story {
	for i := range s.in.Waves {
		for j := range s.in.Waves[i].Attempts {
			if a := &s.in.Waves[i].Attempts[j]; a.Revision == number {
				a.Withdrawn, a.State = true, v1alpha1.Withdrawn
			}
		}
	}
	return s.empty(number)
}

// is compares the list with words like "0 Baseline, 1 Stable".
func (s *story) is(want string) *story {
	s.t.Helper()
	var parts []string
	for _, r := range s.Revisions {
		parts = append(parts, fmt.Sprintf("%d %s", r.Number, r.State))
	}
	if got := strings.Join(parts, ", "); got != want {
		s.t.Fatalf("revisions:\n got %s\nwant %s", got, want)
	}
	return s
}

func (s *story) waits(reason string, words ...string) *story {
	s.t.Helper()
	notice(s.t, "Waiting", s.Waiting, reason, words...)
	return s
}

func notice(t *testing.T, what string, n *Notice, reason string, words ...string) {
	t.Helper()
	if reason == "" {
		if n != nil {
			t.Fatalf("%s: %+v, want none", what, *n)
		}
		return
	}
	if n == nil || n.Reason != reason {
		t.Fatalf("%s: %+v, want reason %s", what, n, reason)
	}
	for _, word := range words {
		if !strings.Contains(n.Message, word) {
			t.Errorf("%s lacks %q: %s", what, word, n.Message)
		}
	}
}

// stable is a story with two waves that have proven r1.
func stable(t *testing.T) *story {
	s := begin(t).ask("A").is("0 Baseline, 1 Candidate")
	s.wave("canary", v1alpha1.PhaseSucceeded, 10).wave("broad", v1alpha1.PhaseExposing, 5).step().is("0 Baseline, 1 Candidate")
	return s.wave("broad", v1alpha1.PhaseSucceeded, 90).step().is("0 Baseline, 1 Stable")
}

func TestFirstAskPinsTheBaseline(t *testing.T) {
	s := begin(t).ask("A")
	if s.Minted != 1 || s.LastRevision != 1 || s.Target.Number != 1 || s.Target.MinEdge != "145" || s.Target.SettingsHash != s.in.Ask {
		t.Errorf("%+v", s.Result)
	}
	if diff := cmp.Diff(content("off"), Baseline(s.Revisions).Payloads); diff != "" {
		t.Error(diff)
	}
	s.ask("B", v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS)
	if diff := cmp.Diff(content("off"), Baseline(s.Revisions).Payloads); diff != "" {
		t.Errorf("the baseline followed the payload (A4): %s", diff)
	}
	e := begin(t)
	e.in.Mode = v1alpha1.ModeEnforceOnly
	e.ask("A").is("1 Candidate")
}

// TestPromise13_NothingByTheCatalog: a newer generation of the catalog, or one that cannot be read, changes no revision.
func TestPromise13_NothingByTheCatalog(t *testing.T) {
	s := stable(t)
	before := s.Revisions
	s.in.Resolution = resolution("A of a newer file")
	s.step()
	if diff := cmp.Diff(before, s.Revisions); diff != "" || s.Target.Number != 1 {
		t.Fatalf("a newer generation changed the list:\n%s", diff)
	}
	notice(t, "Outdated", s.Outdated, v1alpha1.ReasonNewerDefinition, "edge_passkeys = A of a newer file", "edge_passkeys = A of r1", v1alpha1.AnnotationTake)
	s.in.Resolution = nil
	s.step().is("0 Baseline, 1 Stable")
	if s.NeedsCatalog || s.Outdated != nil || s.Waiting != nil {
		t.Errorf("without a catalog: %+v", s.Result)
	}
	s.in.Resolution = &settings.Resolution{Blocked: true, BlockReason: v1alpha1.ReasonSettingMissing, BlockMessage: "missing",
		Gone: []settings.Gone{{Revision: 1, Platform: v1alpha1.PlatformWindows, DefinitionID: "edge_passkeys"}, {Revision: 7, DefinitionID: "forgotten"}}}
	s.step().is("0 Baseline, 1 Stable").waits("")
	notice(t, "Outdated", s.Outdated, v1alpha1.ReasonDefinitionGone, "edge_passkeys (r1 on Windows)", "stays in place", v1alpha1.AnnotationTake)
	if strings.Contains(s.Outdated.Message, "forgotten") {
		t.Error("speaks of a revision that is not there")
	}
}

func TestTakeDefinitions(t *testing.T) {
	s := stable(t)
	s.in.Take, s.in.Resolution = true, nil
	s.step().is("0 Baseline, 1 Stable").waits(v1alpha1.ReasonProgressing, v1alpha1.AnnotationTake)
	if s.TakeHandled || !s.NeedsCatalog {
		t.Error("the word must wait for the catalog")
	}
	s.in.Resolution = resolution("A")
	s.step().is("0 Baseline, 1 Stable")
	if !s.TakeHandled {
		t.Error("there was nothing to take, and the word waits for ever")
	}
	s.in.Take, s.in.Resolution = true, resolution("A of a newer file")
	s.step().is("0 Baseline, 1 Stable, 2 Candidate").step().is("0 Baseline, 1 Stable, 2 Candidate")
	if s.Target.SettingsHash != Stable(s.Revisions).SettingsHash || s.Outdated != nil {
		t.Errorf("%+v", s.Result)
	}
}

// TestRevert: a spec that returns is a rollback while the earlier revision can be had back.
func TestRevert(t *testing.T) {
	t.Run("during the rollout, whatever the catalog says", func(t *testing.T) {
		s := stable(t).ask("B").is("0 Baseline, 1 Stable, 2 Candidate")
		s.wave("canary", v1alpha1.PhaseExposing, 10).empty(1).step()
		s.in.Ask, s.in.Resolution = fmt.Sprint("A", []v1alpha1.Platform(nil)), nil
		s.step().is("0 Baseline, 1 Stable, 2 Reverted").waits("")
		if s.NeedsCatalog || s.ReturnedTo != 1 {
			t.Errorf("needs the catalog to go back: %+v", s.Result)
		}
		s.in.Resolution = resolution("A of a newer file")
		s.in.Resolution.Gone = []settings.Gone{{Revision: 2, DefinitionID: "of what was taken back"}}
		s.step().is("0 Baseline, 1 Stable, 2 Reverted")
		notice(t, "Outdated", s.Outdated, v1alpha1.ReasonNewerDefinition)
		s.withdraw(2).step().is("0 Baseline, 1 Stable, 2 Retired")
		s.step().is("0 Baseline, 1 Stable, 2 Retired") // the waves still speak of it
		for i := range s.in.Waves {
			w := &s.in.Waves[i]
			w.Attempts = slices.DeleteFunc(w.Attempts, func(a Attempt) bool { return a.Revision == 2 })
			w.Revision, w.Attempt = 1, 1
		}
		s.step().is("0 Baseline, 1 Stable")
		s.ask("C").is("0 Baseline, 1 Stable, 3 Candidate")
	})
	t.Run("within the window", func(t *testing.T) {
		s := proven(t, "B").is("0 Baseline, 1 Superseded, 2 Stable").after(window - time.Hour).is("0 Baseline, 1 Superseded, 2 Stable")
		s.ask("A").is("0 Baseline, 1 Stable, 2 Reverted")
		if r := Stable(s.Revisions); r.RevertUntil != nil || r.SupersededAt != nil || !slices.Equal(s.Reverted, []int32{2}) {
			t.Errorf("%+v, reverted %v", r, s.Reverted)
		}
	})
	t.Run("after the window, still on devices", func(t *testing.T) {
		s := proven(t, "B")
		s.in.Devices[1] = 3
		s.after(window + time.Hour).is("0 Baseline, 1 Superseded, 2 Stable")
		s.ask("A").is("0 Baseline, 1 Superseded, 2 Stable, 3 Candidate")
	})
	t.Run("after the window", func(t *testing.T) {
		s := proven(t, "B").after(window).is("0 Baseline, 1 Retired, 2 Stable")
		s.ask("A").is("0 Baseline, 1 Retired, 2 Stable, 3 Candidate")
	})
	t.Run("without a window", func(t *testing.T) {
		s := stable(t)
		s.in.RevertWindow = 0
		s.ask("B")
		s.wave("canary", v1alpha1.PhaseSucceeded, 10).wave("broad", v1alpha1.PhaseSucceeded, 90).empty(1).step().is("0 Baseline, 1 Retired, 2 Stable")
	})
	t.Run("of the revert", func(t *testing.T) {
		s := stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 10).step().ask("A").is("0 Baseline, 1 Stable, 2 Reverted")
		s.ask("B").is("0 Baseline, 1 Stable, 2 Reverted, 3 Candidate")
	})
	t.Run("to what was never proven, beneath the stable one", func(t *testing.T) {
		s := stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 10).step().ask("C").is("0 Baseline, 1 Stable, 2 Superseded, 3 Candidate")
		s.wave("canary", v1alpha1.PhaseSucceeded, 9).wave("broad", v1alpha1.PhaseSucceeded, 90)
		s.in.Devices[1], s.in.Devices[2] = 0, 1
		s.step().is("0 Baseline, 1 Superseded, 2 Superseded, 3 Stable")
		s.ask("B").is("0 Baseline, 1 Superseded, 2 Superseded, 3 Stable, 4 Candidate")
		s.wave("canary", v1alpha1.PhaseExposing, 2).step().ask("D") // the last device of r2 stands in nobody's way
		s.is("0 Baseline, 1 Superseded, 2 Superseded, 3 Stable, 4 Superseded, 5 Candidate").waits("")
	})
	t.Run("by content under another ask", func(t *testing.T) {
		s := stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 10).step()
		s.in.Ask, s.in.Resolution = "onMissingSetting: Skip", resolution("A")
		s.step().is("0 Baseline, 1 Stable, 2 Reverted")
		if s.Target.SettingsHash != s.in.Ask {
			t.Error("the target does not answer to the ask")
		}
	})
}

// proven is a story whose second ask is stable too, in its window.
func proven(t *testing.T, text string) *story {
	return stable(t).ask(text).wave("canary", v1alpha1.PhaseSucceeded, 10).wave("broad", v1alpha1.PhaseSucceeded, 90).empty(1).step()
}

func TestSameContentIsNoRevision(t *testing.T) {
	s := stable(t)
	s.in.Ask = "another ask"
	s.step().is("0 Baseline, 1 Stable").waits("")
	if s.Target.SettingsHash != "another ask" || s.Minted+s.ReturnedTo != 0 {
		t.Errorf("%+v", s.Result)
	}
	s = begin(t).ask("A")
	s.in.Ask = "another ask"
	s.step().is("0 Baseline, 1 Candidate")
}

// TestDevicesAreRecorded as far as they are known; what is not known stays what it was.
func TestDevicesAreRecorded(t *testing.T) {
	s := stable(t)
	if s.Target.Devices != 100 {
		t.Errorf("%d devices, want 100", s.Target.Devices)
	}
	delete(s.in.Devices, 1)
	if s.step(); s.Target.Devices != 100 {
		t.Errorf("%d devices while unknown, want the last count of 100", s.Target.Devices)
	}
}

// TestQuickEdits: A, B, C, D in a row.
func TestQuickEdits(t *testing.T) {
	s := stable(t).ask("B").ask("C").is("0 Baseline, 1 Stable, 2 Retired, 3 Candidate")
	if !slices.Equal(s.Reverted, []int32{2}) || s.Superseded != nil {
		t.Errorf("reverted %v, superseded %v", s.Reverted, s.Superseded)
	}
	s.ask("D").step().is("0 Baseline, 1 Stable, 4 Candidate")

	s = stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 4).step().ask("C").is("0 Baseline, 1 Stable, 2 Superseded, 3 Candidate")
	s.wave("canary", v1alpha1.PhaseExposing, 2).step().ask("D").is("0 Baseline, 1 Stable, 2 Superseded, 3 Candidate")
	s.waits(v1alpha1.ReasonPayloadWaiting, "r2 (4 devices of waves canary)", "r3 (2 devices of waves canary)", v1alpha1.AnnotationRollback)
	s.ask("C").waits("") // back to what is under way
	s.ask("D").withdraw(2).step().is("0 Baseline, 1 Stable, 2 Retired, 3 Superseded, 4 Candidate").waits("")

	// A group that is admitted may get a device in the very moment that nobody looks.
	s = stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 0).step().ask("C").is("0 Baseline, 1 Stable, 2 Superseded, 3 Candidate")
	s.wave("canary", v1alpha1.PhaseResolving, 0).step().is("0 Baseline, 1 Stable, 2 Retired, 3 Candidate")
}

// TestUnknownRetiresNothing: lost records keep a revision (P4).
func TestUnknownRetiresNothing(t *testing.T) {
	s := proven(t, "B")
	delete(s.in.Devices, 1)
	s.after(2 * window).is("0 Baseline, 1 Superseded, 2 Stable")
	s.empty(1)
	s.in.Groups = []v1alpha1.WaveAdmission{{Name: "orphan", UID: "gone", Attempt: 1, Revision: 1, GroupID: "g", State: v1alpha1.Admitted}}
	s.in.Devices[1] = 0
	s.step().is("0 Baseline, 1 Superseded, 2 Stable")
	s.in.Groups[0].State = v1alpha1.Withdrawn
	s.step().is("0 Baseline, 1 Retired, 2 Stable")

	s = stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 3)
	s.in.Waves[0].Attempts[1].ExposedKnown = false
	delete(s.in.Devices, 2)
	s.ask("C").is("0 Baseline, 1 Stable, 2 Superseded, 3 Candidate").wave("canary", v1alpha1.PhaseExposing, 1).ask("D").
		waits(v1alpha1.ReasonPayloadWaiting, "r2 (an unknown number of devices of waves canary)")
}

// TestWavesComeAndGo: stable is what every wave proved then; a new wave takes nothing back, a deleted one proves nothing.
func TestWavesComeAndGo(t *testing.T) {
	s := stable(t)
	s.in.Waves = append(s.in.Waves, Wave{Name: "new", UID: "new", Phase: v1alpha1.PhasePending})
	s.step().is("0 Baseline, 1 Stable").ask("B").wave("canary", v1alpha1.PhaseSucceeded, 10).wave("broad", v1alpha1.PhaseSucceeded, 90).step()
	s.is("0 Baseline, 1 Stable, 2 Candidate")
	s.in.Waves[2].Deleting = true
	s.step().is("0 Baseline, 1 Superseded, 2 Stable")

	s = begin(t).ask("A").step().is("0 Baseline, 1 Candidate") // no wave proves nothing
	s.wave("only", v1alpha1.PhaseSucceeded, 5)
	s.in.Waves[0].Deleting = true
	s.step().is("0 Baseline, 1 Candidate")
	s.in.Waves = nil
	s.step().is("0 Baseline, 1 Candidate").ask("B").step().is("0 Baseline, 2 Candidate")
}

// TestRegressedWaveProvesNothing: a revision stays the candidate while a wave regressed on it after its promotion, and becomes
// stable when that wave has proven it anew. What was stable before stays stable.
func TestRegressedWaveProvesNothing(t *testing.T) {
	s := begin(t).ask("A").wave("canary", v1alpha1.PhaseSucceeded, 10).wave("broad", v1alpha1.PhaseSucceeded, 90)
	s.in.Waves[0].Regressed = true
	s.step().is("0 Baseline, 1 Candidate")
	s.in.Waves[0].Regressed = false
	s.step().is("0 Baseline, 1 Stable")
	s.in.Waves[0].Regressed = true
	s.step().is("0 Baseline, 1 Stable")
}

// TestStoppedWaveKeepsNoRevision: what a person stopped exposes nobody, and a Reverted revision ends with its groups.
func TestStoppedWaveKeepsNoRevision(t *testing.T) {
	s := stable(t).ask("B").wave("canary", v1alpha1.PhaseAborted, 0).step().ask("C").is("0 Baseline, 1 Stable, 2 Retired, 3 Candidate")
	if !Withdraw(s.Revisions, v1alpha1.WaveAttempt{Revision: 2}) || Withdraw(s.Revisions, v1alpha1.WaveAttempt{Revision: 3}) {
		t.Error("the group of an aborted attempt on a retired revision is to leave the assignments, and no other")
	}
}

// TestProvenInTheMomentOfTheEdit: the last wave succeeds as the spec changes.
func TestProvenInTheMomentOfTheEdit(t *testing.T) {
	s := begin(t).ask("A").wave("only", v1alpha1.PhaseSucceeded, 5).ask("B")
	s.is("0 Baseline, 1 Stable, 2 Candidate")
	if s.BecameStable != 1 || s.Minted != 2 {
		t.Errorf("%+v", s.Result)
	}
}

func TestOnlyOneFormerStableIsKept(t *testing.T) {
	s := proven(t, "B").after(time.Hour).ask("C")
	s.wave("canary", v1alpha1.PhaseSucceeded, 10).wave("broad", v1alpha1.PhaseSucceeded, 90).empty(2).step()
	s.is("0 Baseline, 1 Retired, 2 Superseded, 3 Stable")
}

func TestPlatforms(t *testing.T) {
	s := begin(t).ask("A", v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS).wave("only", v1alpha1.PhaseSucceeded, 5).step()
	s.ask("A", v1alpha1.PlatformWindows).is("0 Baseline, 1 Stable, 2 Candidate")
	if On(s.Target, v1alpha1.PlatformMacOS) != nil || On(s.Target, v1alpha1.PlatformWindows) == nil {
		t.Error("the new revision writes on the platform that left")
	}
	if On(Baseline(s.Revisions), v1alpha1.PlatformMacOS) == nil || On(Stable(s.Revisions), v1alpha1.PlatformMacOS) == nil {
		t.Error("what holds or stands on the platform that left is gone")
	}
	s.in.Resolution = resolution("A")
	s.in.Resolution.Pinned = content("A", v1alpha1.PlatformMacOS)
	s.in.Resolution.Hash = "other"
	s.step()
	notice(t, "Outdated", s.Outdated, v1alpha1.ReasonNewerDefinition, "on MacOS edge_passkeys = A, where r2 writes nothing", "on Windows nothing in place of")
}

// TestLostStatus: numbers are never used twice, and what is on devices is never guessed.
func TestLostStatus(t *testing.T) {
	s := proven(t, "B").withdraw(1).step()
	lose := func() {
		s.in.Revisions, s.in.LastRevision = nil, 0
		s.in.Objects = []int32{0, 1, 2}
	}
	lose()
	s.step().is("0 Baseline, 2 Stable")
	if s.Restored != 2 || s.Target.PayloadHash != settings.HashPinned(content("B")) || s.LastRevision != 2 {
		t.Errorf("%+v", s.Result)
	}
	lose()
	s.ask("C").is("").waits(v1alpha1.ReasonRevisionsLost, "r2 (100 devices of waves broad, canary)", "backup", "roll back")
	if !slices.Equal(s.Lost, []int32{2}) || s.LastRevision != 2 || s.Target != nil {
		t.Errorf("%+v", s.Result)
	}
	s.withdraw(2).step().is("0 Baseline, 3 Candidate")
	if s.Lost != nil {
		t.Errorf("still lost: %v", s.Lost)
	}

	// Devices on two revisions, of which one can be recognized: the other could not make way for it.
	s = stable(t).ask("B").wave("canary", v1alpha1.PhaseExposing, 4).step()
	lose()
	for _, text := range []string{"A", "B"} {
		s.in.Resolution = resolution(text)
		s.step().is("").waits(v1alpha1.ReasonRevisionsLost, "r1 (", "r2 (")
	}

	for name, lose := range map[string]func(in *Input){
		"status.lastRevision": func(in *Input) { in.LastRevision = 6 },
		"an object":           func(in *Input) { in.Objects = []int32{6, 2} },
		"a wave":              func(in *Input) { in.Waves = []Wave{{Name: "w", Phase: v1alpha1.PhaseAborted, Revision: 6}} },
		"a withdrawn attempt": func(in *Input) {
			in.Waves = []Wave{{Name: "w", Attempts: []Attempt{{Attempt: 1, Revision: 6, GroupID: "g", State: v1alpha1.Withdrawn}}}}
		},
		"a withdrawn group": func(in *Input) {
			in.Groups = []v1alpha1.WaveAdmission{{UID: "gone", Revision: 6, State: v1alpha1.Withdrawn}}
		},
	} {
		s := begin(t)
		lose(&s.in)
		if s.ask("A"); s.Minted != 7 {
			t.Errorf("only %s remembers r6, and r%d was made", name, s.Minted)
		}
	}
}

func TestBlockedAskWaits(t *testing.T) {
	s := stable(t)
	s.in.Ask, s.in.Resolution = "off", &settings.Resolution{Blocked: true, BlockReason: v1alpha1.ReasonPayloadEqualsHold, BlockMessage: "hold sets it"}
	s.step().is("0 Baseline, 1 Stable").waits(v1alpha1.ReasonPayloadEqualsHold, "hold sets it")
	s.in.Resolution = nil
	s.step().waits(v1alpha1.ReasonProgressing, "catalog")
	if !s.NeedsCatalog {
		t.Error("does not ask for the catalog")
	}
}

func TestText(t *testing.T) {
	s := begin(t)
	is := func(want string) {
		t.Helper()
		if got := Text(s.Revisions); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	is("")
	s.ask("A")
	is("r1")
	s.wave("only", v1alpha1.PhaseSucceeded, 1).step()
	is("r1")
	s.ask("B")
	is("r2, stable r1")
}
