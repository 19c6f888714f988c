// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"slices"
	"strings"
)

// arrangeRows applies what a report's request says beside filter and page:
// search (text in any column, ASSUMED), orderBy ("Column" or "Column desc") and
// groupBy, which is not simulated.
func (c *call) arrangeRows(t *table, order []string, search string) error {
	if len(texts(c.Body["groupBy"])) > 0 {
		return c.BadRequest("Parameter 'groupBy' is not supported for this report.")
	}
	if search != "" {
		t.rows = slices.DeleteFunc(t.rows, func(cells []any) bool { return !rowHolds(cells, search) })
	}
	for _, item := range slices.Backward(order) {
		name, direction, _ := strings.Cut(item, " ")
		i := t.column(name)
		if i < 0 || !slices.Contains([]string{"", "asc", "desc"}, strings.ToLower(direction)) {
			return c.BadRequest("'%s' of orderBy is not a column of the report, with asc or desc.", item)
		}
		sign := 1
		if strings.EqualFold(direction, "desc") {
			sign = -1
		}
		slices.SortStableFunc(t.rows, func(a, b []any) int { return sign * compareCells(a[i], b[i]) })
	}
	return nil
}

func rowHolds(cells []any, search string) bool {
	return slices.ContainsFunc(cells, func(cell any) bool {
		s, isText := cell.(string)
		return isText && strings.Contains(strings.ToLower(s), strings.ToLower(search))
	})
}

// compareCells orders two cells of one column.
func compareCells(a, b any) int {
	switch x := a.(type) {
	case string:
		y, _ := b.(string)
		return strings.Compare(x, y)
	case int:
		y, _ := b.(int)
		return cmp.Compare(x, y)
	case int64:
		y, _ := b.(int64)
		return cmp.Compare(x, y)
	case bool:
		y, _ := b.(bool)
		return cmp.Compare(boolInt(x), boolInt(y))
	default:
		return 0
	}
}

// reportWindow reads skip and top; top must be given (contract b.1).
func (c *call) reportWindow() (skip, top int, err error) {
	if skip, _, err = c.bodyNumber("skip"); err != nil {
		return 0, 0, err
	}
	top, given, err := c.bodyNumber("top")
	if err == nil && (!given || top < 1) {
		err = c.BadRequest("An error has occurred: parameter 'top' is required.")
	}
	return skip, top, err
}
