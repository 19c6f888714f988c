// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package badinput gives the operator what people get wrong: missing Secrets, wrong ids, groups that are not there,
// settings that the tenant does not have. Each mistake has to end in a refused apply or in a condition that names the
// thing and the remedy, with nothing half made in the tenant, and mending it has to be enough to go on.
package badinput
