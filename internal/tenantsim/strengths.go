// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// strength is an authentication strength policy. The texts of refusals in this
// file are ASSUMED, the rules behind them are of contract h.
type strength struct {
	shelf.Meta
	displayName, description string
	builtIn                  bool
	combinations             []string
	configurations           []object
}

// Combinations that the service accepts (contract h). Each is one text whose
// commas mean AND; the order inside is the service's.
var combinations = []string{
	"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush", "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse",
	"password,microsoftAuthenticatorPush", "password,softwareOath", "password,hardwareOath", "password,sms", "password,voice",
	"password,x509CertificateSingleFactor", "password,x509CertificateMultiFactor", "federatedMultiFactor",
	"microsoftAuthenticatorPush,federatedSingleFactor", "softwareOath,federatedSingleFactor", "hardwareOath,federatedSingleFactor",
	"sms,federatedSingleFactor", "voice,federatedSingleFactor",
	"password", "sms", "email", "qrCodePin", "federatedSingleFactor", "x509CertificateSingleFactor",
}

// multiFactor is how many of the combinations above satisfy MFA.
const multiFactor = 19

// strengthsMade is the date that the service shows on built-in strengths.
var strengthsMade = time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)

const strengthPrefix = "00000000-0000-0000-0000-00000000000"

// builtInStrengths are the three of contract h.
func builtInStrengths() []*strength {
	resistant := []string{"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"}
	return []*strength{
		{Meta: shelf.Meta{ID: strengthPrefix + "2"}, displayName: "Multifactor authentication", builtIn: true, combinations: combinations[:multiFactor],
			description: "Combinations of methods that satisfy strong authentication, such as a password + SMS"},
		{Meta: shelf.Meta{ID: strengthPrefix + "3"}, displayName: "Passwordless MFA", builtIn: true, combinations: append(slices.Clone(resistant), "deviceBasedPush"),
			description: "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator"},
		{Meta: shelf.Meta{ID: strengthPrefix + "4"}, displayName: "Phishing-resistant MFA", builtIn: true, combinations: resistant,
			description: "Phishing-resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key"},
	}
}

var strengthEntity = &entity.Type[*strength]{Name: "microsoft.graph.authenticationStrengthPolicy", Properties: []entity.Property[*strength]{
	{Name: "id", Ops: odata.Eq, Get: func(p *strength) any { return p.ID }},
	{Name: "createdDateTime", Get: func(p *strength) any { return intuneTime(p.Created) }},
	{Name: "modifiedDateTime", Get: func(p *strength) any { return intuneTime(p.Modified) }},
	{Name: "displayName", Ops: odata.Eq, Get: func(p *strength) any { return p.displayName }},
	{Name: "description", Get: func(p *strength) any { return p.description }},
	{Name: "policyType", Ops: odata.Eq, Get: func(p *strength) any {
		if p.builtIn {
			return "builtIn"
		}
		return "custom"
	}},
	{Name: "requirementsSatisfied", Get: func(p *strength) any { return p.satisfies() }},
	{Name: "allowedCombinations", Get: func(p *strength) any { return p.combinations }},
	{Name: "combinationConfigurations", Get: func(p *strength) any { return p.shownConfigurations() }},
}}

func (p *strength) satisfies() string {
	for _, c := range p.combinations {
		if i := slices.Index(combinations, c); i < 0 || i >= multiFactor {
			return "none"
		}
	}
	return "mfa"
}

var strengthShape = shape.Shape{TypeName: "microsoft.graph.authenticationStrengthPolicy", Members: map[string]shape.Member{
	"id": {Kind: shape.String, ReadOnly: true}, "createdDateTime": {Kind: shape.Date, ReadOnly: true}, "modifiedDateTime": {Kind: shape.Date, ReadOnly: true},
	"policyType": {Kind: shape.String, ReadOnly: true}, "requirementsSatisfied": {Kind: shape.String, ReadOnly: true},
	"displayName":               {Kind: shape.String, Required: true, Max: 30},
	"description":               {Kind: shape.String, Max: 100},
	"allowedCombinations":       {Kind: shape.Strings, Required: true, Values: combinations},
	"combinationConfigurations": {Kind: shape.Objects},
}}

