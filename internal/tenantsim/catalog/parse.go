// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// ownMembers are what a definition of our own data form may have.
var ownMembers = []string{"@odata.type", "id", "name", "displayName", "categoryId", "rootDefinitionId", "baseUri", "offsetUri", "applicability",
	"defaultOptionId", "options", "dependedOnBy", "childIds", "valueDefinition", "minimumCount", "maximumCount", "knownBy"}

// shortKinds are the types of our own data form.
var shortKinds = []string{"Choice", "ChoiceCollection", "Simple", "SimpleCollection", "SettingGroup", "SettingGroupCollection"}

// Load reads a catalog from a file: see Parse.
func Load(file string) (*Catalog, error) {
	raw, err := os.ReadFile(file) // #nosec G304 -- the person who starts the simulator names the file
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return Parse(file, raw)
}

// Parse reads a catalog from one of three forms: the answer of a list of
// deviceManagement/configurationSettings, or several pages of it one after the
// other or in an array; an array of definitions; or the form of the built-in
// data. Errors name the file, the index and the member.
func Parse(name string, raw []byte) (*Catalog, error) {
	c := newCatalog(name)
	for _, mark := range [][]byte{{0xff, 0xfe}, {0xfe, 0xff}} { // what PowerShell 5 writes when it redirects
		if bytes.HasPrefix(raw, mark) {
			return nil, fmt.Errorf("catalog %s is in UTF-16: save it as UTF-8", name)
		}
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // and when it is told to write UTF-8
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	for count := 0; ; count++ {
		var value any
		err := decoder.Decode(&value)
		switch {
		case errors.Is(err, io.EOF) && count == 0:
			return nil, fmt.Errorf("catalog %s is empty: save what GET /beta/deviceManagement/configurationSettings answers", name)
		case errors.Is(err, io.EOF):
			return c, c.finish()
		case err != nil:
			return nil, fmt.Errorf("catalog %s: JSON value %d, at byte %d: %w", name, count, decoder.InputOffset(), err)
		}
		if err := c.take(value); err != nil {
			return nil, fmt.Errorf("catalog %s: %w", name, err)
		}
	}
}

func (c *Catalog) finish() error {
	if len(c.definitions) == 0 {
		return fmt.Errorf("catalog %s holds no definition: save what GET /beta/deviceManagement/configurationSettings answers", c.Name)
	}
	if c.partial {
		return fmt.Errorf("catalog %s ends at a page with a nextLink, after %d definitions: add the pages that follow", c.Name, len(c.definitions))
	}
	c.fillCategories()
	return nil
}

// take adds what one JSON value of the file holds.
func (c *Catalog) take(value any) error {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			doc, ok := item.(Object)
			if !ok {
				return fmt.Errorf("item %d is %v: write a definition or a page of definitions", i, item)
			}
			if _, isPage := doc["value"]; isPage {
				if err := c.take(doc); err != nil {
					return err
				}
				continue
			}
			if err := c.takeDefinition(len(c.definitions), doc); err != nil {
				return err
			}
		}
		return nil
	case Object:
		return c.takePage(v)
	default:
		return fmt.Errorf("the file holds %v: write {\"value\":[…]} or a list of definitions", value)
	}
}

