// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/late"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// Options configure a simulated tenant. The zero value is a tenant with 2,000
// devices, the real Edge catalog and a manual clock.
type Options struct {
	// Seed drives every random choice. Equal seeds give equal tenants.
	Seed uint64
	// Devices in Entra; most are also managed. Default 2000.
	Devices int
	// Users in Entra. Default: nine per ten devices, so that some people have
	// two devices.
	Users int
	// Start is the virtual time at which the tenant begins. Default Monday
	// 2026-06-01 06:00 UTC. Ignored when Clock is set.
	Start time.Time
	// Speed is virtual seconds per real second; 0 is a clock that only Advance
	// moves. Ignored when Clock is set.
	Speed float64
	// Clock replaces the clock that Start and Speed would build. Advance works
	// when it is a *Clock or has an Advance or Step method.
	Clock clock.PassiveClock
	// TenantID, ClientID and ClientSecrets are the credentials that the token
	// endpoint accepts. Defaults: ids derived from the seed, one secret
	// "tenantsim-secret".
	TenantID      string
	ClientID      string
	ClientSecrets []string
	// Certificates are registered for the application: it may sign in with an
	// assertion that one of them signed. RSA only.
	Certificates []*x509.Certificate
	// FederatedCredentials are the tokens of other issuers that the application
	// may sign in with.
	FederatedCredentials []FederatedCredential
	// Domain is the verified domain. Default contoso.example.
	Domain string
	// Roles are the application permissions granted. Default AllRoles.
	Roles []string
	// Catalog is "edge" (default: the real Edge settings), "article" (also the
	// four literal names of the founding article), "empty-edge" (no passkey
	// setting), "edge-with-macos-passkeys" (fictitious: what if Microsoft adds
	// one for macOS?), or a file: a dump of configurationSettings.
	Catalog string
	// Scenario is how tenant and devices behave. What it does not name is as
	// on an ordinary day, see OrdinaryLag.
	Scenario Scenario
	// Ideal asks for a tenant without the slowness and the odd answers of an
	// ordinary day, and says why: in a tenant that is kind a test learns less.
	// Empty: an ordinary tenant.
	Ideal string
	// TokenLifetime in real time. Default one hour; minimum one second.
	TokenLifetime time.Duration
	// Faults in force from the start; SetFaults changes them.
	Faults []Fault
	// JournalSize bounds the journal of requests. Default 10,000.
	JournalSize int
}

// DefaultStart is the virtual start time of a tenant that names none: a Monday.
var DefaultStart = time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)

// DefaultSecret is the client secret of a tenant that names none.
const DefaultSecret = "tenantsim-secret" // #nosec G101 -- a public password of a simulator

// Server is one simulated tenant. All methods are safe for concurrent use.
type Server struct {
	options     Options
	clock       clock.PassiveClock
	wall        clock.PassiveClock
	start       time.Time
	tokenKey    []byte
	principalID ids.GUID
	requests    atomic.Uint64
	journal     *journal
	faults      faultSet
	listenMu    sync.Mutex
	listener    *listening // guarded by listenMu

	// mu guards everything below.
	mu       sync.Mutex
	scenario Scenario
	// sequence numbers created objects; it makes their ids and list order.
	sequence uint64
	// changes counts mutations of tenant state by requests.
	changes uint64
	// digest is the configuration's fingerprint as of digestAt changes.
	digest   string
	digestAt uint64
	// tokenEpoch numbers the generations of tokens; older ones are expired.
	tokenEpoch int
	// federatedSignIns counts sign-ins with a federated token.
	federatedSignIns uint64
	buckets          []bucket // by index of limits
	users            []user
	fleet            fleet
	objects          map[ids.GUID]int32 // user and device object ids to directory index
	managed          map[ids.GUID]int32 // managed device ids to device index
	entra            map[ids.GUID]int32 // Entra deviceIds to device index
	groups           map[ids.GUID]*group
	ordered          []*group // by sequence
	// groupTrail, memberTrail and deviceTrail let reads of the directory lag.
	groupTrail, memberTrail late.Trail[group]
	deviceTrail             deviceTrail
	// onTheWay are changes that Intune or the directory has yet to take in, in
	// the order of their arrival; stale counts those of group members.
	onTheWay []arrival
	stale    int
	// lagDraws numbers the draws of delays, knownGen changes with what Intune
	// knows of memberships.
	lagDraws, knownGen uint64
	// leaving are purged groups that Intune still knows.
	leaving []*group
	// deltaGen numbers changes for delta queries; purged are groups that are
	// gone for good, nextPurge is when the next one goes.
	deltaGen uint64
	// deltaMoments are when the generations began that some read does not see yet.
	deltaMoments []deltaMoment
	purged       []purgedGroup
	nextPurge    time.Time
	// directoryGen changes with groups and memberships, targetGen with
	// anything that decides which device a policy reaches.
	directoryGen, targetGen uint64
	catalog                 *catalog.Catalog
	policies                []*policy // by sequence
	policyTrail             late.Trail[policy]
	filters                 shelf.Shelf[assignmentFilter, *assignmentFilter]
	filtersOff              bool
	remediations            shelf.Shelf[remediation, *remediation]
	access                  shelf.Shelf[accessPolicy, *accessPolicy]
	accessDeleted           shelf.Bin[accessPolicy, *accessPolicy]
	locations               shelf.Shelf[namedLocation, *namedLocation]
	locationsDeleted        shelf.Bin[namedLocation, *namedLocation]
	securityDefaults        bool
	strengths               shelf.Shelf[strength, *strength]
	approvals               shelf.Shelf[approval, *approval]
	// fido2 is the passkey method's configuration.
	fido2        object
	methods      object // the rest of the methods policy
	fido2Changed time.Time
	policyByID   map[ids.GUID]*policy
	assigned     []*policy
	jobs         map[string]*exportJob
	jobOrder     []string
	cached       []*cachedReport
	// history holds the counts of past days, by day; historyDay is the first that
	// is not over.
	history       []dayCounts
	historyDay    int64
	intents       shelf.Shelf[intent, *intent]
	groupPolicies shelf.Shelf[groupPolicy, *groupPolicy]
	// shadows are what intents and group policies do on devices.
	shadows []*policy
	// baselineParts ends a scenario's foreign policy that is no settings catalog
	// policy.
	baselineParts func()
	// baseline is the scenario's foreign policy, baselineTarget its group.
	baseline       *policy
	baselineTarget *group
}

