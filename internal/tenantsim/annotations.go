// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "strings"

// withoutAnnotations copies a JSON value without what OData tells a service to
// ignore wherever it stands: annotations of members (children@odata.type),
// contexts, links, and the actions that full metadata advertises
// (#microsoft.graph.assign). What stays is the type of an object, which carries
// meaning, and binds, which are writes.
func withoutAnnotations(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(object, len(v))
		for name, inner := range v {
			if !isAnnotation(name) {
				out[name] = withoutAnnotations(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = withoutAnnotations(inner)
		}
		return out
	default:
		return v
	}
}

func isAnnotation(name string) bool {
	if name == "@odata.type" || strings.HasSuffix(name, "@odata.bind") {
		return false
	}
	return strings.HasPrefix(name, "#") || strings.Contains(name, "@")
}

// plainBody is the body of the request without annotations; absent stays absent.
func (c *call) plainBody() object {
	out, _ := withoutAnnotations(c.body).(object)
	if c.body == nil {
		return nil
	}
	return out
}
