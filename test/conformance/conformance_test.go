// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

// oneAnswer is why the table asks for an ideal tenant.
const oneAnswer = "a row of the table is one request with its one right answer, just after the rows before it"

// simulated starts a tenant and a runner for it.
func simulated(t *testing.T, target func(Exchanger) Exchanger) *Runner {
	t.Helper()
	sim, err := tenantsim.New(tenantsim.Options{Seed: 1, Devices: 50, Users: 40, Ideal: oneAnswer, Catalog: catalogOfAllKinds(t)})
	if err != nil {
		t.Fatal(err)
	}
	// A second application of the same tenant, to which nothing was granted: the
	// same seed and clock make its tokens valid in the first.
	weak, err := tenantsim.New(tenantsim.Options{Seed: 1, Devices: 1, Roles: []string{}, Ideal: oneAnswer})
	if err != nil {
		t.Fatal(err)
	}
	server, other := httptest.NewServer(sim.Handler()), httptest.NewServer(weak.Handler())
	t.Cleanup(server.Close)
	defer other.Close()
	expired := token(t, server.URL, sim)
	sim.ExpireTokens()
	weak.ExpireTokens() // the two count their tokens alike
	return &Runner{
		BaseURL: server.URL, Target: target(Tenant{Client: server.Client()}), Stage: controlled{server.URL, server.Client()},
		Patience: 10 * time.Second, Pause: 10 * time.Millisecond,
		Tokens: map[Identity]string{Operator: token(t, server.URL, sim), Weak: token(t, other.URL, weak), Expired: expired},
		Vars: map[string]string{"tenant": sim.TenantID(), "client": sim.ClientID(), "authority": server.URL, "graph": server.URL,
			"definition": tenantsim.PasskeysWindowsDevice},
	}
}

// catalogOfAllKinds is a file with the settings of Edge, and beside them one of
// each kind that the rows write and Edge lacks.
func catalogOfAllKinds(t *testing.T) string {
	t.Helper()
	var all []byte
	for _, file := range []string{"../../internal/tenantsim/catalog/data/edge.json", "testdata/kinds.json"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw...)
	}
	out := filepath.Join(t.TempDir(), "catalog.json")
	if err := os.WriteFile(out, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func token(t *testing.T, base string, sim *tenantsim.Server) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {sim.ClientID()}, "client_secret": {sim.ClientSecret()},
		"scope": {"https://graph.microsoft.com/.default"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/"+sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return out.Token
}

// TestSimulatorConforms runs the whole table against the simulated tenant.
func TestSimulatorConforms(t *testing.T) {
	runner := simulated(t, func(e Exchanger) Exchanger { return e })
	assumed, given := 0, 0
	for _, row := range Table() {
		if row.Given != Healthy {
			given++
		}
		if strings.Contains(row.Source, "ASSUMED") {
			assumed++
		}
		t.Run(row.Name, func(t *testing.T) {
			row.Eventually = row.Eventually && pending[row.Name] == "" // nothing to wait for
			err := runner.Run(t.Context(), row)
			switch owner := pending[row.Name]; {
			case err != nil && owner != "":
				t.Logf("pending, of %s: %v", owner, err)
			case err != nil:
				t.Errorf("source %s: %v", row.Source, err)
			case owner != "":
				t.Errorf("holds now: take it off the list of pending rows, %s", owner)
			}
		})
	}
	t.Logf("%d rows, %d of them under a condition, %d with something ASSUMED", len(Table()), given, assumed)
}

// TestRecordingStandsIn records a run, and runs the table again from the
// recording alone: what passed passes, and a recording that was tampered with
// does not.
func TestRecordingStandsIn(t *testing.T) {
	var tape bytes.Buffer
	live := simulated(t, func(e Exchanger) Exchanger { return Recorder{Target: e, To: &tape} })
	var rows []Row
	for _, row := range Table() {
		if pending[row.Name] != "" {
			continue
		}
		if err := live.Run(t.Context(), row); err != nil {
			t.Fatalf("%s: %v", row.Name, err)
		}
		rows = append(rows, row)
	}
	if regexp.MustCompile(`eyJ[\w-]+\.eyJ`).Match(tape.Bytes()) || bytes.Contains(tape.Bytes(), []byte(tenantsim.DefaultSecret)) {
		t.Error("the recording holds a token or a secret")
	}
	for name, tc := range map[string]struct {
		change func(string) string
		faults bool
		left   int
	}{
		"as it was":               {func(s string) string { return s }, false, 0},
		"with another status":     {func(s string) string { return strings.Replace(s, `"status":204`, `"status":200`, 1) }, true, 0},
		"with a misspelt member":  {func(s string) string { return strings.ReplaceAll(s, `\"settingCount\"`, `\"settingsCount\"`) }, true, 0},
		"with a row that is gone": {func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }, true, 0},
		"of a tenant that nobody throttled": {func(s string) string {
			return regexp.MustCompile(`(?m)^{"row":"throttled: .*\n`).ReplaceAllString(s, "")
		}, false, len(throttleRows)},
		"with a throttled answer that lost its header": {func(s string) string {
			return regexp.MustCompile(`(?m)^({"row":"throttled: users".*)"Retry-After":`).ReplaceAllString(s, `$1"Retry-Never":`)
		}, true, 0},
		"with an approval that has another code": {func(s string) string {
			return regexp.MustCompile(`(?m)^({"row":"approval: change with a justification".*)"X-Msft-Approval-Code":\["[^"]*`).ReplaceAllString(s, `$1"X-Msft-Approval-Code":["x`)
		}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			recording, err := ReadRecording(strings.NewReader(tc.change(tape.String())))
			if err != nil {
				t.Fatal(err)
			}
			again := &Runner{BaseURL: live.BaseURL, Target: recording, Pause: time.Millisecond, Patience: 10 * time.Millisecond,
				Tokens: map[Identity]string{}, Vars: map[string]string{}}
			for _, v := range Variables {
				again.Vars[v] = live.Vars[v]
			}
			faults, left := play(t.Context(), again, recording, rows)
			if len(left) != tc.left {
				t.Errorf("%d rows were left out, want %d: %v", len(left), tc.left, left)
			}
			if tc.faults != (len(faults) > 0) {
				t.Errorf("faults %t, want %t: %s", len(faults) > 0, tc.faults, strings.Join(faults, "\n"))
			}
		})
	}
}

