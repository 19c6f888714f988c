// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "strings"

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
	{Name: "organization", Source: "ASSUMED: the contract does not list it", Method: get, Path: "/v1.0/organization", Status: 200, Want: []string{"value#1", `value.0.id="{tenant}"`}},
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
	{Name: "count of devices", Source: "contract g", Method: get, Path: groups + "/{group}/transitiveMembers/microsoft.graph.device/$count", Header: eventual, Status: 200, Eventually: true, Want: []string{"body~3", "header:Content-Type~text/plain"}},
	{Name: "transitive members", Source: "contract g", Method: get, Path: groups + "/{group}/transitiveMembers?$select=id", Status: 200, Eventually: true, Want: []string{"value#3", "value.0.id"}},
	{Name: "the grants of the application", Source: "contract l.2", Method: get, Path: "/v1.0/servicePrincipals(appId='{client}')/appRoleAssignments", Status: 200, Want: []string{"value#>0", "value.0.appRoleId", "value.0.resourceDisplayName"}, Save: map[string]string{"principal": "value.0.principalId"}},
	{Name: "the application", Source: "contract l.2: by its appId", Method: get, Path: "/v1.0/servicePrincipals(appId='{client}')", Status: 200, Want: []string{`appId="{client}"`}},
	{Name: "the grants of a stranger", Source: "contract 0.4, l.2; ASSUMED: as other objects of the directory", Method: get, Path: "/v1.0/servicePrincipals(appId='" + nowhere + "')/appRoleAssignments", Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "the grants without a permission", Source: "contract 0.4, l.2", Method: get, Path: "/v1.0/servicePrincipals(appId='{client}')/appRoleAssignments", As: Weak, Status: 403, Want: []string{`error.code="Authorization_RequestDenied"`}},
	{Name: "own a group", Source: "contract g", Method: post, Path: groups + "/{group}/owners/$ref", Body: `{"@odata.id":"{graph}/v1.0/servicePrincipals/{principal}"}`, Status: 204, Want: []string{"empty"}},
	{Name: "own it again", Source: "contract g; ASSUMED: as members", Method: post, Path: groups + "/{group}/owners/$ref", Body: `{"@odata.id":"{graph}/v1.0/servicePrincipals/{principal}"}`, Status: 400, Eventually: true, Want: []string{`error.code="Request_BadRequest"`}},
	{Name: "count without the header", Source: "contract g", Method: get, Path: groups + "/{group}/transitiveMembers/$count", Status: 400},
	{Name: "count as JSON", Source: "contract 0.3", Method: get, Path: groups + "/{group}/transitiveMembers/$count", Header: map[string]string{"ConsistencyLevel": "eventual", "Accept": "application/json"}, Status: 415},
	{Name: "remove a member", Source: "contract g", Method: remove, Path: groups + "/{group}/members/{device3}/$ref", Status: 204, Want: []string{"empty"}},
	{Name: "remove who is none", Source: "contract g", Method: remove, Path: groups + "/{group}/members/{device3}/$ref", Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "delta", Source: "contract g", Method: get, Path: groups + "/delta?$select=members,displayName&$filter=id eq '{group}'", Status: 200, Want: []string{"value#>0", "value.0.members@delta"}, Save: map[string]string{"deltaLink": "@odata.deltaLink"}},
	{Name: "delta link", Source: "contract g, n", Method: get, Path: "{deltaLink}", Status: 200, Want: []string{"value", "@odata.deltaLink"}},
	{Name: "a delta token that is none", Source: "ASSUMED", Method: get, Path: groups + "/delta?$deltatoken=none", Status: 400},
	{Name: "unknown filter", Source: "contract g", Method: get, Path: groups + "?$filter=colour eq 'blue'", Status: 400},
	{Name: "delete a group", Source: "contract g", Method: remove, Path: groups + "/{unique}", Status: 204, Want: []string{"empty"}},
	{Name: "a deleted group", Source: "contract g", Method: get, Path: groups + "/{unique}", Status: 404, Eventually: true, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "a group in the bin", Source: "contract g: soft delete for 30 days", Method: get, Path: "/v1.0/directory/deletedItems/{unique}", Status: 200, Eventually: true, Want: []string{`id="{unique}"`}},
	{Name: "empty the bin", Source: "contract g", Method: remove, Path: "/v1.0/directory/deletedItems/{unique}", Status: 204},
}