// New builds a tenant and its fleet.
func New(options Options) (*Server, error) {
	if err := options.setDefaults(); err != nil {
		return nil, fmt.Errorf("tenantsim: %w", err)
	}
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("tenantsim token key"), options.Seed))
	s := &Server{
		options: options, clock: options.Clock, wall: clock.RealClock{}, tokenKey: key[:],
		principalID: ids.NewGUID(options.Seed, "servicePrincipal", 0),
		journal:     newJournal(options.JournalSize),
		scenario:    options.inForce(options.Scenario),
		objects:     make(map[ids.GUID]int32, options.Users+options.Devices),
		managed:     make(map[ids.GUID]int32, options.Devices),
		entra:       make(map[ids.GUID]int32, options.Devices),
		groups:      map[ids.GUID]*group{}, policyByID: map[ids.GUID]*policy{}, jobs: map[string]*exportJob{},
	}
	s.start = s.clock.Now()
	var err error
	if s.catalog, err = openCatalog(options.Catalog); err != nil {
		return nil, fmt.Errorf("tenantsim: %w", err)
	}
	s.strengths.Stock(strengthsMade, builtInStrengths())
	s.fido2, s.methods, s.fido2Changed = newFido2(), newMethodsPolicy(), s.start
	s.makeUsers()
	if err := s.makeFleet(); err != nil {
		return nil, fmt.Errorf("tenantsim: %w", err)
	}
	if err := s.makeGroups(); err != nil {
		return nil, fmt.Errorf("tenantsim: %w", err)
	}
	s.planChurn(s.start.Unix())
	if err := s.applyBaseline(); err != nil {
		return nil, fmt.Errorf("tenantsim: %w", err)
	}
	s.deltaMoments = nil // every read sees what was there at the start
	if err := s.SetFaults(options.Faults); err != nil {
		return nil, fmt.Errorf("tenantsim: %w", err)
	}
	return s, nil
}

