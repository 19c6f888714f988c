// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func (l *lab) chunks() []v1alpha1.WaveLedger {
	l.t.Helper()
	var list v1alpha1.WaveLedgerList
	if err := l.kube.List(l.t.Context(), &list, client.InNamespace(ns)); err != nil {
		l.t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.WaveLedger) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}