// play runs rows from a recording. It says what differs, and which rows are not
// in the recording because the tenant was not in their condition.
func play(ctx context.Context, r *Runner, from *Recording, rows []Row) (faults, left []string) {
	for _, row := range rows {
		if row.Given != Healthy && !from.Has(row.Name) {
			left = append(left, row.Name)
			continue
		}
		if err := r.Run(ctx, row); err != nil {
			faults = append(faults, fmt.Sprintf("%s (%s): %v", row.Name, row.Source, err))
		}
	}
	return faults, left
}

// TestRunnerRepeatsWhatTimeCanMend: an Eventually row waits for an effect that is
// late, and ends with the first answer that no waiting can put right.
func TestRunnerRepeatsWhatTimeCanMend(t *testing.T) {
	const right, late, misspelt = `{"id":"p","name":"n","settingCount":1}`, `{"id":"p","name":"old"}`, `{"id":"p","name":"n","settingsCount":1}`
	for name, tc := range map[string]struct {
		answers []string
		check   string
		asked   int
		// want is in the error; empty: there is none.
		want  string
		saves bool
	}{
		"an effect that is late":           {answers: []string{late, late, right}, check: `name="n"`, asked: 3, saves: true},
		"a member that is misspelt":        {answers: []string{misspelt, right}, check: `name="n"`, asked: 1, want: "settingsCount", saves: true},
		"late, and misspelt as well":       {answers: []string{`{"nam":"old"}`, right}, check: `name="n"`, asked: 1, want: "nam"},
		"a check with an unset variable":   {answers: []string{right, right}, check: `name="{unset}"`, asked: 1, want: "{unset}"},
		"a request with an unset variable": {check: `name="n"`, want: "{unset}"},
	} {
		t.Run(name, func(t *testing.T) {
			target := &script{answers: tc.answers}
			r := &Runner{BaseURL: "https://graph.example", Target: target, Patience: time.Minute, Pause: time.Millisecond, Vars: map[string]string{}}
			row := Row{Name: "row", Method: get, Path: policies + "/p", Status: http.StatusOK, Eventually: true, Want: []string{tc.check},
				Save: map[string]string{"id": "id"}}
			if len(tc.answers) == 0 {
				row.Path = policies + "/{unset}"
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := r.Run(ctx, row)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want it to name %q", err, tc.want)
			}
			if target.asked != tc.asked {
				t.Errorf("asked %d times, want %d", target.asked, tc.asked)
			}
			if _, saved := r.Vars["id"]; saved != tc.saves {
				t.Errorf("saved %t, want %t", saved, tc.saves)
			}
		})
	}
}

// script answers with one body after the other, and with the last one for ever.
type script struct {
	answers []string
	asked   int
}

// Exchange answers with the next body.
func (s *script) Exchange(string, *http.Request) (Answer, error) {
	body := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	return Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}, nil
}

