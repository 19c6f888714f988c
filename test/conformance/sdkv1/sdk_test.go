// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package sdkv1

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	kform "github.com/microsoft/kiota-serialization-form-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	ktext "github.com/microsoft/kiota-serialization-text-go"
	"github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/devicemanagement"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/groupswithuniquename"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

const fleet = 130

// sdk is the official SDK pointed at a simulated tenant.
type sdk struct {
	adapter abs.RequestAdapter
	path    map[string]string
	base    string
}

// token authenticates with a fixed token.
type token string

// AuthenticateRequest adds the token.
func (t token) AuthenticateRequest(_ context.Context, request *abs.RequestInformation, _ map[string]any) error {
	request.Headers.Add("Authorization", "Bearer "+string(t))
	return nil
}

// register does what the constructor of the SDK's service client does. The client
// itself is left out: it would compile all of Graph.
func register() {
	abs.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory { return kjson.NewJsonSerializationWriterFactory() })
	abs.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kjson.NewJsonParseNodeFactory() })
	abs.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return ktext.NewTextParseNodeFactory() })
	abs.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kform.NewFormParseNodeFactory() })
}

func newSDK(t *testing.T) *sdk {
	t.Helper()
	sim := simtest.New(t, tenantsim.Options{Seed: 1, Devices: fleet,
		Ideal: "the official SDK does not wait: what is asked of it here is that it and the simulator speak one language"})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {sim.ClientID()}, "client_secret": {sim.ClientSecret()},
		"scope": {"https://graph.microsoft.com/.default"}}
	resp, err := http.PostForm(server.URL+"/"+sim.TenantID()+"/oauth2/v2.0/token", form) //nolint:noctx // a test's set-up
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	register()
	adapter, err := msgraphgocore.NewGraphRequestAdapterBase(token(got.Token), msgraphgocore.GraphClientOptions{GraphServiceLibraryVersion: "1.101.0"})
	if err != nil {
		t.Fatal(err)
	}
	adapter.SetBaseUrl(server.URL + "/v1.0")
	return &sdk{adapter: adapter, path: map[string]string{"baseurl": server.URL + "/v1.0"}, base: server.URL + "/v1.0"}
}

func (s *sdk) groups() *groups.GroupsRequestBuilder {
	return groups.NewGroupsRequestBuilderInternal(s.path, s.adapter)
}

func (s *sdk) devices() *devicemanagement.DeviceManagementRequestBuilder {
	return devicemanagement.NewDeviceManagementRequestBuilderInternal(s.path, s.adapter)
}

