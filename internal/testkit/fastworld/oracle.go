// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Violation is a promise that was broken.
type Violation struct {
	// Promise is its number in the design, such as P13.
	Promise string
	// At is the virtual time since Start, Step the number of reconciles so far.
	At   time.Duration
	Step int
	// What was seen. The first words are the same for every case of one kind.
	What string
}

// String is the violation in one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s at %s (step %d): %s", v.Promise, v.At.Round(time.Second), v.Step, v.What)
}

// Oracle judges a world by what its devices feel: whom the simulator's targeting engine counts as reached by each of our
// objects, at every moment at which that can change. It knows objects by the requests that made them, not by what any status
// says, and excuses what somebody else did to them as far as it was told.
type Oracle struct {
	// Violations so far. Of each kind the first is kept.
	Violations []Violation

	w        *World
	payloads []*payload
	groups   map[string]string // ids of managed groups to uids of waves
	let      map[string]bool   // ids of managed groups that an operator has deleted: one that is there again is whose who restored it
	devices  map[string]string // managed device ids to object ids
	owners   map[string]string // object ids of devices to ids of their primary users
	systems  map[string]string // object ids of managed devices to their operating system
	members  map[string]map[string]bool
	once     map[string]map[string]bool      // who ever was a member of a group
	joined   map[string]map[string]time.Time // when somebody became one, since the start
	groupIDs map[string]string               // the tenant's own groups by name

	now      map[string][]*payload // by object id: what reaches it
	exposers map[string]map[string]bool
	ledgered map[string]bool // devices that some ledger ever called exposed
	takeback map[string]bool // uids of waves that took devices back
	dropped  map[string]bool // devices that somebody excluded
	reverted map[string]bool // policies whose spec went back to an earlier payload
	foreign  map[string]bool // payloads, groups and devices that others changed
	promoted map[string]int
	phases   map[string]v1alpha1.WavePhase
	pending  []addition
	rewrites bool
	written  time.Time                 // when somebody last wrote to the tenant
	tampered map[string]map[int32]bool // attempts whose ledgers somebody changed, by uids of waves
	wrong    map[string]time.Time      // since when a device has not what some status says, by what is wrong
}

// payload is one of our objects in the tenant.
type payload struct {
	id, name, policy, platform string
	revision                   int
	hold, gone                 bool
	values                     map[string]string
	text                       string // its description, as it was made
}

// addition is a device that an operator asked to be put into a managed group.
type addition struct{ group, device string }

func newOracle(w *World) *Oracle {
	o := &Oracle{w: w, groups: map[string]string{}, let: map[string]bool{}, devices: map[string]string{}, members: map[string]map[string]bool{}, groupIDs: map[string]string{},
		now: map[string][]*payload{}, exposers: map[string]map[string]bool{}, ledgered: map[string]bool{}, takeback: map[string]bool{},
		dropped: map[string]bool{}, reverted: map[string]bool{}, foreign: map[string]bool{}, promoted: map[string]int{}, phases: map[string]v1alpha1.WavePhase{},
		owners: map[string]string{}, systems: map[string]string{}, once: map[string]map[string]bool{}, joined: map[string]map[string]time.Time{},
		tampered: map[string]map[int32]bool{}, wrong: map[string]time.Time{}}
	all := w.Sim.Snapshot(true)
	for _, d := range all.Devices {
		if d.ManagedID != "" {
			o.devices[d.ManagedID] = d.ObjectID
			o.owners[d.ObjectID], o.systems[d.ObjectID] = d.Facts.PrimaryUser, d.Facts.OperatingSystem
		}
	}
	for _, g := range all.Groups {
		o.groupIDs[g.DisplayName] = g.ID
	}
	for _, g := range all.Groups {
		o.members[g.ID] = o.membersOf(g.ID)
		o.once[g.ID], o.joined[g.ID] = maps.Clone(o.members[g.ID]), map[string]time.Time{}
	}
	return o
}

