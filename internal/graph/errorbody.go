// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxErrorBody is how much of an error answer is read, in bytes.
const maxErrorBody = 64 << 10

// maxMessage is the length of a message that is kept, in bytes.
const maxMessage = 1024

// hider takes what is secret out of a foreign text. It runs before a text is cut to its length, so that the cut never
// leaves the first part of a secret behind (P8).
type hider func(text string) string

// clean hides what is secret and makes the rest fit for one line.
func (hide hider) clean(text string, limit int) string { return cleanText(hide(text), limit) }

// parseError reads an error answer of any of the shapes of contract 0.4. An answer that is not Graph's is
// Transient whatever its status is, because it came from something in between; only 401 and 429 speak for
// themselves.
func parseError(op string, status int, header http.Header, body []byte, now time.Time, hide hider) *Error {
	e := &Error{Op: op, Status: status, RequestID: requestID(header, hide), RetryAt: retryAfter(header, now)}
	body = gunzip(body)
	envelope, ok := decodeEnvelope(body, hide)
	if !ok {
		e.Kind = kindWithoutBody(status)
		e.Message = foreignMessage(status, header, body, hide)
		return e
	}
	e.Code, e.Message = envelope.code, envelope.message
	if e.RequestID == "" {
		e.RequestID = envelope.requestID
	}
	if e.RetryAt.IsZero() && envelope.retryAfter > 0 {
		e.RetryAt = now.Add(envelope.retryAfter)
	}
	e.Kind = kindOfStatus(status, envelope.code, envelope.outerCode)
	refine(e, header)
	return e
}

// parseError reads an error answer of the tenant.
func (c *Client) parseError(op string, status int, header http.Header, body []byte) *Error {
	e := parseError(op, status, header, body, c.cfg.Clock.Now(), c.hide)
	if e.Foreign = c.hosts.custom; e.Foreign {
		e.RequestID = requestID(header, c.hide) // never from the body
	}
	return e
}

// refine corrects the kind where Graph's status and code do not tell the case and only the text does.
func refine(e *Error, header http.Header) {
	text := strings.ToLower(e.Message)
	approval := approvalCode(header, e.Message)
	switch {
	case approval != "", e.Kind == KindApprovalRequired,
		e.Status < 500 && strings.Contains(text, "x-msft-approval-justification"):
		// Live answers are 412 with the code in a header and 400 without a justification (contract m).
		e.Kind, e.ApprovalCode = KindApprovalRequired, approval
	case e.Status == http.StatusInternalServerError && strings.Contains(text, "too many requests to query broker"):
		// Intune throttles reports with a 500 (contract k.4); other 500s stay errors.
		e.Kind = KindThrottled
	case strings.Contains(text, "resource not found for the segment"),
		strings.EqualFold(e.Code, "No method match route template"):
		// A wrong URL or a wrong API version, never an absent object (contract 0.3, a.4).
		e.Kind = KindInvalid
	}
	if e.Kind == KindForbidden {
		e.MissingPermissions = scopesIn(e.Message)
	}
}

// codeInText finds the code of an approval request in the message that repeats it (contract m).
var codeInText = regexp.MustCompile(`(?i)x-msft-approval-code:\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})`)

// approvalCode is the id of the approval request that a refusal opened, empty when it opened none. A proxy may drop
// the header, so the text is the second source.
func approvalCode(header http.Header, message string) string {
	if code := cleanText(header.Get(approvalCodeHeader), 64); code != "" {
		return code
	}
	if m := codeInText.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// kindWithoutBody is the kind of an answer whose body is not Graph's.
func kindWithoutBody(status int) Kind {
	switch status {
	case http.StatusUnauthorized:
		return KindUnauthorized
	case http.StatusTooManyRequests:
		return KindThrottled
	}
	return KindTransient
}

// foreignMessage describes a body that is not Graph's: what it is, and its text when it has any.
func foreignMessage(status int, header http.Header, body []byte, hide hider) string {
	trimmed := bytes.TrimSpace(body)
	contentType := strings.ToLower(header.Get("Content-Type"))
	switch {
	case len(trimmed) == 0:
		return "the answer had no body: " + statusText(status)
	case bytes.IndexByte(trimmed, 0) >= 0:
		return "the answer held NUL bytes instead of JSON: " + statusText(status)
	case strings.Contains(contentType, "html") || trimmed[0] == '<':
		return "a gateway answered with a web page: " + hide.clean(stripTags(hide(unescaped(string(trimmed)))), 200)
	}
	return "the answer is not a Graph error: " + hide.clean(unescaped(string(trimmed)), 200)
}

// statusText is the name of a status, or its number when it has none.
func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "HTTP " + strconv.Itoa(status)
}

// envelope is what an OData error says, over all its nested parts.
type envelope struct {
	code, outerCode, message, requestID string
	retryAfter                          time.Duration
}

// wireError is the OData error object. A message is a string; old services send {"lang":…,"value":…}.
type wireError struct {
	Code       *string         `json:"code"`
	Message    json.RawMessage `json:"message"`
	RequestID  string          `json:"request-id"`
	InnerError json.RawMessage `json:"innerError"`
}

