// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// leak is what must show nowhere: the client's own secret in each form, a token and a signature. Parts of 8 characters
// are enough to give the alarm, so a text that is cut in the middle of a secret does as well.
type leak struct{ text string }

// in fails the test when a text shows a part of the secret.
func (l leak) in(t *testing.T, what, text string) {
	t.Helper()
	for i := 0; i+8 <= len(l.text); i++ {
		if strings.Contains(text, l.text[i:i+8]) {
			t.Errorf("%s shows %q: %s", what, l.text[i:i+8], text)
			return
		}
	}
}

// TestNoAnswerLeaksASecret (P8): answers of every status and shape repeat the secrets of the request in every member
// and at every length, and no error shows a part of one, whatever the verb.
func TestNoAnswerLeaksASecret(t *testing.T) {
	const own = "p%2Q~very+secret/value=<9>&\"end" // escaped in JSON, URLs and HTML
	token := jwt(7, "Device.Read.All")
	payload := strings.Split(token, ".")[1]
	forms := map[string]leak{
		own: {own}, url.QueryEscape(own): {url.QueryEscape(own)}, url.PathEscape(own): {url.PathEscape(own)}, html.EscapeString(own): {html.EscapeString(own)},
		base64.StdEncoding.EncodeToString([]byte(own)): {base64.StdEncoding.EncodeToString([]byte(own))},
		"Bearer " + token: {payload}, "client_assertion=" + token: {payload},
		"https://x.blob.example/f.zip?sv=1&sig=Zm9vYmFyYmF6cXV4": {"Zm9vYmFyYmF6cXV4"},
	}
	random := rand.New(rand.NewPCG(1, 2))
	shapes := []func(pad, secret string) string{
		func(pad, secret string) string { return pad + secret },
		func(pad, secret string) string { return "<html><b>" + pad + "</b>" + secret + "</html>" },
		func(pad, secret string) string {
			return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innerError":{"code":%q,"request-id":%q}}}`, secret, pad+secret, secret, secret)
		},
		func(pad, secret string) string { // the JSON text inside of a message, each character escaped
			return fmt.Sprintf(`{"error":{"code":"Forbidden","message":%q}}`, fmt.Sprintf(`{"Message":"%sone of the following scopes: A.Read.All, %s - Operation ID: 1"}`, pad, unicodeEscapes(secret)))
		},
		func(pad, secret string) string {
			return `{"error":{"message":"` + pad + unicodeEscapes(secret)[:6] + secret
		},
		func(pad, secret string) string { // cut, and escaped as .NET does
			quoted := strings.Trim(fmt.Sprintf("%q", secret), `"`)
			return `{"error":{"message":"` + pad + strings.ReplaceAll(strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`).Replace(quoted), "+", `\u002B`)
		},
		func(pad, secret string) string {
			return zipped(fmt.Sprintf(`{"error":{"code":"x","message":{"value":%q}}}`, pad+secret))
		},
	}
	c := testClient(t, "http://127.0.0.1:1", func(cfg *Config) { cfg.Auth.ClientSecret.Secret = own })
	kinds := map[Kind]bool{}
	for _, status := range []int{301, 400, 401, 403, 404, 409, 410, 412, 423, 429, 500, 502, 503} {
		for secret, shown := range forms {
			for i, shape := range shapes {
				// Around the length at which a code, an excerpt and a message are cut, and anywhere else.
				for _, at := range []int{0, 128, 200, maxMessage, random.IntN(maxMessage)} {
					pad := strings.Repeat("x", max(0, at-random.IntN(len(secret))))
					header := http.Header{"Request-Id": {pad[:min(len(pad), 60)] + secret}}
					resp := &http.Response{StatusCode: status, Header: header, Body: newBody(shape(pad, secret))}
					e := asError(c.answer(call{op: "Group", class: classDirectory}, resp, nil))
					if e == nil {
						t.Fatalf("status %d gave no error", status)
					}
					kinds[e.Kind] = true
					shown.in(t, fmt.Sprintf("status %d, shape %d, pad %d", status, i, len(pad)), fmt.Sprintf("%v %+v %#v %s", e, e, e, strings.Join(e.MissingPermissions, " ")))
				}
			}
		}
	}
	for _, kind := range []Kind{KindNotFound, KindConflict, KindForbidden, KindUnauthorized, KindThrottled, KindTransient, KindInvalid, KindGone} {
		if !kinds[kind] && kind != KindNotFound { // a code that is a secret names nothing as not found
			t.Errorf("no answer was of kind %s", kind)
		}
	}
}

// unicodeEscapes writes each character as JSON can.
func unicodeEscapes(text string) string {
	var b strings.Builder
	for _, r := range text {
		fmt.Fprintf(&b, "\\u%04X", r)
	}
	return b.String()
}

// newBody is the body of an answer.
func newBody(text string) *closingReader { return &closingReader{Reader: strings.NewReader(text)} }

type closingReader struct{ *strings.Reader }

func (closingReader) Close() error { return nil }

// TestTokenAnswersLeakNothing (P8): the token endpoint repeats the whole form in each member of its refusal.
func TestTokenAnswersLeakNothing(t *testing.T) {
	for _, pad := range []int{0, 40, maxMessage - 20} {
		for _, status := range []int{400, 401, 403, 429, 500, 503} {
			a := newAuthority(t)
			a.onToken = func(w http.ResponseWriter, _ int64) {
				text := strings.Repeat("y", pad) + testSecret
				if pad == 0 {
					w.Header().Set("request-id", testSecret) // otherwise the trace id stands in
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				code := "AADSTS7000215: "
				if pad > 0 {
					code = "" // otherwise the error itself is the code
				}
				_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":%q,"trace_id":%q,"correlation_id":%q}`, text, code+text+". Trace ID: 1", text, text)
			}
			_, err := a.client(t, func(cfg *Config) { cfg.MaxAttempts = 1 }).Group(t.Context(), "g1")
			if err == nil {
				t.Fatal("no error")
			}
			leak{testSecret}.in(t, fmt.Sprintf("status %d, pad %d", status, pad), fmt.Sprintf("%v %+v %#v", err, err, asError(err)))
		}
	}
}

