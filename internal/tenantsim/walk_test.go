// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// The walk goes through every route of the tenant, in each version that has it,
// and holds it against the types of Microsoft Graph: what the metadata lets a
// caller write comes back or is refused, changes merge, what can be made can be
// read, changed, deleted and listed, and nothing is invented. It finds routes by
// itself: a new one needs a row in graphschema, and a specimen when it makes
// something.

// walker drives one tenant in one version.
type walker struct {
	*tenant
	version string
	schema  *graphschema.Schema
	found   *gapBook
	group   string // an id
	// made are objects to read by collection, deletedGroup is in the bin.
	made         map[string]string
	deletedGroup string
	// kind is what the objects of the pattern are now, where they can be of
	// several types; empty: the first specimen's.
	kind, pattern string
	// lists counts the changes of each list of objects that were taken.
	lists map[string]int
}

func newWalker(t *testing.T, version string, book *gapBook) *walker {
	t.Helper()
	schema, err := graphschema.Load(version)
	if err != nil {
		t.Fatal(err)
	}
	tt := newTenant(t, Options{Devices: 12, Scenario: quiet(GroupSpec{DisplayName: "Walk", Count: 5})})
	return &walker{tenant: tt, version: version, schema: schema, found: book, group: tt.groupID("Walk"), lists: map[string]int{}}
}

// raw sends any body as it is, without looking whether it fits.
func (w *walker) raw(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = testHost
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("ConsistencyLevel", "eventual")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	out := httptest.NewRecorder()
	w.sim.Handler().ServeHTTP(out, r)
	return out
}

// send sends a body and decodes the answer.
func (w *walker) send(method, pattern string, body any) (int, object, string) {
	raw, err := json.Marshal(body)
	if err != nil {
		w.Fatal(err)
	}
	if body == nil {
		raw = nil
	}
	got := w.raw(method, "/"+w.version+"/"+pattern, string(raw))
	out := object{}
	if err := json.Unmarshal(got.Body.Bytes(), &out); err != nil {
		out = nil
	}
	return got.Code, out, got.Body.String()
}

