// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestFreshGroupsEverywhere: what is not replicated yet is not there, whichever way a
// client asks (contract g; contract-2 z.20).
func TestFreshGroupsEverywhere(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20})
	outer, doomed := tt.makeGroup("outer", nil), tt.makeGroup("doomed", nil)
	tt.addMember(204, outer, doomed)
	lag := 30 * time.Second
	tt.scenario(func(sc *Scenario) { sc.Lag = &Lag{Read: Fixed(lag), List: Fixed(lag), Members: Fixed(lag)} })
	fresh := tt.makeGroup("fresh", nil)
	tt.want(204, "PATCH", "/v1.0/groups/"+outer, object{"displayName": "renamed"})
	byID := func(id string) string {
		found := objects(tt.want(200, "POST", "/v1.0/directoryObjects/getByIds", object{"ids": []string{id}})["value"])
		if len(found) == 0 {
			return ""
		}
		return text(found[0], "displayName")
	}
	if a, b := byID(fresh), byID(outer); a != "" || b != "outer" {
		t.Errorf("getByIds knows %q and %q at once", a, b)
	}
	for _, g := range tt.all("/v1.0/groups/" + doomed + "/memberOf") {
		if g["displayName"] != "outer" {
			t.Errorf("memberOf knows %v at once", g["displayName"])
		}
	}
	tt.addMember(404, outer, fresh)
	tt.errorOf(404, "PATCH", "/v1.0/groups/"+outer, object{"members@odata.bind": []string{tt.memberURL(fresh)}})
	tt.want(204, "DELETE", "/v1.0/groups/"+doomed, nil)
	const bin = "/v1.0/directory/deletedItems/"
	if list := tt.all(bin + "microsoft.graph.group"); len(list) != 0 {
		t.Errorf("the bin shows %v at once", list)
	}
	tt.errorOf(404, "GET", bin+doomed, nil)
	tt.errorOf(404, "POST", bin+doomed+"/restore", nil)
	tt.advance(lag)
	if a, b := byID(fresh), byID(outer); a != "fresh" || b != "renamed" {
		t.Errorf("getByIds knows %q and %q in the end", a, b)
	}
	tt.addMember(204, outer, fresh)
	if list := tt.all(bin + "microsoft.graph.group"); len(list) != 1 {
		t.Errorf("the bin shows %v in the end", list)
	}
	tt.want(200, "POST", bin+doomed+"/restore", nil)
	tt.errorOf(404, "POST", bin+doomed+"/restore", nil) // reads still show it there
}

// TestOwnersInPatch: owners that a PATCH binds are there afterwards, or refused with
// everything else in the body.
func TestOwnersInPatch(t *testing.T) {
	tt := newTenant(t, Options{Devices: 20})
	id := tt.makeGroup("g", nil)
	user, other := tt.sim.users[0].id.String(), tt.sim.users[1].id.String()
	patch := func(status int, target string, owners ...string) {
		t.Helper()
		body := groupBody("changed")
		body["owners@odata.bind"] = owners
		headers := []string{}
		if target != id {
			headers = append(headers, "Prefer", "create-if-missing")
		}
		if w := tt.do("PATCH", "/v1.0/groups"+map[bool]string{true: "/" + target, false: target}[target == id], body, headers...); w.Code != status {
			t.Errorf("owners %v: %d %s, want %d", owners, w.Code, w.Body, status)
		}
	}
	owners := func(id string) (out []string) {
		for _, o := range tt.all("/v1.0/groups/" + id + "/owners?$select=id") {
			out = append(out, text(o, "id"))
		}
		slices.Sort(out)
		return out
	}
	sorted := []string{user, other}
	slices.Sort(sorted)
	patch(204, id, tt.memberURL(user))
	patch(400, id, tt.memberURL(other), tt.memberURL(user))
	patch(404, id, tt.memberURL(other), tt.memberURL(newGUID(1, "none", 1).String()))
	if got := owners(id); !slices.Equal(got, []string{user}) {
		t.Errorf("owners %v, want %s alone", got, user)
	}
	patch(201, "(uniqueName='u')", tt.memberURL(user))
	patch(204, "(uniqueName='u')", tt.memberURL(user), tt.memberURL(other))
	upserted := text(tt.want(200, "GET", "/v1.0/groups(uniqueName='u')?$select=id", nil), "id")
	if got := owners(upserted); !slices.Equal(got, sorted) {
		t.Errorf("owners %v, want %v", got, sorted)
	}
}

