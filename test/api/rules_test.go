// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ruleCase shows one rule of the API from both sides.
type ruleCase struct {
	// kind and path say where the rule stands; message is its fixed message, which says what to write instead.
	kind, path, message string
	// says is what the API server answers to refused, where the rule builds its answer from the values; else message.
	says string
	// field is where the answer points; else path.
	field string
	// accepted and refused are edits of the smallest object.
	accepted, refused edits
	// change starts from a stored object with accepted applied, and updates it with refused: for rules about oldSelf.
	change bool
}

const (
	goodGUID     = "0A1b2c3d-1111-2222-3333-444455556666"
	oneOfGroup   = "name the group by exactly one of id or displayName"
	secretAuth   = "{clientSecret: {clientID: " + goodGUID + ", secretRef: {name: a, key: b}}}"
	oneOfAuth    = "set exactly one of clientSecret, clientCertificate or workloadIdentity"
	groupID      = "id must be the group's object id, a GUID; to name it otherwise write displayName"
	clientID     = "clientID must be the application (client) id, a GUID; the Entra admin center shows it on the app registration"
	oneOfGate    = "set exactly one of promote (a success rate to prove) or smoke (for a wave too small for statistics)"
	oneOfSlice   = "set exactly one of percent or count; remove slice to take all candidates"
	units        = "; units are h, m, s and ms"
	notNegative  = ", not negative" + units
	hostOnly     = " must be https://host or https://host:port, with nothing after it, such as https://127.0.0.1:8443"
	version4     = " must be a version of up to four numbers with dots between them, such as "
	version3     = " must be a version of up to three numbers with dots between them, such as "
	decimal      = " must be a decimal in quotes, "
	overZero     = "above 0 and below 1, with up to 6 digits, such as "
	takeItBack   = ". To take it back from admitted devices, roll back the waves or return to the earlier settings; to turn it off without a hold, create a PasskeyPolicy with mode: EnforceOnly"
	offInGate    = "in mode Gate no toggle of settings may be Disabled: hold sets that already for everyone whom no wave has admitted" + takeItBack
	isDisabled   = " is Disabled, which in mode Gate hold sets already for everyone whom no wave has admitted: a wave would bring nothing" + takeItBack
	needsMembers = "mode Gate needs population: the groups that are held back until their wave admits them. Name them, set population: {all: true}, or set mode: EnforceOnly"
)

