// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	tidegatev1alpha1 "github.com/tidegate/tidegate/api/v1alpha1"
)

// parents makes a field reachable whose parent the smallest object leaves out, or whose parent the union with another
// field forbids.
var parents = map[string]map[string]edits{
	"Tenant": {
		"spec.auth.clientSecret":      {"spec.auth": "{clientSecret: {clientID: " + goodGUID + ", secretRef: {name: a, key: b}}}"},
		"spec.auth.clientCertificate": {"spec.auth": "{clientCertificate: {clientID: " + goodGUID + ", secretRef: {name: a, key: b}}}"},
		"spec.endpoint":               {"spec.auth": secretAuth, "spec.endpoint": "{graphURL: 'https://sim', authorityURL: 'https://sim'}"},
	},
	"PasskeyPolicy": {},
	"PilotWave": {
		"spec.dependsOn":    {"spec.dependsOn[]": "{name: canary}"},
		"spec.gate.promote": {"spec.gate": "{promote: {floorRate: '0.95'}}"},
	},
}

// bound is one limit of one field: the value on the wrong side, and what the API server says.
type bound struct{ name, value, says string }

// boundsOf turns a schema's enum and limits into values that they must refuse.
func boundsOf(s *apiextensionsv1.JSONSchemaProps) []bound {
	var all []bound
	add := func(name, value, says string) { all = append(all, bound{name, value, says}) }
	text := func(n int64) string { return `"` + strings.Repeat("a", int(n)) + `"` }
	if len(s.Enum) > 0 {
		var first string
		if json.Unmarshal(s.Enum[0].Raw, &first) == nil {
			add("enum", `"Sideways"`, `"`+first+`"`)
		}
	}
	if s.Minimum != nil {
		add("minimum", fmt.Sprint(int64(*s.Minimum)-1), fmt.Sprintf("greater than or equal to %v", int64(*s.Minimum)))
	}
	if s.Maximum != nil {
		add("maximum", fmt.Sprint(int64(*s.Maximum)+1), fmt.Sprintf("less than or equal to %v", int64(*s.Maximum)))
	}
	if s.MinLength != nil {
		add("minLength", text(*s.MinLength-1), fmt.Sprintf("at least %d chars long", *s.MinLength))
	}
	if s.MaxLength != nil {
		add("maxLength", text(*s.MaxLength+1), fmt.Sprintf("may not be more than %d", *s.MaxLength))
	}
	if s.MinItems != nil {
		add("minItems", "[]", fmt.Sprintf("at least %d items", *s.MinItems))
	}
	if s.MaxItems != nil {
		add("maxItems", "["+strings.Repeat("{},", int(*s.MaxItems))+"{}]", fmt.Sprintf("must have at most %d items", *s.MaxItems))
	}
	return all
}

// TestBoundsRefuseAndSayTheLimit crosses every enum, minimum, maximum, length and list size of the API by one step.
func TestBoundsRefuseAndSayTheLimit(t *testing.T) {
	c := shared(t)
	ns := c.namespace(t)
	tried := 0
	for kind, crd := range readCRDs(t) {
		walk(t, crd, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			for _, b := range boundsOf(s) {
				tried++
				t.Run(kind+" "+path+" "+b.name, func(t *testing.T) {
					obj := edited(t, kind, ns, parentOf(kind, path))
					change(t, obj, edits{path: b.value})
					_, err := c.dryCreate(t, obj)
					field := strings.ReplaceAll(path, "[]", "[0]")
					if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), b.says) {
						t.Errorf("%s = %.80s: error %v, want Invalid that names %s and says %q", path, b.value, err, field, b.says)
					}
				})
			}
		})
	}
	if tried < 60 {
		t.Errorf("found only %d bounds in the CRDs: the walk has lost its way", tried)
	}
}

func parentOf(kind, path string) edits {
	for prefix, makes := range parents[kind] {
		if strings.HasPrefix(path, prefix) {
			return makes
		}
	}
	return nil
}

// badDurations are what people write for a duration, and what no clock can count.
var badDurations = []string{"soon", "'3'", "1d", "P3D", "''", "-1h", "72 h", "1h-5m", "999999h999999h999999h"}

// TestDurationsRefuseWhatIsNoDuration writes nonsense into every duration of the API, which are the strings whose rule
// says so, and wants to read one sentence that says what to write. A field of Go type metav1.Duration without such a
// rule would let the object in and fail in the controller's cache.
func TestDurationsRefuseWhatIsNoDuration(t *testing.T) {
	c := shared(t)
	ns := c.namespace(t)
	tried := 0
	for kind, crd := range readCRDs(t) {
		walk(t, crd, func(path string, s *apiextensionsv1.JSONSchemaProps) {
			if !isDuration(s) {
				return
			}
			tried++
			for _, bad := range badDurations {
				t.Run(kind+" "+path+" "+bad, func(t *testing.T) {
					obj := edited(t, kind, ns, parentOf(kind, path))
					change(t, obj, edits{path: bad})
					_, err := c.dryCreate(t, obj)
					field := strings.ReplaceAll(path, "[]", "[0]") + ": "
					if !apierrors.IsInvalid(err) || strings.Count(err.Error(), field) != 1 {
						t.Fatalf("error %v, want one Invalid that names %s", err, field)
					}
					if !strings.Contains(err.Error(), "must be a duration such as ") && !strings.Contains(err.Error(), "may not be more than 16") {
						t.Errorf("the error does not say what to write: %v", err)
					}
				})
			}
		})
	}
	if want := countDurations(reflect.TypeFor[tidegatev1alpha1.TenantSpec]()) + countDurations(reflect.TypeFor[tidegatev1alpha1.PasskeyPolicySpec]()) +
		countDurations(reflect.TypeFor[tidegatev1alpha1.PilotWaveSpec]()); tried != want {
		t.Errorf("%d duration fields have a rule, the Go types have %d", tried, want)
	}
}

func isDuration(s *apiextensionsv1.JSONSchemaProps) bool {
	return slices.ContainsFunc(s.XValidations, func(r apiextensionsv1.ValidationRule) bool {
		return strings.Contains(r.Message, "must be a duration such as ")
	})
}

// countDurations counts the fields of type metav1.Duration in a type and all that it holds.
func countDurations(in reflect.Type) int {
	switch in.Kind() {
	case reflect.Pointer, reflect.Slice:
		return countDurations(in.Elem())
	case reflect.Struct:
	default:
		return 0
	}
	if in == reflect.TypeFor[metav1.Duration]() {
		return 1
	}
	n := 0
	for f := range in.NumField() {
		n += countDurations(in.Field(f).Type)
	}
	return n
}
