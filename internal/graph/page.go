// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// errNotList is an answer that parses but is no list.
var errNotList = errors.New(`the answer has no "value" array`)

// list reads a collection to its end and hands each item to yield. Pages are decoded as they arrive, one page
// is kept at a time, and a page that breaks off is read again before any of its items is handed out. An error
// on any page ends the call with that error, so that a part is never taken for the whole; so does an item that does not
// parse. An error of yield comes back as it is.
func list[T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, yield func(T) error) error {
	_, err := feed(ctx, c, op, ri, yield)
	return err
}

// listItems is list for a collection in which one item that does not parse must not hide the others: yield gets it with why,
// and with what could be read of it.
func listItems[T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, yield func(item T, odd error) error) error {
	return list(ctx, c, op, ri, func(it item[T]) error { return yield(it.value, it.odd) })
}

// feed is list for a collection that ends with a link to the next round, which it returns. A list that goes on past the
// client's caps ends with an error.
func feed[T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, yield func(T) error) (delta string, err error) {
	limits := listCaps{caps: c.caps, streamed: op.streamed}
	if !op.streamed && c.cfg.Memory != nil {
		if limits.share, err = c.cfg.Memory.Enter(ctx, c.realm+"/"+op.op, 0); err != nil {
			return "", &Error{Kind: KindTransient, Op: op.op, Message: err.Error(), Err: ctx.Err()}
		}
		defer func() { limits.share.Leave(err == nil) }()
	}
	return feedWithin(ctx, c, op, ri, &limits, yield)
}

// feedWithin is feed within limits.
func feedWithin[T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, limits *listCaps, yield func(T) error) (delta string, err error) {
	var items []T
	var seen trail
	headers := ri.Headers
	for {
		var links pageLinks
		var bytes int64
		err := c.send(ctx, op, ri, func(resp *http.Response) error {
			body := newPageReader(resp.Body, c.caps)
			var err error
			items, links, err = decodeLinks(body, items[:0])
			bytes = body.read
			return err
		})
		if err != nil {
			return "", err
		}
		if err := limits.page(len(items), bytes); err != nil {
			return "", c.failure(ctx, op, err, http.StatusOK, "")
		}
		for i := range items {
			if err := yield(items[i]); err != nil {
				return "", err
			}
		}
		if links.next == "" {
			return links.delta, nil
		}
		if seen.again(links.next) {
			return "", &Error{Kind: KindTransient, Op: op.op, Message: "the links to the next page lead round in a circle"}
		}
		if ri, err = c.follow(op, links.next, ri.Method, headers); err != nil {
			return "", err
		}
	}
}

// trail finds a circle of links in constant memory: it keeps one link and compares the following ones with it, twice
// as many each time before it keeps a newer one (Brent).
type trail struct {
	kept       string
	steps, end int
}

// again notes the next link and reports whether it closes a circle.
func (t *trail) again(link string) bool {
	if link == t.kept {
		return true
	}
	if t.steps == t.end {
		t.kept, t.steps, t.end = link, 0, max(1, 2*t.end)
	}
	t.steps++
	return false
}