func (c *Catalog) takePage(page Object) error {
	if _, own := page["definitions"]; own {
		return c.takeOwn(page)
	}
	_, c.partial = page["@odata.nextLink"]
	list, ok := page["value"].([]any)
	if !ok {
		return fmt.Errorf("member value is %v: write the list of definitions", page["value"])
	}
	for _, item := range list {
		doc, ok := item.(Object)
		if !ok {
			return fmt.Errorf("definition %d is %v: write an object", len(c.definitions), item)
		}
		if err := c.takeDefinition(len(c.definitions), doc); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalog) takeDefinition(index int, doc Object) error {
	d, err := parseDefinition(doc)
	if err == nil {
		err = c.Add(d)
	}
	if err != nil {
		id, _ := doc["id"].(string)
		return fmt.Errorf("definition %d (%s): %w", index, id, err)
	}
	return nil
}

// takeOwn reads the form of the built-in data.
func (c *Catalog) takeOwn(data Object) error {
	f := &fields{doc: data}
	f.only("source", "categories", "templates", "definitions")
	f.each("categories", func(k *fields) {
		k.only("id", "displayName", "parentCategoryId", "platforms", "technologies", "knownBy")
		c.Categories = append(c.Categories, Category{ID: k.needed("id"), DisplayName: k.needed("displayName"), Parent: k.text("parentCategoryId"),
			Platforms: k.needed("platforms"), Technologies: k.needed("technologies")})
	})
	f.each("templates", func(t *fields) {
		raw, err := json.Marshal(t.doc)
		template := &Template{}
		if err == nil {
			decoder := json.NewDecoder(bytes.NewReader(raw))
			decoder.DisallowUnknownFields()
			err = decoder.Decode(template)
		}
		if err != nil || template.BaseID == "" {
			t.fail("baseId", "or another member does not fit: %v", err)
		}
		c.Templates = append(c.Templates, template)
	})
	if f.err != nil {
		return f.err
	}
	list, ok := data["definitions"].([]any)
	if !ok {
		return fmt.Errorf("definitions is %v: write a list", data["definitions"])
	}
	return c.takePage(Object{"value": list})
}

// parseDefinition reads a definition of either form: a short type marks our own.
func parseDefinition(doc Object) (Definition, error) {
	f := &fields{doc: doc}
	d := Definition{ID: f.needed("id"), Name: f.text("name"), DisplayName: f.text("displayName"), CategoryID: f.text("categoryId"),
		RootID: f.text("rootDefinitionId"), BaseURI: f.text("baseUri"), OffsetURI: f.text("offsetUri"), DefaultOption: f.text("defaultOptionId"),
		Children: f.texts("childIds"), KnownBy: f.text("knownBy")}
	own := d.readKind(f)
	if own {
		f.only(ownMembers...)
	} else {
		d.document = doc
	}
	if a := f.object("applicability"); a != nil {
		d.Platform, d.Technologies = a.needed("platform"), a.needed("technologies")
		f.adopt(a)
	} else {
		f.fail("applicability", "is missing: write an object with platform and technologies")
	}
	d.readValues(f)
	d.MinimumCount, d.MaximumCount = int(f.number("minimumCount", 0)), int(f.number("maximumCount", 0))
	if own && d.Kind.Collection() && d.MaximumCount == 0 {
		d.MaximumCount = assumedCount
	}
	return d, f.err
}

// readKind reads the type, and says whether it is the short one of our form.
func (d *Definition) readKind(f *fields) bool {
	given := f.needed("@odata.type")
	if i := slices.Index(shortKinds, given); i >= 0 {
		d.Kind = Kind(i)
		return true
	}
	i := slices.Index(kindNames[:], strings.TrimPrefix(given, TypePrefix))
	if i < 0 && given != "" {
		f.fail("@odata.type", "is %q: write %s followed by one of %s", given, TypePrefix, strings.Join(kindNames[:], ", "))
	}
	d.Kind = Kind(max(i, 0))
	return false
}

// readValues reads what a policy may write.
func (d *Definition) readValues(f *fields) {
	switch d.Kind {
	case Choice, ChoiceCollection:
		d.readOptions(f)
	case Simple, SimpleCollection:
		d.readValueRule(f)
	case Group, GroupCollection:
		f.each("dependedOnBy", func(o *fields) {
			if o.boolean("required") {
				d.Required = append(d.Required, o.needed("dependedOnBy"))
			}
		})
	}
}

func (d *Definition) readOptions(f *fields) {
	f.each("options", func(o *fields) {
		option := Option{ItemID: o.needed("itemId"), DisplayName: o.text("displayName")}
		if d.Option(option.ItemID) != nil {
			o.fail("itemId", "is %q once more: each option has an id of its own", option.ItemID)
		}
		o.each("dependedOnBy", func(child *fields) {
			id := child.needed("dependedOnBy")
			option.Children = append(option.Children, id)
			if child.boolean("required") {
				option.Needs = append(option.Needs, id)
			}
		})
		if value := o.object("optionValue"); value != nil {
			option.Value = value.doc["value"]
			o.adopt(value)
		}
		d.Options = append(d.Options, option)
	})
	if len(d.Options) == 0 {
		f.fail("options", "is empty: a choice needs an option")
	}
}

func (d *Definition) readValueRule(f *fields) {
	v := f.object("valueDefinition")
	if v == nil {
		// The dump says neither kind nor bounds: text (ASSUMED). A live dump that
		// says null takes any kind.
		d.Value = ValueRule{High: assumedTextLength}
		if d.document != nil {
			d.Value = ValueRule{Kind: AnyValue, Low: -1 << 31, High: 1<<31 - 1}
		}
		return
	}
	switch strings.TrimPrefix(v.needed("@odata.type"), TypePrefix) {
	case "IntegerSettingValueDefinition":
		d.Value = ValueRule{Kind: IntegerValue, Low: v.number("minimumValue", -1<<31), High: v.number("maximumValue", 1<<31-1)}
	case "StringSettingValueDefinition":
		d.Value = ValueRule{Low: v.number("minimumLength", 0), High: v.number("maximumLength", assumedTextLength)}
		if v.boolean("isSecret") {
			d.Value.Kind = SecretValue
		}
	default:
		d.Value = ValueRule{Kind: AnyValue, Low: -1 << 31, High: 1<<31 - 1}
	}
	f.adopt(v)
}
