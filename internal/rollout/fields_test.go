// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/gate"
)

// The maps between the API, the tally and the gate are written by hand. The tests of this file walk the fields by
// reflection: one that is new on either side and forgotten in between fails here.

// TestEveryFieldOfTheGateArrives: each field of the API's gate changes what a wave is judged by.
func TestEveryFieldOfTheGateArrives(t *testing.T) {
	// The fields that are no part of gate.Spec, and where they arrive instead.
	elsewhere := map[string]func(*v1alpha1.PilotWaveSpec) string{
		"Bake": func(s *v1alpha1.PilotWaveSpec) string {
			return fmt.Sprint(Time(waveOf(s), allClocks(), hour(0)).BakeUntil)
		},
		"Deadline": func(s *v1alpha1.PilotWaveSpec) string {
			return fmt.Sprint(Time(waveOf(s), allClocks(), hour(0)).DeadlineAt)
		},
		"MaxTelemetryAge": func(s *v1alpha1.PilotWaveSpec) string { return fmt.Sprint(Fresh(hour(0), hour(6), &s.Gate)) },
		"Maturity": func(s *v1alpha1.PilotWaveSpec) string {
			return fmt.Sprint(trial{spec: s, exposed: 60, devices: devices(good, 3)}.judge(t).Row.N) // twelve hours out
		},
	}
	bases := []*v1alpha1.PilotWaveSpec{judgedBy("0.95"), smokeOf(1)}
	for _, leaf := range leavesOf(reflect.TypeFor[v1alpha1.Gate]()) {
		arrives := elsewhere[leaf.name]
		if arrives == nil {
			arrives = specOf
		}
		if !slices.ContainsFunc(bases, func(s *v1alpha1.PilotWaveSpec) bool { return gateFieldMatters(t, s, leaf, arrives) }) {
			t.Errorf("gate.%s arrives nowhere: map it in GateSpec, or say in this test where it is read", leaf.name)
		}
	}
}

// specOf ends in the numbers of a gate.Spec. Its error does not count as arrival.
func specOf(s *v1alpha1.PilotWaveSpec) string {
	spec, err := GateSpec(&s.Gate)
	if err != nil {
		return ""
	}
	smoke := spec.Smoke
	spec.Smoke = nil // a pointer prints as an address, which always differs
	return fmt.Sprintf("%+v %+v", spec, smoke)
}

// gateFieldMatters says whether another valid value of one field is seen where it is to arrive.
func gateFieldMatters(t *testing.T, base *v1alpha1.PilotWaveSpec, leaf leaf, arrives func(*v1alpha1.PilotWaveSpec) string) bool {
	t.Helper()
	other := base.DeepCopy()
	field, ok := leaf.in(reflect.ValueOf(&other.Gate).Elem())
	if !ok {
		return false // promote and smoke exclude each other
	}
	distinct(t, field, 2)
	before, after := arrives(base), arrives(other)
	return before != "" && after != "" && before != after
}

// allClocks is an attempt in which every clock has started.
func allClocks() v1alpha1.Clocks {
	at := metav1.NewTime(hour(0))
	return v1alpha1.Clocks{StartedAt: &at, ExposureCompletedAt: &at, LastBatchAt: &at, RollbackStartedAt: &at}
}

// TestEveryCountOfTheTallyArrives: each count of the gate is the tally's of the same name, and none is left at zero.
func TestEveryCountOfTheTallyArrives(t *testing.T) {
	// What the tally counts beside: for the conflict test, for findings and for status.
	beside := []string{"SeenConflict", "Dark"}
	var tally diagnosis.Tally
	from := reflect.ValueOf(&tally).Elem()
	for i := range from.NumField() {
		if from.Type().Field(i).IsExported() {
			distinct(t, from.Field(i), i+1)
		}
	}
	counts := gateCounts(&tally)
	to := reflect.ValueOf(counts)
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		if name == "Withdrawn" {
			continue // of those whom the tally does not see
		}
		if field := from.FieldByName(name); !field.IsValid() || field.Int() != to.Field(i).Int() {
			t.Errorf("gate.Counts.%s is %v and not the tally's %s", name, to.Field(i), name)
		}
	}
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if field.IsExported() && !to.FieldByName(field.Name).IsValid() && !slices.Contains(beside, field.Name) {
			t.Errorf("the tally counts %s and the gate does not know it: hand it over, or say in this test who reads it", field.Name)
		}
	}
}

// TestEveryNumberOfTheResultIsShown: each number of a result changes the row that status shows, and no field of the row
// stays empty.
func TestEveryNumberOfTheResultIsShown(t *testing.T) {
	// What the row leaves out: the sentence is the Judgement's, and names what follows from the numbers.
	inTheSentence := []string{"Reason", "Message", "Need", "OutOfReach"}
	var full gate.Result
	for i, leaf := range leavesOf(reflect.TypeFor[gate.Result]()) {
		field, _ := leaf.in(reflect.ValueOf(&full).Elem())
		distinct(t, field, i+2)
	}
	shown := row(gate.Spec{}, full)
	for _, leaf := range leavesOf(reflect.TypeFor[v1alpha1.GateRow]()) {
		if field, _ := leaf.in(reflect.ValueOf(&shown).Elem()); field.IsZero() {
			t.Errorf("the row's %s stays empty", leaf.name)
		}
	}
	for i, leaf := range leavesOf(reflect.TypeFor[gate.Result]()) {
		other := full
		field, _ := leaf.in(reflect.ValueOf(&other).Elem())
		if distinct(t, field, i+50); (row(gate.Spec{}, other) == shown) != slices.Contains(inTheSentence, leaf.name) {
			t.Errorf("result %s: another value gives the same row: %v", leaf.name, row(gate.Spec{}, other) == shown)
		}
	}
}

// leaf is a field that is no struct of the API or of the gate, with the way to it.
type leaf struct {
	name string
	path []int
}

func leavesOf(kind reflect.Type) []leaf {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct || kind == reflect.TypeFor[metav1.Duration]() {
		return []leaf{{}}
	}
	var leaves []leaf
	for i := range kind.NumField() {
		for _, below := range leavesOf(kind.Field(i).Type) {
			name := kind.Field(i).Name
			if below.name != "" {
				name += "." + below.name
			}
			leaves = append(leaves, leaf{name, append([]int{i}, below.path...)})
		}
	}
	return leaves
}

// in finds the field in a value, unless a pointer on the way is nil.
func (l leaf) in(value reflect.Value) (reflect.Value, bool) {
	for _, i := range l.path {
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				return value, false
			}
			value = value.Elem()
		}
		value = value.Field(i)
	}
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return value, false
		}
		value = value.Elem()
	}
	return value, true
}

// distinct gives a field a value that depends on n and is valid in a gate.
func distinct(t *testing.T, field reflect.Value, n int) {
	t.Helper()
	switch value := field.Addr().Interface().(type) {
	case *metav1.Duration:
		*value = hours(float64(n))
	case *string:
		*value = "0.5" // valid for every rate of a gate
	default:
		switch field.Kind() {
		case reflect.Int, reflect.Int32:
			field.SetInt(int64(n))
		case reflect.Float64:
			field.SetFloat(0.5 + float64(n)/1000)
		case reflect.Bool:
			field.SetBool(!field.Bool())
		case reflect.String:
			field.SetString(fmt.Sprint(n))
		default:
			t.Fatalf("a field of kind %s: say here how to change it", field.Kind())
		}
	}
}