// directoryErrorRows are more refusals of the directory.
var directoryErrorRows = []Row{
	{Name: "an id that is none", Source: "contract 0.4; ASSUMED for this case", Method: get, Path: groups + "/no-id", Status: 400, Want: []string{`error.code="Request_BadRequest"`}},
	{Name: "create with 21 members", Source: "contract g: at most 20 relations", Method: post, Path: groups, Status: 400,
		Body: strings.Replace(upsertBody, `{`, `{"members@odata.bind":[`+repeated(`"{graph}/v1.0/directoryObjects/{user}"`, 21)+`],`, 1)},
	{Name: "create with a unique name", Source: "contract g", Method: post, Path: groups, Body: strings.Replace(upsertBody, `{`, `{"uniqueName":"tidegate-conformance-taken",`, 1), Status: 201, Save: map[string]string{"taken": "id"}},
	{Name: "create with a unique name that is taken", Source: "contract 0.4, n; ASSUMED: inferred there", Method: post, Path: groups, Body: strings.Replace(upsertBody, `{`, `{"uniqueName":"tidegate-conformance-taken",`, 1), Status: 409,
		Want: []string{`error.code="Request_MultipleObjectsWithSameKeyValue"`, innerError}},
	{Name: "change a unique name", Source: "contract g; ASSUMED: immutable, as inferred there", Method: patch, Path: groups + "/{taken}", Body: `{"uniqueName":"tidegate-conformance-other"}`, Status: 400},
	{Name: "add a member by its deviceId", Source: "contract g, o.20: only the object id can be a member", Method: post, Path: groups + "/{taken}/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{deviceId}"}`, Status: 404, Eventually: true, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "add to a group that is none", Source: "contract 0.4", Method: post, Path: groups + "/" + nowhere + "/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{device1}"}`, Status: 404, Want: []string{`error.code="Request_ResourceNotFound"`}},
	{Name: "create a dynamic group", Source: "contract g", Method: post, Path: groups, Status: 201, Save: map[string]string{"dynamic": "id"},
		Body: `{"displayName":"tidegate-conformance dynamic","mailEnabled":false,"mailNickname":"tidegate-dynamic","securityEnabled":true,"groupTypes":["DynamicMembership"],"membershipRule":"(device.displayName -eq \"none\")","membershipRuleProcessingState":"Paused"}`},
	{Name: "add to a dynamic group", Source: "contract g", Method: post, Path: groups + "/{dynamic}/members/$ref", Body: `{"@odata.id":"{graph}/v1.0/directoryObjects/{device1}"}`, Status: 400, Eventually: true, Want: []string{`error.code="Request_BadRequest"`}},
	{Name: "search without the header", Source: "contract g", Method: get, Path: groups + "?$search=\"displayName:tidegate\"", Status: 400, Want: []string{"error.code"}},
	{Name: "ne without the header", Source: "contract g", Method: get, Path: groups + "?$filter=displayName ne 'x'", Status: 400, Want: []string{`error.code="Request_UnsupportedQuery"`}},
	{Name: "sorting and filter without the header", Source: "contract g", Method: get, Path: groups + "?$orderby=displayName&$filter=startsWith(displayName,'tidegate')", Status: 400, Want: []string{`error.code="Request_UnsupportedQuery"`}},
	{Name: "sorting and filter with the header", Source: "contract g", Method: get, Path: groups + "?$top=1&$count=true&$orderby=displayName&$filter=startsWith(displayName,'tidegate')", Header: eventual, Status: 200, Eventually: true, Want: []string{"@odata.count", "value#1"}},
	{Name: "cast with a filter without the header", Source: "contract 0.4, g", Method: get, Path: groups + "/{taken}/transitiveMembers/microsoft.graph.device?$filter=displayName eq 'x'", Status: 400, Want: []string{`error.code="Request_UnsupportedQuery"`}},
	{Name: "a user", Source: "contract k.2", Method: get, Path: "/v1.0/users/{user}", Status: 200, Want: []string{`id="{user}"`, "userPrincipalName"}},
	{Name: "users without a permission", Source: "contract 0.4", Method: get, Path: "/v1.0/users", As: Weak, Status: 403, Want: []string{`error.code="Authorization_RequestDenied"`}},
	{Name: "delete without a permission", Source: "contract 0.4", Method: remove, Path: groups + "/{taken}", As: Weak, Status: 403, Want: []string{`error.code="Authorization_RequestDenied"`}},
	{Name: "delete the dynamic group", Source: "contract g", Method: remove, Path: groups + "/{dynamic}", Status: 204},
	{Name: "delete the taken name", Source: "contract g", Method: remove, Path: groups + "/{taken}", Status: 204},
	{Name: "upsert of a deleted group's name", Source: "contract g: a deleted group holds its name; ASSUMED: inferred there", Method: patch, Path: "/v1.0/groups(uniqueName='tidegate-conformance-taken')", Header: createIfMissing, Body: upsertBody, Status: 409,
		Eventually: true, Want: []string{`error.code="Request_MultipleObjectsWithSameKeyValue"`}},
	{Name: "the bin", Source: "contract g", Method: get, Path: "/v1.0/directory/deletedItems/microsoft.graph.group", Status: 200, Eventually: true, Want: []string{"value#>1"}},
	{Name: "restore a group", Source: "contract g: soft delete", Method: post, Path: "/v1.0/directory/deletedItems/{taken}/restore", Status: 200, Want: []string{`id="{taken}"`}},
	{Name: "delete it again", Source: "contract g", Method: remove, Path: groups + "/{taken}", Status: 204, Eventually: true},
	{Name: "delete it for good", Source: "contract g", Method: remove, Path: "/v1.0/directory/deletedItems/{taken}", Status: 204, Eventually: true},
	{Name: "delete the dynamic group for good", Source: "contract g", Method: remove, Path: "/v1.0/directory/deletedItems/{dynamic}", Status: 204, Eventually: true},
}

