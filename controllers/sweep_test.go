// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// The foreign-edit sweep: every part of every object of ours that an administrator can change in the portal, in every phase
// of a wave, in both drift modes, alone and with a rollback asked for right afterwards. The default is a part of the cases,
// spread over all of them; TIDEGATE_SWEEP=all runs all.

const (
	sweepPolicies = "/beta/deviceManagement/configurationPolicies/"
	sweepGroups   = "/v1.0/groups/"
	sweepBin      = "/v1.0/directory/deletedItems/"
	// sweepShare is how many cases one stands for that runs by default: a number that shares no factor with the counts of
	// edits, phases, modes and endings, so that all of them come up.
	sweepShare = 23
	// sweepBound is how long a rollback may take to get a revision off all devices, in hours: the tenant itself is not late.
	sweepBound = 3
)

// sweeper is a lab in which somebody else edits the tenant.
type sweeper struct {
	*lab
	token string
	// allow and hold are the objects of the revision under way and of revision 0, group the attempt's.
	allow, hold, group string
	// audience are the managed devices of the wave.
	audience map[string]bool
	// oddAll is an edit that itself changes whom an object reaches: P1 is not ours to keep while it stands.
	oddAll bool
	// undo is the way back, as the message tells; nil when Tidegate has to find it.
	// taken says that the operator has taken the edit back by itself, whatever spec.drift says: nil where it never does that.
	taken func() bool
	undo  func()
	// mute edits leave everything as it was that Tidegate relies on: nothing has to be said.
	mute bool
}

