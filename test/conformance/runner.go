// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// Exchanger answers requests of the table: a tenant, or a recording of one.
type Exchanger interface {
	// Exchange sends the request of a row.
	Exchange(row string, req *http.Request) (Answer, error)
}

// Runner runs rows against a target.
type Runner struct {
	// BaseURL is scheme and host, such as https://graph.microsoft.com.
	BaseURL string
	// Tokens holds one access token for each identity but Nobody.
	Tokens map[Identity]string
	// Target answers. See Tenant and Recording.
	Target Exchanger
	// Stage brings about what rows are Given. Nil for a recording: the answers
	// were given under these conditions.
	Stage Stage
	// Vars are the variables that the rows start with, see Variables.
	Vars map[string]string
	// Patience bounds how long an Eventually row is repeated, Pause is the time
	// between. Defaults 2 min and 2 s.
	Patience, Pause time.Duration

	given Condition // in force
}

// Variables are what a Runner must be given: tenant is the directory id, client an
// application of it, authority the URL of the login host, graph that of Graph, and
// definition the id of a choice setting for Windows whose options need no others.
var Variables = []string{"tenant", "client", "authority", "graph", "definition"}

// Tenant is a target that is reached over the network.
type Tenant struct {
	// Client sends; nil is http.DefaultClient.
	Client *http.Client
}

// Exchange sends a request.
func (t Tenant) Exchange(_ string, req *http.Request) (Answer, error) {
	client := t.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req) // #nosec G704 -- the person who runs the table names the host
	if err != nil {
		return Answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Run runs one row: an error says what differs. What the row saves is in Vars
// afterwards, also when only the shape of the answer was wrong: one misspelt
// member is then one failure, and not one for every row that builds on it.
//
// An Eventually row is repeated only for what time can mend. A body that does not
// fit Graph's types, or a variable that nobody set, ends it at once.
func (r *Runner) Run(ctx context.Context, row Row) error {
	if row.Given != r.given && r.Stage != nil {
		if err := r.Stage.Prepare(ctx, row.Given); err != nil {
			return fmt.Errorf("bring about %q: %w", row.Given, err)
		}
	}
	r.given = row.Given
	deadline := time.Now().Add(orDefault(r.Patience, 2*time.Minute))
	for {
		err := r.once(ctx, row)
		if err == nil || !row.Eventually || errors.Is(err, errForGood) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(orDefault(r.Pause, 2*time.Second)):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// errForGood marks what stays wrong however often the request is repeated.
var errForGood = errors.New("repeating cannot help")

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

func (r *Runner) once(ctx context.Context, row Row) error {
	req, body, err := r.request(ctx, row)
	if err != nil {
		return fmt.Errorf("%w: %w", errForGood, err)
	}
	got, err := r.Target.Exchange(row.Name, req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	var faults []error
	if got.Status != row.Status {
		faults = append(faults, fmt.Errorf("status %d, want %d: %.500s", got.Status, row.Status, got.Body))
	}
	for _, check := range row.Want {
		filled, err := r.fill(check)
		if err != nil {
			err = fmt.Errorf("%w: %w", errForGood, err)
		} else {
			err = Check(got, filled)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 {
		faults = append(faults, r.save(row, got))
	}
	if err := shape(row, req, body, got); err != nil {
		faults = append(faults, fmt.Errorf("%w: %w", errForGood, err))
	}
	return errors.Join(faults...)
}

// shape checks the bodies against Graph's types. Of a request that is wrong on
// purpose only the answer counts.
func shape(row Row, req *http.Request, body []byte, got Answer) error {
	e := graphschema.Exchange{Method: req.Method, URL: req.URL, RequestHeader: req.Header, RequestBody: body,
		Status: got.Status, ResponseHeader: got.Header, ResponseBody: got.Body}
	if row.Wrong {
		return graphschema.CheckAnswer(e)
	}
	return graphschema.Check(e)
}

func (r *Runner) request(ctx context.Context, row Row) (*http.Request, []byte, error) {
	target, err := r.fill(row.Path)
	if err != nil {
		return nil, nil, err
	}
	text, err := r.fill(row.Body)
	if err != nil {
		return nil, nil, err
	}
	if !row.Raw {
		target = strings.ReplaceAll(target, " ", "%20")
	}
	if strings.HasPrefix(target, "/") {
		target = r.BaseURL + target
	}
	body := []byte(text)
	if row.Header["Content-Encoding"] == "gzip" {
		if body, err = compressed(body); err != nil {
			return nil, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, row.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if text != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range row.Header {
		if value, err = r.fill(value); err != nil {
			return nil, nil, err
		}
		req.Header.Set(name, value)
	}
	if row.As != Nobody {
		if home, err := url.Parse(r.BaseURL); err != nil || home.Host != req.URL.Host {
			return nil, nil, fmt.Errorf("the token for %s is not for %s", r.BaseURL, req.URL.Host)
		}
		req.Header.Set("Authorization", "Bearer "+r.Tokens[row.As])
	}
	return req, body, nil
}

func compressed(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("compress the body: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress the body: %w", err)
	}
	return out.Bytes(), nil
}

// variable is a name in braces; the braces of JSON hold more.
var variable = regexp.MustCompile(`\{[a-zA-Z][a-zA-Z0-9]*\}`)

func (r *Runner) fill(text string) (string, error) {
	var missing []string
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		value, ok := r.Vars[m[1:len(m)-1]]
		if !ok {
			missing = append(missing, m)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("nobody set %v: the row that saves it failed, or the caller did not give it", missing)
	}
	return out, nil
}

func (r *Runner) save(row Row, got Answer) error {
	for name, path := range row.Save {
		if header, ok := strings.CutPrefix(path, "header:"); ok {
			if r.Vars[name] = got.Header.Get(header); r.Vars[name] == "" {
				return fmt.Errorf("save %s: there is no header %s", name, header)
			}
			continue
		}
		value, err := Lookup(got.Body, path)
		if err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("save %s: %s is %v, want text", name, path, value)
		}
		r.Vars[name] = text
	}
	return nil
}