// TestTable checks the table itself: names are unique, every row has a source
// that can be looked up, a row that is wrong on purpose expects a refusal, a read
// looks at what it got, and variables are saved before they are used.
func TestTable(t *testing.T) {
	source := regexp.MustCompile(`^(contract (0\.[1-4]|[a-o](\.?[0-9]+)?)\b|contract-2 [r-z](\.?[0-9]+)?\b|third-party [0-9]+\b|page [a-z]+(-[a-z]+)*\b|ASSUMED\b)`)
	seen, saved := map[string]bool{}, map[string]bool{}
	for _, name := range Variables {
		saved[name] = true
	}
	for name := range pending {
		if !slices.ContainsFunc(Table(), func(r Row) bool { return r.Name == name }) {
			t.Errorf("%s is pending and no row", name)
		}
	}
	for _, row := range Table() {
		if seen[row.Name] {
			t.Errorf("%s: twice", row.Name)
		}
		seen[row.Name] = true
		if !source.MatchString(row.Source) {
			t.Errorf("%s: source %q is neither a contract section, a page of the documentation nor ASSUMED", row.Name, row.Source)
		}
		if row.Status == 0 || row.Wrong && row.Status < 400 {
			t.Errorf("%s: status %d", row.Name, row.Status)
		}
		if row.Status == http.StatusOK && len(row.Want) == 0 && row.Method == get && !row.Eventually {
			t.Errorf("%s: a read that looks at nothing", row.Name)
		}
		for _, m := range variable.FindAllString(fmt.Sprint(row.Path, row.Body, row.Header, row.Want), -1) {
			if !saved[m[1:len(m)-1]] {
				t.Errorf("%s: no row before it saves %s", row.Name, m)
			}
		}
		for name := range row.Save {
			saved[name] = true
		}
	}
}

func TestCheck(t *testing.T) {
	a := Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(`{"value":[{"@odata.type":"#x","a.b":{"c":null},"n":1}],"t":"some text"}`)}
	for check, holds := range map[string]bool{
		"!t~more": true, "!t~some": false, "!value~x": false, "!header:Retry-After": true, "!header:Content-Type": false,
		"value": true, "value#1": true, "value#2": false, "value#>0": true, "value#>1": false, "value#x": false, "t#1": false,
		"value.0.@odata.type": true, `value.0.@odata.type="#x"`: true, `value.0.@odata.type="#y"`: false,
		"value.0.a.b.c": false, "value.0.a.b.c=null": true, "!value.0.a.b.d": true, "!value.0.a.b": false,
		"value.0.n=1": true, "value.0.n=2": false, "value.0.n=": false, "value.1": false, "t~text": true, "t~texts": false, "value~x": false,
		"header:Content-Type": true, "header:Content-Type~plain": true, "header:Content-Type~json": false, "header:Retry-After": false,
		"body~some": true, "body~none": false, "empty": false,
	} {
		if err := Check(a, check); (err == nil) != holds {
			t.Errorf("%s: %v, want it to hold: %t", check, err, holds)
		}
	}
	if err := Check(Answer{Body: []byte(" \n")}, "empty"); err != nil {
		t.Error(err)
	}
	if err := Check(Answer{Body: []byte("<html>")}, "value"); err == nil {
		t.Error("HTML has a value")
	}
}

// TestAgainstRecording runs the table against a recording of another tenant, where
// the environment names one: TIDEGATE_CONFORMANCE_RECORDING is its file,
// TIDEGATE_CONFORMANCE_VARS the variables as JSON.
func TestAgainstRecording(t *testing.T) {
	file := os.Getenv("TIDEGATE_CONFORMANCE_RECORDING")
	if file == "" {
		t.Skip("TIDEGATE_CONFORMANCE_RECORDING names no recording: the table ran against the simulator only")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	recording, err := ReadRecording(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	runner := &Runner{BaseURL: "https://graph.microsoft.com", Target: recording, Patience: time.Millisecond, Pause: time.Millisecond,
		Tokens: map[Identity]string{}, Vars: map[string]string{}}
	if err := json.NewDecoder(io.LimitReader(strings.NewReader(os.Getenv("TIDEGATE_CONFORMANCE_VARS")), 1<<20)).Decode(&runner.Vars); err != nil {
		t.Fatalf("TIDEGATE_CONFORMANCE_VARS: %v", err)
	}
	faults, left := play(t.Context(), runner, recording, Table())
	for _, fault := range faults {
		t.Error(fault)
	}
	t.Logf("%d rows whose condition the recorded tenant was not in: %s", len(left), strings.Join(left, ", "))
}