func (s *sweeper) portal(method, path string, body, into any) {
	s.t.Helper()
	if s.token == "" {
		s.token = s.signIn()
	}
	raw := []byte{}
	if body != nil {
		raw, _ = json.Marshal(body) //nolint:errchkjson // maps of text
	}
	r := httptest.NewRequest(method, s.url+path, strings.NewReader(string(raw)))
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	s.sim.Handler().ServeHTTP(answer, r)
	if answer.Code >= http.StatusMultipleChoices {
		s.t.Fatalf("portal: %s %s %s: %d %s", method, path, raw, answer.Code, answer.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sweeper) signIn() string {
	s.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.sim.ClientID()}, "client_secret": {s.sim.ClientSecret()},
		"scope": {"https://graph.microsoft.com/.default"}}
	r := httptest.NewRequest(http.MethodPost, s.url+"/"+s.sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	s.sim.Handler().ServeHTTP(answer, r)
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || body.Token == "" {
		s.t.Fatalf("the portal cannot sign in: %d %s", answer.Code, answer.Body)
	}
	return body.Token
}

type object = map[string]any

// patched changes a policy's own properties, and the way back is to write the old ones.
func patched(part string, value any) func(*sweeper, string) {
	return func(s *sweeper, id string) {
		was := object{}
		s.portal(http.MethodGet, sweepPolicies+id, nil, &was)
		s.portal(http.MethodPatch, sweepPolicies+id, object{part: value}, nil)
		s.undo = func() { s.portal(http.MethodPatch, sweepPolicies+id, object{part: was[part]}, nil) }
	}
}

// rewritten settings are written anew as text that change makes of them.
func rewritten(change func(string) string) func(*sweeper, string) {
	return func(s *sweeper, id string) {
		whole := object{}
		var list struct {
			Value []object `json:"value"`
		}
		s.portal(http.MethodGet, sweepPolicies+id, nil, &whole)
		s.portal(http.MethodGet, sweepPolicies+id+"/settings", nil, &list)
		put := func(settings []object) {
			body := object{}
			for _, key := range []string{"name", "description", "platforms", "technologies", "roleScopeTagIds"} {
				body[key] = whole[key]
			}
			body["settings"] = settings
			s.portal(http.MethodPut, sweepPolicies+id, body, nil)
		}
		for _, one := range list.Value {
			delete(one, "id")
		}
		raw, _ := json.Marshal(list.Value) //nolint:errchkjson // it came as JSON
		var next []object
		if err := json.Unmarshal([]byte(change(string(raw))), &next); err != nil {
			s.t.Fatal(err)
		}
		put(next)
		s.undo = func() { put(list.Value) }
	}
}

func toggle(text string) string {
	return strings.NewReplacer(`_1"`, `_0"`, `_0"`, `_1"`).Replace(text)
}

// assigned writes the assignments that change makes of those there are.
func assigned(change func(*sweeper, []object) []object) func(*sweeper, string) {
	return func(s *sweeper, id string) {
		s.oddAll = true // whom the object reaches is what was edited
		read := func() []object {
			var list struct {
				Value []object `json:"value"`
			}
			s.portal(http.MethodGet, sweepPolicies+id+"/assignments", nil, &list)
			out := []object{}
			for _, a := range list.Value {
				out = append(out, object{"target": a["target"]})
			}
			return out
		}
		was, next := read(), change(s, read())
		s.mute = reflect.DeepEqual(was, next) // there was nothing to change
		s.portal(http.MethodPost, sweepPolicies+id+"/assign", object{"assignments": next}, nil)
		s.undo = func() { s.portal(http.MethodPost, sweepPolicies+id+"/assign", object{"assignments": was}, nil) }
	}
}

const (
	includes = "#microsoft.graph.groupAssignmentTarget"
	excludes = "#microsoft.graph.exclusionGroupAssignmentTarget"
)

func target(a object) object { t, _ := a["target"].(object); return t }

func ofKind(kind string, change func(*sweeper, object)) func(*sweeper, []object) []object {
	return func(s *sweeper, list []object) []object {
		for _, a := range list {
			if target(a)["@odata.type"] == kind {
				change(s, target(a))
				break
			}
		}
		return list
	}
}

func without(kind string) func(*sweeper, []object) []object {
	return func(_ *sweeper, list []object) []object {
		return slices.DeleteFunc(list, func(a object) bool { return target(a)["@odata.type"] == kind })
	}
}

func with(kind, name string) func(*sweeper, []object) []object {
	return func(s *sweeper, list []object) []object {
		return append(list, object{"target": object{"@odata.type": kind, "groupId": s.groupID(name)}})
	}
}

func (s *sweeper) groupID(name string) string {
	s.t.Helper()
	for _, g := range s.sim.Snapshot(false).Groups {
		if g.DisplayName == name && !g.Deleted {
			return g.ID
		}
	}
	s.t.Fatalf("there is no group %q", name)
	return ""
}

func (s *sweeper) membersOf(id string) []string {
	var list struct {
		Value []struct{ ID string } `json:"value"`
	}
	s.portal(http.MethodGet, sweepGroups+id+"/members?$top=999", nil, &list)
	var out []string
	for _, m := range list.Value {
		out = append(out, m.ID)
	}
	return out
}

// foreign is one edit.
type foreign struct {
	name string
	do   func(*sweeper)
}

// ofObject says that the edit is one of a policy of ours, which Tidegate leaves alone in mode Report.
func (e foreign) ofObject() bool {
	return strings.HasPrefix(e.name, "allow/") || strings.HasPrefix(e.name, "hold/")
}

func onObject(part string, edit func(*sweeper, string)) []foreign {
	return []foreign{
		{"allow/" + part, func(s *sweeper) { edit(s, s.allow) }},
		{"hold/" + part, func(s *sweeper) { edit(s, s.hold) }},
	}
}

func foreignEdits() []foreign {
	out := slices.Concat(
		onObject("name", patched("name", "Somebody else's")),
		onObject("description", patched("description", "Do not touch")),
		onObject("marker", patched("description", "")),
		onObject("scope tags", func(s *sweeper, id string) { s.mute = true; patched("roleScopeTagIds", []string{"0", "7"})(s, id) }),
		onObject("setting toggled", rewritten(toggle)),
		onObject("deleted", func(s *sweeper, id string) {
			s.oddAll = true
			s.portal(http.MethodDelete, sweepPolicies+id, nil, nil)
			s.undo = func() { // nobody can make it again but Tidegate, and in mode Report only when it is told to
				p := s.policy()
				s.edit(p, func() { p.Spec.Drift = v1alpha1.DriftCorrect })
			}
		}),
		onObject("duplicate", func(s *sweeper, id string) {
			twin := struct{ ID string }{}
			s.portal(http.MethodPost, sweepPolicies+id+"/createCopy", object{"displayName": "Copy"}, &twin)
			s.undo = func() { s.portal(http.MethodDelete, sweepPolicies+twin.ID, nil, nil) }
		}),
		onObject("includes removed", assigned(without(includes))),
		onObject("excludes removed", assigned(without(excludes))),
		onObject("all removed", assigned(func(*sweeper, []object) []object { return []object{} })),
		onObject("include added", assigned(with(includes, "B"))),
		onObject("exclude added", assigned(with(excludes, "B"))),
		onObject("include switched", assigned(ofKind(includes, func(_ *sweeper, t object) { t["@odata.type"] = excludes }))),
		onObject("exclude switched", assigned(ofKind(excludes, func(_ *sweeper, t object) { t["@odata.type"] = includes }))),
		onObject("group changed", assigned(ofKind(includes, func(s *sweeper, t object) { t["groupId"] = s.groupID("Other") }))),
	)
	return append(append(out, groupEdits()...), audienceEdits()...)
}

// stranger puts a device into the wave's group that is of no audience, and returns it.
func (s *sweeper) stranger() string {
	s.t.Helper()
	device := s.membersOf(s.groupID("Other"))[0]
	s.portal(http.MethodPost, sweepGroups+s.group+"/members/$ref", object{"@odata.id": s.url + "/v1.0/directoryObjects/" + device}, nil)
	return device
}

func groupEdits() []foreign {
	return []foreign{
		{"group/renamed", func(s *sweeper) {
			s.mute = true
			s.portal(http.MethodPatch, sweepGroups+s.group, object{"displayName": "Renamed"}, nil)
		}},
		{"group/hidden", func(s *sweeper) {
			s.mute = true
			s.portal(http.MethodPatch, sweepGroups+s.group, object{"visibility": "Private"}, nil)
		}},
		{"group/stranger added", func(s *sweeper) {
			s.oddAll = true
			device := s.stranger()
			s.taken = func() bool { return !slices.Contains(s.membersOf(s.group), device) }
			s.undo = func() {
				if slices.Contains(s.membersOf(s.group), device) {
					s.portal(http.MethodDelete, sweepGroups+s.group+"/members/"+device+"/$ref", nil, nil)
				}
			}
		}},
		{"group/member removed", func(s *sweeper) {
			if members := s.membersOf(s.group); len(members) > 0 {
				s.portal(http.MethodDelete, sweepGroups+s.group+"/members/"+members[0]+"/$ref", nil, nil)
				return
			}
			s.mute = true
		}},
		{"group/deleted", func(s *sweeper) {
			s.oddAll = true
			s.portal(http.MethodDelete, sweepGroups+s.group, nil, nil)
			id := s.group
			s.undo = func() { s.portal(http.MethodPost, sweepBin+id+"/restore", object{}, nil) }
		}},
		{"group/purged", func(s *sweeper) {
			s.oddAll = true
			s.portal(http.MethodDelete, sweepGroups+s.group, nil, nil)
			s.portal(http.MethodDelete, sweepBin+s.group, nil, nil)
		}},
	}
}

// audienceEdits are those of the groups that the customer owns.
func audienceEdits() []foreign {
	var out []foreign
	for _, name := range []string{"Everyone", "A"} {
		out = append(out,
			foreign{name + "/renamed", func(s *sweeper) {
				id := s.groupID(name)
				s.mute = name == "A" // an audience is frozen
				s.portal(http.MethodPatch, sweepGroups+id, object{"displayName": "Elsewhere"}, nil)
				s.undo = func() { s.portal(http.MethodPatch, sweepGroups+id, object{"displayName": name}, nil) }
			}},
			foreign{name + "/deleted", func(s *sweeper) {
				id := s.groupID(name)
				s.mute, s.oddAll = name == "A", true
				s.portal(http.MethodDelete, sweepGroups+id, nil, nil)
				s.undo = func() { s.portal(http.MethodPost, sweepBin+id+"/restore", object{}, nil) }
			}})
	}
	return out
}

// sweepPhases bring a lab to where an edit falls.
var sweepPhases = []struct {
	name string
	to   func(*sweeper)
}{
	{"before admission", func(s *sweeper) {
		s.until("Exposing", 5, func() bool { return s.inPhase("a", v1alpha1.PhaseExposing)() && s.groupOf() != "" })
	}},
	{"first batch", func(s *sweeper) { s.until("the first batch", 10, s.batch(1)) }},
	{"baking", func(s *sweeper) { s.until("Baking", 40, s.inPhase("a", v1alpha1.PhaseBaking)) }},
	{"succeeded", func(s *sweeper) { s.until("Succeeded", 100, s.inPhase("a", v1alpha1.PhaseSucceeded)) }},
	{"second revision", func(s *sweeper) {
		s.until("Succeeded", 100, s.inPhase("a", v1alpha1.PhaseSucceeded))
		p := s.policy()
		s.edit(p, func() { p.Spec.Settings.BackupStorageLocation = "AzureAD" })
		s.until("the second revision", 20, s.batch(2))
	}},
}

func (s *sweeper) groupOf() string {
	attempts := s.wave("a").Status.Attempts
	if len(attempts) == 0 {
		return ""
	}
	return attempts[len(attempts)-1].GroupID
}

func (s *sweeper) batch(revision int32) func() bool {
	return func() bool {
		w := s.wave("a")
		return w.Status.Revision == revision && w.Status.Phase == v1alpha1.PhaseExposing && s.groupOf() != "" && len(s.membersOf(s.groupOf())) > 0
	}
}

// find notes the objects that are there when the edit falls.
func (s *sweeper) find() {
	newest := int32(0)
	for _, o := range s.policy().Status.Objects {
		if o.Revision == 0 {
			s.hold = o.ID
		} else if o.Revision > newest {
			newest, s.allow = o.Revision, o.ID
		}
	}
	s.group = s.groupOf()
	members := s.membersOf(s.groupID("A"))
	s.audience = map[string]bool{}
	for _, d := range s.sim.Snapshot(true).Devices {
		s.audience[d.ManagedID] = slices.Contains(members, d.ObjectID)
	}
}

// reached is what effective targeting gives every device: names of objects of ours, those of a revision, by device.
func (s *sweeper) reached() map[string][]string {
	out := map[string][]string{}
	for _, o := range s.policy().Status.Objects {
		if o.ID == "" {
			continue
		}
		devices, err := s.sim.Reached(o.ID)
		if err != nil {
			continue // deleted
		}
		for _, d := range devices {
			out[d] = append(out[d], fmt.Sprintf("%s r%d", o.Platform, o.Revision))
		}
	}
	return out
}

// one is P1 by effective targeting.
func (s *sweeper) one(when string) {
	s.t.Helper()
	if s.oddAll {
		return
	}
	for device, list := range s.reached() {
		if len(list) > 1 {
			s.t.Errorf("P1 %s: device %s has %v", when, device, list)
			return
		}
	}
}

func (s *sweeper) pass(d time.Duration) {
	s.t.Helper()
	if err := s.sim.Advance(d); err != nil {
		s.t.Fatal(err)
	}
	s.rest()
}

// shown says whether a condition shows that something is not as it should be.
func (s *sweeper) shown() bool {
	p, w := s.policy(), s.wave("a")
	return meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionDrifted) || meta.IsStatusConditionFalse(p.Status.Conditions, v1alpha1.ConditionReady) ||
		meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled) || w.Status.Phase == v1alpha1.PhaseHeld || w.Status.Phase == v1alpha1.PhaseHalted
}