func TestPageIterator(t *testing.T) {
	s := newSDK(t)
	page, err := s.devices().ManagedDevices().Get(t.Context(), &devicemanagement.ManagedDevicesRequestBuilderGetRequestConfiguration{
		QueryParameters: &devicemanagement.ManagedDevicesRequestBuilderGetQueryParameters{Top: ptr.To[int32](7)}})
	if err != nil {
		t.Fatal(err)
	}
	iterator, err := msgraphgocore.NewPageIterator[models.ManagedDeviceable](page, s.adapter, models.CreateManagedDeviceCollectionResponseFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	if err := iterator.Iterate(t.Context(), func(d models.ManagedDeviceable) bool {
		if d.GetId() == nil || d.GetDeviceName() == nil || d.GetLastSyncDateTime() == nil || d.GetComplianceState() == nil || d.GetManagementAgent() == nil {
			t.Errorf("a device came without id, name, time or a readable enum: %v", ptr.Deref(d.GetDeviceName(), "?"))
			return false
		}
		if len(d.GetAdditionalData()) > 0 {
			t.Errorf("the SDK does not know %v", d.GetAdditionalData())
		}
		seen[*d.GetId()] = true
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) < fleet*9/10 || len(seen) > fleet {
		t.Errorf("%d devices, the tenant has %d, of which most are managed", len(seen), fleet)
	}
}

// newGroup is a typed group as a create wants it.
func newGroup(name string) *models.Group {
	g := models.NewGroup()
	g.SetDisplayName(ptr.To(name))
	g.SetMailEnabled(ptr.To(false))
	g.SetMailNickname(ptr.To(strings.ReplaceAll(name, " ", "-")))
	g.SetSecurityEnabled(ptr.To(true))
	return g
}

func TestTypedGroups(t *testing.T) {
	s := newSDK(t)
	made, err := s.groups().Post(t.Context(), newGroup("sdk"), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := *made.GetId()
	devices, err := s.devices().ManagedDevices().Get(t.Context(), nil)
	if err != nil || len(devices.GetValue()) == 0 {
		t.Fatalf("no devices: %v", err)
	}
	user := devices.GetValue()[0].GetUserId()
	ref := models.NewReferenceCreate()
	ref.SetOdataId(ptr.To(s.base + "/directoryObjects/" + *user))
	if err := s.groups().ByGroupId(id).Members().Ref().Post(t.Context(), ref, nil); err != nil {
		t.Fatal(err)
	}
	members, err := s.groups().ByGroupId(id).Members().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if list := members.GetValue(); len(list) != 1 {
		t.Errorf("%d members, want 1", len(list))
	} else if u, ok := list[0].(models.Userable); !ok || *u.GetId() != *user {
		t.Errorf("the member is a %T, want the user %s", list[0], *user)
	}
	headers := abs.NewRequestHeaders()
	headers.Add("ConsistencyLevel", "eventual")
	count, err := s.groups().ByGroupId(id).TransitiveMembers().Count().Get(t.Context(), &groups.ItemTransitiveMembersCountRequestBuilderGetRequestConfiguration{Headers: headers})
	if err != nil || ptr.Deref(count, -1) != 1 {
		t.Errorf("count %v, %v, want 1", ptr.Deref(count, -1), err)
	}
	change := models.NewGroup()
	change.SetDescription(ptr.To("changed"))
	if _, err := s.groups().ByGroupId(id).Patch(t.Context(), change, nil); err != nil {
		t.Fatal(err)
	}
	if again, err := s.groups().ByGroupId(id).Get(t.Context(), nil); err != nil || ptr.Deref(again.GetDescription(), "") != "changed" {
		t.Errorf("the group was not changed: %v", err)
	}
	if err := s.groups().ByGroupId(id).Delete(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, err = s.groups().ByGroupId(id).Get(t.Context(), nil)
	var refused *odataerrors.ODataError
	if !errors.As(err, &refused) || refused.ResponseStatusCode != http.StatusNotFound || ptr.Deref(refused.GetErrorEscaped().GetCode(), "") != "Request_ResourceNotFound" {
		t.Errorf("a deleted group answers %v, want the SDK's own error with 404 Request_ResourceNotFound", err)
	}
}

func TestUpsertByUniqueName(t *testing.T) {
	s := newSDK(t)
	name := "sdk-unique"
	headers := abs.NewRequestHeaders()
	headers.Add("Prefer", "create-if-missing")
	upsert := func() models.Groupable {
		t.Helper()
		g, err := groupswithuniquename.NewGroupsWithUniqueNameRequestBuilderInternal(s.path, s.adapter, &name).Patch(t.Context(), newGroup("sdk unique"),
			&groupswithuniquename.GroupsWithUniqueNameRequestBuilderPatchRequestConfiguration{Headers: headers})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if made := upsert(); made == nil || ptr.Deref(made.GetUniqueName(), "") != name {
		t.Errorf("the first upsert gave %v, want the group", made)
	}
	if again := upsert(); again != nil {
		t.Errorf("the second upsert gave %v, want nothing (204)", again)
	}
	found, err := s.groups().Get(t.Context(), &groups.GroupsRequestBuilderGetRequestConfiguration{
		QueryParameters: &groups.GroupsRequestBuilderGetQueryParameters{Filter: ptr.To("displayName eq 'sdk unique'")}})
	if err != nil || len(found.GetValue()) != 1 {
		t.Fatalf("%v groups, %v, want one", found, err)
	}
}

func TestExportJob(t *testing.T) {
	s := newSDK(t)
	job := models.NewDeviceManagementExportJob()
	job.SetReportName(ptr.To("Devices"))
	job.SetSelectEscaped([]string{"DeviceId", "DeviceName"})
	format := models.CSV_DEVICEMANAGEMENTREPORTFILEFORMAT
	job.SetFormat(&format)
	jobs := s.devices().Reports().ExportJobs()
	made, err := jobs.Post(t.Context(), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		got, err := jobs.ByDeviceManagementExportJobId(*made.GetId()).Get(t.Context(), nil)
		if err != nil || got.GetStatus() == nil {
			t.Fatalf("poll: %v, status %v", err, got)
		}
		if *got.GetStatus() == models.COMPLETED_DEVICEMANAGEMENTREPORTSTATUS && ptr.Deref(got.GetUrl(), "") != "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the job is %v after 10 s", got.GetStatus())
		}
	}
}

// TestBatchCollection sends more steps than one $batch holds: the collection cuts them.
func TestBatchCollection(t *testing.T) {
	s := newSDK(t)
	page, err := s.groups().Get(t.Context(), nil)
	if err != nil || len(page.GetValue()) == 0 {
		t.Fatalf("no groups: %v", err)
	}
	batch := msgraphgocore.NewBatchRequestCollection(s.adapter)
	asked := map[string]string{}
	for i := range 25 {
		g := page.GetValue()[i%len(page.GetValue())]
		request, err := s.groups().ByGroupId(*g.GetId()).ToGetRequestInformation(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		step, err := batch.AddBatchRequestStep(*request)
		if err != nil {
			t.Fatal(err)
		}
		asked[*step.GetId()] = *g.GetId()
	}
	create, err := s.groups().ToPostRequestInformation(t.Context(), newGroup("sdk batch"), nil)
	if err != nil {
		t.Fatal(err)
	}
	step, err := batch.AddBatchRequestStep(*create)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := s.groups().ByGroupId("00000000-0000-0000-0000-00000000dead").ToGetRequestInformation(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	lostStep, err := batch.AddBatchRequestStep(*lost)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := batch.Send(t.Context(), s.adapter)
	if err != nil {
		t.Fatal(err)
	}
	for step, group := range asked {
		g, err := msgraphgocore.GetBatchResponseById[models.Groupable](answer, step, models.CreateGroupFromDiscriminatorValue)
		if err != nil || *g.GetId() != group {
			t.Errorf("step %s: %v, want group %s", step, err, group)
		}
	}
	if made, err := msgraphgocore.GetBatchResponseById[models.Groupable](answer, *step.GetId(), models.CreateGroupFromDiscriminatorValue); err != nil || *made.GetDisplayName() != "sdk batch" {
		t.Errorf("the create in the batch: %v", err)
	}
	if _, err := msgraphgocore.GetBatchResponseById[models.Groupable](answer, *lostStep.GetId(), models.CreateGroupFromDiscriminatorValue); err == nil {
		t.Error("a step that failed has no error")
	}
}

func TestSyncDevice(t *testing.T) {
	s := newSDK(t)
	page, err := s.devices().ManagedDevices().Get(t.Context(), nil)
	if err != nil || len(page.GetValue()) == 0 {
		t.Fatalf("no devices: %v", err)
	}
	if err := s.devices().ManagedDevices().ByManagedDeviceId(*page.GetValue()[0].GetId()).SyncDevice().Post(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
