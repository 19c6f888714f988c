// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// maxCatalogBytes bounds a dump that is sent: a live catalog has many thousand
// definitions (contract a.6) of a few kilobytes each.
const maxCatalogBytes = 256 << 20

// LoadCatalog replaces the settings catalog by a built-in one or by a file, as
// Options.Catalog names them. Policies keep what they set and stay readable.
func (s *Server) LoadCatalog(nameOrFile string) error {
	next, err := openCatalog(nameOrFile)
	if err != nil {
		return err
	}
	s.replaceCatalog(next)
	return nil
}

func (s *Server) replaceCatalog(next *catalog.Catalog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	next.Succeed(s.catalog)
	s.catalog = next
	s.changes++
}

// AddGeneration imports a definition once more under another generation, such as
// v150, as Microsoft does when it imports a new ADMX file: options and children
// are copied under new ids. The definition is named by id, or by policy name for
// Edge's device and user twins alike. It returns the new ids at the top.
func (s *Server) AddGeneration(idOrName, generation string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	made, err := s.catalog.AddGeneration(idOrName, generation)
	if err == nil {
		s.changes++
	}
	return made, err
}

// RemoveDefinition takes a definition out of the catalog, with everything below
// it. Policies that have it keep it; writes of it fail from now on.
func (s *Server) RemoveDefinition(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	err := s.catalog.Remove(id)
	if err == nil {
		s.changes++
	}
	return err
}

// CatalogState is the answer of GET /_sim/catalog.
type CatalogState struct {
	Name        string `json:"name"`
	Definitions int    `json:"definitions"`
	Categories  int    `json:"categories"`
	Templates   int    `json:"templates"`
	// Passkeys are the definitions of Edge's passkey policy, of any product.
	Passkeys []string `json:"passkeys"`
	// Builtin lists the names that PUT /_sim/catalog?name= takes.
	Builtin []string `json:"builtin"`
}

// CatalogState says which settings catalog the tenant has.
func (s *Server) CatalogState() CatalogState {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.catalog
	out := CatalogState{Name: c.Name, Definitions: len(c.Definitions()), Categories: len(c.Categories), Templates: len(c.Templates),
		Passkeys: []string{}, Builtin: catalog.Names()}
	for _, d := range c.Definitions() {
		if d.Name == catalog.PasskeysPolicy {
			out.Passkeys = append(out.Passkeys, d.ID)
		}
	}
	return out
}

// controlCatalog replaces the catalog: ?name= takes a built-in one, otherwise the
// body is a dump.
func (s *Server) controlCatalog(r *http.Request) (any, error) {
	if name := r.URL.Query().Get("name"); name != "" {
		next, err := catalog.Builtin(name) // never a file: the request comes over the network
		if err != nil {
			return nil, err
		}
		s.replaceCatalog(next)
		return s.CatalogState(), nil
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	next, err := catalog.Parse("in the request", raw)
	if err != nil {
		return nil, err
	}
	s.replaceCatalog(next)
	return s.CatalogState(), nil
}

func (s *Server) controlGeneration(r *http.Request) (any, error) {
	var in struct{ Definition, Generation string }
	if err := decodeControl(r, &in); err != nil || in.Definition == "" {
		return nil, errors.Join(errors.New(`catalog: write {"definition":"id or policy name","generation":"v150"}`), err)
	}
	made, err := s.AddGeneration(in.Definition, in.Generation)
	if err != nil {
		return nil, err
	}
	return object{"added": made}, nil
}

func (s *Server) controlRemoveDefinition(r *http.Request) error {
	var in struct{ Definition string }
	if err := decodeControl(r, &in); err != nil || in.Definition == "" {
		return errors.Join(errors.New(`catalog: write {"definition":"id"}`), err)
	}
	return s.RemoveDefinition(in.Definition)
}

func decodeControl(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