// told says whether an event has said anything since an edit.
func (s *sweeper) told(since int) bool {
	return slices.ContainsFunc(s.events[since:], func(e string) bool {
		return strings.Contains(e, " Warning ") || slices.ContainsFunc([]string{v1alpha1.ReasonNameEdited, v1alpha1.ReasonSettingsEdited, v1alpha1.ReasonAssignmentMissing,
			v1alpha1.ReasonForeignAssignment, v1alpha1.ReasonObjectDeleted, v1alpha1.ReasonMarkerCopied, v1alpha1.ReasonMembershipDrifted, v1alpha1.ReasonGroupLost},
			func(reason string) bool { return strings.Contains(e, reason) })
	})
}

// wayBack are the words by which a message says what a person can do about an edit.
var wayBack = regexp.MustCompile(`(?i)set (it|spec\.drift) to Correct|take the edit back|put (it|them|the marker) back|restore it|request a retry|remove (it|the assignment|its assignments)|name (it|the group)|correct the|delete (it|the)|add the devices`)

// stands judges an edit that nobody has taken back: a condition shows it, and a message says the way back.
func (s *sweeper) stands(when string) {
	s.t.Helper()
	if s.mute {
		return
	}
	if !s.shown() {
		s.t.Errorf("P6 no condition shows it %s: %s", when, s.stand())
	} else if !wayBack.MatchString(s.stand()) {
		s.t.Errorf("P6 no way back in a message %s: %s", when, s.stand())
	}
}

