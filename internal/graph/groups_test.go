// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const alreadyMember = `{"error":{"code":"Request_BadRequest","message":"One or more added object references already exist for the following modified properties: 'members'."}}`

// TestGroupReads checks paths, queries and what is made of the answers.
func TestGroupReads(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		switch r.URL.Path {
		case "/v1.0/groups/g1", "/v1.0/groups(uniqueName='pilot')":
			answer(w, 200, groupJSON)
		case "/v1.0/groups":
			answer(w, 200, `{"value":[%s,{"id":"g2","displayName":"PILOT"},{"id":"g3","displayName":"Pilot 2"}]}`, groupJSON)
		case "/v1.0/groups/g1/transitiveMembers", "/v1.0/groups/g1/members":
			answer(w, 200, `{"value":[{"@odata.type":"#microsoft.graph.device","id":"d1","deviceId":"x1"},{"@odata.type":"#microsoft.graph.device","id":"d2","deviceId":null},
				{"@odata.type":"#microsoft.graph.user","id":"u1","displayName":null},{"@odata.type":"#microsoft.graph.group","id":"n1"},{"@odata.type":"#microsoft.graph.servicePrincipal","id":"s1"}]}`)
		default:
			answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"not here"}}`)
		}
	})
	c := testClient(t, srv.URL)
	want := Group{ID: "g1", DisplayName: "Pilot", UniqueName: "pilot", SecurityEnabled: true}
	for name, read := range map[string]func() (Group, error){
		"by id":          func() (Group, error) { return c.Group(t.Context(), "g1") },
		"by unique name": func() (Group, error) { return c.GroupByUniqueName(t.Context(), "pilot") },
	} {
		if g, err := read(); err != nil || !gocmp.Equal(g, want, cmpopts.IgnoreFields(Group{}, "Extra")) {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
	found, err := c.GroupsByDisplayName(t.Context(), "Pilot")
	if err != nil || len(found) != 2 {
		t.Errorf("by display name: %+v, %v", found, err)
	}
	members := []Member{{"d1", MemberDevice, "x1"}, {"d2", MemberDevice, ""}, {"u1", MemberUser, ""}, {"n1", MemberGroup, ""}, {"s1", MemberOther, ""}}
	got, err := c.TransitiveMembers(t.Context(), "g1")
	if diff := gocmp.Diff(members, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if direct, err := c.Members(t.Context(), "g1"); err != nil || len(direct) != 5 {
		t.Error(direct, err)
	}
	_, err = c.Group(t.Context(), "absent")
	wantKind(t, err, KindNotFound)

	if _, err := c.GroupsByDisplayName(t.Context(), "O'Neill & Söhne"); err != nil {
		t.Fatal(err)
	}
	last := srv.all()[srv.count()-1]
	if got := mustQuery(t, last.query).Get("$filter"); got != "displayName eq 'O''Neill & Söhne'" || strings.Contains(last.query, " ") {
		t.Errorf("filter %q in %q", got, last.query)
	}
}

// TestEmptyKeysAreRefused: a path without its key means the whole collection.
func TestEmptyKeysAreRefused(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(204) })
	c, ctx := testClient(t, srv.URL), t.Context()
	calls := map[string]func() error{
		"Group":          func() error { _, err := c.Group(ctx, ""); return err },
		"DeleteGroup":    func() error { return c.DeleteGroup(ctx, " ") },
		"AddMembers":     func() error { _, err := c.AddMembers(ctx, "g1", []string{"a", ""}); return err },
		"RemoveMembers":  func() error { return c.RemoveMembers(ctx, "g1", []string{""}) },
		"unique name":    func() error { _, _, err := c.UpsertGroup(ctx, "a'b", GroupSpec{DisplayName: "x"}); return err },
		"display name":   func() error { _, _, err := c.UpsertGroup(ctx, "ab", GroupSpec{}); return err },
		"DeletePolicy":   func() error { return c.DeleteConfigurationPolicy(ctx, "") },
		"PolicySettings": func() error { _, err := c.PolicySettings(ctx, ""); return err },
		"Assign":         func() error { _, err := c.Assign(ctx, "", nil); return err },
		"SyncDevice":     func() error { return c.SyncDevice(ctx, "") },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { wantKind(t, call(), KindInvalid) })
	}
	if srv.count() != 0 {
		t.Errorf("%d requests were sent", srv.count())
	}
}

// TestUpsertGroup: 201 answers with the group, 204 is read back while replicas lag.
func TestUpsertGroup(t *testing.T) {
	reads := 0
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.Method == http.MethodPatch && n == 1:
			answer(w, 201, groupJSON)
		case r.Method == http.MethodPatch:
			w.WriteHeader(204)
		default:
			if reads++; reads < 3 {
				answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"not yet"}}`)
				return
			}
			answer(w, 200, groupJSON)
		}
	})
	c := testClient(t, srv.URL)
	g, created, err := c.UpsertGroup(t.Context(), "pilot", GroupSpec{DisplayName: "Pilot"})
	if err != nil || !created || g.ID != "g1" {
		t.Errorf("%+v, %v, %v", g, created, err)
	}
	g, created, err = c.UpsertGroup(t.Context(), "pilot", GroupSpec{DisplayName: "Pilot"})
	if err != nil || created || g.ID != "g1" || reads != 3 {
		t.Errorf("%+v, %v, %v after %d reads", g, created, err, reads)
	}
	first := srv.all()[0]
	if first.header.Get("Prefer") != "create-if-missing" || first.path != "/v1.0/groups(uniqueName='pilot')" {
		t.Errorf("%s, Prefer %q", first.path, first.header.Get("Prefer"))
	}
	reads = -100
	_, _, err = c.UpsertGroup(t.Context(), "pilot", GroupSpec{DisplayName: "Pilot"})
	wantKind(t, err, KindTransient)
	if n := mailNickname(strings.Repeat("a", 40) + "." + strings.Repeat("b", 63)); n != strings.Repeat("b", 63) {
		t.Errorf("nickname %q", n)
	}
}

