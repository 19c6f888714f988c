// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// generationPattern finds the generation of an imported ADMX in an id, such as
// microsoft_edgev145~policy~: the product, and the generation or nothing.
var generationPattern = regexp.MustCompile(`(microsoft_edge|chromeintune)(v[0-9][0-9a-z.]*)?~policy~`)

// generationName is what a new generation may be called, as the dump has them.
var generationName = regexp.MustCompile(`^v[0-9]+(\.[0-9]+)*(diff)?$`)

// AddGeneration imports a definition once more as Microsoft does with a new ADMX
// file: a twin in another generation, with options and everything below it under
// new ids. The definition is named by id, or by policy name for Edge's device and
// user twins alike. It returns the ids of the new definitions at the top.
func (c *Catalog) AddGeneration(idOrName, generation string) ([]string, error) {
	if !generationName.MatchString(generation) {
		return nil, fmt.Errorf("generation %q: write it like v150 or v150.1", generation)
	}
	roots, err := c.generationRoots(idOrName)
	if err != nil {
		return nil, err
	}
	var twins []Definition
	var made []string
	for _, root := range roots {
		for _, d := range c.rooted(root.ID) {
			twin, err := d.inGeneration(generation)
			if err != nil {
				return nil, err
			}
			if c.byID[twin.ID] != nil {
				return nil, fmt.Errorf("definition %s exists: name another generation than %s", twin.ID, generation)
			}
			if d == root {
				made = append(made, twin.ID)
			}
			twins = append(twins, twin)
		}
	}
	for _, twin := range twins {
		if err := c.Add(twin); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// generationRoots finds what AddGeneration copies. Several generations of a name
// may exist: the last one of each scope that the catalog lists counts.
func (c *Catalog) generationRoots(idOrName string) ([]*Definition, error) {
	if d := c.byID[idOrName]; d != nil {
		if d.RootID != d.ID || !generationPattern.MatchString(d.ID) {
			return nil, fmt.Errorf("definition %s is not the top of an imported ADMX policy", d.ID)
		}
		return []*Definition{d}, nil
	}
	byScope := map[bool]*Definition{}
	for _, d := range c.definitions {
		if d.Name == idOrName && d.RootID == d.ID && d.OfEdge() && generationPattern.MatchString(d.ID) {
			byScope[d.User()] = d
		}
	}
	var out []*Definition
	for _, user := range []bool{false, true} {
		if d := byScope[user]; d != nil {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("definition %q: give an id of the catalog, or the name of an Edge policy for Windows", idOrName)
	}
	return out, nil
}

// inGeneration is the definition with another generation in every id.
func (d *Definition) inGeneration(generation string) (Definition, error) {
	found := generationPattern.FindStringSubmatch(d.ID)
	if found == nil {
		return Definition{}, fmt.Errorf("definition %s has no generation", d.ID)
	}
	product, old := found[1], found[1]+found[2]
	raw, err := json.Marshal(d.document)
	if err != nil {
		return Definition{}, fmt.Errorf("definition %s: %w", d.ID, err)
	}
	replacer := strings.NewReplacer(old+"~policy~", product+generation+"~policy~", old+"~Policy~", product+generation+"~Policy~")
	decoder := json.NewDecoder(bytes.NewReader([]byte(replacer.Replace(string(raw)))))
	decoder.UseNumber()
	var doc Object
	if err := decoder.Decode(&doc); err != nil {
		return Definition{}, fmt.Errorf("definition %s: %w", d.ID, err)
	}
	return parseDefinition(doc)
}