// collections are the patterns at which something can be made.
func collections(version string) []string {
	var out []string
	for _, r := range routes {
		last := path.Base(r.pattern)
		if r.method == post && (version == "beta" || !r.betaOnly) && !operations[last] && !strings.ContainsAny(last, "${") {
			out = append(out, r.pattern)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func hasRoute(version, method, pattern string) bool {
	return slices.ContainsFunc(routes, func(r route) bool {
		return r.method == method && r.pattern == pattern && (version == "beta" || !r.betaOnly)
	})
}

// specimen is what the walk must know of a kind of object.
type specimen struct {
	// body is the least that can be made; %d is a number of its own. Of what can
	// only be changed it holds the type, and kind names it.
	body, kind string
	// values replace what the walk would write into a member: two of them.
	values map[string][2]any
	// computed members are the service's: what a caller writes is ignored, as it
	// sends back what it read.
	computed []string
	// defaults are what a member holds that nobody sent.
	defaults object
	// touch is a change that every version takes.
	touch object
	// moves are members that a change of another moves too.
	moves map[string][]string
}

// fill makes the pattern's keys real: the newest object of each collection.
func (w *walker) fill(pattern string) (string, bool) {
	var at []string
	for _, segment := range strings.Split(pattern, "/") {
		if !strings.HasPrefix(segment, "{") {
			at = append(at, segment)
			continue
		}
		id := w.anID(strings.Join(at, "/"))
		if id == "" {
			return "", false
		}
		at = append(at, id)
	}
	return strings.Join(at, "/"), true
}

// anID finds or makes an object of a collection.
func (w *walker) anID(collection string) string {
	switch {
	case strings.HasSuffix(collection, "authenticationMethodConfigurations"):
		return "fido2"
	case strings.HasSuffix(collection, "servicePrincipals"):
		return w.sim.PrincipalID()
	case strings.HasSuffix(collection, "users"):
		return w.sim.users[0].id.String()
	}
	if w.patternOf(collection) != "" {
		if id := text(w.create(collection, nil), "id"); id != "" {
			return id
		}
	}
	_, list, _ := w.send(get, collection, nil)
	for _, item := range objects(list["value"]) {
		if id := text(item, "id"); id != "" {
			return id
		}
	}
	return ""
}

// patternOf finds the collection that a real path is of, if something can be made
// there.
func (w *walker) patternOf(collection string) string {
	for _, p := range collections(w.version) {
		if _, _, ok := bind(strings.Split(p, "/"), strings.Split(collection, "/")); ok {
			return p
		}
	}
	return ""
}

// specimen is what is known of the objects of a pattern, of the kind that is
// walked.
func (w *walker) specimen(pattern string) (specimen, bool) {
	if w.kind != "" && pattern == w.pattern {
		pattern += " " + w.kind
	}
	sp, known := specimens[pattern]
	return sp, known
}

// known is the specimen of a pattern, empty if there is none.
func (w *walker) known(pattern string) specimen {
	sp, _ := w.specimen(pattern)
	return sp
}

// minimal is the least body of a collection with members on top.
func (w *walker) minimal(pattern string, extra object) object {
	sp, known := w.specimen(pattern)
	if !known {
		w.Fatalf("%s can be made and has no specimen: add one to specimens", pattern)
	}
	walkNumber++
	var body object
	if err := json.Unmarshal([]byte(strings.ReplaceAll(sp.body, "%d", fmt.Sprint(walkNumber))), &body); err != nil {
		w.Fatalf("specimen of %s: %v", pattern, err)
	}
	w.realIDs(body)
	maps.Copy(body, extra)
	return body
}

var walkNumber int

// realIDs replaces the words that stand for objects of the tenant.
func (w *walker) realIDs(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if id := w.realID(inner); id != "" {
				v[name] = id
				continue
			}
			w.realIDs(inner)
		}
	case []any:
		for i, inner := range v {
			if id := w.realID(inner); id != "" {
				v[i] = id
				continue
			}
			w.realIDs(inner)
		}
	}
}

// realID is what a word stands for; empty: for itself. Of definitions each is
// another: a configuration holds one only once.
func (w *walker) realID(word any) string {
	switch word {
	case "GROUP":
		return w.group
	case "DEFINITION":
		all := w.sim.admxDefinitions()
		return graphAddress + "('" + all[walkNumber%len(all)].id + "')"
	default:
		return ""
	}
}

// create makes an object; it must work.
func (w *walker) create(collection string, extra object) object {
	status, out, raw := w.send(post, collection, w.minimal(w.patternOf(collection), extra))
	if status != http.StatusCreated {
		w.Fatalf("POST %s: the specimen is refused: %d %s", collection, status, raw)
	}
	return out
}

// discard removes what the walk made, and makes room where few are allowed.
func (w *walker) discard(collection, id string) {
	if id != "" && w.patternOf(collection) != "" && w.removable(w.patternOf(collection)) {
		w.send(del, collection+"/"+id, nil)
	}
}

// TestWalkKnowsEveryRoute: the bodies of every route are known.
func TestWalkKnowsEveryRoute(t *testing.T) {
	for _, r := range routes {
		versions := []string{"beta", "v1.0"}
		if r.betaOnly {
			versions = versions[:1]
		}
		for _, version := range versions {
			if _, _, known := graphschema.Bodies(version, r.method, r.pattern); !known && !r.refusesAlways() {
				t.Errorf("%s /%s/%s: add what its bodies are to graphschema's routes", r.method, version, r.pattern)
			}
		}
	}
}

// refusesAlways marks routes that exist to say no in the service's words.
func (r *route) refusesAlways() bool {
	return strings.HasSuffix(r.pattern, "managedDevices/$count") || strings.HasSuffix(r.pattern, "/settings/{n}")
}

// TestWalkLifeCycles: what can be made can be listed, read, changed and deleted by
// its id, and is gone after that; a reference that can be added can be listed and
// removed.
func TestWalkLifeCycles(t *testing.T) {
	book := newGapBook("life")
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, book)
		for _, pattern := range collections(version) {
			for method, at := range map[string]string{"list": pattern, "read": pattern + "/{id}", "change": pattern + "/{id}", "delete": pattern + "/{id}"} {
				verb := map[string]string{"list": get, "read": get, "change": patc, "delete": del}[method]
				if !slices.ContainsFunc(routes, func(r route) bool {
					return r.method == verb && (version == "beta" || !r.betaOnly) && sameShape(r.pattern, at)
				}) {
					book.hit(pattern+" "+method, "no route %s %s", verb, at)
				}
			}
			w.eachKind(pattern, func(string) { w.lifeCycle(pattern) })
		}
		for _, r := range routes {
			at, isRef := strings.CutSuffix(r.pattern, "/$ref")
			if r.method != post || !isRef || r.betaOnly && version != "beta" {
				continue
			}
			if !hasRoute(version, get, at) {
				book.hit(at+" list", "references are added and cannot be listed")
			}
			if !slices.ContainsFunc(routes, func(o route) bool { return o.method == del && sameShape(o.pattern, at+"/{x}/$ref") }) {
				book.hit(at+" delete", "references are added and cannot be removed")
			}
		}
	}
	book.close(t)
}

