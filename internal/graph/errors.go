// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Kind is what a failed call means to its caller. The set is closed; decide on the kind and never on text.
type Kind string

const (
	// KindNotFound: the tenant said, in a well-formed answer, that the object does not exist. Just after a
	// create it may only mean that replication lags (contract a.5, g).
	KindNotFound Kind = "NotFound"
	// KindConflict: another object or another writer is in the way.
	KindConflict Kind = "Conflict"
	// KindForbidden: the application lacks a permission, a licence or a role.
	KindForbidden Kind = "Forbidden"
	// KindUnauthorized: Graph refused the token, also after one renewal.
	KindUnauthorized Kind = "Unauthorized"
	// KindCredential: the token endpoint refused the application, so that no token exists. Code holds the
	// AADSTS number, for example AADSTS90002 (tenant), AADSTS7000215 (secret), AADSTS700016 (application).
	KindCredential Kind = "Credential"
	// KindThrottled: come back at RetryAt.
	KindThrottled Kind = "Throttled"
	// KindTransient: the network, a gateway or the service failed, or an answer did not parse.
	KindTransient Kind = "Transient"
	// KindInvalid: the request is wrong and will stay wrong.
	KindInvalid Kind = "Invalid"
	// KindGone: the object or token existed and will not come back.
	KindGone Kind = "Gone"
	// KindApprovalRequired: Multi Admin Approval stopped a write (contract m). ApprovalCode holds the request
	// id when one was opened. Sending the write again opens another request.
	KindApprovalRequired Kind = "ApprovalRequired"
)

// Error is every failure that this package returns, apart from errors of a caller's own yield function.
type Error struct {
	// Kind is what the failure means.
	Kind Kind
	// Op is the method of Client that failed.
	Op string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code is the most specific error code of the answer, empty when it had none.
	Code string
	// Message is what the tenant said, made readable and free of secrets. Show it by Error or Readable only, see Foreign.
	Message string
	// Hint is what Tidegate adds of its own: what to check. Empty when there is nothing to add.
	Hint string
	// Foreign says that Code and Message came from a host that is not Microsoft's. They serve decisions and are never shown:
	// whoever may point an endpoint somewhere would read, in a status, what only the operator can reach.
	Foreign bool
	// RequestID finds the request in Microsoft's logs.
	RequestID string
	// RetryAt is when to come back; zero when the tenant named no time and none was computed.
	RetryAt time.Time
	// MissingPermissions lists application permissions of which one would do (KindForbidden). It is empty when
	// the refusal has another cause, such as a missing licence (contract 0.4).
	MissingPermissions []string
	// ApprovalCode is the id of the Multi Admin Approval request (KindApprovalRequired).
	ApprovalCode string
	// ApprovalDigest identifies the bytes of the write that needs approval (KindApprovalRequired). Keep it with the
	// code and pass both back in Approval, so that nothing else is sent under the code.
	ApprovalDigest string
	// OutcomeUnknown is true when a write may or may not have taken effect. Look the object up by its marker
	// before anything else; never send the write again blindly (P5).
	OutcomeUnknown bool
	// Err is the cause, such as a context error; nil when the tenant itself answered.
	Err error
}

// Error renders the failure in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("graph: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(string(e.Kind))
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d", e.Status)
		if code := e.shownCode(); code != "" {
			b.WriteString(" " + code)
		}
		b.WriteByte(')')
	} else if code := e.shownCode(); code != "" {
		b.WriteString(" (" + code + ")")
	}
	said := e.said()
	if tail := e.remedies(); said != "" && tail != "" {
		b.WriteString(": " + clause(said) + tail)
	} else if said != "" {
		b.WriteString(": " + said)
	} else {
		b.WriteString(tail)
	}
	if e.RequestID != "" {
		b.WriteString(" [request-id " + e.RequestID + "]")
	}
	return b.String()
}

// said is what may be shown of an answer, and what to check.
func (e *Error) said() string {
	text := e.Message
	switch {
	case e.Foreign && e.Status == 0:
		text = "the host of endpoint gave no answer that could be read"
	case e.Foreign:
		text = fmt.Sprintf("the host of endpoint answered HTTP %d", e.Status)
		if name := http.StatusText(e.Status); name != "" {
			text += " " + name
		}
	}
	if e.Hint == "" {
		return text
	}
	return clause(text) + "; " + e.Hint
}

// shownCode is the code of the answer where it may be shown: of a foreign host only one that is known, as all others are its words.
func (e *Error) shownCode() string {
	_, known := codeKinds[strings.ToLower(e.Code)]
	if !e.Foreign || known || aadsts.FindString(e.Code) == e.Code {
		return e.Code
	}
	return ""
}

// grants asks for the permissions that are missing. A foreign host is believed only what looks like one.
func (e *Error) grants() string {
	names := slices.Clone(e.MissingPermissions)
	if e.Foreign {
		names = slices.DeleteFunc(names, func(name string) bool { return !permissionShape.MatchString(name) })
	}
	if len(names) == 0 {
		return ""
	}
	return "; grant one of: " + strings.Join(names, ", ")
}

// permissionShape matches the application permissions of Graph.
var permissionShape = regexp.MustCompile(`^[A-Z][A-Za-z-]{2,60}\.(Read|ReadBasic|ReadWrite|Create|PrivilegedOperations)(\.[A-Z][A-Za-z]{1,30})?$`)

