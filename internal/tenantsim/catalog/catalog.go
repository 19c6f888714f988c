// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Object is a JSON object.
type Object = map[string]any

// TypePrefix begins the @odata.type of everything in the settings catalog.
const TypePrefix = "#microsoft.graph.deviceManagementConfiguration"

// Kind is the kind of a setting definition.
type Kind int

// The kinds of definitions (contract a.2).
const (
	Choice Kind = iota
	ChoiceCollection
	Simple
	SimpleCollection
	Group
	GroupCollection
	// Redirect points to another place of the portal: no policy can set it.
	Redirect
)

// kindNames are the @odata.type of definitions, less the prefix. Groups are
// named the other way round than their instances (contract a.2).
var kindNames = [...]string{"ChoiceSettingDefinition", "ChoiceSettingCollectionDefinition", "SimpleSettingDefinition",
	"SimpleSettingCollectionDefinition", "SettingGroupDefinition", "SettingGroupCollectionDefinition", "RedirectSettingDefinition"}

// ODataType is the @odata.type of definitions of the kind.
func (k Kind) ODataType() string { return TypePrefix + kindNames[k] }

// Collection reports whether a policy gives a list of values.
func (k Kind) Collection() bool {
	return k == ChoiceCollection || k == SimpleCollection || k == GroupCollection
}

// ValueKind is what a simple value holds.
type ValueKind int

// The kinds of simple values. AnyValue is for a definition that does not say.
const (
	TextValue ValueKind = iota
	IntegerValue
	SecretValue
	AnyValue
)

// ValueRule bounds the values of a simple setting.
type ValueRule struct {
	Kind ValueKind
	// Low and High bound an integer, or the length of a text.
	Low, High int64
}

// Option is one value of a choice.
type Option struct {
	ItemID, DisplayName string
	// Value is the optionValue: a string or an int64.
	Value any
	// Children are the definitions that may come with the option; Needs those of
	// them that must.
	Children, Needs []string
}

// Definition is one setting of the catalog.
type Definition struct {
	ID, Name, DisplayName      string
	CategoryID, RootID         string
	BaseURI, OffsetURI         string
	Platform, Technologies     string
	Kind                       Kind
	DefaultOption              string
	Options                    []Option
	Children                   []string // what a group may set
	Required                   []string // those of them that a group must set
	Value                      ValueRule
	MinimumCount, MaximumCount int // of a collection; 0: no bound known
	// KnownBy says how the definition is known when it was not read itself.
	KnownBy string

	document Object
	sequence int64
}

// Document is the definition as the service shows it. It must not be modified.
func (d *Definition) Document() Object { return d.document }

// Sequence is the definition's place in lists; it never changes.
func (d *Definition) Sequence() int64 { return d.sequence }

// Option finds an option by its item id.
func (d *Definition) Option(itemID string) *Option {
	for i := range d.Options {
		if d.Options[i].ItemID == itemID {
			return &d.Options[i]
		}
	}
	return nil
}

// User reports whether the setting is written for the user rather than the
// device. An id may say neither (catalog note 5): the base decides.
func (d *Definition) User() bool { return strings.HasPrefix(d.BaseURI, "./User/") }

// OfEdge reports whether the setting is one of Microsoft Edge that a managed
// device applies. Chrome has twins of the same name, and Edge's own twins for
// mobile application management concern no managed device.
func (d *Definition) OfEdge() bool {
	return strings.HasPrefix(d.OffsetURI, "/Config/microsoft_edge") || strings.Contains(d.BaseURI, "com.microsoft.Edge")
}

// Category is a node of the category tree.
type Category struct {
	ID, DisplayName, Parent string
	Platforms, Technologies string
}

// TemplateSetting is one setting of a template with the value that it gives.
type TemplateSetting struct {
	DefinitionID string           `json:"settingDefinitionId"`
	OptionID     string           `json:"optionId"`
	Value        string           `json:"value"`
	Child        *TemplateSetting `json:"child"`
}

// Template is a template that policies can be made from.
type Template struct {
	BaseID         string            `json:"baseId"`
	Version        int               `json:"version"`
	DisplayName    string            `json:"displayName"`
	DisplayVersion string            `json:"displayVersion"`
	Lifecycle      string            `json:"lifecycleState"`
	Family         string            `json:"templateFamily"`
	Platforms      string            `json:"platforms"`
	Technologies   string            `json:"technologies"`
	Settings       []TemplateSetting `json:"settings"`
}

// ID is the base with the version (contract a.2).
func (t *Template) ID() string { return fmt.Sprintf("%s_%d", t.BaseID, t.Version) }

