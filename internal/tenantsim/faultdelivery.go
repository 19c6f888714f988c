// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// faultHeader names the fault in every answer that a fault made up or spoiled,
// so that whoever checks bodies can tell them from what the tenant says. An
// answer that is late or was asked for twice is whole, and does not carry it.
const faultHeader = "X-Tenantsim-Fault"

// answer runs a request against the tenant and records it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, fault string) *reply {
	record := s.beginRecord(r)
	record.Fault = fault
	out := s.route(w, r)
	s.endRecord(record, out)
	return out
}

// spoil records a request that a fault keeps from the tenant.
func (s *Server) spoil(r *http.Request, fault string, out *reply) *reply {
	record := s.beginRecord(r)
	record.Fault = fault
	s.endRecord(record, out)
	return out
}

// send writes an answer to the client.
func (s *Server) send(w http.ResponseWriter, out *reply) {
	s.date(w)
	if err := out.write(w); err != nil {
		s.journal.failedWrite()
	}
}

// deliver answers a request that a fault hit.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, f *Fault) {
	switch f.Mode {
	case FaultRefuse:
		s.spoil(r, f.Name, &reply{})
		s.RefuseConnections(max(time.Duration(f.For), time.Second))
		drop(w)
	case FaultReset:
		s.spoil(r, f.Name, &reply{})
		drop(w)
	case FaultLostAnswer:
		s.answer(w, r, f.Name)
		drop(w)
	case FaultCut:
		w.Header().Set(faultHeader, f.Name)
		s.sendHalf(w, s.answer(w, r, f.Name))
	case FaultDelay:
		s.delay(w, r, f)
	default:
		out, err := s.spoiled(w, r, f)
		if err != nil {
			drop(w) // the client left while its body was read
		}
		s.send(w, out)
	}
}

// delay holds the request or its answer. A client that leaves before the effect
// takes its request back; after it, the effect stays.
func (s *Server) delay(w http.ResponseWriter, r *http.Request, f *Fault) {
	// The server notices that a client left only once the body was read.
	if _, err := buffer(r); err != nil {
		drop(w)
	}
	var out *reply
	if f.AfterEffect {
		out = s.answer(w, r, f.Name)
	}
	timer := time.NewTimer(time.Duration(f.Delay))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		if out == nil {
			s.spoil(r, f.Name, &reply{})
		}
		drop(w)
	}
	if out == nil {
		out = s.answer(w, r, f.Name)
	}
	s.send(w, out)
}

// spoiled makes the answer of modes that can be told by an answer alone, so
// that they work for requests inside a batch as well.
func (s *Server) spoiled(w http.ResponseWriter, r *http.Request, f *Fault) (*reply, error) {
	switch f.Mode {
	case FaultDuplicate:
		body, err := buffer(r)
		if err != nil {
			return nil, err
		}
		s.answer(w, r, f.Name)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return s.answer(w, r, f.Name), nil
	case FaultItem:
		return s.spoilItem(w, r, f)
	case FaultTruncated:
		out := s.answer(w, r, f.Name)
		raw, err := out.bytes()
		if err != nil {
			return nil, err
		}
		cut := &reply{status: out.status, header: out.header.Clone(), raw: raw[:len(raw)/2], contentType: out.contentType}
		if cut.header == nil {
			cut.header = http.Header{}
		}
		cut.header.Set(faultHeader, f.Name)
		setText(&cut.contentType, "application/json")
		return cut, nil
	}
	made := s.madeUp(r, f)
	if f.AfterEffect {
		s.answer(w, r, f.Name)
		return made, nil
	}
	return s.spoil(r, f.Name, made), nil
}

