// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package filterrule is the language of assignment filters (contract f): rules
// over managed devices, such as
//
//	(device.deviceOwnership -eq "Corporate") and (device.operatingSystemVersion -ge 10.0.22631.0)
//
// and over managed apps, such as (app.appVersion -startsWith "147."). Which
// property, operator and value a platform takes is that of the reference page
// (memdocs intune/fundamentals/filters/ref-device-properties.md, 2026-02). The
// package knows no tenant: a rule is judged over Facts.
//
// The sentences of errors are ASSUMED: what the service says is not published.
package filterrule