func (s *sweeper) stand() string {
	p, w := s.policy(), s.wave("a")
	out := fmt.Sprintf("wave %s %s (%s: %s)", w.Status.Phase, w.Status.HeldReason, w.Status.Decision.Reason, w.Status.Decision.Message)
	for _, c := range slices.Concat(p.Status.Conditions, w.Status.Conditions) {
		if c.Type == v1alpha1.ConditionReady || c.Type == v1alpha1.ConditionDrifted && c.Status == "True" || c.Type == v1alpha1.ConditionStalled {
			out += fmt.Sprintf("; %s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message)
		}
	}
	return out
}

// mends ends the edit and judges that the world comes to what it claims.
func (s *sweeper) mends(drift v1alpha1.DriftAction) {
	s.t.Helper()
	whole := func() bool {
		p := s.policy()
		return s.inPhase("a", v1alpha1.PhaseSucceeded)() && meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) &&
			!meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionDrifted)
	}
	hours := func(n int) bool {
		for range n {
			if s.pass(time.Hour); whole() {
				return true
			}
			s.one("while it mends")
		}
		return false
	}
	if (drift == v1alpha1.DriftCorrect || s.undo == nil || s.taken != nil && s.taken()) && hours(40) {
		return
	}
	s.stands("although nobody takes it back")
	if s.undo != nil {
		s.undo()
	}
	if hours(60) {
		return
	}
	s.retryWave()
	if !hours(60) {
		s.t.Errorf("P6 deadlock: %s", s.stand())
	}
}