// decodeEnvelope reads {"error":{…}}. It reports false for anything else, also for JSON without such a member.
func decodeEnvelope(body []byte, hide hider) (envelope, bool) {
	var top struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &top) != nil || len(top.Error) == 0 {
		return envelope{}, false
	}
	var outer wireError
	if json.Unmarshal(top.Error, &outer) != nil {
		return envelope{}, false
	}
	if outer.Code == nil && len(outer.Message) == 0 {
		return envelope{}, false
	}
	env := envelope{requestID: hide.clean(outer.RequestID, 64)}
	if outer.Code != nil {
		env.code = hide.clean(*outer.Code, 128)
		env.outerCode = env.code
	}
	env.message, env.retryAfter = readableMessage(messageText(outer.Message), hide)
	env.descend(outer.InnerError, 0, hide)
	return env, true
}

// descend follows nested inner errors to the most specific code (contract 0.4). It stops at a depth that no
// honest answer reaches.
func (env *envelope) descend(raw json.RawMessage, depth int, hide hider) {
	var inner wireError
	if len(raw) == 0 || depth > 8 || json.Unmarshal(raw, &inner) != nil {
		return
	}
	if inner.Code != nil && *inner.Code != "" {
		env.code = hide.clean(*inner.Code, 128)
	}
	if env.requestID == "" {
		env.requestID = hide.clean(inner.RequestID, 64)
	}
	if env.message == "" {
		env.message, _ = readableMessage(messageText(inner.Message), hide)
	}
	env.descend(inner.InnerError, depth+1, hide)
}

// messageText reads a message that is a string or an object with a value.
func messageText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Value string `json:"value"`
	}
	if json.Unmarshal(raw, &object) == nil {
		return object.Value
	}
	return ""
}

// intuneTail is where the part of an Intune message starts that means nothing to an admin (contract 0.4).
var intuneTail = regexp.MustCompile(` - (Operation ID|Activity ID|CustomApiErrorPhrase)\b`)

// readableMessage unpacks the JSON text that Intune hides in a message and cuts its diagnostic tail.
func readableMessage(text string, hide hider) (string, time.Duration) {
	var wait time.Duration
	var nested struct {
		Message    *string         `json:"Message"`
		RetryAfter json.RawMessage `json:"RetryAfter"`
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") && json.Unmarshal([]byte(text), &nested) == nil && nested.Message != nil {
		text = *nested.Message
		if seconds, ok := secondsIn(strings.Trim(string(nested.RetryAfter), `" `)); ok {
			wait = seconds
		}
	}
	if cut := intuneTail.FindStringIndex(text); cut != nil {
		text = text[:cut[0]]
	}
	return hide.clean(text, maxMessage), wait
}

// scopeList matches the list of scopes in Intune's refusal, scopeName one application permission in it.
var (
	scopeList = regexp.MustCompile(`(?is)one of the following (?:scopes|permissions)[^:]{0,40}:(.*)`)
	scopeName = regexp.MustCompile(`[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z][A-Za-z0-9]*)+`)
)

// scopesIn lists the permissions that a refusal names. A refusal for want of a licence names none.
func scopesIn(message string) []string {
	m := scopeList.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	return scopeName.FindAllString(m[1], 32)
}

// requestID is the id under which Microsoft logs the request.
func requestID(header http.Header, hide hider) string {
	if id := header.Get("request-id"); id != "" {
		return hide.clean(id, 64)
	}
	return hide.clean(header.Get("client-request-id"), 64)
}

// retryAfter reads Retry-After as seconds or as a date. A date is taken relative to the server's own clock
// where the answer shows it, so that a wrong clock on either side does no harm.
func retryAfter(header http.Header, now time.Time) time.Time {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return time.Time{}
	}
	if d, ok := secondsIn(value); ok {
		return now.Add(d)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}
	}
	if sent, err := http.ParseTime(header.Get("Date")); err == nil {
		return now.Add(clampWait(at.Sub(sent)))
	}
	return now.Add(clampWait(at.Sub(now)))
}

// secondsIn reads a number of seconds, fractions rounded up.
func secondsIn(text string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) {
		return 0, false
	}
	if f > maxThrottle.Seconds() {
		return maxThrottle, true
	}
	return clampWait(time.Duration(math.Ceil(max(0, f)*1000)) * time.Millisecond), true
}

// clampWait keeps a wait between nothing and the longest that makes sense.
func clampWait(d time.Duration) time.Duration {
	return min(max(d, 0), maxThrottle)
}

// gunzip unpacks an error body that a gateway left compressed; anything else passes as it is.
func gunzip(body []byte) []byte {
	if len(body) < 2 || body[0] != 0x1f || body[1] != 0x8b {
		return body
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxErrorBody))
	if err != nil {
		return body
	}
	return plain
}

// htmlTag matches tags, scripts and styles of a web page.
var htmlTag = regexp.MustCompile(`(?is)<script.*?</script>|<style.*?</style>|<[^>]*>`)

// stripTags leaves the text of a web page.
func stripTags(page string) string { return htmlTag.ReplaceAllString(page, " ") }

// cleanText makes foreign text fit for one line of a log or a status: valid, printable, single blanks, bounded.
func cleanText(text string, limit int) string {
	text = strings.ToValidUTF8(text, "?")
	var b strings.Builder
	blank := false
	for _, r := range text {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
		if b.Len() > limit {
			break
		}
	}
	return truncate(b.String(), limit)
}

// truncate cuts a text at a rune border.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
