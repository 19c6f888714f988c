// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sharedDir holds a second, independent extract of the same types, where the
// checkout has it beside it.
const sharedDir = "../../../../shared/graph"

// notUsed are types of the other extract that no endpoint of Tidegate touches:
// the registration of a passkey by an administrator, enrolment-time grouping.
var notUsed = []string{
	"enrollmentTimeDeviceMembershipTarget", "webauthnAuthenticationExtensionsClientInputs", "webauthnAuthenticatorSelectionCriteria",
	"webauthnCredentialCreationOptions", "webauthnPublicKeyCredentialCreationOptions", "webauthnPublicKeyCredentialDescriptor",
	"webauthnPublicKeyCredentialParameters", "webauthnPublicKeyCredentialRpEntity", "webauthnPublicKeyCredentialUserEntity",
}

// otherExtract is the layout of the other extract.
type otherExtract struct {
	Types map[string]struct {
		Base       *string
		Kind       string
		Abstract   bool
		Properties map[string]struct {
			Type            string
			Collection, Nav bool
		}
	}
	Enums     map[string][]string
	FlagEnums []string
}

// TestAgreesWithTheSecondExtract compares every type, member and enum that both
// extracts have. They were made by different programs from different sources.
func TestAgreesWithTheSecondExtract(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(sharedDir, "schema.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/graph/schema.json beside the checkout: the second extract is not compared")
	}
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"beta", "v1.0"} {
		t.Run(version, func(t *testing.T) {
			var other otherExtract
			if err := json.Unmarshal(all[version], &other); err != nil {
				t.Fatal(err)
			}
			ours, err := Load(version)
			if err != nil {
				t.Fatal(err)
			}
			compared := compareTypes(t, ours, &other)
			compareEnums(t, ours, &other)
			if compared < 150 {
				t.Errorf("%d types compared: the extracts hardly meet", compared)
			}
		})
	}
}

func compareTypes(t *testing.T, ours *Schema, other *otherExtract) (compared int) {
	t.Helper()
	for name, theirs := range other.Types {
		o := ours.Types[name]
		if o == nil {
			if !slices.Contains(notUsed, name) {
				t.Errorf("type %s is missing: add a seed to hack/graphschema", name)
			}
			continue
		}
		compared++
		base := ""
		if theirs.Base != nil {
			base = *theirs.Base
		}
		if o.Base != base || o.Abstract != theirs.Abstract || o.Entity != (theirs.Kind == "entity") {
			t.Errorf("type %s: base %q, abstract %t, entity %t; the other extract: %q, %t, %s",
				name, o.Base, o.Abstract, o.Entity, base, theirs.Abstract, theirs.Kind)
		}
		for p, want := range theirs.Properties {
			text := want.Type
			if want.Collection {
				text = "[]" + text
			}
			if want.Nav {
				text = "nav:" + text
			}
			if got := o.Properties[p]; !strings.EqualFold(got, text) {
				t.Errorf("%s.%s is %q, the other extract says %q", name, p, got, text)
			}
		}
		for p := range o.Properties {
			if _, ok := theirs.Properties[p]; !ok {
				t.Errorf("%s.%s is not in the other extract", name, p)
			}
		}
	}
	return compared
}

func compareEnums(t *testing.T, ours *Schema, other *otherExtract) {
	t.Helper()
	for name, members := range other.Enums {
		o := ours.Enums[name]
		if o == nil {
			continue // of a type that is not used, or spelled with a capital
		}
		if !slices.Equal(o.Members, members) {
			t.Errorf("enum %s has %v, the other extract %v", name, o.Members, members)
		}
		if flags := slices.Contains(other.FlagEnums, name); o.Flags != flags {
			t.Errorf("enum %s: flags %t, the other extract %t", name, o.Flags, flags)
		}
	}
}
