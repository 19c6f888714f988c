// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// defaultRetry is how soon to come back after an error that does not say when.
const defaultRetry = 30 * time.Second

// Reason is the condition reason for an error: its kind, which the API has a reason for, or what a refused sign-in means. An
// error of another package is transient.
func Reason(err error) string {
	var e *Error
	switch {
	case !errors.As(err, &e), e.Kind == "":
		return v1alpha1.ReasonTransient
	case e.Kind == KindCredential && e.Code == "AADSTS90002": // contract l.1: no such tenant
		return v1alpha1.ReasonTenantNotFound
	case e.Kind == KindCredential:
		return v1alpha1.ReasonCredentialRefused
	}
	return string(e.Kind)
}

// Readable is the part of an error that a person can act on, without the kind and status that a condition's reason carries
// already, and without the request id, which differs each time. Of a host that is not Microsoft's it has no words. An error of
// another kind is its own text.
func Readable(err error) string {
	var e *Error
	if !errors.As(err, &e) || (e.Message == "" && !e.Foreign) {
		return err.Error()
	}
	return e.said() + e.grants()
}

// RetryDelay is how long to wait after an error: what the tenant asks for, or half a minute.
func RetryDelay(err error, now time.Time) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAt.After(now) {
		return e.RetryAt.Sub(now)
	}
	return defaultRetry
}