// retryWave is what a stopped wave's message asks for.
func (s *sweeper) retryWave() { s.ask(v1alpha1.AnnotationRetry) }

func (s *sweeper) ask(annotation string) {
	w := s.wave("a")
	s.edit(w, func() {
		if w.Annotations == nil {
			w.Annotations = map[string]string{}
		}
		w.Annotations[annotation] = s.clock.Now().Format(time.RFC3339)
	})
}

// rollsBack asks for a rollback and judges that the revision leaves every device.
func (s *sweeper) rollsBack() {
	s.t.Helper()
	s.ask(v1alpha1.AnnotationRollback)
	for range sweepBound {
		s.pass(time.Hour)
		if !s.anyRevised() {
			return
		}
	}
	s.t.Errorf("P9 a rollback leaves devices on the revision after %d h: %s", sweepBound, s.stand())
}

// anyRevised says that some device of the wave has a revision that is not stable.
func (s *sweeper) anyRevised() bool {
	p := s.policy()
	for _, o := range p.Status.Objects {
		stable := slices.ContainsFunc(p.Status.Revisions, func(r v1alpha1.RevisionStatus) bool {
			return r.Number == o.Revision && r.State == v1alpha1.RevisionStable
		})
		if o.Revision == 0 || stable || o.ID == "" {
			continue
		}
		devices, err := s.sim.Reached(o.ID)
		if err == nil && slices.ContainsFunc(devices, func(d string) bool { return s.audience[d] }) {
			return true
		}
	}
	return false
}