// sameShape compares patterns without the names of keys.
func sameShape(a, b string) bool {
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	return slices.EqualFunc(x, y, func(p, q string) bool { return p == q || p[0] == '{' && q[0] == '{' })
}

// lifeCycle lives one object through.
func (w *walker) lifeCycle(pattern string) {
	collection, ok := w.fill(pattern)
	if !ok {
		w.found.hit(pattern, "no object for a key of %s", pattern)
		return
	}
	made := w.create(collection, nil)
	id := text(made, "id")
	item := collection + "/" + id
	listed := func() bool {
		_, list, _ := w.send(get, collection+"?$top=200", nil)
		return slices.ContainsFunc(objects(list["value"]), func(o object) bool { return text(o, "id") == id })
	}
	if !listed() {
		w.found.hit(pattern+" list", "what was made is not listed")
	}
	if status, got, _ := w.send(get, item, nil); status != http.StatusOK || text(got, "id") != id {
		w.found.hit(pattern+" read", "read by id: %d", status)
	}
	if status, _, raw := w.send(del, item, nil); status >= 300 {
		w.found.hit(pattern+" delete", "delete by id: %d %.200s", status, raw)
		return
	}
	if status, _, _ := w.send(get, item, nil); status != http.StatusNotFound {
		w.found.hit(pattern+" delete", "after the delete a read answers %d", status)
	}
	if listed() {
		w.found.hit(pattern+" delete", "after the delete it is still listed")
	}
	if status, _, _ := w.send(del, item, nil); status != http.StatusNotFound {
		w.found.hit(pattern+" delete", "a second delete answers %d", status)
	}
}

// TestWalkMembers: every member that the metadata has, at every depth, written when
// an object is made and by a change, comes back or is refused by its name; a change
// leaves all other members as they were.
func TestWalkMembers(t *testing.T) {
	book := newGapBook("members")
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, book)
		for _, pattern := range collections(version) {
			if collection, ok := w.fill(pattern); ok { // else TestWalkLifeCycles tells
				w.eachKind(pattern, func(request string) {
					w.members(pattern, request, nil, func(at []string, kind string) { w.member(pattern, collection, at, kind) })
				})
			}
		}
		w.standing()
		w.replacing()
	}
	book.close(t)
}