// directory is a group that behaves as contract g and contract-2 x.4 say; hidden hides the newest members from lists.
type directory struct {
	members []string
	hidden  map[string]bool
	// refuse are the objects that the tenant does not take, with status and text of its answer.
	refuse map[string]refusal
	// group is the answer to a read of the group.
	group string
}

type refusal struct {
	status int
	text   string
}

var (
	objectGone  = refusal{404, `{"error":{"code":"Request_ResourceNotFound","message":"Resource 'g1' does not exist or one of its queried reference-property objects are not present."}}`}
	objectWrong = refusal{400, `{"error":{"code":"Request_BadRequest","message":"The object type is not allowed in this group."}}`}
	objectNotMy = refusal{403, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`}
)

func refusing(r refusal, ids ...string) map[string]refusal {
	out := map[string]refusal{}
	for _, id := range ids {
		out[id] = r
	}
	return out
}

// serve answers the requests on members.
func (d *directory) serve(t *testing.T) func(int, http.ResponseWriter, *http.Request, string) {
	return func(_ int, w http.ResponseWriter, r *http.Request, body string) {
		switch {
		case r.Method == http.MethodPatch:
			d.bind(t, w, body)
		case r.Method == http.MethodPost:
			d.batch(t, w, body)
		case r.Method == http.MethodDelete:
			status, text := d.remove(r.URL.Path)
			answer(w, status, "%s", text)
		case !strings.HasSuffix(r.URL.Path, "/members"):
			answer(w, 200, "%s", cmp.Or(d.group, groupJSON))
		default:
			var items []string
			for _, id := range d.members {
				if !d.hidden[id] {
					items = append(items, fmt.Sprintf(`{"@odata.type":"#microsoft.graph.device","id":%q}`, id))
				}
			}
			answer(w, 200, `{"value":[%s]}`, strings.Join(items, ","))
		}
	}
}

// bind adds all or nobody.
func (d *directory) bind(t *testing.T, w http.ResponseWriter, body string) {
	var sent struct {
		Bind []string `json:"members@odata.bind"`
	}
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Error(err)
	}
	if len(sent.Bind) == 0 || len(sent.Bind) > 20 {
		t.Errorf("%d references", len(sent.Bind))
	}
	for _, link := range sent.Bind {
		id := link[strings.LastIndex(link, "/")+1:]
		if bad, ok := d.refuse[id]; ok {
			answer(w, bad.status, "%s", bad.text)
			return
		}
		if slices.Contains(d.members, id) {
			answer(w, 400, alreadyMember)
			return
		}
	}
	for _, link := range sent.Bind {
		d.members = append(d.members, link[strings.LastIndex(link, "/")+1:])
	}
	w.WriteHeader(204)
}

// batch removes members, each with an answer of its own.
func (d *directory) batch(t *testing.T, w http.ResponseWriter, body string) {
	var in struct {
		Requests []wireBatchRequest `json:"requests"`
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil || len(in.Requests) > 20 {
		t.Errorf("%d requests, %v", len(in.Requests), err)
	}
	var out []string
	for _, q := range in.Requests {
		if q.Method != http.MethodDelete {
			t.Errorf("%s %s", q.Method, q.URL)
		}
		status, text := d.remove(q.URL)
		out = append(out, fmt.Sprintf(`{"id":%q,"status":%d,"body":%s}`, q.ID, status, cmp.Or(text, "null")))
	}
	answer(w, 200, `{"responses":[%s]}`, strings.Join(out, ","))
}

func (d *directory) remove(path string) (status int, text string) {
	parts := strings.Split(path, "/")
	id := parts[len(parts)-2]
	if bad, ok := d.refuse[id]; ok {
		return bad.status, bad.text
	}
	at := slices.Index(d.members, id)
	if at < 0 {
		return 404, `{"error":{"code":"Request_ResourceNotFound","message":"not a member"}}`
	}
	d.members = slices.Delete(d.members, at, at+1)
	return 204, ""
}

func ids(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("m%03d", i))
	}
	return out
}

// TestAddMembers: batches of 20, duplicates anywhere, a list that lags; each ends with every member in once.
func TestAddMembers(t *testing.T) {
	tests := []struct {
		name     string
		present  []string
		hidden   map[string]bool
		add      []string
		requests int
	}{
		{"fresh", nil, nil, ids(0, 45), 3},
		{"repeated ids", nil, nil, append(ids(0, 10), ids(0, 10)...), 1},
		{"nothing", nil, nil, nil, 0},
		{"all there", ids(0, 5), nil, ids(0, 5), 2},
		{"one there", ids(30, 31), nil, ids(0, 45), 1 + 1 + 1 + 2},
		{"one there, list lags", ids(3, 4), map[string]bool{"m003": true}, ids(0, 25), 1 + 1 + 1 + 10 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &directory{members: slices.Clone(tt.present), hidden: tt.hidden}
			srv := serve(t, d.serve(t))
			if refused, err := testClient(t, srv.URL).AddMembers(t.Context(), "g1", tt.add); err != nil || refused != nil {
				t.Fatal(refused, err)
			}
			want := unique(append(slices.Clone(tt.present), tt.add...))
			slices.Sort(want)
			slices.Sort(d.members)
			if !slices.Equal(want, d.members) || srv.count() != tt.requests {
				t.Errorf("members %v, want %v; %d requests, want %d", d.members, want, srv.count(), tt.requests)
			}
		})
	}
}

// TestAddMembersFault: what would refuse everybody is an error and nobody's refusal.
func TestAddMembersFault(t *testing.T) {
	for name, c := range map[string]struct {
		refuse refusal
		group  string
		want   Kind
	}{
		"no group":      {objectGone, "", KindNotFound},
		"no permission": {objectNotMy, groupJSON, KindForbidden},
		"dynamic":       {objectWrong, `{"id":"g1","groupTypes":["DynamicMembership"],"membershipRule":"device.x"}`, KindInvalid},
	} {
		d := &directory{refuse: refusing(c.refuse, ids(0, 45)...), group: c.group}
		srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, body string) {
			if c.group == "" && r.Method == http.MethodGet {
				answer(w, 404, "%s", objectGone.text)
				return
			}
			d.serve(t)(n, w, r, body)
		})
		refused, err := testClient(t, srv.URL).AddMembers(t.Context(), "g1", ids(0, 45))
		if len(refused) > 0 || KindOf(err) != c.want || srv.count() > 39+3 {
			t.Errorf("%s: %v, %v after %d requests", name, refused, err, srv.count())
		}
	}
}

// TestAddMembersOneByOne: what the tenant refuses of one keeps no other out, be it one of many or all, and is named.
func TestAddMembersOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		bad    []string
		answer refusal
		want   RefusalReason
		most   int // requests
	}{
		"one of many":       {[]string{"m007"}, objectGone, RefusedGone, 3 + 10},
		"at the end":        {[]string{"m044"}, objectGone, RefusedGone, 3 + 8},
		"all of a request":  {ids(20, 40), objectGone, RefusedGone, 2 + 39},
		"everybody":         {ids(0, 45), objectGone, RefusedGone, 3 * 39},
		"one of wrong kind": {[]string{"m003", "m030"}, objectWrong, RefusedKind, 3 + 20},
		"one not permitted": {[]string{"m003"}, objectNotMy, RefusedForbidden, 3 + 10},
	} {
		t.Run(name, func(t *testing.T) {
			d := &directory{refuse: refusing(c.answer, c.bad...)}
			srv := serve(t, d.serve(t))
			refused, err := testClient(t, srv.URL).AddMembers(t.Context(), "g1", ids(0, 45))
			if err != nil {
				t.Fatal(err)
			}
			var named []string
			for _, r := range refused {
				if named = append(named, r.ID); r.Reason != c.want || r.Err == nil {
					t.Errorf("%s: %s, %v; want %s", r.ID, r.Reason, r.Err, c.want)
				}
			}
			want := slices.DeleteFunc(ids(0, 45), func(id string) bool { return slices.Contains(c.bad, id) })
			if slices.Sort(d.members); !slices.Equal(want, d.members) || !slices.Equal(named, c.bad) || srv.count() > c.most {
				t.Errorf("members %v, refused %v after %d requests, want at most %d", d.members, named, srv.count(), c.most)
			}
		})
	}
}

// TestAddMembersStopsWhenTheTenantIsAway: a fault of the service is no refusal, and what was learnt before it is kept.
func TestAddMembersStopsWhenTheTenantIsAway(t *testing.T) {
	d := &directory{refuse: refusing(objectGone, "m001")}
	patches := 0
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, body string) {
		if patches++; strings.Contains(body, "m020") {
			answer(w, 503, `{"error":{"code":"ServiceUnavailable","message":"away"}}`)
			return
		}
		d.serve(t)(n, w, r, body)
	})
	refused, err := testClient(t, srv.URL).AddMembers(t.Context(), "g1", ids(0, 45))
	wantKind(t, err, KindTransient)
	if len(refused) != 1 || refused[0].ID != "m001" || len(d.members) != 19 {
		t.Errorf("%v, %d members", refused, len(d.members))
	}
}

// TestRemoveMembers: absent members are passed over, an absent group is not, and 20 go in one request.
func TestRemoveMembers(t *testing.T) {
	d := &directory{members: ids(0, 5)}
	srv := serve(t, d.serve(t))
	if err := testClient(t, srv.URL).RemoveMembers(t.Context(), "g1", []string{"m001", "x1", "x2", "m003"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.members, []string{"m000", "m002", "m004"}) || srv.count() != 2 {
		t.Errorf("%v after %d requests", d.members, srv.count())
	}
	d = &directory{members: ids(0, 45)}
	srv = serve(t, d.serve(t))
	if err := testClient(t, srv.URL).RemoveMembers(t.Context(), "g1", ids(0, 41)); err != nil || len(d.members) != 4 || srv.count() != 3 {
		t.Errorf("%v: %v after %d requests", err, d.members, srv.count())
	}
	if last := srv.all()[2]; last.method != http.MethodDelete {
		t.Errorf("one object goes by %s %s", last.method, last.path)
	}
	for _, gone := range [][]string{{"m1"}, {"m1", "m2"}} {
		none := &directory{}
		srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, body string) {
			if r.Method == http.MethodGet {
				answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"no group"}}`)
				return
			}
			none.serve(t)(n, w, r, body)
		})
		wantKind(t, testClient(t, srv.URL).RemoveMembers(t.Context(), "g1", gone), KindNotFound)
	}
}