const strengthContext = "policies/authenticationStrengthPolicies"

func listStrengths(c *call) (*reply, error) {
	return listReply(c, c.Query, strengthEntity, c.server.strengths.Listed(c.listAsOf()), listStyle{context: strengthContext, size: 100, max: 999})
}

func getStrength(c *call) (*reply, error) {
	p, err := c.server.strengths.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.strengthReply(http.StatusOK, p, c.Query.Selected)
}

func (c *call) strengthReply(status int, p *strength, selected []string) (*reply, error) {
	members, err := strengthEntity.Projection(&c.Request, selected)
	if err != nil {
		return nil, err
	}
	return c.entityReply(status, strengthContext+"/$entity", entity.Render(p, members)), nil
}

// createStrength allows 15 custom policies with distinct names (contract h).
func createStrength(c *call) (*reply, error) {
	if err := strengthShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	s := c.server
	p := &strength{displayName: text(c.Body, "displayName"), description: text(c.Body, "description"), combinations: texts(c.Body["allowedCombinations"])}
	switch {
	case len(s.strengths.All()) >= 15+3:
		return nil, c.BadRequest("The maximum number of custom authentication strengths (15) is reached.")
	case len(p.combinations) == 0:
		return nil, c.BadRequest("Property 'allowedCombinations' must name at least one combination.")
	}
	if err := c.checkStrengthName(nil, p.displayName); err != nil {
		return nil, err
	}
	for _, item := range objects(c.Body["combinationConfigurations"]) {
		if err := c.addConfiguration(p, item); err != nil {
			return nil, err
		}
	}
	shelve(s, &s.strengths, p, "authenticationStrength")
	c.changed()
	return c.strengthReply(http.StatusCreated, p, nil)
}

// checkStrengthName wants a name that no other strength has (contract h).
func (c *call) checkStrengthName(own *strength, name string) error {
	if name == "" {
		return c.BadRequest("A value is required for property 'displayName' of resource 'authenticationStrengthPolicy'.")
	}
	if slices.ContainsFunc(c.server.strengths.All(), func(o *strength) bool { return o != own && strings.EqualFold(o.displayName, name) }) {
		return c.BadRequest("An authentication strength named '%s' exists already.", name)
	}
	return nil
}

// customStrength finds a policy that may be changed: built-in ones are read-only.
func (c *call) customStrength() (*strength, error) {
	p, err := c.server.strengths.Find(c.byID())
	if err == nil && p.builtIn {
		return nil, c.BadRequest("The built-in authentication strength '%s' cannot be changed.", p.displayName)
	}
	return p, err
}

