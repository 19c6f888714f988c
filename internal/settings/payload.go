// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// buildPayload puts what was found for one platform into a pair of policies. A
// problem means that no payload can be written: an empty one is never sent, and
// two settings that want opposite values of one definition have no common payload.
func buildPayload(platform v1alpha1.Platform, found []finding) (p Payload, problem string) {
	p = Payload{Platform: platform, GraphPlatforms: graphPlatform(platform)}
	by := map[string]finding{}
	technology := map[string]string{} // technologies → definition that has them
	for _, f := range found {
		if f.write == nil {
			continue
		}
		id := f.write.def.ID
		if first, ok := by[id]; ok {
			if !slices.EqualFunc([]Instance{first.write.allow}, []Instance{f.write.allow}, sameInstance) {
				return p, fmt.Sprintf("spec.settings: %s and %s want opposite values of %s on %s. Give both the same value or remove one.",
					first.status.Setting, f.status.Setting, id, platform)
			}
			continue
		}
		by[id] = f
		technology[technologies(platform, f.write.def.Technologies)] = id
		p.Allow = append(p.Allow, f.write.allow)
		if f.write.hold != nil {
			p.Hold = append(p.Hold, *f.write.hold)
		}
	}
	if len(p.Allow) == 0 {
		return p, fmt.Sprintf("Nothing is left to write on %s, and an empty policy is never created. Set passkeyCreation, or "+
			"passkeySync with onMissingSetting: Substitute, or remove %s from spec.platforms.", platform, platform)
	}
	if len(technology) > 1 {
		return p, fmt.Sprintf("The definitions for %s cannot share one policy, their technologies differ: %s. Write them by two "+
			"PasskeyPolicies.", platform, listTechnologies(technology))
	}
	for words := range technology {
		p.Technologies = words
	}
	sortInstances(p.Allow)
	sortInstances(p.Hold)
	return p, ""
}

func listTechnologies(technology map[string]string) string {
	lines := make([]string, 0, len(technology))
	for words, id := range technology {
		lines = append(lines, fmt.Sprintf("%s has %s", id, words))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

func sameInstance(a, b Instance) bool {
	return a.DefinitionID == b.DefinitionID && a.Kind == b.Kind && a.Value == b.Value &&
		slices.EqualFunc(a.Children, b.Children, sameInstance)
}

func sortInstances(list []Instance) {
	slices.SortStableFunc(list, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.DefinitionID, b.DefinitionID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
}

// HashInstances identifies the content of one policy: "sha256:" and the hex digest
// of platforms, technologies and instances. The order of the instances and of
// their children does not matter.
func HashInstances(platforms, technologies string, instances []Instance) string {
	h := sha256.New()
	writeText(h, platforms, technologies)
	writeInstances(h, instances)
	return digest(h)
}

// writeInstances feeds instances in sorted order, each list behind its length, so
// that no two different trees feed the same bytes.
func writeInstances(h io.Writer, instances []Instance) {
	sorted := slices.Clone(instances)
	sortInstances(sorted)
	writeText(h, fmt.Sprint(len(sorted)))
	for _, i := range sorted {
		writeText(h, i.DefinitionID, string(i.Kind), i.Value)
		writeInstances(h, i.Children)
	}
}

// writeText feeds each text behind its length. A hash never fails to take bytes.
func writeText(h io.Writer, texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
}

func digest(h hash.Hash) string {
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