// membersOf reads the devices and users of a group of the tenant's own, at the start, when every read sees everything.
func (o *Oracle) membersOf(id string) map[string]bool {
	out := map[string]bool{}
	for next := "/v1.0/groups/" + id + "/transitiveMembers?$top=999"; next != ""; {
		var page struct {
			Value []struct{ ID string }
			Next  string `json:"@odata.nextLink"`
		}
		if err := o.w.Portal(http.MethodGet, next, "", &page); err != nil {
			panic(err) // the tenant is idle and well
		}
		for _, m := range page.Value {
			out[m.ID] = true
		}
		for _, id := range o.groupIDs { // a group within is a member, too
			delete(out, id)
		}
		next = strings.TrimPrefix(page.Next, origin)
	}
	return out
}

// GroupID is the id of a group that the scenario made.
func (o *Oracle) GroupID(name string) string { return o.groupIDs[name] }

// Members are the devices of a group of the tenant's own, by object id, in order.
func (o *Oracle) Members(name string) []string {
	return slices.Sorted(maps.Keys(o.members[o.groupIDs[name]]))
}

// Payloads are the ids of our objects that the tenant has, in the order in which they were made.
func (o *Oracle) Payloads() []string {
	var out []string
	for _, p := range o.payloads {
		if !p.gone {
			out = append(out, p.id)
		}
	}
	return out
}

// Texts are the descriptions that our objects had when they were made, by id, of those that have another one now.
func (o *Oracle) Texts() map[string]string {
	out := map[string]string{}
	for _, p := range o.w.Sim.Snapshot(false).Policies {
		for _, known := range o.payloads {
			if known.id == p.ID && known.text != p.Description {
				out[p.ID] = known.text
			}
		}
	}
	return out
}

// Groups are the ids of managed groups that were made, in order, with those that are gone.
func (o *Oracle) Groups() []string { return slices.Sorted(maps.Keys(o.groups)) }

// Asked are the devices that an operator put into the groups of a wave, in order.
func (o *Oracle) Asked(uid string) []string {
	var out []string
	for device, waves := range o.exposers {
		if waves[uid] {
			out = append(out, device)
		}
	}
	slices.Sort(out)
	return out
}

// Foreign excuses objects, groups and devices, by id, from what somebody else's edit does to them: for good, or until
// Forgive.
func (o *Oracle) Foreign(ids ...string) {
	for _, id := range ids {
		o.foreign[id] = true
	}
}

// ForeignGroup is Foreign for a managed group and every device that was put into a group of its wave.
func (o *Oracle) ForeignGroup(id string) {
	o.Foreign(id)
	o.Foreign(o.Asked(o.groups[id])...)
}

// Excluded tells that a person excluded devices: they may lose what they have.
func (o *Oracle) Excluded(devices ...string) {
	for _, d := range devices {
		o.dropped[d] = true
	}
}

// Reverted tells that a policy's spec went back to a payload that it had asked for before.
func (o *Oracle) Reverted(policy string) { o.reverted[policy] = true }

// Broke notes a broken promise. The first words of what tell its kind; each kind is kept once.
func (o *Oracle) Broke(promise, what string, args ...any) {
	v := Violation{Promise: promise, At: o.w.Clock.Now().Sub(Start), Step: o.w.Steps, What: fmt.Sprintf(what, args...)}
	for _, known := range o.Violations {
		if known.Kind() == v.Kind() {
			return
		}
	}
	o.w.tell("BROKEN %s: %s", promise, v.What)
	o.Violations = append(o.Violations, v)
}

// Kind is what violations of one kind have in common: the promise and the words before the first colon.
func (v Violation) Kind() string {
	head, _, _ := strings.Cut(v.What, ":")
	return v.Promise + " " + head
}

var (
	groupPath  = regexp.MustCompile(`/groups/([0-9a-f-]{36})(/members/\$ref)?$`)
	groupName  = regexp.MustCompile(`uniqueName='tidegate-([0-9a-f-]{36})`)
	memberLink = regexp.MustCompile(`(?:directoryObjects|devices|users)/([0-9a-f-]{36})`)
)

