// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// control is one control endpoint. A nil body is answered with 204.
type control func(s *Server, r *http.Request) (body any, err error)

// controls are the endpoints below /_sim/ by method and path.
var controls = map[string]control{
	"GET clock":    func(s *Server, _ *http.Request) (any, error) { return s.clockState(), nil },
	"POST clock":   (*Server).controlClock,
	"GET scenario": func(s *Server, _ *http.Request) (any, error) { return s.Scenario(), nil },
	"PUT scenario": (*Server).controlScenario,
	"GET dump": func(s *Server, r *http.Request) (any, error) {
		return s.Snapshot(r.URL.Query().Get("devices") == "true"), nil
	},
	"GET journal":             func(s *Server, _ *http.Request) (any, error) { return s.Journal(), nil },
	"DELETE journal":          func(s *Server, _ *http.Request) (any, error) { s.ResetJournal(); return nil, nil },
	"GET faults":              func(s *Server, _ *http.Request) (any, error) { return object{"faults": s.Faults()}, nil },
	"PUT faults":              (*Server).controlFaults,
	"DELETE faults":           func(s *Server, _ *http.Request) (any, error) { return nil, s.SetFaults(nil) },
	"POST refuse":             (*Server).controlRefuse,
	"POST tokens/expire":      func(s *Server, _ *http.Request) (any, error) { s.ExpireTokens(); return nil, nil },
	"GET approvals":           func(s *Server, _ *http.Request) (any, error) { return object{"approvals": s.Approvals()}, nil },
	"POST approvals":          func(s *Server, r *http.Request) (any, error) { return nil, s.controlApproval(r) },
	"GET catalog":             func(s *Server, _ *http.Request) (any, error) { return s.CatalogState(), nil },
	"PUT catalog":             (*Server).controlCatalog,
	"POST catalog/generation": (*Server).controlGeneration,
	"POST catalog/remove":     func(s *Server, r *http.Request) (any, error) { return nil, s.controlRemoveDefinition(r) },
	"POST policies/unassign":  func(s *Server, r *http.Request) (any, error) { return nil, s.controlPolicy(r, s.Unassign) },
	"POST policies/delete":    func(s *Server, r *http.Request) (any, error) { return nil, s.controlPolicy(r, s.DeletePolicy) },
	"GET targeting":           (*Server).controlTargeting,
}

// serveControl answers below /_sim/. It needs no token: it is for the person
// or test who owns the simulator, and no product code calls it.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request, path string) {
	limit := int64(odata.MaxBodyBytes)
	if path == "catalog" {
		limit = maxCatalogBytes
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if path == "" && r.Method == http.MethodGet {
		s.writeControl(w, s.controlIndex(), nil)
		return
	}
	do, known := controls[r.Method+" "+path]
	if !known {
		s.date(w)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		s.writeControl(w, object{"error": fmt.Sprintf("%s /_sim/%s does not exist: GET /_sim/ lists what does", r.Method, path)}, nil)
		return
	}
	body, err := do(s, r)
	s.writeControl(w, body, err)
}