// patchStrength changes name and description only; combinations have an action
// of their own (contract h).
func patchStrength(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	if err := strengthShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	for _, name := range []string{"allowedCombinations", "combinationConfigurations"} {
		if _, given := c.Body[name]; given {
			return nil, c.BadRequest("Property '%s' cannot be changed here: it has requests of its own.", name)
		}
	}
	if name, given := c.Body["displayName"]; given {
		title, _ := name.(string)
		if err := c.checkStrengthName(p, title); err != nil {
			return nil, err
		}
	}
	c.server.strengths.Change(c.server.instant(), p)
	for name, field := range map[string]*string{"displayName": &p.displayName, "description": &p.description} {
		if _, given := c.Body[name]; given {
			*field = text(c.Body, name)
		}
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

func updateCombinations(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	in := shape.Shape{TypeName: "microsoft.graph.updateAllowedCombinationsPostRequestBody", Members: map[string]shape.Member{
		"allowedCombinations": {Kind: shape.Strings, Required: true, Values: combinations}}}
	if err := in.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	next := texts(c.Body["allowedCombinations"])
	if len(next) == 0 {
		return nil, c.BadRequest("Property 'allowedCombinations' must name at least one combination.")
	}
	before := p.combinations
	c.server.strengths.Change(c.server.instant(), p)
	p.combinations = next
	c.changed()
	return &reply{status: http.StatusOK, body: object{
		"@odata.context":       c.context("microsoft.graph.updateAllowedCombinationsResult", nil),
		"previousCombinations": before, "currentCombinations": next,
		"conditionalAccessReferences": c.server.strengthUsers(p), "additionalInformation": "",
	}}, nil
}

// strengthUsers are the conditional access policies that name a strength.
func (s *Server) strengthUsers(p *strength) []string {
	out := []string{}
	for _, policy := range s.access.All() {
		if ids.Same(policy.strengthID(), p.ID) {
			out = append(out, policy.ID)
		}
	}
	return out
}

func (p *accessPolicy) strengthID() string {
	grant, _ := p.doc["grantControls"].(map[string]any)
	ref, _ := grant["authenticationStrength"].(map[string]any)
	return text(ref, "id")
}

func deleteStrength(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	if used := c.server.strengthUsers(p); len(used) > 0 {
		return nil, c.BadRequest("The authentication strength is used by the conditional access policies %s.", strings.Join(used, ", "))
	}
	c.server.strengths.Remove(c.server.instant(), p)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// strengthUsage is the function usage(): the policies that name a strength, in
// full, by what the strength satisfies for them.
func strengthUsage(c *call) (*reply, error) {
	p, err := c.server.strengths.See(c.byID())
	if err != nil {
		return nil, err
	}
	members, err := accessPolicyEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	by := map[string][]object{"mfa": {}, "none": {}}
	for _, policy := range c.server.access.All() {
		if ids.Same(policy.strengthID(), p.ID) {
			out := entity.Render(policy, members)
			c.shownAccess(out)
			by[p.satisfies()] = append(by[p.satisfies()], out)
		}
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("microsoft.graph.authenticationStrengthUsage", nil), "mfa": by["mfa"], "none": by["none"]}}, nil
}

// listCombinations and listMethodModes are the vocabulary of the service.
func listCombinations(c *call) (*reply, error) {
	return &reply{status: http.StatusOK, body: object{"@odata.context": c.context("Collection(microsoft.graph.authenticationMethodModes)", nil), "value": combinations}}, nil
}

type methodMode struct{ id, method, name string }

var methodModes = func() []methodMode {
	var out []methodMode
	for _, id := range []string{"password", "voice", "hardwareOath", "softwareOath", "sms", "fido2", "windowsHelloForBusiness", "microsoftAuthenticatorPush",
		"deviceBasedPush", "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse", "email", "x509CertificateSingleFactor", "x509CertificateMultiFactor",
		"federatedSingleFactor", "federatedMultiFactor", "qrCodePin"} {
		out = append(out, methodMode{id: id, method: baseMethod(id), name: id})
	}
	return out
}()

// baseMethod is the method that a mode belongs to: the last words of its name
// are the mode, except where the method has none (schema: baseAuthenticationMethod).
func baseMethod(mode string) string {
	switch mode {
	case "microsoftAuthenticatorPush", "deviceBasedPush":
		return "microsoftAuthenticator"
	case "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse":
		return "temporaryAccessPass"
	case "x509CertificateSingleFactor", "x509CertificateMultiFactor":
		return "x509Certificate"
	case "federatedSingleFactor", "federatedMultiFactor":
		return "federation"
	default:
		return mode
	}
}

var methodModeEntity = &entity.Type[methodMode]{Name: "microsoft.graph.authenticationMethodModeDetail", Properties: []entity.Property[methodMode]{
	{Name: "id", Ops: odata.Eq, Get: func(m methodMode) any { return m.id }},
	{Name: "authenticationMethod", Ops: odata.Eq, Get: func(m methodMode) any { return m.method }},
	{Name: "displayName", Get: func(m methodMode) any { return m.name }},
}}

func listMethodModes(c *call) (*reply, error) {
	items := func(after int64) iter.Seq2[int64, methodMode] {
		return func(yield func(int64, methodMode) bool) {
			for i := after + 1; i < int64(len(methodModes)); i++ {
				if !yield(i, methodModes[i]) {
					return
				}
			}
		}
	}
	return listReply(c, c.Query, methodModeEntity, items, listStyle{context: "identity/conditionalAccess/authenticationStrength/authenticationMethodModes", size: 100, max: 999})
}