// observe sees what an operator asked of the tenant and what was answered. Requests may run side by side.
func (w *World) observe(r *http.Request, write *Write, answer *httptest.ResponseRecorder) {
	if write == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.Oracle
	if strings.HasSuffix(write.Path, "/$batch") {
		for _, p := range batched([]byte(write.Body)) {
			o.request(p.Method, p.URL, string(p.Body))
		}
		return
	}
	o.request(write.Method, r.URL.Path, write.Body)
	if m := groupPath.FindStringSubmatch(r.URL.Path); m != nil && m[2] == "" && write.Method == http.MethodDelete &&
		(answer.Code < http.StatusMultipleChoices || answer.Code == http.StatusNotFound) { // or somebody was first
		o.let[m[1]] = true
	}
	var made struct{ ID, Name string }
	if answer.Code >= http.StatusMultipleChoices || json.Unmarshal(answer.Body.Bytes(), &made) != nil {
		return
	}
	if m := groupName.FindStringSubmatch(r.URL.Path); m != nil && made.ID != "" {
		o.groups[made.ID] = m[1]
	}
	if write.Method == http.MethodPost && strings.HasSuffix(write.Path, "/configurationPolicies") {
		o.made(made.ID, made.Name)
	}
}

func (o *Oracle) made(id, name string) {
	platform, revision, ok := roleOf(name)
	if !ok {
		panic("fastworld: the operator made a policy of a name that says nothing: " + name)
	}
	owner, _, _ := strings.Cut(strings.TrimPrefix(name, "Tidegate "+Namespace+"/"), " ")
	o.payloads = append(o.payloads, &payload{id: id, name: name, policy: owner, platform: platform, revision: revision, hold: revision == 0})
	o.rewrites = true
}

func (o *Oracle) request(method, path, body string) {
	if strings.Contains(path, "/configurationPolicies") && method != http.MethodDelete {
		o.rewrites = true
	}
	m := groupPath.FindStringSubmatch(path)
	if m == nil || method != http.MethodPatch && method != http.MethodPost {
		return
	}
	for _, link := range memberLink.FindAllStringSubmatch(body, -1) {
		o.pending = append(o.pending, addition{m[1], link[1]})
	}
}

// look judges what reaches the devices at this moment.
func (o *Oracle) look() {
	next := map[string][]*payload{}
	for _, p := range o.payloads {
		if p.gone {
			continue
		}
		reached, err := o.w.Sim.Reached(p.id)
		if err != nil {
			p.gone = true
			continue
		}
		for _, managed := range reached {
			device := o.devices[managed]
			next[device] = append(next[device], p)
		}
	}
	before := o.now
	o.now = next
	for _, device := range slices.Sorted(maps.Keys(next)) {
		o.judge(device, before[device], next[device])
	}
	for _, device := range slices.Sorted(maps.Keys(before)) {
		o.losses(device, before[device], next[device])
	}
}

// judge is P1 and P2 for one device.
func (o *Oracle) judge(device string, before, now []*payload) {
	if o.isForeign(device) {
		return
	}
	clean := slices.DeleteFunc(slices.Clone(now), func(p *payload) bool { return o.foreign[p.id] })
	for i, p := range clean {
		for _, other := range clean[:i] {
			if p.platform == other.platform && (p.policy == other.policy || !o.moved(device)) {
				o.Broke("P1", "a device has two payloads: %s is reached by %q and %q (before: %s)", o.who(device), other.name, p.name, names(before))
			}
		}
		if !p.hold && len(o.exposersOf(device)) == 0 {
			o.Broke("P2", "a device has a revision that no operator gave it: %s is reached by %q", o.who(device), p.name)
		}
	}
}

// losses is P13 for one device.
func (o *Oracle) losses(device string, before, now []*payload) {
	for _, p := range before {
		if p.hold || slices.Contains(now, p) || o.mayLose(device, p, now) {
			continue
		}
		o.Broke("P13", "a device lost what it has: %s of waves %s is no longer reached by %q, but by [%s]", o.who(device), o.wavesOf(device), p.name, names(now))
	}
}