// Catalog is the settings catalog of one tenant, in a fixed order.
type Catalog struct {
	// Name is the built-in name or the file that it was read from.
	Name       string
	Categories []Category
	Templates  []*Template

	definitions []*Definition
	byID        map[string]*Definition
	gone        map[string]*Definition
	next        int64
	changes     int
	// partial: the last page that was read names another one.
	partial bool
}

func newCatalog(name string) *Catalog {
	return &Catalog{Name: name, byID: map[string]*Definition{}, gone: map[string]*Definition{}}
}

// Version names the state of the catalog: it differs after every change.
func (c *Catalog) Version() string { return fmt.Sprintf("%s %d", c.Name, c.changes) }

// Definitions are those that exist, by Sequence. The list must not be modified.
func (c *Catalog) Definitions() []*Definition { return c.definitions }

// Find is the definition of that id, or nil.
func (c *Catalog) Find(id string) *Definition { return c.byID[id] }

// Known is Find, and finds what was taken away as well: policies that were made
// before still have it.
func (c *Catalog) Known(id string) *Definition {
	if d := c.byID[id]; d != nil {
		return d
	}
	return c.gone[id]
}

// Template finds a template by its id, or nil.
func (c *Catalog) Template(id string) *Template {
	for _, t := range c.Templates {
		if t.ID() == id {
			return t
		}
	}
	return nil
}

// Add puts a definition at the end. Fields that it leaves empty get what most
// definitions have.
func (c *Catalog) Add(d Definition) error {
	switch {
	case d.ID == "":
		return fmt.Errorf("definition without an id")
	case c.byID[d.ID] != nil:
		return fmt.Errorf("definition %s exists", d.ID)
	}
	if d.RootID == "" {
		d.RootID = d.ID
	}
	if d.Technologies == "" {
		d.Technologies = "mdm"
	}
	if d.document == nil {
		d.document = documentOf(&d)
	}
	c.changes++
	c.next++
	d.sequence = c.next
	c.definitions = append(c.definitions, &d)
	c.byID[d.ID] = &d
	delete(c.gone, d.ID)
	return nil
}

// Remove takes a definition away, with everything below it when it stands at
// the top.
func (c *Catalog) Remove(id string) error {
	if c.byID[id] == nil {
		return fmt.Errorf("definition %q does not exist: give an id of GET /beta/deviceManagement/configurationSettings", id)
	}
	kept := make([]*Definition, 0, len(c.definitions))
	for _, d := range c.definitions {
		if d.ID != id && d.RootID != id {
			kept = append(kept, d)
			continue
		}
		c.gone[d.ID] = d
		delete(c.byID, d.ID)
	}
	c.definitions = kept
	c.changes++
	return nil
}

// Succeed makes everything that an older catalog knew, and this one lacks,
// known as gone.
func (c *Catalog) Succeed(old *Catalog) {
	for _, known := range []map[string]*Definition{old.gone, old.byID} {
		for id, d := range known {
			if c.byID[id] == nil {
				c.gone[id] = d
			}
		}
	}
	c.changes += old.changes
}

// rooted collects the definition of the id and everything below it, in order.
func (c *Catalog) rooted(id string) []*Definition {
	var out []*Definition
	for _, d := range c.definitions {
		if d.ID == id || d.RootID == id {
			out = append(out, d)
		}
	}
	return out
}

// fillCategories adds a category for every id that definitions name and no
// category has: a dump of definitions does not hold them. The name is ASSUMED.
func (c *Catalog) fillCategories() {
	known := map[string]bool{}
	for _, k := range c.Categories {
		known[k.ID] = true
	}
	flags := map[string]Category{}
	for _, d := range c.definitions {
		k := flags[d.CategoryID]
		k.Platforms, k.Technologies = joinFlags(k.Platforms, d.Platform), joinFlags(k.Technologies, d.Technologies)
		flags[d.CategoryID] = k
	}
	for _, id := range slices.Sorted(maps.Keys(flags)) {
		if id == "" || known[id] {
			continue
		}
		k := flags[id]
		k.ID, k.DisplayName = id, "Category "+id
		c.Categories = append(c.Categories, k)
	}
}

// joinFlags adds the flags of b that a lacks.
func joinFlags(a, b string) string {
	out := splitFlags(a)
	for _, flag := range splitFlags(b) {
		if !slices.Contains(out, flag) {
			out = append(out, flag)
		}
	}
	return strings.Join(out, ",")
}

func splitFlags(flags string) []string {
	var out []string
	for flag := range strings.SplitSeq(flags, ",") {
		if flag = strings.TrimSpace(flag); flag != "" {
			out = append(out, flag)
		}
	}
	return out
}
