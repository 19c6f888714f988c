// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformancesdk

import (
	"net/http"
	"testing"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-beta-sdk-go/devicemanagement"
	"github.com/microsoftgraph/msgraph-beta-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go-core"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

func ptr[T any](v T) *T { return &v }

// wellKnown fails for members of an answer that the SDK does not know.
func wellKnown(t *testing.T, v any, at string) {
	t.Helper()
	for _, unknown := range strangers(v, at) {
		t.Errorf("the simulator sends %s, which the SDK does not know", unknown)
	}
}

// newPolicy is a typed policy that sets the passkey setting.
func newPolicy(name string) *models.DeviceManagementConfigurationPolicy {
	value := models.NewDeviceManagementConfigurationChoiceSettingValue()
	value.SetValue(ptr(tenantsim.PasskeysWindowsDevice + "_1"))
	value.SetChildren([]models.DeviceManagementConfigurationSettingInstanceable{})
	instance := models.NewDeviceManagementConfigurationChoiceSettingInstance()
	instance.SetSettingDefinitionId(ptr(tenantsim.PasskeysWindowsDevice))
	instance.SetChoiceSettingValue(value)
	setting := models.NewDeviceManagementConfigurationSetting()
	setting.SetSettingInstance(instance)
	p := models.NewDeviceManagementConfigurationPolicy()
	p.SetName(ptr(name))
	p.SetDescription(ptr("beta SDK"))
	p.SetPlatforms(ptr(models.DeviceManagementConfigurationPlatforms(models.WINDOWS10_DEVICEMANAGEMENTCONFIGURATIONPLATFORMS)))
	p.SetTechnologies(ptr(models.DeviceManagementConfigurationTechnologies(models.MDM_DEVICEMANAGEMENTCONFIGURATIONTECHNOLOGIES)))
	p.SetRoleScopeTagIds([]string{"0"})
	p.SetSettings([]models.DeviceManagementConfigurationSettingable{setting})
	return p
}

func groupTarget(id string) models.DeviceAndAppManagementAssignmentTargetable {
	target := models.NewGroupAssignmentTarget()
	target.SetGroupId(ptr(id))
	return target
}

// anyGroup finds a group of the tenant.
func anyGroup(t *testing.T, c *graph.Client) string {
	t.Helper()
	g, _, err := c.UpsertGroup(t.Context(), "beta-sdk", graph.GroupSpec{DisplayName: "beta SDK"})
	if err != nil {
		t.Fatal(err)
	}
	return g.ID
}

func TestSettingsCatalog(t *testing.T) {
	tn := startTenant(t)
	group := anyGroup(t, tn.client(t))
	made, err := tn.ConfigurationPolicies().Post(t.Context(), newPolicy("sdk"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wellKnown(t, made, "policy")
	if *made.GetSettingCount() != 1 || *made.GetIsAssigned() || made.GetTechnologies() == nil || made.GetTemplateReference() == nil {
		t.Errorf("the policy came back as %v settings, assigned %v", *made.GetSettingCount(), *made.GetIsAssigned())
	}
	item := tn.ConfigurationPolicies().ByDeviceManagementConfigurationPolicyId(*made.GetId())
	settings, err := item.Settings().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wellKnown(t, settings, "settings")
	choice, ok := settings.GetValue()[0].GetSettingInstance().(models.DeviceManagementConfigurationChoiceSettingInstanceable)
	if !ok || *choice.GetChoiceSettingValue().GetValue() != tenantsim.PasskeysWindowsDevice+"_1" {
		t.Errorf("the setting is a %T", settings.GetValue()[0].GetSettingInstance())
	}
	body := devicemanagement.NewConfigurationPoliciesItemAssignPostRequestBody()
	assignment := models.NewDeviceManagementConfigurationPolicyAssignment()
	assignment.SetTarget(groupTarget(group))
	body.SetAssignments([]models.DeviceManagementConfigurationPolicyAssignmentable{assignment})
	assigned, err := item.Assign().PostAsAssignPostResponse(t.Context(), body, nil)
	if err != nil || len(assigned.GetValue()) != 1 {
		t.Fatalf("assign: %v", err)
	}
	wellKnown(t, assigned, "assigned")
	list, err := item.Assignments().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wellKnown(t, list, "assignments")
	if target, ok := list.GetValue()[0].GetTarget().(models.GroupAssignmentTargetable); !ok || *target.GetGroupId() != group {
		t.Errorf("the target is a %T", list.GetValue()[0].GetTarget())
	}
	if err := item.Delete(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestPageIteratorOverDefinitions(t *testing.T) {
	tn := startTenant(t)
	page, err := tn.ConfigurationSettings().Get(t.Context(), &devicemanagement.ConfigurationSettingsRequestBuilderGetRequestConfiguration{
		QueryParameters: &devicemanagement.ConfigurationSettingsRequestBuilderGetQueryParameters{Top: ptr[int32](10)}})
	if err != nil {
		t.Fatal(err)
	}
	iterator, err := msgraphgocore.NewPageIterator[models.DeviceManagementConfigurationSettingDefinitionable](page, tn.adapter,
		models.CreateDeviceManagementConfigurationSettingDefinitionCollectionResponseFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	seen, choices := map[string]bool{}, 0
	if err := iterator.Iterate(t.Context(), func(d models.DeviceManagementConfigurationSettingDefinitionable) bool {
		seen[*d.GetId()] = true
		wellKnown(t, d, "definition")
		if c, ok := d.(models.DeviceManagementConfigurationChoiceSettingDefinitionable); ok && len(c.GetOptions()) > 0 {
			choices++
		}
		return len(seen) < 500
	}); err != nil {
		t.Fatal(err)
	}
	if !seen[tenantsim.PasskeysWindowsDevice] || choices == 0 {
		t.Errorf("%d definitions, %d choices, the passkey setting among them: %t", len(seen), choices, seen[tenantsim.PasskeysWindowsDevice])
	}
}

func TestRemediations(t *testing.T) {
	tn := startTenant(t)
	group := anyGroup(t, tn.client(t))
	script := models.NewDeviceHealthScript()
	script.SetDisplayName(ptr("sdk"))
	script.SetDescription(ptr("beta SDK"))
	script.SetPublisher(ptr("sdk"))
	script.SetRunAsAccount(ptr(models.SYSTEM_RUNASACCOUNTTYPE))
	script.SetDetectionScriptContent([]byte("exit 0"))
	script.SetRemediationScriptContent([]byte("exit 0"))
	script.SetRoleScopeTagIds([]string{"0"})
	made, err := tn.DeviceHealthScripts().Post(t.Context(), script, nil)
	if err != nil {
		t.Fatal(err)
	}
	wellKnown(t, made, "remediation")
	item := tn.DeviceHealthScripts().ByDeviceHealthScriptId(*made.GetId())
	schedule := models.NewDeviceHealthScriptDailySchedule()
	schedule.SetInterval(ptr[int32](1))
	at, err := serialization.ParseTimeOnly("09:00:00")
	if err != nil {
		t.Fatal(err)
	}
	schedule.SetTime(at)
	schedule.SetUseUtc(ptr(true))
	assignment := models.NewDeviceHealthScriptAssignment()
	assignment.SetTarget(groupTarget(group))
	assignment.SetRunRemediationScript(ptr(true))
	assignment.SetRunSchedule(schedule)
	body := devicemanagement.NewDeviceHealthScriptsItemAssignPostRequestBody()
	body.SetDeviceHealthScriptAssignments([]models.DeviceHealthScriptAssignmentable{assignment})
	if err := item.Assign().Post(t.Context(), body, nil); err != nil {
		t.Fatal(err)
	}
	list, err := item.Assignments().Get(t.Context(), nil)
	if err != nil || len(list.GetValue()) != 1 {
		t.Fatalf("assignments: %v", err)
	}
	wellKnown(t, list, "assignments")
	if _, ok := list.GetValue()[0].GetRunSchedule().(models.DeviceHealthScriptDailyScheduleable); !ok {
		t.Errorf("the schedule is a %T", list.GetValue()[0].GetRunSchedule())
	}
	summary, err := item.RunSummary().Get(t.Context(), nil)
	if err != nil || summary.GetNoIssueDetectedDeviceCount() == nil {
		t.Errorf("run summary: %v", err)
	}
	wellKnown(t, summary, "summary")
	states, err := item.DeviceRunStates().Get(t.Context(), nil)
	if err != nil {
		t.Errorf("run states: %v", err)
	}
	wellKnown(t, states, "states")
	got, err := item.Get(t.Context(), nil)
	if err != nil || string(got.GetDetectionScriptContent()) != "exit 0" {
		t.Errorf("the script reads back as %q, %v", got.GetDetectionScriptContent(), err)
	}
	if err := item.Delete(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestAssignmentFilters(t *testing.T) {
	tn := startTenant(t)
	filter := models.NewDeviceAndAppManagementAssignmentFilter()
	filter.SetDisplayName(ptr("sdk"))
	filter.SetDescription(ptr("beta SDK"))
	filter.SetPlatform(ptr(models.WINDOWS10ANDLATER_DEVICEPLATFORMTYPE))
	filter.SetRule(ptr(`(device.deviceOwnership -eq "Corporate")`))
	filter.SetRoleScopeTags([]string{"0"})
	made, err := tn.AssignmentFilters().Post(t.Context(), filter, nil)
	if err != nil {
		t.Fatal(err)
	}
	wellKnown(t, made, "filter")
	item := tn.AssignmentFilters().ByDeviceAndAppManagementAssignmentFilterId(*made.GetId())
	change := models.NewDeviceAndAppManagementAssignmentFilter()
	change.SetDescription(ptr("changed"))
	if _, err := item.Patch(t.Context(), change, nil); err != nil {
		t.Fatal(err)
	}
	got, err := item.Get(t.Context(), nil)
	if err != nil || *got.GetDescription() != "changed" || got.GetPlatform() == nil || *got.GetPlatform() != models.WINDOWS10ANDLATER_DEVICEPLATFORMTYPE {
		t.Errorf("the filter reads back as %v, %v", got, err)
	}
	if err := item.Delete(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// TestSDKReadsWhatOurClientSends lets the SDK's models decode the bodies of this
// project's client. A member or enum that they do not know is a mistake of ours.
func TestSDKReadsWhatOurClientSends(t *testing.T) {
	tn := startTenant(t)
	c := tn.client(t)
	ctx := t.Context()
	group := anyGroup(t, c)
	wanted := graph.ConfigurationPolicy{Name: "ours", Description: "ours", Platforms: "windows10", Technologies: "mdm",
		Settings: []graph.Setting{{Instance: graph.ChoiceSetting(tenantsim.PasskeysWindowsDevice, tenantsim.PasskeysWindowsDevice+"_1")}}}
	p, err := c.CreateConfigurationPolicy(ctx, wanted)
	if err != nil {
		t.Fatal(err)
	}
	checkPolicy(t, tn.last(t, http.MethodPost, "/configurationPolicies"))
	if err := c.ReplaceConfigurationPolicy(ctx, p.ID, wanted); err != nil {
		t.Fatal(err)
	}
	checkPolicy(t, tn.last(t, http.MethodPut, "')"))
	if _, err := c.Assign(ctx, p.ID, []graph.Assignment{{Kind: graph.TargetGroup, GroupID: group}, {Kind: graph.TargetExclusionGroup, GroupID: group}}); err != nil {
		t.Logf("assign: %v", err)
	}
	assign := decode[*devicemanagement.ConfigurationPoliciesItemAssignPostRequestBody](t, tn.last(t, http.MethodPost, "/assign"),
		devicemanagement.CreateConfigurationPoliciesItemAssignPostRequestBodyFromDiscriminatorValue)
	if list := assign.GetAssignments(); len(list) != 2 {
		t.Errorf("%d assignments, want 2", len(list))
	} else if _, ok := list[1].GetTarget().(models.ExclusionGroupAssignmentTargetable); !ok {
		t.Errorf("the second target is a %T", list[1].GetTarget())
	}
	if _, err := c.CreateAssignmentFilter(ctx, graph.AssignmentFilter{DisplayName: "ours", Platform: "windows10AndLater", Rule: `(device.deviceOwnership -eq "Corporate")`}); err != nil {
		t.Fatal(err)
	}
	filter := decode[*models.DeviceAndAppManagementAssignmentFilter](t, tn.last(t, http.MethodPost, "/assignmentFilters"), models.CreateDeviceAndAppManagementAssignmentFilterFromDiscriminatorValue)
	if filter.GetPlatform() == nil || len(filter.GetRoleScopeTags()) != 1 {
		t.Error("the filter lost its platform or scope tag")
	}
	script, err := c.CreateRemediation(ctx, graph.Remediation{DisplayName: "ours", Publisher: "ours", DetectionScript: []byte("exit 0"), RemediationScript: []byte("exit 0")})
	if err != nil {
		t.Fatal(err)
	}
	remediation := decode[*models.DeviceHealthScript](t, tn.last(t, http.MethodPost, "/deviceHealthScripts"), models.CreateDeviceHealthScriptFromDiscriminatorValue)
	if string(remediation.GetDetectionScriptContent()) != "exit 0" || remediation.GetRunAsAccount() == nil {
		t.Errorf("the script is %q", remediation.GetDetectionScriptContent())
	}
	if _, err := c.AssignRemediation(ctx, script.ID, []graph.RemediationAssignment{{Assignment: graph.Assignment{Kind: graph.TargetGroup, GroupID: group},
		Schedule: &graph.RemediationSchedule{Kind: graph.ScheduleDaily, Interval: 1, Time: "09:00:00"}}}); err != nil {
		t.Logf("assign the remediation: %v", err)
	}
	assigned := decode[*devicemanagement.DeviceHealthScriptsItemAssignPostRequestBody](t, tn.last(t, http.MethodPost, "/assign"),
		devicemanagement.CreateDeviceHealthScriptsItemAssignPostRequestBodyFromDiscriminatorValue)
	if list := assigned.GetDeviceHealthScriptAssignments(); len(list) != 1 {
		t.Errorf("%d assignments of the remediation, want 1", len(list))
	} else if _, ok := list[0].GetRunSchedule().(models.DeviceHealthScriptDailyScheduleable); !ok {
		t.Errorf("the schedule is a %T", list[0].GetRunSchedule())
	}
}

func checkPolicy(t *testing.T, body []byte) {
	t.Helper()
	p := decode[*models.DeviceManagementConfigurationPolicy](t, body, models.CreateDeviceManagementConfigurationPolicyFromDiscriminatorValue)
	if p.GetPlatforms() == nil || p.GetTechnologies() == nil || len(p.GetSettings()) != 1 {
		t.Fatalf("the SDK reads platforms %v, technologies %v, %d settings", p.GetPlatforms(), p.GetTechnologies(), len(p.GetSettings()))
	}
	choice, ok := p.GetSettings()[0].GetSettingInstance().(*models.DeviceManagementConfigurationChoiceSettingInstance)
	if !ok || *choice.GetChoiceSettingValue().GetValue() != tenantsim.PasskeysWindowsDevice+"_1" {
		t.Errorf("the setting is a %T", p.GetSettings()[0].GetSettingInstance())
	}
}
