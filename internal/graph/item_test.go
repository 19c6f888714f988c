// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestOddItems: one item of a list that is null, has no id or does not parse is told, and hides none of its neighbours.
func TestOddItems(t *testing.T) {
	const (
		definition = `"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingDefinition"`
		setting    = `{"id":"%s","settingInstance":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"%[1]s","choiceSettingValue":{"value":"v"}}}`
		assignment = `{"id":"%s","target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"%[1]s"}}`
	)
	lists := map[string]struct {
		item string // a good one
		odd  []string
		// read returns the ids, with "?" for one that cannot be read
		read func(ctx context.Context, c *Client) ([]string, error)
	}{
		"members":    {`{"@odata.type":"#microsoft.graph.device","id":"%s"}`, []string{`{"id":7}`, `{}`}, members((*Client).Members)},
		"transitive": {`{"@odata.type":"#microsoft.graph.device","id":"%s"}`, []string{`{"id":7}`, `{}`}, members((*Client).TransitiveMembers)},
		"devices": {`{"id":"%s"}`, []string{`{"id":7}`, `{}`, `{"id":"b","isManaged":"perhaps"}`, `{"id":"b","approximateLastSignInDateTime":"never"}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			err = c.EntraDevices(ctx, func(d EntraDevice) error { ids = append(ids, told(d.ID, d.Unreadable)); return nil })
			return ids, err
		}},
		"managed": {`{"id":"%s"}`, []string{`{"id":7}`, `{}`, `{"id":"b","isEncrypted":"perhaps"}`, `{"id":"b","enrolledDateTime":"yesterday"}`, `{"id":"b","lastSyncDateTime":12}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			err = c.ManagedDevices(ctx, func(d ManagedDevice) error { ids = append(ids, told(d.ID, d.Unreadable)); return nil })
			return ids, err
		}},
		"encryption": {`{"id":"%s"}`, []string{`{"id":7}`, `{}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			err = c.EncryptionStates(ctx, func(e EncryptionState) error { ids = append(ids, told(e.DeviceID, e.Unreadable)); return nil })
			return ids, err
		}},
		"policies": {`{"id":"%s","name":"n"}`, []string{`{"id":7}`, `{}`, `{"id":"b","name":"n","settingCount":"many"}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			list, err := c.ConfigurationPolicies(ctx, "")
			for _, p := range list {
				ids = append(ids, told(p.ID, p.Unreadable))
			}
			return ids, err
		}},
		"groups": {`{"id":"%s","displayName":"n"}`, []string{`{"id":7}`, `{"displayName":"n"}`, `{"id":"b","displayName":"n","groupTypes":7}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			list, err := c.GroupsByDisplayName(ctx, "n")
			for _, g := range list {
				ids = append(ids, told(g.ID, g.Unreadable))
			}
			return ids, err
		}},
		"definitions": {`{` + definition + `,"id":"%s"}`, []string{`{` + definition + `,"id":7}`, `{}`, `{` + definition + `,"id":"b","options":"none"}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			list, err := c.SettingDefinitions(ctx, SettingFilter{})
			for _, d := range list {
				ids = append(ids, told(d.ID, d.Unreadable))
			}
			return ids, err
		}},
		"settings": {setting, []string{`{"id":"b"}`, `{"id":"b","settingInstance":7}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			list, err := c.PolicySettings(ctx, "p1")
			for _, s := range list {
				if s.Instance.Kind == InstanceUnreadable {
					s.Instance.DefinitionID = "?"
				}
				ids = append(ids, s.Instance.DefinitionID)
			}
			return ids, err
		}},
		"assignments": {assignment, []string{`{"id":"b"}`, `{"id":"b","target":null}`, `{"id":7}`}, func(ctx context.Context, c *Client) (ids []string, err error) {
			list, err := c.Assignments(ctx, "p1")
			for _, a := range list {
				if a.Kind == TargetUnreadable || a.Kind == TargetOther {
					a.GroupID = "?"
				}
				ids = append(ids, a.GroupID)
			}
			return ids, err
		}},
	}
	// Graph's types allow these.
	fits := []string{`{}`, `{"displayName":"n"}`, `{"id":"b"}`, `{"id":"b","target":null}`}
	for name, l := range lists {
		for _, odd := range append([]string{"null"}, l.odd...) {
			srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
				if !slices.Contains(fits, odd) || name == "definitions" {
					mark(w)
				}
				answer(w, 200, `{"value":[%s,%s,%s]}`, fmt.Sprintf(l.item, "a"), odd, fmt.Sprintf(l.item, "c"))
			})
			ids, err := l.read(t.Context(), testClient(t, srv.URL))
			if got := strings.Join(ids, " "); err != nil || got != "a ? c" {
				t.Errorf("%s, %s: %q, %v", name, odd, got, err)
			}
		}
	}
}

func told(id string, odd error) string {
	if odd != nil {
		return "?"
	}
	return id
}

func members(list func(*Client, context.Context, string) ([]Member, error)) func(context.Context, *Client) ([]string, error) {
	return func(ctx context.Context, c *Client) (ids []string, err error) {
		found, err := list(c, ctx, "g1")
		for _, m := range found {
			if m.Kind == MemberUnreadable {
				m.ID = "?"
			}
			ids = append(ids, m.ID)
		}
		return ids, err
	}
}