func (s *Server) writeControl(w http.ResponseWriter, body any, err error) {
	s.date(w)
	if err == nil && body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status, missing := http.StatusBadRequest, (*lookupError)(nil)
		if errors.As(err, &missing) {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		body = object{"error": err.Error()}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if encoder.Encode(body) != nil {
		s.journal.failedWrite()
	}
}

// ClockState is the answer of /_sim/clock.
type ClockState struct {
	Now   time.Time `json:"now"`
	Start time.Time `json:"start"`
	// Speed is virtual seconds per real second; absent for an injected clock.
	Speed *float64 `json:"speed,omitempty"`
}

func (s *Server) clockState() ClockState {
	out := ClockState{Now: s.clock.Now().UTC(), Start: s.start.UTC()}
	if c, ok := s.clock.(*Clock); ok {
		speed := c.Speed()
		out.Speed = &speed
	}
	return out
}

// controlClock moves the clock: {"advance":"8h"} and {"speed":1000}.
func (s *Server) controlClock(r *http.Request) (any, error) {
	var in struct {
		Advance Duration `json:"advance"`
		Speed   *float64 `json:"speed"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, fmt.Errorf("clock: write {\"advance\":\"8h\"} or {\"speed\":1000}: %w", err)
	}
	if in.Speed != nil {
		c, ok := s.clock.(*Clock)
		if !ok || *in.Speed < 0 {
			return nil, fmt.Errorf("clock: speed %v cannot be set here: write 0 or more, for a clock that this server made", *in.Speed)
		}
		c.SetSpeed(*in.Speed)
	}
	if in.Advance > 0 {
		if err := s.Advance(time.Duration(in.Advance)); err != nil {
			return nil, err
		}
	}
	return s.clockState(), nil
}

func (s *Server) controlScenario(r *http.Request) (any, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	sc, ok := BuiltinScenario(r.URL.Query().Get("name"))
	if name := r.URL.Query().Get("name"); name == "" {
		if sc, err = ParseScenario(raw); err != nil {
			return nil, err
		}
	} else if !ok {
		return nil, fmt.Errorf("scenario: %q is not built in: %v are", name, BuiltinScenarios())
	}
	if err := s.SetScenario(sc); err != nil {
		return nil, err
	}
	return s.Scenario(), nil
}

func (s *Server) controlFaults(r *http.Request) (any, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	faults, err := ParseFaults(raw)
	if err != nil {
		return nil, err
	}
	if err := s.SetFaults(faults); err != nil {
		return nil, err
	}
	return object{"faults": s.Faults()}, nil
}

// controlApproval decides about a request as a person would.
func (s *Server) controlApproval(r *http.Request) error {
	var in struct{ ID, Decision string }
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return fmt.Errorf("approvals: write {\"id\":\"…\",\"decision\":\"approve\"}: %w", err)
	}
	switch in.Decision {
	case "approve":
		return s.Approve(in.ID)
	case "reject":
		return s.Reject(in.ID)
	default:
		return fmt.Errorf("approvals: decision %q: write approve or reject", in.Decision)
	}
}

// controlRefuse closes the listener for a while.
func (s *Server) controlRefuse(r *http.Request) (any, error) {
	var in struct {
		For Duration `json:"for"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil || in.For == 0 {
		return nil, fmt.Errorf("refuse: write {\"for\":\"2s\"}, more than 0")
	}
	if !s.RefuseConnections(time.Duration(in.For)) {
		return nil, fmt.Errorf("refuse: the tenant has no listener of its own")
	}
	return object{"refusedFor": time.Duration(in.For).String()}, nil
}

// controlPolicy does to a policy what an admin would do in a portal:
// {"name":"…"}.
func (s *Server) controlPolicy(r *http.Request, do func(string) error) error {
	var in struct {
		Name string `json:"name"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil || in.Name == "" {
		return fmt.Errorf("write {\"name\":\"display name of the policy\"}")
	}
	return do(in.Name)
}

// Unassign clears the assignments of the policies of that name or id, as an
// admin would.
func (s *Server) Unassign(nameOrID string) error {
	return s.eachNamed(nameOrID, func(p *policy) {
		s.policyTrail.Changing(s.instant(), p)
		s.changeAssignments(p, nil, s.clock.Now())
	})
}

// DeletePolicy deletes the policies of that name or id, as an admin would.
func (s *Server) DeletePolicy(nameOrID string) error {
	return s.eachNamed(nameOrID, s.removePolicy)
}

func (s *Server) eachNamed(nameOrID string, do func(*policy)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	var found []*policy
	for _, p := range s.policies {
		if p.name == nameOrID || p.id.String() == nameOrID {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("policy %q does not exist: GET /_sim/dump lists the policies", nameOrID)
	}
	for _, p := range found {
		do(p)
		s.changes++
	}
	return nil
}

func (s *Server) controlIndex() any {
	return object{
		"GET /_sim/clock":               "virtual time",
		"POST /_sim/clock":              `{"advance":"8h"} or {"speed":1000}`,
		"GET /_sim/scenario":            "scenario in force",
		"PUT /_sim/scenario":            "new scenario as JSON or YAML; ?name= takes a built-in one",
		"GET /_sim/dump":                "whole tenant; ?devices=true adds every device",
		"GET /_sim/journal":             "requests so far; DELETE forgets them",
		"POST /_sim/policies/unassign":  `{"name":"…"}: clear the assignments of a policy`,
		"POST /_sim/policies/delete":    `{"name":"…"}: delete a policy`,
		"GET /_sim/catalog":             "settings catalog in force",
		"PUT /_sim/catalog":             "?name= takes a built-in catalog; otherwise the body is a dump of configurationSettings",
		"POST /_sim/catalog/generation": `{"definition":"PasswordManagerPasskeysEnabled","generation":"v150"}: a new ADMX generation, by id or policy name`,
		"POST /_sim/catalog/remove":     `{"definition":"id"}: take a definition away; policies keep it`,
		"GET /_sim/faults":              "faults in force with counters; DELETE ends all of them",
		"PUT /_sim/faults":              `{"faults":[{"match":{"method":"POST","route":"/beta/**","nth":1},"mode":"lostAnswer"}]} as JSON or YAML`,
		"GET /_sim/approvals":           "requests of Multi Admin Approval",
		"POST /_sim/approvals":          `{"id":"…","decision":"approve"}, or reject`,
		"POST /_sim/tokens/expire":      "expire every token that was issued until now",
		"POST /_sim/refuse":             `{"for":"2s"}: refuse connections for so long in real time`,
		"scenarios":                     BuiltinScenarios(),
		"reports":                       object{"DeviceStatusesByConfigurationProfile": deviceStatus.columnNames(), "Devices": devicesExport.columnNames(), "AppInvRawData": appInventory.columnNames()},
		"GET /_sim/targeting":           "?policy=&device=: does a policy reach a device, and why; a policy alone: counts, list=true the devices; a device alone: what reaches it, all=true every verdict",
	}
}