func (o *Oracle) mayLose(device string, p *payload, now []*payload) bool {
	if o.isForeign(device) || o.foreign[p.id] || o.isDropped(device) || o.reverted[p.policy] {
		return true
	}
	policy := o.policy(p.policy)
	if policy == nil || policy.DeletionTimestamp != nil {
		return true
	}
	if slices.ContainsFunc(now, func(q *payload) bool { return !q.hold && q.platform == p.platform }) {
		return true
	}
	if o.movedInto(p, device) {
		return true
	}
	for uid := range o.exposersOf(device) {
		wave := o.wave(uid)
		if o.takeback[uid] || wave == nil || wave.DeletionTimestamp != nil || wave.Annotations[v1alpha1.AnnotationRollback] != "" {
			return true
		}
	}
	return false
}

// movedInto says whether a wave has moved the device from the payload to a later one of the same policy that somebody else
// has edited: what was lost is lost by that edit, though the earlier payload is whole.
func (o *Oracle) movedInto(p *payload, device string) bool {
	return len(o.exposersOf(device)) > 0 && slices.ContainsFunc(o.payloads, func(q *payload) bool {
		return o.foreign[q.id] && q.policy == p.policy && q.platform == p.platform && q.revision > p.revision
	})
}

// after judges what a reconcile did: whom it exposed, what it decided, and what it wrote.
func (o *Oracle) after(writes []Write) {
	if len(writes) == 0 {
		return
	}
	for _, a := range o.pending {
		o.added(a)
	}
	o.pending = o.pending[:0]
	for _, wave := range o.w.Waves() {
		o.phase(wave)
	}
	ledgers, err := o.w.ledgers()
	if err != nil {
		o.Broke("P10", "a ledger cannot be read: %v", err)
	}
	o.sums()
	for _, attempts := range ledgers {
		for _, devices := range attempts {
			for _, d := range devices {
				o.ledgered[d] = true
			}
		}
	}
	if o.rewrites {
		o.rewrites = false
		o.compare()
	}
	if slices.ContainsFunc(writes, func(w Write) bool { return !w.Kube }) {
		o.written = o.w.Clock.Now()
		o.look()
	}
}

// added is P2 and P9 for one device that goes into a group of ours: judged by what the operator could know, which is its
// cache of the cluster.
func (o *Oracle) added(a addition) {
	uid := o.groups[a.group]
	if uid == "" {
		o.Broke("P6", "members were added to a group that is not ours: %s to %s", o.who(a.device), a.group)
		return
	}
	if o.unfounded(uid) {
		o.Broke("P10", "a wave whose ledger somebody changed exposes a device: %s by %s", o.who(a.device), uid)
	}
	again := o.exposers[a.device][uid]
	if o.exposers[a.device] == nil {
		o.exposers[a.device] = map[string]bool{}
	}
	o.exposers[a.device][uid] = true
	wave := o.seenWave(uid)
	if wave == nil {
		return // deleted: judged by what becomes of the group
	}
	policy := o.seenPolicy(wave.Spec.PolicyRef.Name)
	if policy == nil {
		return
	}
	o.audience(a.device, wave, policy, again)
	if !again { // else it is put back
		o.stopped(a.device, wave, policy)
	}
}

// audience is P2 for a device that goes into the group of a wave.
func (o *Oracle) audience(device string, wave *v1alpha1.PilotWave, policy *v1alpha1.PasskeyPolicy, again bool) {
	groups := wave.Spec.Audience.Groups
	if !o.wasIn(device, wave) {
		o.Broke("P2", "a device outside of the audience is exposed: %s by wave %s", o.who(device), wave.Name)
	}
	if o.excluded(device, groups.Exclude) || policy.Spec.Population != nil && o.excluded(device, policy.Spec.Population.Exclude) {
		o.Broke("P2", "an excluded device is exposed: %s by wave %s (again: %t)", o.who(device), wave.Name, again)
	}
}