func (o *Options) setDefaults() error {
	if o.Devices == 0 {
		o.Devices = 2000
	}
	if o.Users == 0 {
		o.Users = max(1, o.Devices*9/10)
	}
	if o.Start.IsZero() {
		o.Start = DefaultStart
	}
	if o.Clock == nil {
		o.Clock = NewClock(o.Start, o.Speed)
	}
	setText(&o.TenantID, ids.NewGUID(o.Seed, "tenant", 0).String())
	setText(&o.ClientID, ids.NewGUID(o.Seed, "application", 0).String())
	setText(&o.Domain, "contoso.example")
	setText(&o.Catalog, "edge")
	if len(o.ClientSecrets) == 0 {
		o.ClientSecrets = []string{DefaultSecret}
	}
	if o.Roles == nil {
		o.Roles = AllRoles()
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
	if o.JournalSize == 0 {
		o.JournalSize = 10_000
	}
	return o.validate()
}

func (o *Options) validate() error {
	switch {
	case o.Devices < 0 || o.Devices > 1_000_000:
		return fmt.Errorf("devices is %d: write 1 to 1000000", o.Devices)
	case o.Users < 0 || o.Users > 1_000_000:
		return fmt.Errorf("users is %d: write 1 to 1000000", o.Users)
	case o.Speed < 0:
		return fmt.Errorf("speed is %v: write 0 (manual clock) or more", o.Speed)
	case o.TokenLifetime < time.Second:
		return fmt.Errorf("token lifetime is %s: write at least 1s", o.TokenLifetime)
	}
	if err := o.checkCredentials(); err != nil {
		return err
	}
	return o.Scenario.Validate()
}

func setText(field *string, def string) {
	if *field == "" {
		*field = def
	}
}

// TenantID returns the id that the token endpoint answers for.
func (s *Server) TenantID() string { return s.options.TenantID }

// ClientID returns the application id that the token endpoint accepts.
func (s *Server) ClientID() string { return s.options.ClientID }

// ClientSecret returns one accepted client secret.
func (s *Server) ClientSecret() string { return s.options.ClientSecrets[0] }

// PrincipalID returns the object id of the application's service principal,
// which can own groups.
func (s *Server) PrincipalID() string { return s.principalID.String() }

// Now returns the virtual time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Clock returns the virtual clock, to share it with the system under test.
func (s *Server) Clock() clock.PassiveClock { return s.clock }

// errFixedClock tells that the injected clock is moved by someone else.
var errFixedClock = errors.New("the clock was injected and cannot be advanced here: advance it where it was made")

// Advance moves the virtual clock by d and lets every device live through it.
func (s *Server) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("advance by %s: virtual time does not go back", d)
	}
	switch c := s.clock.(type) {
	case interface{ Advance(time.Duration) }:
		c.Advance(d)
	case interface{ Step(time.Duration) }:
		c.Step(d)
	default:
		return errFixedClock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	return nil
}

// SetScenario changes the behaviour from now on. Fields that shape the fleet
// at the start keep their effect.
func (s *Server) SetScenario(sc Scenario) error {
	if err := sc.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.clock.Now())
	if err := s.checkBaseline(sc.ConflictingBaseline); err != nil {
		return err // before anything changed
	}
	old := s.scenario.Churn.rates()
	s.scenario = s.options.inForce(sc)
	if s.scenario.Churn.rates() != old {
		s.planChurn(s.clock.Now().Unix())
	}
	s.resetRules()
	s.wakeFleet()
	return s.applyBaseline()
}

// Scenario returns the scenario in force.
func (s *Server) Scenario() Scenario {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scenario
}

// Handler serves the tenant: Graph, the token endpoint, export downloads and
// the control endpoints below /_sim/.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if first == "_sim" {
		s.serveControl(w, r, rest)
		return
	}
	if hit := s.pickFault(r); hit != nil {
		s.deliver(w, r, hit)
		return
	}
	s.send(w, s.answer(w, r, ""))
}

// route finds the part of the tenant that answers.
func (s *Server) route(w http.ResponseWriter, r *http.Request) *reply {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case first == "v1.0" || first == "beta":
		return s.serveGraph(r)
	case strings.HasPrefix(r.URL.Path, downloadPrefix):
		return s.serveDownload(r)
	default:
		return s.serveIdentity(w, r, first, rest)
	}
}

// serveIdentity serves the login host.
func (s *Server) serveIdentity(w http.ResponseWriter, r *http.Request, tenant, rest string) *reply {
	switch {
	case rest == "oauth2/v2.0/token" && r.Method == http.MethodPost:
		return s.serveToken(w, r)
	case rest == "v2.0/.well-known/openid-configuration" && r.Method == http.MethodGet:
		return s.serveOpenID(r, tenant)
	case tenant == "common" && rest == "discovery/instance" && r.Method == http.MethodGet:
		return s.serveInstance(r)
	}
	return &reply{status: http.StatusNotFound, raw: []byte("404 page not found\n"), contentType: "text/plain; charset=utf-8"}
}

// nextRequestID numbers answers; the id is unique and the same in equal runs.
func (s *Server) nextRequestID() string {
	return s.requestID(s.requests.Add(1))
}

func (s *Server) requestID(number uint64) string {
	return ids.NewGUID(s.options.Seed, "request", number).String()
}

// nextID makes the id of a created object.
func (s *Server) nextID(kind string) (ids.GUID, uint64) {
	s.sequence++
	return ids.NewGUID(s.options.Seed, kind, s.sequence), s.sequence
}

// origin is scheme and host as the client sees them.
func origin(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		scheme = proto
	}
	if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
		host = forwarded
	}
	return scheme + "://" + host
}

func (c *call) origin() string { return origin(c.HTTP) }