var tenantRules = []ruleCase{
	{kind: "Tenant", path: "spec.tenantID",
		message:  "tenantID must be the directory (tenant) id, a GUID; the Entra admin center shows it under Overview",
		accepted: edits{"spec.tenantID": goodGUID}, refused: edits{"spec.tenantID": "contoso.onmicrosoft.com"}},
	{kind: "Tenant", path: "spec.tenantID", message: "tenantID is immutable; create another Tenant for another directory",
		refused: edits{"spec.tenantID": goodGUID}, change: true},
	{kind: "Tenant", path: "spec.auth", message: oneOfAuth,
		accepted: edits{"spec.auth": secretAuth},
		refused:  edits{"spec.auth.clientCertificate": "{clientID: " + goodGUID + ", secretRef: {name: a, key: b}}"}},
	{kind: "Tenant", path: "spec.auth", message: oneOfAuth, refused: edits{"spec.auth": "{}"}},
	{kind: "Tenant", path: "spec.auth.clientSecret.clientID", message: clientID,
		accepted: edits{"spec.auth": "{clientSecret: {clientID: " + goodGUID + ", secretRef: {name: a, key: b}}}"},
		refused:  edits{"spec.auth": "{clientSecret: {clientID: tidegate, secretRef: {name: a, key: b}}}"}},
	{kind: "Tenant", path: "spec.auth.clientCertificate.clientID", message: clientID,
		accepted: edits{"spec.auth": "{clientCertificate: {clientID: " + goodGUID + ", secretRef: {name: a, key: b}}}"},
		refused:  edits{"spec.auth": "{clientCertificate: {clientID: tidegate, secretRef: {name: a, key: b}}}"}},
	{kind: "Tenant", path: "spec.auth.workloadIdentity.clientID", message: clientID,
		accepted: edits{"spec.auth.workloadIdentity.clientID": goodGUID},
		refused:  edits{"spec.auth.workloadIdentity.clientID": "tidegate"}},
	{kind: "Tenant", path: "spec", message: "auth.workloadIdentity signs in to Microsoft only; remove endpoint, or set auth.clientSecret or auth.clientCertificate beside it",
		accepted: edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://sim', authorityURL: 'https://sim'}"},
		refused:  edits{"spec.endpoint": "{graphURL: 'https://sim', authorityURL: 'https://sim'}"}},
	{kind: "Tenant", path: "", message: "the name of a Tenant has at most 63 characters, as the label tidegate.dev/tenant of its Secret has to name it",
		accepted: edits{"metadata.name": strings.Repeat("a", 63)}, refused: edits{"metadata.name": strings.Repeat("a", 64)}},
	{kind: "Tenant", path: "spec.endpoint.graphURL", message: "graphURL" + hostOnly,
		accepted: edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://127.0.0.1:8443', authorityURL: 'https://[::1]:8443'}"},
		refused:  edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'http://127.0.0.1:8443', authorityURL: 'https://127.0.0.1:8443'}"}},
	{kind: "Tenant", path: "spec.endpoint.graphURL", message: "graphURL" + hostOnly,
		refused: edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://user:word@sim', authorityURL: 'https://sim'}"}},
	{kind: "Tenant", path: "spec.endpoint.authorityURL", message: "authorityURL" + hostOnly,
		accepted: edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://sim', authorityURL: 'https://sim'}"},
		refused:  edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://sim', authorityURL: 'https://sim/common'}"}},
	{kind: "Tenant", path: "spec.endpoint.authorityURL", message: "authorityURL" + hostOnly,
		refused: edits{"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://sim', authorityURL: 'https://sim:port'}"}},
	{kind: "Tenant", path: "spec.inventory.refreshInterval",
		message:  "refreshInterval must be a duration such as 30m, at least 1m" + units,
		accepted: edits{"spec.inventory.refreshInterval": "1m"}, refused: edits{"spec.inventory.refreshInterval": "59s"}},
}

var policyRules = []ruleCase{
	{kind: "PasskeyPolicy", path: "spec", message: needsMembers,
		accepted: edits{"spec.population": "", "spec.mode": "EnforceOnly"}, refused: edits{"spec.population": ""}},
	{kind: "PasskeyPolicy", path: "spec", message: needsMembers, refused: edits{"spec.population": ""}, change: true},
	{kind: "PasskeyPolicy", path: "spec", field: "spec.settings", message: offInGate, says: "settings.passkeyCreation" + isDisabled,
		accepted: edits{"spec.settings": "{passkeyCreation: Disabled}", "spec.mode": "EnforceOnly"},
		refused:  edits{"spec.settings": "{passkeyCreation: Disabled}"}},
	{kind: "PasskeyPolicy", path: "spec", field: "spec.settings", message: offInGate, says: "settings.passkeySync" + isDisabled,
		refused: edits{"spec.settings": "{passkeyCreation: Enabled, passkeySync: Disabled}"}},
	{kind: "PasskeyPolicy", path: "spec", field: "spec.settings", message: offInGate, says: "settings.passwordlessSignin" + isDisabled,
		refused: edits{"spec.settings": "{passwordlessSignin: Disabled}"}, change: true},
	{kind: "PasskeyPolicy", path: "spec", message: "scope is immutable; create another PasskeyPolicy for the other scope",
		refused: edits{"spec.scope": "User"}, change: true},
	{kind: "PasskeyPolicy", path: "spec",
		message: "mode is immutable: a change would hold or release every device at once. Create another PasskeyPolicy",
		refused: edits{"spec.mode": "EnforceOnly"}, change: true},
	{kind: "PasskeyPolicy", path: "spec",
		message: "unit is immutable: groups of the other kind cannot take over from these. Create another PasskeyPolicy for the other unit",
		refused: edits{"spec.unit": "User"}, change: true},
	{kind: "PasskeyPolicy", path: "spec.population", message: "name the population by exactly one of all: true or include",
		accepted: edits{"spec.population": "{all: true}"}, refused: edits{"spec.population.all": "true"}},
	{kind: "PasskeyPolicy", path: "spec.revertWindow", message: "revertWindow must be a duration such as 720h" + notNegative,
		accepted: edits{"spec.revertWindow": "0s"}, refused: edits{"spec.revertWindow": "-1h"}},
	{kind: "PasskeyPolicy", path: "spec.tenantRef", message: "tenantRef is immutable; create another PasskeyPolicy for another tenant",
		refused: edits{"spec.tenantRef.name": "other"}, change: true},
	{kind: "PasskeyPolicy", path: "spec.interval", message: "interval must be a duration such as 30m, at least 1m" + units,
		accepted: edits{"spec.interval": "60s"}, refused: edits{"spec.interval": "10s"}},
	{kind: "PasskeyPolicy", path: "spec.settings",
		message:  "set at least one of passwordlessSignin, passkeySync, passkeyCreation, backupStorageLocation or syncScope",
		accepted: edits{"spec.settings": "{syncScope: EnterpriseManaged}"}, refused: edits{"spec.settings": "{}"}},
	{kind: "PasskeyPolicy", path: "spec.population.include[]", message: oneOfGroup,
		accepted: edits{"spec.population.include[]": "{id: " + goodGUID + "}"},
		refused:  edits{"spec.population.include[]": "{id: " + goodGUID + ", displayName: Everyone}"}},
	{kind: "PasskeyPolicy", path: "spec.population.exclude[]", message: oneOfGroup,
		accepted: edits{"spec.population.exclude[]": "{displayName: Kiosks}"}, refused: edits{"spec.population.exclude[]": "{}"}},
	{kind: "PasskeyPolicy", path: "spec.population.include[].id", message: groupID,
		accepted: edits{"spec.population.include[]": "{id: " + goodGUID + "}"}, refused: edits{"spec.population.include[]": "{id: Everyone}"}},
	{kind: "PasskeyPolicy", path: "spec.population.exclude[].id", message: groupID,
		accepted: edits{"spec.population.exclude[]": "{id: " + goodGUID + "}"}, refused: edits{"spec.population.exclude[]": "{id: Kiosks}"}},
	{kind: "PasskeyPolicy", path: "spec.prerequisites.windows", message: "windows" + version4 + "10.0.22621",
		accepted: edits{"spec.prerequisites.windows": "10.0.26100.1742"}, refused: edits{"spec.prerequisites.windows": "22H2"}},
	{kind: "PasskeyPolicy", path: "spec.prerequisites.macOS", message: "macOS" + version3 + "14.5",
		accepted: edits{"spec.prerequisites.macOS": "14.5.1"}, refused: edits{"spec.prerequisites.macOS": "Sonoma"}},
	{kind: "PasskeyPolicy", path: "spec.prerequisites.edge", message: "edge" + version4 + "145.0.3800.58",
		accepted: edits{"spec.prerequisites.edge": "145.0.3800.58"}, refused: edits{"spec.prerequisites.edge": "v145"}},
	{kind: "PasskeyPolicy", path: "spec.prerequisites.maxOffline",
		message:  "maxOffline must be a duration such as 168h, at least 1h" + units,
		accepted: edits{"spec.prerequisites.maxOffline": "1h"}, refused: edits{"spec.prerequisites.maxOffline": "59m"}},
}

var waveRules = []ruleCase{
	{kind: "PilotWave", path: "", field: "spec.dependsOn", message: "dependsOn names the wave itself: remove that entry",
		says:     "dependsOn names the wave itself, smallest: remove that entry",
		accepted: edits{"spec.dependsOn": "[{name: canary}, {name: smaller}]"},
		refused:  edits{"spec.dependsOn": "[{name: canary}, {name: smallest}]"}},
	{kind: "PilotWave", path: "spec.policyRef", message: "policyRef is immutable; create another PilotWave for another policy",
		refused: edits{"spec.policyRef.name": "other"}, change: true},
	{kind: "PilotWave", path: "spec.dependsOn[].minSoak", message: "minSoak must be a duration such as 24h" + notNegative,
		accepted: edits{"spec.dependsOn[]": "{name: canary, minSoak: 0s}"}, refused: edits{"spec.dependsOn[]": "{name: canary, minSoak: -1h}"}},
	{kind: "PilotWave", path: "spec.audience.groups.include[]", message: oneOfGroup,
		accepted: edits{"spec.audience.groups.include[]": "{id: " + goodGUID + "}"},
		refused:  edits{"spec.audience.groups.include[]": "{id: " + goodGUID + ", displayName: Canary}"}},
	{kind: "PilotWave", path: "spec.audience.groups.exclude[]", message: oneOfGroup,
		accepted: edits{"spec.audience.groups.exclude[]": "{displayName: Kiosks}"}, refused: edits{"spec.audience.groups.exclude[]": "{}"}},
	{kind: "PilotWave", path: "spec.audience.groups.include[].id", message: groupID,
		accepted: edits{"spec.audience.groups.include[]": "{id: " + goodGUID + "}"}, refused: edits{"spec.audience.groups.include[]": "{id: Canary}"}},
	{kind: "PilotWave", path: "spec.audience.groups.exclude[].id", message: groupID,
		accepted: edits{"spec.audience.groups.exclude[]": "{id: " + goodGUID + "}"}, refused: edits{"spec.audience.groups.exclude[]": "{id: Kiosks}"}},
	{kind: "PilotWave", path: "spec.audience.slice", message: oneOfSlice,
		accepted: edits{"spec.audience.slice": "{percent: 5}"}, refused: edits{"spec.audience.slice": "{percent: 5, count: 100}"}},
	{kind: "PilotWave", path: "spec.audience.slice", message: oneOfSlice,
		accepted: edits{"spec.audience.slice": "{count: 100}"}, refused: edits{"spec.audience.slice": "{}"}},
	{kind: "PilotWave", path: "spec.audience.bounds", message: "min must not exceed max: lower min or raise max",
		accepted: edits{"spec.audience.bounds": "{min: 10, max: 10}"}, refused: edits{"spec.audience.bounds": "{min: 11, max: 10}"}},
	{kind: "PilotWave", path: "spec.exposure.interval", message: "interval must be a duration such as 8h" + notNegative,
		accepted: edits{"spec.exposure.interval": "0s"}, refused: edits{"spec.exposure.interval": "-8h"}},
	{kind: "PilotWave", path: "spec.gate", message: oneOfGate,
		accepted: edits{"spec.gate": "{promote: {floorRate: '0.95'}}"}, refused: edits{"spec.gate": "{promote: {floorRate: '0.95'}, smoke: {}}"}},
	{kind: "PilotWave", path: "spec.gate", message: oneOfGate, refused: edits{"spec.gate": "{}"}},
	{kind: "PilotWave", path: "spec.gate", field: "spec.gate.deadline", message: "deadline must be longer than bake",
		says:     "deadline 72h must be longer than bake 72h: the wave would be held before it could be promoted; raise deadline or lower bake",
		accepted: edits{"spec.gate.bake": "72h", "spec.gate.deadline": "73h"}, refused: edits{"spec.gate.bake": "72h", "spec.gate.deadline": "72h"}},
	{kind: "PilotWave", path: "spec.gate", field: "spec.gate.deadline", message: "deadline must be longer than maturity",
		says:     "deadline 47h must be longer than maturity 48h: the wave would be held before a device counts; raise deadline or lower maturity",
		accepted: edits{"spec.gate.bake": "24h", "spec.gate.deadline": "49h"}, refused: edits{"spec.gate.bake": "24h", "spec.gate.deadline": "47h"}},
	{kind: "PilotWave", path: "spec.gate.bake", message: "bake must be a duration such as 72h" + notNegative,
		accepted: edits{"spec.gate.bake": "0s"}, refused: edits{"spec.gate.bake": "-1s"}},
	{kind: "PilotWave", path: "spec.gate.maturity", message: "maturity must be a duration such as 48h" + notNegative,
		accepted: edits{"spec.gate.maturity": "0s"}, refused: edits{"spec.gate.maturity": "-1s"}},
	{kind: "PilotWave", path: "spec.gate.deadline", message: "deadline must be a duration such as 336h and longer than bake" + units,
		accepted: edits{"spec.gate.deadline": "100h30m0.5s"}, refused: edits{"spec.gate.deadline": "14d"}},
	{kind: "PilotWave", path: "spec.gate.maxTelemetryAge",
		message:  "maxTelemetryAge must be a duration such as 26h, at least 1m" + units,
		accepted: edits{"spec.gate.maxTelemetryAge": "1m"}, refused: edits{"spec.gate.maxTelemetryAge": "59s"}},
	{kind: "PilotWave", path: "spec.gate.promote.floorRate", message: "floorRate" + decimal + overZero + `"0.95"`,
		accepted: edits{"spec.gate": "{promote: {floorRate: '0.999999'}}"}, refused: edits{"spec.gate": "{promote: {floorRate: 95%}}"}},
	{kind: "PilotWave", path: "spec.gate.promote.floorRate", message: "floorRate" + decimal + overZero + `"0.95"`,
		accepted: edits{"spec.gate": "{promote: {floorRate: '0.000001'}}"}, refused: edits{"spec.gate": "{promote: {floorRate: '0.0'}}"}},
	{kind: "PilotWave", path: "spec.gate.promote.confidence",
		message:  "confidence" + decimal + `from 0.5 to below 1, with up to 6 digits, such as "0.95"`,
		accepted: edits{"spec.gate": "{promote: {floorRate: '0.9', confidence: '0.99'}}"},
		refused:  edits{"spec.gate": "{promote: {floorRate: '0.9', confidence: '1'}}"}},
	{kind: "PilotWave", path: "spec.gate.promote.confidence",
		message:  "confidence" + decimal + `from 0.5 to below 1, with up to 6 digits, such as "0.95"`,
		accepted: edits{"spec.gate": "{promote: {floorRate: '0.9', confidence: '0.5'}}"},
		refused:  edits{"spec.gate": "{promote: {floorRate: '0.9', confidence: '0.499'}}"}},
	{kind: "PilotWave", path: "spec.gate.halt.toleratedFailureRate", message: "toleratedFailureRate" + decimal + overZero + `"0.05"`,
		accepted: edits{"spec.gate.halt.toleratedFailureRate": "'0.05'"}, refused: edits{"spec.gate.halt.toleratedFailureRate": "'5'"}},
	{kind: "PilotWave", path: "spec.gate.halt.toleratedFailureRate", message: "toleratedFailureRate" + decimal + overZero + `"0.05"`,
		accepted: edits{"spec.gate.halt.toleratedFailureRate": "'0.001'"}, refused: edits{"spec.gate.halt.toleratedFailureRate": "'0.000'"}},
	{kind: "PilotWave", path: "spec.gate.halt.alpha", message: alphaRange,
		accepted: edits{"spec.gate.halt.alpha": "'0.01'"}, refused: edits{"spec.gate.halt.alpha": "'.01'"}},
	{kind: "PilotWave", path: "spec.gate.halt.alpha", message: alphaRange,
		accepted: edits{"spec.gate.halt.alpha": "'0.5'"}, refused: edits{"spec.gate.halt.alpha": "'0.51'"}},
	{kind: "PilotWave", path: "spec.gate.halt.alpha", message: alphaRange, refused: edits{"spec.gate.halt.alpha": "'0.0'"}},
	{kind: "PilotWave", path: "spec.onFailure.rollback.deadline",
		message:  "deadline must be a duration such as 168h, longer than 0s" + units,
		accepted: edits{"spec.onFailure.rollback.deadline": "1s"}, refused: edits{"spec.onFailure.rollback.deadline": "0s"}},
	{kind: "PilotWave", path: "spec.postWatch.duration",
		message:  "duration must be a duration such as 336h, not negative and at most 8760h" + units,
		accepted: edits{"spec.postWatch.duration": "8760h"}, refused: edits{"spec.postWatch.duration": "8761h"}},
}

const alphaRange = "alpha" + decimal + `above 0 and at most 0.5, with up to 6 digits, such as "0.05"`

func ruleCases() []ruleCase { return slices.Concat(tenantRules, policyRules, waveRules) }

// TestEveryRuleHasACase fails when a rule is added to the API or reworded without a case here, and for a case whose rule
// is gone.
func TestEveryRuleHasACase(t *testing.T) {
	found := rules(t)
	if len(found) < 40 {
		t.Fatalf("found only %d rules in the CRDs: the walk has lost its way", len(found))
	}
	cases := map[string]struct{ accepted, refused bool }{}
	for _, c := range ruleCases() {
		key := ruleKey(c.kind, c.path, c.message)
		seen := cases[key]
		seen.accepted = seen.accepted || c.accepted != nil || c.change
		seen.refused = seen.refused || c.refused != nil
		cases[key] = seen
	}
	for _, key := range found {
		if seen, ok := cases[key]; !ok || !seen.accepted || !seen.refused {
			t.Errorf("no accepting and rejecting case for\n  %s", key)
		}
		delete(cases, key)
	}
	for key := range cases {
		t.Errorf("a case for a rule that is not in the CRDs:\n  %s", key)
	}
}

func TestRules(t *testing.T) {
	c := shared(t)
	ns := c.namespace(t)
	for kind := range smallest {
		c.create(t, edited(t, kind, ns, edits{"metadata.name": "stored"}))
	}
	for _, rule := range ruleCases() {
		t.Run(ruleKey(rule.kind, rule.path, rule.message), func(t *testing.T) {
			if rule.change {
				checkChange(t, c, ns, rule)
				return
			}
			if rule.accepted != nil {
				if _, err := c.dryCreate(t, edited(t, rule.kind, ns, rule.accepted)); err != nil {
					t.Errorf("refused %v: %v", rule.accepted, err)
				}
			}
			_, err := c.dryCreate(t, edited(t, rule.kind, ns, rule.refused))
			wantRefusal(t, rule, err)
		})
	}
}

// checkChange updates a stored object, once with no change to the field and once with one.
func checkChange(t *testing.T, c *cluster, ns string, rule ruleCase) {
	t.Helper()
	stored := edited(t, rule.kind, ns, edits{"metadata.name": "stored"})
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(stored), stored); err != nil {
		t.Fatal(err)
	}
	same := stored.DeepCopy()
	change(t, same, edits{"metadata.labels.touched": "'yes'"})
	if err := c.client.Update(t.Context(), same, client.DryRunAll); err != nil {
		t.Errorf("refused an update that leaves the field alone: %v", err)
	}
	change(t, stored, rule.refused)
	wantRefusal(t, rule, c.client.Update(t.Context(), stored, client.DryRunAll))
}

func wantRefusal(t *testing.T, rule ruleCase, err error) {
	t.Helper()
	field := strings.ReplaceAll(cmp.Or(rule.field, rule.path), "[]", "[0]")
	says := cmp.Or(rule.says, rule.message)
	switch {
	case err == nil:
		t.Errorf("accepted %v", rule.refused)
	case !apierrors.IsInvalid(err):
		t.Errorf("error %v, want Invalid", err)
	case !strings.Contains(err.Error(), field+": "):
		t.Errorf("the error does not name the field %s: %v", field, err)
	case !strings.Contains(err.Error(), says):
		t.Errorf("the error does not say %q: %v", says, err)
	}
}