// remedies says what the kind leaves open and what to do about it.
func (e *Error) remedies() string {
	tail := e.grants()
	if e.OutcomeUnknown {
		tail += "; it is unknown whether the write took effect"
	}
	if !e.RetryAt.IsZero() {
		tail += "; retry at " + e.RetryAt.UTC().Format(time.RFC3339)
	}
	return tail
}

// clause takes the end off a sentence, so that more can follow it.
func clause(sentence string) string { return strings.TrimRight(sentence, ".:;, ") }

// Unwrap returns the cause, so that errors.Is sees context.Canceled and context.DeadlineExceeded.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in a chain, or an empty Kind when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// invalid is a request that is refused before it leaves: field, what is wrong with it and what to do.
func invalid(op, format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Op: op, Message: fmt.Sprintf(format, args...)}
}

// notSentError marks a failure of a request of which nothing left this machine.
type notSentError struct{ err error }

func (e *notSentError) Error() string { return e.err.Error() }
func (e *notSentError) Unwrap() error { return e.err }

// errStalled is the cause of a request that was cut because the server stood still.
var errStalled = errors.New("the server did not answer in time")

// failure turns a request that got no usable answer into an *Error of its own. What an *Error in the chain says is kept,
// unless it is the failure of another call that ended this one. The URL that net/http puts into its errors is left out: a
// query can hold names and a SAS link holds a signature.
func (c *Client) failure(ctx context.Context, op call, err error, status int, requestID string) *Error {
	if e := own(err); e != nil && !endedBy(ctx, err) {
		if e.Op == "" { // made by what reads the answer, which does not know the call
			e.Op, e.Status, e.RequestID = op.op, status, requestID
			e.OutcomeUnknown = op.effect != effectRead
		}
		return e
	}
	var unsent *notSentError
	e := &Error{Kind: KindTransient, Op: op.op, Status: status, RequestID: requestID}
	e.OutcomeUnknown = op.effect != effectRead && !errors.As(err, &unsent)
	if ctxErr := ctx.Err(); ctxErr != nil {
		e.Err, e.Message = ctxErr, ctxErr.Error()
		return e
	}
	cause := stripURL(err)
	if isTooSlow(err) {
		e.Code = codeTooSlow
	}
	e.Message = c.redact(cause.Error())
	e.Foreign = c.hosts.custom && (status != 0 || !ofNetwork(cause))
	e.Err = &causeError{text: e.said(), cause: cause}
	return e
}

// ofNetwork says that a failure is one of the network, of TLS or of this machine, whose words are not the server's own.
func ofNetwork(err error) bool {
	var network *net.OpError
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var unsent *notSentError
	return errors.As(err, &network) || errors.As(err, &name) || errors.As(err, &certificate) || errors.As(err, &unsent) ||
		errors.Is(err, errStalled) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// causeError keeps what errors.Is can find of a cause and shows only its redacted text. It never looks like a
// context error: those are the caller's own, while a time-out of the network also claims to be one.
type causeError struct {
	text  string
	cause error
}

// Error returns the redacted text.
func (e *causeError) Error() string { return e.text }

// Is reports whether the cause is target.
func (e *causeError) Is(target error) bool {
	return target != context.DeadlineExceeded && target != context.Canceled && errors.Is(e.cause, target)
}

// codeKinds holds the codes that are clearer than the status they come with (contract 0.4: branch on code).
var codeKinds = map[string]Kind{
	"approvalrequired":                        KindApprovalRequired,
	"authorization_requestdenied":             KindForbidden,
	"request_multipleobjectswithsamekeyvalue": KindConflict,
	"resyncrequired":                          KindGone,
	"syncstatenotfound":                       KindGone,
}

// kindOfStatus is the kind of a well-formed error answer with its codes, the most specific first.
func kindOfStatus(status int, codes ...string) Kind {
	for _, code := range codes {
		if kind, ok := codeKinds[strings.ToLower(code)]; ok {
			return kind
		}
	}
	if status == http.StatusNotFound && !slices.ContainsFunc(codes, func(code string) bool { return containsFold(code, "NotFound") }) {
		return KindTransient // Absence leads to deletions and new objects, so it takes Graph's own word for it.
	}
	switch status {
	case http.StatusUnauthorized:
		return KindUnauthorized
	case http.StatusForbidden:
		return KindForbidden
	case http.StatusNotFound:
		return KindNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return KindConflict
	case http.StatusGone:
		return KindGone
	case http.StatusTooManyRequests:
		return KindThrottled
	case http.StatusRequestTimeout, http.StatusLocked, http.StatusTooEarly:
		// 423 passes by itself: the service holds the object while it works on it (contract a.7).
		return KindTransient
	}
	if status >= 400 && status < 500 {
		return KindInvalid
	}
	return KindTransient
}

// own returns a copy of the *Error in a chain, or nil. Several calls may fail for one cause and hold the same error: what a
// call adds to it, such as that its own outcome is unknown (P5), goes into a copy.
func own(err error) *Error {
	e := asError(err)
	if e == nil {
		return nil
	}
	mine := *e
	return &mine
}

// endedBy says that the *Error in a chain is why the call's context ended: the failure of another call. net/http returns
// the cause of a context, and an errgroup gives the context of all its calls the error of the first that failed.
func endedBy(ctx context.Context, err error) bool {
	cause := asError(context.Cause(ctx))
	return cause != nil && cause == asError(err)
}

// asError returns the *Error in a chain, or nil.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// containsFold is strings.Contains without regard to case.
func containsFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}