// expectedBroken are cases, by their names, that break a promise, with the promise and why.
var expectedBroken = []struct {
	match   *regexp.Regexp
	promise string
}{}

func TestForeignEditSweep(t *testing.T) {
	n := 0
	for _, phase := range sweepPhases {
		for _, e := range foreignEdits() {
			for _, drift := range []v1alpha1.DriftAction{v1alpha1.DriftCorrect, v1alpha1.DriftReport} {
				for _, rollback := range []bool{false, true} {
					name := fmt.Sprintf("%s/%s/%s/rollback=%t", e.name, phase.name, drift, rollback)
					if n++; n%sweepShare != 0 && os.Getenv("TIDEGATE_SWEEP") != "all" {
						continue
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						compared(t, name, func(t testing.TB) { sweep(t, phase.to, e, drift, rollback) })
					})
				}
			}
		}
	}
}

// trial collects what a case finds, so that a case that is expected to fail can be told from one that does not.
type trial struct {
	testing.TB
	found []string
}

func (t *trial) Errorf(format string, args ...any) {
	t.found = append(t.found, fmt.Sprintf(format, args...))
}

// compared runs a case and compares what it finds with what is known of it.
func compared(t *testing.T, name string, body func(testing.TB)) {
	t.Helper()
	tr := &trial{TB: t}
	body(tr)
	promise := ""
	for _, b := range expectedBroken {
		if b.match.MatchString(name) {
			promise = b.promise
		}
	}
	switch {
	case promise != "" && len(tr.found) == 0:
		t.Errorf("holds now: narrow its entry in expectedBroken (%s)", promise)
	case promise != "":
		t.Logf("is broken, as expected (%s): %s", promise, tr.found[0])
	default:
		for _, f := range tr.found {
			t.Error(f)
		}
	}
}

func sweep(t testing.TB, to func(*sweeper), e foreign, drift v1alpha1.DriftAction, rollback bool) {
	s := &sweeper{lab: newLab(t, calm(group("A", 24), group("B", 12), group("Other", 6)))}
	p := newPolicy()
	p.Spec.Drift = drift
	s.apply(s.newTenant(), p, newWave("a", "A"), newWave("b", "B", "a"))
	b := s.wave("b")
	s.edit(b, func() { b.Spec.Paused = true }) // revision 1 is not proven, so that a rollback takes it back
	to(s)
	s.find()
	s.one("before the edit")
	since := len(s.events)
	e.do(s)
	if rollback {
		s.rollsBack()
		return
	}
	s.pass(time.Minute)
	for range 2 {
		s.pass(30 * time.Minute)
		s.one("after the edit")
	}
	if !s.told(since) && !s.mute {
		t.Errorf("P6 no event: %s; events %v", s.stand(), s.events[since:])
	}
	if drift == v1alpha1.DriftReport && e.ofObject() {
		s.stands("an hour after the edit")
	}
	s.mends(drift)
}
