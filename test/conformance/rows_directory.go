// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

const (
	groups   = "/v1.0/groups"
	byUnique = "/v1.0/groups(uniqueName='tidegate-conformance-unique')"

	upsertBody = `{"displayName":"tidegate-conformance unique","description":"conformance","mailEnabled":false,"mailNickname":"tidegate-conformance","securityEnabled":true}`
)

var createIfMissing = map[string]string{"Prefer": "create-if-missing"}

// directoryRows follow contract g.
var directoryRows = []Row{
	{Name: "devices", Source: "contract g, k.2", Method: get, Path: "/v1.0/devices?$top=3&$select=id,deviceId,displayName", Status: 200, Want: []string{"value#3", "value.0.deviceId"},
		Save: map[string]string{"device1": "value.0.id", "device2": "value.1.id", "device3": "value.2.id", "deviceId": "value.0.deviceId"}},
	{Name: "device by deviceId", Source: "contract g", Method: get, Path: "/v1.0/devices?$filter=deviceId eq '{deviceId}'", Status: 200, Want: []string{"value#1", `value.0.id="{device1}"`}},
	{Name: "device by alternate key", Source: "contract g", Method: get, Path: "/v1.0/devices(deviceId='{deviceId}')", Status: 200, Want: []string{`id="{device1}"`}},
	{Name: "users", Source: "contract k.2", Method: get, Path: "/v1.0/users?$top=2&$select=id,userPrincipalName", Status: 200, Want: []string{"value#2", "@odata.nextLink"}, Save: map[string]string{"user": "value.0.id", "nextUsers": "@odata.nextLink"}},
	{Name: "users, next page", Source: "contract k.2", Method: get, Path: "{nextUsers}", Status: 200, Want: []string{"value#2"}},
	{Name: "subscribed SKUs", Source: "contract i, n: the licences", Method: get, Path: "/v1.0/subscribedSkus", Status: 200, Want: []string{"value#>0", "value.0.skuPartNumber", "value.0.servicePlans"}},

	{Name: "create a group", Source: "contract g", Method: post, Path: groups, Status: 201,
		Body: `{"displayName":"tidegate-conformance","mailEnabled":false,"mailNickname":"tidegate-conformance","securityEnabled":true,"description":"conformance"}`,
		Want: []string{`displayName="tidegate-conformance"`, "securityEnabled=true", "createdDateTime"}, Save: map[string]string{"group": "id"}},
	{Name: "create without a nickname", Source: "contract g: required even for security groups", Method: post, Path: groups, Body: `{"displayName":"x","mailEnabled":false,"securityEnabled":true}`, Status: 400, Want: []string{`error.code="Request_BadRequest"`}},
	{Name: "read a group", Source: "contract g", Method: get, Path: groups + "/{group}", Status: 200, Eventually: true, Want: []string{`id="{group}"`, "mailEnabled=false"}},
	{Name: "read an unknown group", Source: "contract 0.4", Method: get, Path: groups + "/00000000-0000-0000-0000-00000000dead", Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`, innerError}},
	{Name: "find a group by name", Source: "contract g", Method: get, Path: groups + "?$filter=displayName eq 'tidegate-conformance'", Status: 200, Eventually: true, Want: []string{"value#1"}},
	{Name: "group list without a permission", Source: "contract 0.4", Method: get, Path: groups, As: Weak, Status: 403, Want: []string{`error.code="Authorization_RequestDenied"`}},
	{Name: "change a group", Source: "contract g", Method: patch, Path: groups + "/{group}", Body: `{"description":"changed"}`, Status: 204, Want: []string{"empty"}},
	{Name: "a changed group", Source: "contract g", Method: get, Path: groups + "/{group}", Status: 200, Eventually: true, Want: []string{`description="changed"`}},

	{Name: "update what is not there", Source: "contract g: without Prefer a plain update", Method: patch, Path: byUnique, Body: upsertBody, Status: 404},
	{Name: "upsert creates", Source: "contract g", Method: patch, Path: byUnique, Header: createIfMissing, Body: upsertBody, Status: 201,
		Want: []string{`uniqueName="tidegate-conformance-unique"`}, Save: map[string]string{"unique": "id"}},
	{Name: "upsert updates", Source: "contract g: never a twin", Method: patch, Path: byUnique, Header: createIfMissing, Body: upsertBody, Status: 204, Want: []string{"empty"}},
	{Name: "read by unique name", Source: "contract g", Method: get, Path: byUnique + "?$select=id", Status: 200, Eventually: true, Want: []string{`id="{unique}"`}},

	{Name: "add members", Source: "contract g", Method: patch, Path: groups + "/{group}", Status: 204, Want: []string{"empty"},
		Body: `{"members@odata.bind":["{graph}/v1.0/directoryObjects/{device1}","{graph}/v1.0/directoryObjects/{device2}"]}`},
	{Name: "add one that is in", Source: "contract g", Method: post, Path: groups + "/{group}/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{device1}"}`, Status: 400,
		Want: []string{`error.code="Request_BadRequest"`, "error.message~added object references already exist"}},
	{Name: "add several of which one is in", Source: "contract g: all or nothing", Method: patch, Path: groups + "/{group}", Status: 400,
		Body: `{"members@odata.bind":["{graph}/v1.0/directoryObjects/{device3}","{graph}/v1.0/directoryObjects/{device1}"]}`},
	{Name: "add a stranger", Source: "contract g", Method: post, Path: groups + "/{group}/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/00000000-0000-0000-0000-00000000dead"}`, Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "add by reference", Source: "contract g", Method: post, Path: groups + "/{group}/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{device3}"}`, Status: 204, Want: []string{"empty"}},
	{Name: "add 21", Source: "contract g: at most 20", Method: patch, Path: groups + "/{group}", Status: 400,
		Body: `{"members@odata.bind":[` + repeated(`"{graph}/v1.0/directoryObjects/{user}"`, 21) + `]}`},
	{Name: "add without a permission", Source: "contract g", Method: post, Path: groups + "/{group}/members/$ref", As: Weak, Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{device3}"}`, Status: 403, Want: []string{`error.code="Authorization_RequestDenied"`}},
	{Name: "members", Source: "contract g", Method: get, Path: groups + "/{group}/members?$select=id", Status: 200, Eventually: true, Want: []string{"value#3", `value.0.@odata.type="#microsoft.graph.device"`}},
	{Name: "members, first page", Source: "contract g, k.2", Method: get, Path: groups + "/{group}/members?$top=2", Status: 200, Want: []string{"value#2", "@odata.nextLink"}, Save: map[string]string{"nextMembers": "@odata.nextLink"}},
	{Name: "members, next page", Source: "contract k.2", Method: get, Path: "{nextMembers}", Status: 200, Want: []string{"value#1", "!@odata.nextLink"}},
	{Name: "transitive members that are devices", Source: "contract g", Method: get, Path: groups + "/{group}/transitiveMembers/microsoft.graph.device", Header: eventual, Status: 200, Eventually: true, Want: []string{"value#3"}},
	{Name: "count", Source: "contract g", Method: get, Path: groups + "/{group}/transitiveMembers/$count", Header: eventual, Status: 200, Eventually: true, Want: []string{"body~3", "header:Content-Type~text/plain"}},
	{Name: "count without the header", Source: "contract g", Method: get, Path: groups + "/{group}/transitiveMembers/$count", Status: 400},
	{Name: "count as JSON", Source: "contract 0.3", Method: get, Path: groups + "/{group}/transitiveMembers/$count", Header: map[string]string{"ConsistencyLevel": "eventual", "Accept": "application/json"}, Status: 415},
	{Name: "remove a member", Source: "contract g", Method: remove, Path: groups + "/{group}/members/{device3}/$ref", Status: 204, Want: []string{"empty"}},
	{Name: "remove who is none", Source: "contract g", Method: remove, Path: groups + "/{group}/members/{device3}/$ref", Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "delta", Source: "contract g", Feature: FeatureDelta, Method: get, Path: groups + "/delta?$select=members,displayName&$filter=id eq '{group}'", Status: 200, Want: []string{"value#>0", "value.0.members@delta"}},
	{Name: "unknown filter", Source: "contract g", Method: get, Path: groups + "?$filter=colour eq 'blue'", Status: 400},
	{Name: "delete a group", Source: "contract g", Method: remove, Path: groups + "/{unique}", Status: 204, Want: []string{"empty"}},
	{Name: "a deleted group", Source: "contract g", Method: get, Path: groups + "/{unique}", Status: 404, Eventually: true, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "a group in the bin", Source: "contract g: soft delete for 30 days", Feature: FeatureDeletedItems, Method: get, Path: "/v1.0/directory/deletedItems/{unique}", Status: 200, Eventually: true, Want: []string{`id="{unique}"`}},
	{Name: "empty the bin", Source: "contract g", Feature: FeatureDeletedItems, Method: remove, Path: "/v1.0/directory/deletedItems/{unique}", Status: 204},
}