// TestDeltaLags: a delta query is behind as every read is, never shows what lists do
// not show yet, and loses nothing: who follows it ends with the truth, whichever
// replicas it met.
func TestDeltaLags(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		tt := newTenant(t, Options{Devices: 40, Seed: seed, Scenario: quiet(GroupSpec{DisplayName: "a", Count: 4}, GroupSpec{DisplayName: "b", Count: 4})})
		lag := LagRange{Min: Duration(time.Minute), Max: Duration(10 * time.Minute)}
		tt.scenario(func(sc *Scenario) { sc.Lag = &Lag{List: lag, Members: lag, Replicas: 1 + int(seed%3)} })
		truth, mirror, names := map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]string{}
		for _, g := range []string{tt.groupID("a"), tt.groupID("b")} {
			truth[g] = map[string]bool{}
			for _, m := range tt.all("/v1.0/groups/" + g + "/members?$select=id") {
				truth[g][text(m, "id")] = true
			}
		}
		link, last := "/v1.0/groups/delta", ""
		follow := func() {
			items, next := tt.delta(link)
			link = next
			for _, g := range items {
				id := text(g, "id")
				if g["@removed"] != nil {
					delete(mirror, id)
					continue
				}
				if mirror[id] == nil {
					mirror[id] = map[string]bool{}
				}
				if name, told := g["displayName"].(string); told {
					names[id] = name
				}
				for _, m := range objects(g["members@delta"]) {
					if mirror[id][text(m, "id")] = true; m["@removed"] != nil {
						delete(mirror[id], text(m, "id"))
					}
				}
			}
		}
		follow()
		for k := range 60 {
			ids := slices.Sorted(maps.Keys(truth))
			id := ids[rnd.IntN(len(ids))]
			switch rnd.IntN(8) {
			case 0:
				id = tt.makeGroup(fmt.Sprint("made ", k), nil)
				truth[id] = map[string]bool{}
			case 1:
				last = fmt.Sprint("name ", k)
				if w := tt.do("PATCH", "/v1.0/groups/"+id, object{"displayName": last}); w.Code == http.StatusNoContent && seed%3 == 0 {
					follow()
					if names[id] == last {
						t.Fatalf("seed %d: the delta shows a new name at once", seed)
					}
				}
			case 2:
				if len(truth) > 2 {
					tt.want(204, "DELETE", "/v1.0/groups/"+id, nil)
					delete(truth, id)
				}
			default:
				member := tt.sim.fleet.devices[rnd.IntN(40)].objectID.String()
				if truth[id][member] {
					tt.want(204, "DELETE", "/v1.0/groups/"+id+"/members/"+member+"/$ref", nil)
					delete(truth[id], member)
				} else {
					tt.addMember(204, id, member)
					truth[id][member] = true
				}
			}
			tt.advance(time.Duration(rnd.IntN(180)) * time.Second)
			if rnd.IntN(2) == 0 {
				follow()
			}
		}
		tt.advance(time.Hour)
		follow()
		if fmt.Sprint(mirror) != fmt.Sprint(truth) {
			t.Fatalf("seed %d: the mirror has\n%v\nthe tenant\n%v", seed, mirror, truth)
		}
		for id := range truth {
			if want := text(tt.want(200, "GET", "/v1.0/groups/"+id, nil), "displayName"); names[id] != want {
				t.Errorf("seed %d: the mirror calls %s %q, the tenant %q", seed, id, names[id], want)
			}
		}
	}
}

// TestDeltaFromTheStart: what was there at the start is seen at once, and what a
// member list of the first moment had is told when it goes.
func TestDeltaFromTheStart(t *testing.T) {
	sc := quiet(GroupSpec{DisplayName: "g", Count: 3})
	sc.Lag = &Lag{List: Fixed(time.Minute), Members: Fixed(time.Minute)}
	tt := newTenant(t, Options{Devices: 10, Scenario: sc})
	items, link := tt.delta("/v1.0/groups/delta")
	if len(items) != 1 || len(objects(items[0]["members@delta"])) != 3 {
		t.Fatalf("first round %v", items)
	}
	member := text(objects(items[0]["members@delta"])[0], "id")
	tt.want(204, "DELETE", "/v1.0/groups/"+text(items[0], "id")+"/members/"+member+"/$ref", nil)
	if items, link = tt.delta(link); len(items) != 0 {
		t.Errorf("at once: %v", items)
	}
	tt.advance(time.Minute)
	items, _ = tt.delta(link)
	if len(items) != 1 || len(objects(items[0]["members@delta"])) != 1 || objects(items[0]["members@delta"])[0]["@removed"] == nil {
		t.Errorf("a minute later: %v", items)
	}
}