// TestRemoveMembersOneByOne: one that cannot be removed keeps no other in, and what fails for all is not asked 5,000 times.
func TestRemoveMembersOneByOne(t *testing.T) {
	d := &directory{members: ids(0, 45), refuse: refusing(objectNotMy, "m003")}
	srv := serve(t, d.serve(t))
	err := testClient(t, srv.URL).RemoveMembers(t.Context(), "g1", ids(0, 45))
	if wantKind(t, err, KindForbidden); !slices.Equal(d.members, []string{"m003"}) || srv.count() != 3 {
		t.Errorf("%v after %d requests", d.members, srv.count())
	}
	d = &directory{members: ids(0, 45), refuse: refusing(objectNotMy, ids(0, 45)...)}
	srv = serve(t, d.serve(t))
	err = testClient(t, srv.URL).RemoveMembers(t.Context(), "g1", ids(0, 45))
	if wantKind(t, err, KindForbidden); srv.count() != 1 {
		t.Errorf("%d requests", srv.count())
	}
}

// TestRemoveMembersConfirms: a 404 on one member is believed only when the list does not show it either.
func TestRemoveMembersConfirms(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodDelete {
			answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"a replica that is behind"}}`)
			return
		}
		answer(w, 200, `{"value":[{"@odata.type":"#microsoft.graph.device","id":"m1"}]}`)
	})
	wantKind(t, testClient(t, srv.URL).RemoveMembers(t.Context(), "g1", []string{"m1"}), KindTransient)
}

// TestPageInsteadOfNothing: a portal's page with status 200 is no success of a write that answers with no content.
func TestPageInsteadOfNothing(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		spoiled(w, 200, "<html>please accept the terms of this network</html>")
	})
	err := testClient(t, srv.URL).DeleteGroup(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); !e.OutcomeUnknown {
		t.Errorf("%v: want the outcome unknown", err)
	}
}