// batchRows follow contract k.1.
var batchRows = []Row{
	{Name: "batch", Source: "contract k.1", Method: post, Path: "/v1.0/$batch", Status: 200, Want: []string{"responses#2"},
		Body: `{"requests":[{"id":"1","method":"GET","url":"/groups/{group}"},{"id":"2","method":"GET","url":"/groups/00000000-0000-0000-0000-00000000dead"}]}`},
	{Name: "batch of 21", Source: "contract k.1: at most 20", Method: post, Path: "/v1.0/$batch", Wrong: true, Status: 400, Body: `{"requests":[` + numbered(`{"id":"#","method":"GET","url":"/users"}`, 21) + `]}`},
	{Name: "batch with one id twice", Source: "contract k.1", Method: post, Path: "/v1.0/$batch", Wrong: true, Status: 400,
		Body: `{"requests":[{"id":"1","method":"GET","url":"/users"},{"id":"1","method":"GET","url":"/users"}]}`},
	{Name: "batch with a failed dependency", Source: "contract k.1", Method: post, Path: "/v1.0/$batch", Status: 200, Want: []string{"body~424"},
		Body: `{"requests":[{"id":"1","method":"GET","url":"/groups/00000000-0000-0000-0000-00000000dead"},{"id":"2","method":"GET","url":"/users","dependsOn":["1"]}]}`},
}

// cleanUpRows remove what the other rows made.
var cleanUpRows = []Row{
	{Name: "remove the policy", Source: "contract a7", Method: remove, Path: policies + "/{policy}", Status: 204},
	{Name: "remove the group", Source: "contract g", Method: remove, Path: groups + "/{group}", Status: 204},
}