// stopped is P9 for a device that goes into the group of a wave for the first time.
func (o *Oracle) stopped(device string, wave *v1alpha1.PilotWave, policy *v1alpha1.PasskeyPolicy) {
	tenant := &v1alpha1.Tenant{}
	err := o.w.operator.cache.Get(context.Background(), nameOf(policy.Spec.TenantRef.Name), tenant)
	suspended := err == nil && tenant.Spec.Suspend
	if wave.Spec.Paused || policy.Spec.Paused || policy.Spec.Suspend || suspended || wave.DeletionTimestamp != nil || policy.DeletionTimestamp != nil {
		o.Broke("P9", "a device is exposed while its wave is stopped: %s by wave %s (paused %t, policy paused %t or suspended %t, tenant suspended %t, deleted %v)",
			o.who(device), wave.Name, wave.Spec.Paused, policy.Spec.Paused, policy.Spec.Suspend, suspended, wave.DeletionTimestamp)
	}
}

// phase is P3: an attempt is promoted once.
func (o *Oracle) phase(w *v1alpha1.PilotWave) {
	uid := string(w.UID)
	was, is := o.phases[uid], w.Status.Phase
	o.phases[uid] = is
	if was == is {
		return
	}
	switch is {
	case v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete:
		o.takeback[uid] = true
	case v1alpha1.PhaseSucceeded:
		if was != v1alpha1.PhasePromoting {
			return
		}
		key := fmt.Sprint(uid, "/", w.Status.Attempt)
		if o.promoted[key]++; o.promoted[key] > 1 {
			o.Broke("P3", "an attempt is promoted twice: wave %s attempt %d", w.Name, w.Status.Attempt)
		}
	}
}

// compare is P13 for objects: what they hold is never written again with something else.
func (o *Oracle) compare() {
	for _, p := range o.w.Sim.Snapshot(false).Policies {
		i := slices.IndexFunc(o.payloads, func(q *payload) bool { return q.id == p.ID })
		if i < 0 {
			continue
		}
		known := o.payloads[i]
		if known.values == nil {
			known.values, known.text = maps.Clone(p.Values), p.Description
		}
		if !maps.Equal(known.values, p.Values) && !o.foreign[known.id] {
			o.Broke("P13", "an object is written again with another payload: %q had %v and has %v", known.name, known.values, p.Values)
		}
	}
}

func (o *Oracle) wave(uid string) *v1alpha1.PilotWave {
	for _, w := range o.w.Waves() {
		if string(w.UID) == uid {
			return w
		}
	}
	return nil
}

func (o *Oracle) policy(name string) *v1alpha1.PasskeyPolicy {
	p, _ := o.w.Object(Key{KindPolicy, name}).(*v1alpha1.PasskeyPolicy)
	return p
}

func (o *Oracle) seenWave(uid string) *v1alpha1.PilotWave {
	var list v1alpha1.PilotWaveList
	if err := o.w.operator.cache.List(context.Background(), &list); err != nil {
		return nil
	}
	for i := range list.Items {
		if string(list.Items[i].UID) == uid {
			return &list.Items[i]
		}
	}
	return nil
}

func (o *Oracle) seenPolicy(name string) *v1alpha1.PasskeyPolicy {
	p := &v1alpha1.PasskeyPolicy{}
	if err := o.w.operator.cache.Get(context.Background(), nameOf(name), p); err != nil {
		return nil
	}
	return p
}

// who names a device by its groups.
func (o *Oracle) who(device string) string {
	var in []string
	for name, id := range o.groupIDs {
		if slices.ContainsFunc(o.selves(device), func(s string) bool { return o.members[id][s] }) && name != Everyone {
			in = append(in, name)
		}
	}
	slices.Sort(in)
	return fmt.Sprintf("device %.8s (%s)", device, strings.Join(in, ", "))
}

func (o *Oracle) wavesOf(device string) string {
	var out []string
	for uid := range o.exposersOf(device) {
		if w := o.wave(uid); w != nil {
			out = append(out, fmt.Sprintf("%s (%s attempt %d)", w.Name, w.Status.Phase, w.Status.Attempt))
		} else {
			out = append(out, uid)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func names(payloads []*payload) string {
	out := make([]string, len(payloads))
	for i, p := range payloads {
		out[i] = p.name
	}
	return strings.Join(out, ", ")
}