// standing walks what can be changed and not made.
func (w *walker) standing() {
	for i := range routes {
		r := &routes[i]
		if r.method != patc || w.version == "v1.0" && r.betaOnly || r.refusesAlways() || slices.ContainsFunc(collections(w.version), func(c string) bool { return sameShape(c+"/{id}", r.pattern) }) {
			continue
		}
		if _, known := specimens[r.pattern]; !known {
			w.Errorf("%s can be changed, cannot be made, and has no specimen: add one to specimens", r.pattern)
			continue
		}
		item, ok := w.fill(r.pattern)
		if !ok {
			continue // the tenant has none
		}
		w.eachKind(r.pattern, func(request string) {
			w.members(r.pattern, request, nil, func(at []string, kind string) {
				key := w.key(r.pattern, at)
				first, second := w.values(r.pattern, strings.Join(at, "."), kind)
				w.change(key, r.pattern, item, at, first)
				w.change(key, r.pattern, item, at, second)
			})
		})
	}
}

// members walks the members of a type, which is a part of the object at a path.
func (w *walker) members(pattern, kind string, at []string, visit func(at []string, kind string)) {
	members := w.schema.MembersOf("graph." + w.schema.Concrete(strings.TrimPrefix(kind, "graph.")))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		at, kind := append(slices.Clone(at), name), members[name]
		_, given := w.known(pattern).values[strings.Join(at, ".")]
		switch {
		case strings.HasPrefix(kind, "nav:") && !given, slices.Contains(w.known(pattern).computed, strings.Join(at, ".")):
		case !given && len(at) < 4 && w.schema.MembersOf(kind) != nil:
			w.members(pattern, kind, at, visit)
		default:
			visit(at, strings.TrimPrefix(kind, "nav:"))
		}
	}
}

// member writes one member in both ways.
func (w *walker) member(pattern, collection string, at []string, kind string) {
	key := w.key(pattern, at)
	first, second := w.values(pattern, strings.Join(at, "."), kind)
	body := w.minimal(pattern, nil)
	merge(body, w.nested(pattern, at, first))
	status, made, raw := w.send(post, collection, body)
	switch {
	case status >= 500:
		w.found.hit(key, "POST answers %d: %.200s", status, raw)
	case status >= 400:
		w.named(key, at, raw)
	case !comesBack(first, lookAt(made, at)):
		w.found.hit(key, "POST answers %d with %v, sent %v", status, lookAt(made, at), first)
	default:
		if _, got, _ := w.send(get, collection+"/"+text(made, "id")+"?$select="+at[0], nil); !comesBack(first, lookAt(got, at)) {
			w.found.hit(key, "is read as %v, sent %v", lookAt(got, at), first)
		}
	}
	if status < 400 {
		w.discard(collection, text(made, "id"))
	}
	if w.patchable(pattern) {
		id := text(w.create(collection, nil), "id")
		// False alone would be what it is already, and of a list only the second
		// value tells whether it is replaced.
		if kind == "Edm.Boolean" || strings.HasPrefix(kind, "[]") {
			w.change(key, pattern, collection+"/"+id, at, first)
		}
		w.change(key, pattern, collection+"/"+id, at, second)
		w.discard(collection, id)
	}
}

func (w *walker) removable(pattern string) bool {
	return slices.ContainsFunc(routes, func(r route) bool {
		return r.method == del && sameShape(r.pattern, pattern+"/{id}") && (w.version == "beta" || !r.betaOnly)
	})
}

func (w *walker) patchable(pattern string) bool {
	return slices.ContainsFunc(routes, func(r route) bool {
		return r.method == patc && sameShape(r.pattern, pattern+"/{id}") && (w.version == "beta" || !r.betaOnly)
	})
}

