// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDefaults writes the smallest object of each kind and compares the whole spec that the API server stores. The
// numbers are the documented ones: a default that changes here changes what running rollouts do.
func TestDefaults(t *testing.T) {
	c := shared(t)
	ns := c.namespace(t)
	for _, test := range []struct {
		name, kind string
		edits      edits
		want       string
	}{
		{"Tenant", "Tenant", nil, `
spec:
  tenantID: 11111111-2222-3333-4444-555555555555
  auth: {workloadIdentity: {}}
  cloud: Global
  inventory: {refreshInterval: 30m}
`},
		{"PasskeyPolicy", "PasskeyPolicy", nil, `
spec:
  tenantRef: {name: corporate}
  settings: {passkeyCreation: Enabled}
  population: {include: [{displayName: Everyone}]}
  platforms: [Windows]
  scope: Device
  onMissingSetting: Block
  mode: Gate
  prerequisites: {windows: 10.0.22621, macOS: "13", edge: "120", encryption: Require, maxOffline: 168h}
  drift: Correct
  deletionPolicy: Delete
  interval: 30m
  unit: Device
  restartFrom: FirstWave
  revertWindow: 720h
`},
		{"PilotWave with a smoke gate", "PilotWave", nil, `
spec:
  policyRef: {name: edge-passkeys}
  audience: {groups: {include: [{displayName: Canary}]}, maxIneligiblePercent: 20, membership: Frozen}
  exposure: {batchSize: 25, interval: 8h}
  gate:
    bake: 72h
    maturity: 48h
    deadline: 336h
    maxTelemetryAge: 26h
    coverage: {minReports: 1, minPercent: 90, maxNotApplicablePercent: 10}
    smoke: {maxFailures: 0}
    halt: {toleratedFailureRate: "0.05", alpha: "0.05", minFailures: 3}
  onFailure: {action: Hold, rollback: {verifyPercent: 95, deadline: 168h}}
  postWatch: {duration: 336h}
`},
		{"PilotWave with a floor", "PilotWave", edits{"spec.gate": `{promote: {floorRate: "0.95"}}`}, `
spec:
  policyRef: {name: edge-passkeys}
  audience: {groups: {include: [{displayName: Canary}]}, maxIneligiblePercent: 20, membership: Frozen}
  exposure: {batchSize: 25, interval: 8h}
  gate:
    bake: 72h
    maturity: 48h
    deadline: 336h
    maxTelemetryAge: 26h
    coverage: {minReports: 1, minPercent: 90, maxNotApplicablePercent: 10}
    promote: {floorRate: "0.95", confidence: "0.95", looks: 1}
    halt: {toleratedFailureRate: "0.05", alpha: "0.05", minFailures: 3}
  onFailure: {action: Hold, rollback: {verifyPercent: 95, deadline: 168h}}
  postWatch: {duration: 336h}
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := c.dryCreate(t, edited(t, test.kind, ns, test.edits))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parse(t, test.want).Object["spec"], got.Object["spec"]); diff != "" {
				t.Errorf("stored spec (-want +got):\n%s", diff)
			}
		})
	}
}
