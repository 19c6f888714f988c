// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/internal/gate"
)

const (
	reachableGate      = "../../config/admission/pilotwave-reachable-gate.yaml"
	ledgerOperatorOnly = "../../config/admission/waveledger-operator-only.yaml"
)

var admissionOnce sync.Once

// withAdmission returns the cluster with the policies of config/admission in force.
func withAdmission(t *testing.T) *cluster {
	t.Helper()
	c := shared(t)
	admissionOnce.Do(func() { c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "admission")) })
	eventually(t, "wait for the admission policy to act", func() error {
		_, err := c.dryCreate(t, floorWave(t, "default", "0.999", edits{"spec.audience.bounds.max": "1"}))
		if err == nil {
			return errors.New("an impossible wave is accepted")
		}
		return nil
	})
	return c
}

// floorWave is a wave that has to prove a floor.
func floorWave(t *testing.T, namespace, floor string, changes edits) *unstructured.Unstructured {
	t.Helper()
	wave := edited(t, "PilotWave", namespace, edits{"spec.gate": fmt.Sprintf("{promote: {floorRate: %q}}", floor)})
	change(t, wave, changes)
	return wave
}

// TestScenario02SmallWaveIsRefused is gate F2: 50 devices cannot prove 0.95, 59 can.
func TestScenario02SmallWaveIsRefused(t *testing.T) {
	c := withAdmission(t)
	const refusal = "max 50 devices, even with no failure, cannot prove 0.95: it needs at least 59; " +
		"raise bounds.max to 59 or more or lower floorRate to 0.941 or less"
	for _, test := range []struct {
		name, floor string
		edits       edits
		// refusal is empty where the wave is accepted.
		refusal string
	}{
		{"50 devices for 0.95", "0.95", edits{"spec.audience.bounds.max": "50"}, refusal},
		{"the suggested size", "0.95", edits{"spec.audience.bounds.max": "59"}, ""},
		{"one less than the suggested size", "0.95", edits{"spec.audience.bounds.max": "58"}, "needs at least 59"},
		{"the suggested floor", "0.941", edits{"spec.audience.bounds.max": "50"}, ""},
		{"floor 0.90", "0.90", edits{"spec.audience.bounds.max": "50"}, ""},
		{"28 devices for 0.90", "0.90", edits{"spec.audience.bounds.max": "28"}, "needs at least 29"},
		{"298 devices for 0.99", "0.99", edits{"spec.audience.bounds.max": "298"}, "needs at least 299"},
		{"no limit", "0.999999", nil, ""},
		{"a slice by percent says nothing of the size", "0.95", edits{"spec.audience.slice.percent": "1"}, ""},
		{"a slice by count", "0.95", edits{"spec.audience.slice.count": "20"},
			"spec.audience.slice.count 20 devices, even with no failure, cannot prove 0.95: it needs at least 59; raise slice.count to 59"},
		{"the tighter of two limits", "0.95", edits{"spec.audience.slice.count": "30", "spec.audience.bounds.max": "40"}, "slice.count 30 devices"},
		{"five looks need as many", "0.95", edits{"spec.audience.bounds.max": "58", "spec.gate.promote.looks": "5"}, "needs at least 59"},
		{"five looks, 59 devices", "0.95", edits{"spec.audience.bounds.max": "59", "spec.gate.promote.looks": "5"}, ""},
		{"less confidence needs less", "0.95", edits{"spec.audience.bounds.max": "45", "spec.gate.promote.confidence": "'0.90'"}, ""},
		{"the hardest gate there is", "0.999999",
			edits{"spec.audience.bounds.max": "1000", "spec.gate.promote.confidence": "'0.999999'", "spec.gate.promote.looks": "10"}, "needs at least 13815"},
		{"a smoke gate proves no floor", "0.95", edits{"spec.audience.bounds.max": "5", "spec.gate": "{smoke: {}}"}, ""},
		{"more reports than devices", "0.5", edits{"spec.audience.bounds.max": "50", "spec.gate.coverage.minReports": "51"},
			"spec.gate.coverage.minReports 51 can never be reached: spec.audience.bounds.max lets in at most 50 devices; " +
				"lower minReports to 50 or less or raise bounds.max to 51 or more"},
		{"as many reports as devices", "0.5", edits{"spec.audience.bounds.max": "50", "spec.gate.coverage.minReports": "50"}, ""},
		{"more reports than devices with a smoke gate", "0.5",
			edits{"spec.audience.bounds.max": "5", "spec.gate": "{smoke: {}, coverage: {minReports: 6}}"}, "minReports 6 can never be reached"},
		{"a slice below the smallest audience", "0.5", edits{"spec.audience.bounds.min": "50", "spec.audience.slice.count": "49"},
			"spec.audience.slice.count 49 can never satisfy spec.audience.bounds.min 50; raise slice.count to 50 or more or lower bounds.min to 49 or less"},
		{"a slice of the smallest audience", "0.5", edits{"spec.audience.bounds.min": "50", "spec.audience.slice.count": "50"}, ""},
		{"more reports than the smallest audience", "0.5", edits{"spec.audience.bounds.min": "50", "spec.gate.coverage.minReports": "51"},
			"spec.audience.bounds.min 50 lets in a wave that can never reach spec.gate.coverage.minReports 51; " +
				"raise bounds.min to 51 or more or lower minReports to 50 or less"},
		{"as many reports as the smallest audience", "0.5", edits{"spec.audience.bounds.min": "50", "spec.gate.coverage.minReports": "50"}, ""},
		{"reports and no smallest audience", "0.5", edits{"spec.gate.coverage.minReports": "51"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := c.dryCreate(t, floorWave(t, "default", test.floor, test.edits))
			switch {
			case test.refusal == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.refusal != "" && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), test.refusal)):
				t.Errorf("error %v, want Invalid that says %q", err, test.refusal)
			}
		})
	}
}

