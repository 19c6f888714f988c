// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// refusedKinds are types that the metadata allows in a body and the tenant does
// not take, with the reason. Each is tried.
var refusedKinds = map[string]string{
	"namedLocation":                 "a location is of one of the kinds below it (documentation of the resource)",
	"compliantNetworkNamedLocation": "comes with the network access product, which is not simulated",
	"privateLinkNamedLocation":      "the same",
	"serviceTagNamedLocation":       "the same",
	"whatIfAnalysisResult":          "is an answer of evaluate, and no policy",

	"emailAuthenticationMethodConfiguration":                  "only passkeys are simulated (contract i)",
	"externalAuthenticationMethodConfiguration":               "the same",
	"hardwareOathAuthenticationMethodConfiguration":           "the same",
	"microsoftAuthenticatorAuthenticationMethodConfiguration": "the same",
	"qrCodePinAuthenticationMethodConfiguration":              "the same",
	"smsAuthenticationMethodConfiguration":                    "the same",
	"softwareOathAuthenticationMethodConfiguration":           "the same",
	"temporaryAccessPassAuthenticationMethodConfiguration":    "the same",
	"verifiableCredentialsAuthenticationMethodConfiguration":  "the same",
	"voiceAuthenticationMethodConfiguration":                  "the same",
	"x509CertificateAuthenticationMethodConfiguration":        "the same",
}

// refusedLists are lists of objects that a change cannot write, with the reason.
var refusedLists = map[string]string{
	"devices/{id} alternativeSecurityIds": "is the service's own (documentation of the resource)",
	"groups assignedLabels":               "an application cannot write it (documentation of the resource: delegated only)",
	"groups assignedLicenses":             "has an action of its own (group-assignlicense)",
	"groups onPremisesProvisioningErrors": "tells of errors, read-only",
	"groups serviceProvisioningErrors":    "the same",
}

// key names a member in what the walk finds.
func (w *walker) key(pattern string, at []string) string {
	if w.kind != "" && pattern == w.pattern {
		pattern += " " + w.kind
	}
	return w.version + " " + pattern + " " + strings.Join(at, ".")
}

// eachKind walks a pattern once for every type that its objects can be of: the one
// of its specimen, those that have a specimen under the pattern and their name,
// and never one that nobody thought of.
func (w *walker) eachKind(pattern string, visit func(request string)) {
	w.Helper()
	for _, kind := range w.kindsOf(pattern) {
		w.pattern, w.kind = pattern, kind
		if kind == w.firstKind(pattern) {
			w.kind = ""
		}
		if _, known := w.specimen(pattern); known {
			visit("graph." + kind)
		} else if refusedKinds[kind] == "" {
			w.Errorf("%s takes a %s: add a specimen under %q, or say in refusedKinds why not", pattern, kind, pattern+" "+kind)
		}
		w.pattern, w.kind = "", ""
	}
}

// kindsOf are the types that a body of a pattern can state.
func (w *walker) kindsOf(pattern string) []string {
	request, _, known := graphschema.Bodies(w.version, post, pattern)
	if !known || operations[path.Base(pattern)] {
		request, _, _ = graphschema.Bodies(w.version, patc, pattern)
	}
	if plain, ok := strings.CutPrefix(request, "graph."); ok {
		return w.schema.Kinds(plain)
	}
	return []string{strings.TrimPrefix(specimens[pattern].kind, "graph.")} // of a type that the extract has not
}

// firstKind is the type of the specimen under the pattern alone.
func (w *walker) firstKind(pattern string) string {
	var body object
	if err := json.Unmarshal([]byte(specimens[pattern].body), &body); err != nil {
		w.Fatalf("specimen of %s: %v", pattern, err)
	}
	kinds := w.kindsOf(pattern)
	if stated := text(body, typeAnnotation); stated != "" {
		return strings.TrimPrefix(stated, "#microsoft.graph.")
	}
	request, _, _ := graphschema.Bodies(w.version, post, pattern)
	if plain := strings.TrimPrefix(request, "graph."); slices.Contains(kinds, plain) {
		return plain
	}
	return kinds[0]
}

// isObjects reports whether a value is a list of objects.
func isObjects(v any) bool { return len(objects(plainJSON(v))) > 0 }

// replacing wants each list of objects to have been changed twice, so that the
// second value showed whether the first was replaced.
func (w *walker) replacing() {
	for _, key := range sortedKeys(w.lists) {
		_, member, _ := strings.Cut(key, " ")
		switch reason := refusedLists[member]; {
		case w.lists[key] < 2 && reason == "":
			w.found.hit(key, "no change of this list was taken: give its specimen two values, or say in refusedLists why it cannot be written")
		case w.lists[key] > 0 && reason != "":
			w.found.hit(key, "is changed: take it off refusedLists")
		}
	}
}

// TestWalkRefusedKinds: what is said to be refused is refused.
func TestWalkRefusedKinds(t *testing.T) {
	tried := map[string]bool{}
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, newGapBook(""))
		for i := range routes {
			r := &routes[i]
			if r.method != post && r.method != patc || version == "v1.0" && r.betaOnly {
				continue
			}
			request, _, _ := graphschema.Bodies(version, r.method, r.pattern)
			plain, isGraph := strings.CutPrefix(request, "graph.")
			if !isGraph {
				continue
			}
			for _, kind := range w.schema.Kinds(plain) {
				if refusedKinds[kind] == "" {
					continue
				}
				tried[kind] = true
				target, _ := w.fill(r.pattern)
				if status, _, raw := w.send(r.method, target, object{typeAnnotation: "#microsoft.graph." + kind, "displayName": "walk"}); status < 400 || status >= 500 {
					t.Errorf("%s %s of a %s: %d %.200s", r.method, r.pattern, kind, status, raw)
				}
			}
		}
	}
	for kind := range refusedKinds {
		if !tried[kind] {
			t.Errorf("no route takes a %s: take it off refusedKinds", kind)
		}
	}
}

// deepInserts are navigations that a body may hold.
var deepInserts = map[string]bool{"deviceManagementConfigurationPolicy.settings": true, "groupPolicyDefinitionValue.presentationValues": true,
	"authenticationStrengthPolicy.combinationConfigurations": true}

// places finds every type that a value inside a body can state, by the member of
// the body that holds it.
func (w *walker) places(request string) map[string][]string {
	out := map[string][]string{}
	var below func(kind, root string, seen map[string]bool)
	below = func(kind, root string, seen map[string]bool) {
		members := w.schema.MembersOf(kind)
		for _, name := range sortedKeys(members) {
			inner, isNav := strings.CutPrefix(members[name], "nav:")
			if isNav && !deepInserts[strings.TrimPrefix(kind, "graph.")+"."+name] {
				continue
			}
			inner = strings.TrimPrefix(inner, "[]")
			if w.schema.MembersOf(inner) == nil || seen[root+inner] {
				continue
			}
			at := root
			if at == "" {
				at = name
			}
			seen[at+inner] = true
			kinds := w.schema.Kinds(strings.TrimPrefix(inner, "graph."))
			for _, k := range kinds {
				if len(kinds) > 1 {
					out[at] = append(out[at], k)
				}
				below("graph."+k, at, seen)
			}
		}
	}
	below(request, "", map[string]bool{})
	return out
}