// batchRows follow contract k.1.
var batchRows = []Row{
	{Name: "batch", Source: "contract k.1", Method: post, Path: "/v1.0/$batch", Status: 200, Want: []string{"responses#2"},
		Body: `{"requests":[{"id":"1","method":"GET","url":"/groups/{group}"},{"id":"2","method":"GET","url":"/groups/00000000-0000-0000-0000-00000000dead"}]}`},
	{Name: "batch in beta", Source: "contract k.1: the version is in the address", Method: post, Path: "/beta/$batch", Status: 200, Want: []string{"responses#1", "responses.0.status=200"},
		Body: `{"requests":[{"id":"1","method":"GET","url":"/deviceManagement/configurationPolicies?$top=1"}]}`},
	{Name: "batch of v1.0 with a call of beta", Source: "contract k.1; ASSUMED: inferred there", Method: post, Path: "/v1.0/$batch", Status: 200, Want: []string{"responses.0.status=400", "responses.0.body.error.message~esource not found for the segment"},
		Body: `{"requests":[{"id":"1","method":"GET","url":"/deviceManagement/configurationPolicies?$top=1"}]}`},
	{Name: "batch with a member that is in", Source: "contract k.1, g", Method: post, Path: "/v1.0/$batch", Status: 200, Want: []string{"responses.0.status=400", "responses.0.body.error.message~added object references already exist"},
		Body: `{"requests":[{"id":"1","method":"POST","url":"/groups/{group}/members/$ref","headers":{"Content-Type":"application/json"},"body":{"@odata.id":"{graph}/v1.0/directoryObjects/{device1}"}}]}`},
	{Name: "batch with a body of no type", Source: "contract k.1: a body needs Content-Type", Method: post, Path: "/v1.0/$batch", Status: 200, Want: []string{"responses.0.status=400"},
		Body: `{"requests":[{"id":"1","method":"PATCH","url":"/groups/{group}","body":{"description":"x"}}]}`},
	{Name: "batch with a whole address", Source: "contract k.1: relative to the version", Method: post, Path: "/v1.0/$batch", Wrong: true, Status: 400, Body: `{"requests":[{"id":"1","method":"GET","url":"{graph}/v1.0/users"}]}`},
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