var refusedSize = regexp.MustCompile(`needs at least (\d+); raise bounds\.max to (\d+) or more or lower floorRate(?: to ([0-9.]+) or less)?`)

// TestAdmissionAgreesWithTheGate compares the CEL of the admission policy with the gate package on random waves: both
// refuse the same ones, name the same size, and every floor that the policy suggests can be proven.
func TestAdmissionAgreesWithTheGate(t *testing.T) {
	c := withAdmission(t)
	rng := rand.New(rand.NewPCG(2, 59))
	refused, suggested := 0, 0
	for range 250 {
		floor := fmt.Sprintf("0.%03d", 500+rng.IntN(500))
		if rng.IntN(5) == 0 {
			floor = fmt.Sprintf("0.%06d", 1+rng.IntN(999_999))
		}
		confidence := fmt.Sprintf("0.%03d", 500+rng.IntN(500))
		looks, limit := 1+rng.IntN(10), 1+rng.IntN(40)
		alpha := 1 - number(t, confidence)
		needed := gate.RequiredReports(number(t, floor), alpha, 0)

		_, err := c.dryCreate(t, floorWave(t, "default", floor, edits{
			"spec.audience.bounds.max":     strconv.Itoa(limit),
			"spec.gate.promote.confidence": strconv.Quote(confidence),
			"spec.gate.promote.looks":      strconv.Itoa(looks),
		}))
		what := fmt.Sprintf("floor %s, confidence %s, %d looks, %d devices, %d needed", floor, confidence, looks, limit, needed)
		if (err != nil) != (needed > limit) {
			t.Errorf("%s: error %v", what, err)
		}
		if err == nil {
			continue
		}
		refused++
		m := refusedSize.FindStringSubmatch(err.Error())
		if m == nil || m[1] != strconv.Itoa(needed) || m[2] != m[1] {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if m[3] == "" {
			continue
		}
		suggested++
		if n := gate.RequiredReports(number(t, m[3]), alpha, 0); n > limit {
			t.Errorf("%s: the suggested floor %s needs %d", what, m[3], n)
		}
	}
	if refused < 50 || refused > 200 || suggested < 30 {
		t.Errorf("%d of 250 refused, %d with a suggested floor: the sample no longer shows both sides", refused, suggested)
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestPromise09AdmissionNeverBlocksASafetyVerb stores a wave that the policy would refuse, as if it had been there before
// the policy, and then pauses, annotates and relaxes it.
func TestPromise09AdmissionNeverBlocksASafetyVerb(t *testing.T) {
	c := withAdmission(t)
	ns := c.namespace(t)
	const policy = "tidegate-pilotwave-reachable-gate"
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Name: policy}, binding); err != nil {
		t.Fatal(err)
	}
	if err := c.client.Delete(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	wave := floorWave(t, ns, "0.95", edits{"spec.audience.bounds.max": "50"})
	eventually(t, "store a wave while the policy is off", func() error { return c.client.Create(t.Context(), wave) })
	c.kubectl(t, "apply", "-k", filepath.Join(configRoot, "admission"))
	eventually(t, "wait for the admission policy to act", func() error {
		if _, err := c.dryCreate(t, floorWave(t, ns, "0.95", edits{"spec.audience.bounds.max": "50"})); apierrors.IsInvalid(err) {
			return nil
		}
		return errors.New("an impossible wave is accepted")
	})

	update := func(changes edits) error {
		now := wave.DeepCopy()
		if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(wave), now); err != nil {
			return err
		}
		change(t, now, changes)
		return c.client.Update(t.Context(), now)
	}
	for _, allowed := range []edits{
		{"spec.paused": "true"},
		{"metadata.annotations": "{tidegate.dev/abort-requested-at: now}"},
		{"metadata.finalizers": "[tidegate.dev/tenant-objects]"},
		{"metadata.finalizers": ""},
	} {
		if err := update(allowed); err != nil {
			t.Errorf("%v: %v", allowed, err)
		}
	}
	if err := update(edits{"spec.audience.bounds.max": "51"}); !apierrors.IsInvalid(err) {
		t.Errorf("a new limit that is still too small: error %v, want Invalid", err)
	}
	if err := update(edits{"spec.audience.bounds.max": "59"}); err != nil {
		t.Errorf("a limit that is large enough: %v", err)
	}
}

// TestAdmissionPoliciesTypeCheck runs the type checker that kube-controller-manager runs in a real cluster, against the
// schemas that the API server publishes: a field that the API does not have would show.
func TestAdmissionPoliciesTypeCheck(t *testing.T) {
	c := withAdmission(t)
	checker := typeChecker(t, c)
	for file, wrong := range map[string]string{
		reachableGate:      "object.spec.audience.bounds.maximum > 0",
		ledgerOperatorOnly: "object.spec.pages > 0",
	} {
		policy := readPolicy(t, file)
		for _, warning := range checker.Check(policy) {
			t.Errorf("%s: %s: %s", file, warning.FieldRef, warning.Warning)
		}
		// The checker skips what it cannot resolve: make sure that it looked.
		policy.Spec.Validations[0].Expression = wrong
		if len(checker.Check(policy)) != 1 {
			t.Errorf("%s: the type checker accepts a field that does not exist", file)
		}
	}
}

func readPolicy(t *testing.T, file string) *admissionv1.ValidatingAdmissionPolicy {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n---\n")
	policy := &admissionv1.ValidatingAdmissionPolicy{}
	if err := yaml.UnmarshalStrict([]byte(first), policy); err != nil {
		t.Fatal(err)
	}
	return policy
}

func typeChecker(t *testing.T, c *cluster) *validating.TypeChecker {
	t.Helper()
	http, err := rest.HTTPClientFor(c.config)
	if err != nil {
		t.Fatal(err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(c.config, http)
	if err != nil {
		t.Fatal(err)
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, http)
	if err != nil {
		t.Fatal(err)
	}
	return &validating.TypeChecker{
		SchemaResolver: &resolver.ClientDiscoveryResolver{Discovery: disco},
		RestMapper:     mapper,
	}
}