// change writes one member of an object that exists, and looks at all others.
func (w *walker) change(key, pattern, item string, at []string, value any) {
	_, before, _ := w.send(get, item, nil)
	_, old, _ := w.send(get, item+"?$select="+at[0], nil) // some members show only when asked for
	if isObjects(value) {
		w.lists[key] += 0
	}
	digest := w.sim.ConfigDigest()
	status, _, raw := w.send(patc, item, w.nested(pattern, at, value))
	switch {
	case status >= 500:
		w.found.hit(key, "PATCH answers %d: %.200s", status, raw)
		return
	case status >= 400:
		w.named(key, at, raw)
		return
	}
	_, after, _ := w.send(get, item, nil)
	_, lone, _ := w.send(get, item+"?$select="+at[0], nil)
	if isObjects(value) {
		w.lists[key]++
	}
	if got := lookAt(lone, at); !comesBack(value, got) {
		w.found.hit(key, "PATCH answers %d, then it is read as %v, sent %v", status, got, value)
		return
	}
	if !comesBack(value, lookAt(old, at)) && w.sim.ConfigDigest() == digest && !strings.HasSuffix(pattern, "exportJobs") {
		w.found.hit(key, "PATCH changes it and not the digest of the configuration")
	}
	was, is := map[string]any{}, map[string]any{}
	leaves(was, "", before)
	leaves(is, "", after)
	for _, other := range sortedKeys(was) {
		if w.moves(pattern, strings.Join(at, "."), other) || reflect.DeepEqual(was[other], is[other]) {
			continue
		}
		w.found.hit(key, "PATCH of it makes %s %v, it was %v", other, is[other], was[other])
	}
}

// moves reports whether a change may move another member: the changed one itself,
// what changes with everything, and what the specimen says.
func (w *walker) moves(pattern, changed, other string) bool {
	root, _, _ := strings.Cut(other, ".")
	return other == changed || strings.HasPrefix(other, changed+".") || slices.Contains(movingMembers, root) || slices.Contains(w.known(pattern).moves[changed], root)
}

// nested is a body that names one member.
func (w *walker) nested(pattern string, at []string, value any) object {
	out := value
	for i := len(at) - 1; i >= 0; i-- {
		out = object{at[i]: out}
	}
	body, _ := out.(object)
	var sample object
	if err := json.Unmarshal([]byte(w.known(pattern).body), &sample); err == nil && sample[odata.TypeAnnotation] != nil {
		body[odata.TypeAnnotation] = sample[odata.TypeAnnotation]
	}
	return body
}

// merge puts what is in extra into body, at every depth.
func merge(body, extra object) {
	for name, value := range extra {
		inner, ok := value.(object)
		into, both := body[name].(map[string]any)
		if ok && both {
			merge(into, inner)
			continue
		}
		body[name] = value
	}
}

func lookAt(v any, at []string) any {
	for _, name := range at {
		o, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

// leaves collects what is neither an object nor empty, by path.
func leaves(into map[string]any, at string, v any) {
	if o, ok := v.(map[string]any); ok {
		for name, inner := range o {
			if !strings.Contains(name, "@") {
				leaves(into, strings.TrimPrefix(at+"."+name, "."), inner)
			}
		}
		return
	}
	if !isEmpty(v) {
		into[at] = v
	}
}

// movingMembers change with every change.
var movingMembers = []string{"lastModifiedDateTime", "modifiedDateTime", "version", "@odata.etag"}

// named wants a refusal to say which member it is about.
func (w *walker) named(key string, at []string, raw string) {
	plain := strings.ToLower(strings.ReplaceAll(raw, " ", ""))
	if !slices.ContainsFunc(at, func(name string) bool { return strings.Contains(plain, strings.ToLower(name)) }) {
		w.found.hit(key, "the refusal does not name it: %.300s", raw)
	}
	if goText(raw) != "" {
		w.found.hit(key, "the refusal comes from Go: %.300s", raw)
	}
}

// TestWalkNothingIsInvented: a member that was not sent is null, empty or its
// documented default.
func TestWalkNothingIsInvented(t *testing.T) {
	book := newGapBook("invented")
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, book)
		for _, pattern := range collections(version) {
			collection, ok := w.fill(pattern)
			if !ok {
				continue
			}
			w.eachKind(pattern, func(string) { w.invented(pattern, collection) })
		}
	}
	book.close(t)
}