// buffer reads the body ahead, so that it can be read again.
func buffer(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, odata.MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// inBatch answers a request of a batch that a fault hit. A connection cannot be
// dropped there, so the gateway reports it as 504.
func (s *Server) inBatch(r *http.Request, f *Fault) *reply {
	lost := &reply{status: http.StatusGatewayTimeout, header: http.Header{faultHeader: {f.Name}}, body: s.faultBody(r, http.StatusGatewayTimeout, "The upstream service did not answer.").body}
	switch f.Mode {
	case FaultRefuse, FaultReset:
		return s.spoil(r, f.Name, lost)
	case FaultLostAnswer, FaultCut, FaultDelay:
		s.answer(nil, r, f.Name)
		return lost
	}
	out, err := s.spoiled(nil, r, f)
	if err != nil {
		return lost
	}
	return out
}

const gatewayPage = "<!DOCTYPE html>\r\n<html><head><title>%d %s</title></head>\r\n<body><center><h1>%d %s</h1></center><hr><center>Microsoft-Azure-Application-Gateway/v2</center></body></html>\r\n"

// madeUp is an answer that no service gave. Without a body of its own a fault
// speaks in the shape of the endpoint that it hit.
func (s *Server) madeUp(r *http.Request, f *Fault) *reply {
	out := &reply{status: f.Status, header: http.Header{"Request-Id": {s.nextRequestID()}, faultHeader: {f.Name}}}
	switch f.Mode {
	case FaultHTML:
		if out.status == 0 {
			out.status = http.StatusBadGateway
		}
		out.contentType = "text/html"
		out.raw = fmt.Appendf(nil, gatewayPage, out.status, http.StatusText(out.status), out.status, http.StatusText(out.status))
	case FaultTokenDown:
		if out.status == 0 {
			out.status = http.StatusServiceUnavailable
		}
		out.body = s.faultBody(r, out.status, http.StatusText(out.status)).body
	case FaultThrottle:
		out.status = http.StatusTooManyRequests
		out.body = s.faultBody(r, out.status, "Too many requests.").body
	default:
		out.body = s.faultBody(r, f.Status, http.StatusText(f.Status)).body
		if f.Body != nil {
			out.raw, out.body = []byte(*f.Body), nil
			out.contentType = sniff(*f.Body)
		}
	}
	if f.RetryAfter > 0 {
		out.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	for name, value := range f.Headers {
		if strings.EqualFold(name, "Content-Type") && out.raw != nil {
			out.contentType = value
			continue
		}
		out.header.Set(name, value)
	}
	return out
}

// faultBody is the error that the endpoint of a request would make itself: the
// token endpoint's, Intune's or the directory's.
func (s *Server) faultBody(r *http.Request, status int, message string) *reply {
	if !isGraph(r) {
		// A transient error in the words of the token endpoint (ASSUMED number).
		return s.tokenError(&tokenFailure{status: status, kind: "temporarily_unavailable", code: 90033, text: message + "."})
	}
	c := s.newCall(r)
	// A path that no route knows has the shape of the gateway.
	if segments, err := splitPath(c.Path); err == nil && c.match(segments) != nil {
		c.route, c.Intune = nil, false
	}
	return c.errorReply(odata.Fail(status, statusCode(status), "%s", message))
}

func isGraph(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v1.0/") || strings.HasPrefix(r.URL.Path, "/beta/")
}

func statusCode(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return "TooManyRequests"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable"
	case http.StatusForbidden:
		return odata.CodeForbidden
	case http.StatusNotFound:
		return odata.CodeResourceNotFound
	case http.StatusBadRequest:
		return odata.CodeBadRequest
	default:
		return "UnknownError"
	}
}

func sniff(body string) string {
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

// bytes renders the body as it goes over the wire.
func (out *reply) bytes() ([]byte, error) {
	if out.raw != nil || out.body == nil {
		return out.raw, nil
	}
	raw, err := json.Marshal(out.body)
	if err != nil {
		return nil, fmt.Errorf("marshal the answer: %w", err)
	}
	return raw, nil
}

// sendHalf promises the whole body, sends half of it and drops the connection.
func (s *Server) sendHalf(w http.ResponseWriter, out *reply) {
	raw, err := out.bytes()
	if err == nil && len(raw) > 0 {
		s.date(w)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		w.WriteHeader(out.status)
		if _, err = w.Write(raw[:len(raw)/2]); err == nil {
			// Without a flush the half would wait in a buffer and be lost whole.
			err = http.NewResponseController(w).Flush()
		}
	}
	if err != nil {
		s.journal.failedWrite()
	}
	panic(http.ErrAbortHandler)
}

// drop ends the connection without an answer: a TCP reset where the connection
// can be had, else whatever the server does on an aborted handler. It does not
// return.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, or a recorder of a test
		panic(http.ErrAbortHandler)
	}
	inner := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		inner = t.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok && tcp.SetLinger(0) != nil {
		inner = conn // closed already: nothing to reset
	}
	_ = inner.Close() // the point is that it ends; how it ends is no news
	panic(http.ErrAbortHandler)
}