// TestErrorTextsReadWell: whatever a tenant's sentence ends in, what the client adds does not double the punctuation.
func TestErrorTextsReadWell(t *testing.T) {
	doubled := func(text string) bool {
		text = strings.ReplaceAll(text, "...", "")
		for _, pair := range []string{".;", "..", ";;", ":;", ",;", ". ;", ": ;", "; ;", ".:"} {
			if strings.Contains(text, pair) {
				return true
			}
		}
		return false
	}
	c := testClient(t, "http://127.0.0.1:1")
	for code, hint := range credentialHints {
		for _, end := range []string{"", ".", ";", ": ", " . "} {
			resp := &http.Response{StatusCode: 401, Header: http.Header{}, Body: newBody(fmt.Sprintf(`{"error":"invalid_client","error_description":"%s: It is wrong%s\r\nTrace ID: 1"}`, code, end))}
			e := c.tokenRefused("Group", resp)
			e.Foreign = false
			if e.Code != code || !strings.HasSuffix(e.said(), "; "+hint) || doubled(e.Error()) {
				t.Errorf("%s, end %q: %s", code, end, e)
			}
		}
	}
	for _, message := range []string{"", "It is wrong.", "It is wrong", "why:"} {
		for _, e := range []*Error{{Kind: KindForbidden, Message: message, MissingPermissions: []string{"A.Read.All"}}, {Kind: KindTransient, Message: message, OutcomeUnknown: true},
			{Kind: KindThrottled, Message: message, RetryAt: noon}, {Kind: KindInvalid, Message: message}} {
			if doubled(e.Error()) || !strings.Contains(e.Error(), clause(message)) {
				t.Errorf("%s", e)
			}
		}
	}
}

// TestGzipBomb: an error body that unpacks to far more than it is worth costs neither time nor memory, and a page that
// is packed is readable.
func TestGzipBomb(t *testing.T) {
	bomb := zipped("<html>Access denied " + strings.Repeat(" ", 64<<20) + "</html>")
	begin := time.Now()
	e := parseError("x", 403, http.Header{}, []byte(bomb)[:maxErrorBody], noon, redactText)
	if e.Kind != KindTransient || e.Message != "a gateway answered with a web page: Access denied" || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %v", e, time.Since(begin))
	}
	if plain := gunzip([]byte(bomb)); len(plain) != maxErrorBody || !bytes.HasPrefix(plain, []byte("<html>")) {
		t.Errorf("%d bytes were unpacked", len(plain))
	}
}