func (w *walker) invented(pattern, collection string) {
	sent := w.minimal(pattern, nil)
	_, made, _ := w.send(post, collection, sent)
	sp := w.known(pattern)
	for name, value := range made {
		if _, given := sent[name]; given || strings.Contains(name, "@") || slices.Contains(sp.computed, name) || isEmpty(value) {
			continue
		}
		if want, known := sp.defaults[name]; !known || !comesBack(plainJSON(want), value) {
			w.found.hit(w.key(pattern, []string{name}), "was not sent and is %v", value)
		}
	}
	for name, value := range sent {
		if got, there := made[name]; there && !comesBack(plainJSON(value), got) && !strings.Contains(name, "@") {
			w.found.hit(w.key(pattern, []string{name}), "was sent as %v and is %v", value, got)
		}
	}
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for name, inner := range v {
			if !strings.Contains(name, "@") && !isEmpty(inner) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func plainJSON(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	if json.Unmarshal(raw, &out) != nil {
		return v
	}
	return out
}

// comesBack reports whether what was sent is in what was answered: objects may
// have more members, times may be written otherwise.
func comesBack(sent, got any) bool {
	switch s := plainJSON(sent).(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for name, value := range s {
			nothing := value == nil || isEmpty(value) && isEmpty(g[name])
			if ok && !nothing && !strings.Contains(name, "@") && !comesBack(value, g[name]) {
				return false
			}
		}
		return ok
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(s, g, comesBack)
	case string:
		g, ok := got.(string)
		return ok && (s == g || sameTime(s, g))
	default:
		return reflect.DeepEqual(s, got)
	}
}

func sameTime(a, b string) bool {
	for _, layout := range []string{time.RFC3339Nano, "15:04:05.9999999"} {
		x, err := time.Parse(layout, a)
		y, err2 := time.Parse(layout, b)
		if err == nil && err2 == nil {
			return x.Equal(y)
		}
	}
	return false
}

// values are two values of a member's type.
func (w *walker) values(pattern, name, kind string) (any, any) {
	if v, ok := w.known(pattern).values[name]; ok {
		both := []any{plainJSON(v[0]), plainJSON(v[1])}
		w.realIDs(both)
		return both[0], both[1]
	}
	return w.value(kind, 1, 0), w.value(kind, 2, 0)
}

// value makes one.
func (w *walker) value(kind string, n, depth int) any {
	if element, ok := strings.CutPrefix(kind, "[]"); ok {
		return []any{w.value(element, n, depth)}
	}
	if v, ok := edmValues[kind]; ok {
		return v[n-1]
	}
	name := strings.TrimPrefix(kind, "graph.")
	if enum, ok := w.schema.Enums[name]; ok {
		members := slices.DeleteFunc(slices.Clone(enum.Members), func(m string) bool { return m == "unknownFutureValue" })
		return members[n%len(members)]
	}
	concrete := w.schema.Concrete(name)
	out := object{}
	if concrete != name {
		out[odata.TypeAnnotation] = "#microsoft.graph." + concrete
	}
	if depth == 3 {
		return out
	}
	for member, inner := range w.schema.MembersOf("graph." + concrete) {
		if !strings.HasPrefix(inner, "nav:") {
			out[member] = w.value(inner, n, depth+1)
		}
	}
	return out
}

var edmValues = map[string][2]any{
	"Edm.String": {"walk one", "walk two"}, "Edm.Boolean": {true, false}, "Edm.Int32": {7.0, 8.0}, "Edm.Int64": {7.0, 8.0}, "Edm.Byte": {1.0, 2.0}, "Edm.Double": {1.5, 2.5},
	"Edm.DateTimeOffset": {"2026-05-04T03:02:01Z", "2026-05-05T03:02:01Z"}, "Edm.Guid": {"0b4e1f6c-9d7a-4c55-8f3e-6a1d2c3b4a59", "1b4e1f6c-9d7a-4c55-8f3e-6a1d2c3b4a59"},
	"Edm.Binary": {"d2Fsaw==", "d2FsazI="}, "Edm.TimeOfDay": {"01:02:03", "02:02:03"}, "Edm.Date": {"2026-05-04", "2026-05-05"}, "Edm.Duration": {"PT1H", "PT2H"}, "Edm.Untyped": {nil, nil},
}
