// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformancesdk

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/microsoft/kiota-abstractions-go/store"
)

// strangers lists the members below a model that the SDK did not know and put
// aside. Every model keeps its values in a backing store.
func strangers(v any, at string) []string {
	var out []string
	model, ok := v.(store.BackedModel)
	if !ok {
		return list(v, at)
	}
	values := model.GetBackingStore().Enumerate()
	for _, name := range sortedKeys(values) {
		if name == "additionalData" {
			if extra, ok := values[name].(map[string]any); ok {
				for _, key := range sortedKeys(extra) {
					if !strings.HasPrefix(key, "@odata.") { // control information has no place in the models
						out = append(out, at+"."+key)
					}
				}
			}
			continue
		}
		out = append(out, strangers(values[name], at+"."+name)...)
	}
	return out
}

// list walks the elements of a slice of models.
func list(v any, at string) []string {
	r := reflect.ValueOf(v)
	if !r.IsValid() || r.Kind() != reflect.Slice {
		return nil
	}
	var out []string
	for i := range r.Len() {
		out = append(out, strangers(r.Index(i).Interface(), fmt.Sprintf("%s[%d]", at, i))...)
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