// collect reads a collection to its end into a slice. check refuses an item that cannot be used; nil for none.
func collect[T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, check func(T) error) ([]T, error) {
	var found []T
	err := list(ctx, c, op, ri, func(item T) error {
		if check != nil {
			if err := check(item); err != nil {
				return err
			}
		}
		found = append(found, item)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// collectAs is collect for items that are converted, or refused, one by one.
func collectAs[W, T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, convert func(W) (T, error)) ([]T, error) {
	var found []T
	err := list(ctx, c, op, ri, func(w W) error {
		it, err := convert(w)
		found = append(found, it)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// collectItems is collectAs with the items that do not parse, see listItems.
func collectItems[W, T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation, convert func(w W, odd error) T) ([]T, error) {
	return collectAs(ctx, c, op, ri, func(it item[W]) (T, error) { return convert(it.value, it.odd), nil })
}

// follow builds the request for the next page: the link as it is, with the headers of the first page, which
// Graph does not repeat by itself (contract k.2).
func (c *Client) follow(op call, next string, method abs.HttpMethod, headers *abs.RequestHeaders) (*abs.RequestInformation, error) {
	u, err := url.Parse(next)
	if err != nil {
		return nil, &Error{Kind: KindTransient, Op: op.op, Message: "the link to the next page is not a URL"}
	}
	if err := c.hosts.checkHost(u); err != nil {
		return nil, c.strayLink(op, err.Error())
	}
	ri := abs.NewRequestInformation()
	ri.Method = method
	ri.SetUri(*u)
	ri.Headers.AddAll(headers)
	return ri, nil
}

// resume builds the request for a link that an earlier answer gave.
func (c *Client) resume(op call, link string) (*abs.RequestInformation, error) {
	headers := abs.NewRequestHeaders()
	headers.TryAdd("Accept", "application/json")
	return c.follow(op, link, abs.GET, headers)
}

// decodePage reads {"value":[…],"@odata.nextLink":…} token by token and appends the items. Members may come
// in any order, unknown ones are skipped, @odata.count is not believed (contract 0.3).
func decodePage[T any](r *pageReader, items []T) ([]T, string, error) {
	items, links, err := decodeLinks(r, items)
	return items, links.next, err
}

// pageLinks are the links of a page: to the next one and, at the end of a feed, to the next round.
type pageLinks struct{ next, delta string }

// decodeLinks is decodePage with both links.
func decodeLinks[T any](r *pageReader, items []T) ([]T, pageLinks, error) {
	dec := json.NewDecoder(r)
	if err := expect(dec, '{'); err != nil {
		return items, pageLinks{}, err
	}
	var links pageLinks
	listed := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return items, pageLinks{}, eofIsCut(err)
		}
		switch key {
		case "value":
			listed = true
			items, err = decodeItems(dec, r, items)
		case "@odata.nextLink":
			err = decodeLink(dec, &links.next)
		case "@odata.deltaLink":
			err = decodeLink(dec, &links.delta)
		default:
			var skipped json.RawMessage
			err = dec.Decode(&skipped)
		}
		if err != nil {
			return items, pageLinks{}, eofIsCut(err)
		}
	}
	if err := expect(dec, '}'); err != nil {
		return items, pageLinks{}, err
	}
	if !listed {
		return items, pageLinks{}, errNotList
	}
	return items, links, expectEnd(dec)
}

// decodeLink reads a link, which may be null.
func decodeLink(dec *json.Decoder, to *string) error {
	var link *string
	if err := dec.Decode(&link); err != nil {
		return err
	}
	if link != nil {
		*to = *link
	}
	return nil
}

// decodeItems reads an array of objects. Lists read them as item, so that one that does not parse is no error here.
func decodeItems[T any](dec *json.Decoder, r *pageReader, items []T) ([]T, error) {
	if err := expect(dec, '['); err != nil {
		return items, err
	}
	for dec.More() {
		if len(items) == r.caps.pageRows {
			return items, tooMuch("a page has more than %d rows", r.caps.pageRows)
		}
		r.element()
		var it T
		if err := dec.Decode(&it); err != nil {
			return items, eofIsCut(err)
		}
		items = append(items, it)
	}
	return items, expect(dec, ']')
}

// expect reads one delimiter.
func expect(dec *json.Decoder, want json.Delim) error {
	tok, err := dec.Token()
	if err != nil {
		return eofIsCut(err)
	}
	if tok != want {
		return fmt.Errorf("%q expected at byte %d", want.String(), dec.InputOffset())
	}
	return nil
}

// expectEnd fails when anything but blanks follows the document.
func expectEnd(dec *json.Decoder) error {
	switch _, err := dec.Token(); {
	case err == io.EOF:
	case asError(err) != nil:
		return err
	default:
		return fmt.Errorf("more text after the end of the answer at byte %d", dec.InputOffset())
	}
	return nil
}

// eofIsCut makes the end of a body inside a document an error of its own.
func eofIsCut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// decodeObject returns a reader for an answer that is one object, written to v.
func decodeObject(v any) func(*http.Response) error {
	return func(resp *http.Response) error {
		dec := json.NewDecoder(capped(resp.Body, defaultCaps.page, "an answer"))
		if err := dec.Decode(v); err != nil {
			return eofIsCut(err)
		}
		return expectEnd(dec)
	}
}

// withoutID is a list item that cannot be told from another.
func withoutID(op call, what string) *Error {
	return &Error{Kind: KindTransient, Op: op.op, Message: "the tenant listed a " + what + " without an id"}
}

// timestamp is a time on the wire: RFC 3339 with any fraction, with or without a zone, null, or the sentinel
// 0001-01-01 for never (contract 0.3).
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *timestamp) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	t.Time = time.Time{}
	if text == nil || *text == "" || strings.HasPrefix(*text, "0001-01-01") {
		return nil
	}
	parsed, err := parseTime(*text)
	if err != nil {
		return err
	}
	t.Time = parsed
	return nil
}

// parseTime reads the forms of time that Graph and its reports use; without a zone they mean UTC (contract
// 0.3, b.1, b.4).
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			if t.Year() <= 1 {
				return time.Time{}, nil
			}
			return t.UTC(), nil
		}
	}
	if !timeShape.MatchString(text) {
		return time.Time{}, fmt.Errorf("a text of %d bytes is not a time", len(text))
	}
	return time.Time{}, fmt.Errorf("%q is not a time", text)
}

// timeShape matches what may be shown of a time that is none: this error goes past Error.Foreign.
var timeShape = regexp.MustCompile(`^[0-9TZ:./+ -]{1,40}$`)

// quote renders an OData string literal.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// ptr returns a pointer to a copy of v, for the query parameters of the typed builders.
func ptr[T any](v T) *T { return &v }

// looseTime is a timestamp of an item that holds without it. One that is no time is zero, which means unknown, and says so.
type looseTime struct {
	timestamp
	odd error
}

// UnmarshalJSON implements json.Unmarshaler. It fails never.
func (t *looseTime) UnmarshalJSON(raw []byte) error {
	t.odd = t.timestamp.UnmarshalJSON(raw)
	return nil
}
