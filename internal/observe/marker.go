// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// Owner is whose work a tenant object is: a PasskeyPolicy of one cluster.
type Owner struct {
	// Cluster is the uid of the cluster's namespace kube-system.
	Cluster string
	// UID is that of the PasskeyPolicy.
	UID string
}

// Marker is the text in a tenant object's description by which this operator knows its own work again. It names the
// cluster, so that two operators on one tenant do not take each other's objects (P5, P6).
func (o Owner) Marker(key plan.Key) string {
	return fmt.Sprintf("[tidegate %s/%s/%s/%s]", o.Cluster, o.UID, strings.ToLower(key.Level()), strings.ToLower(string(key.Platform)))
}

// anyMarker finds a marker in a description, whoever made it.
var anyMarker = regexp.MustCompile(`\[tidegate ([^/\s\]]+)/([^/\s\]]+)/([^/\s\]]+)/([^/\s\]]+)\]`)

// OwnerOf reads the first marker in a description; false when there is none.
func OwnerOf(description string) (Owner, bool) {
	m := anyMarker.FindStringSubmatch(description)
	if m == nil {
		return Owner{}, false
	}
	return Owner{Cluster: m[1], UID: m[2]}, true
}

// describe is the description of a tenant object, for people, with the marker.
func (o Owner) describe(p *v1alpha1.PasskeyPolicy, key plan.Key) string {
	part := fmt.Sprintf("Revision %d of the payload of a staged rollout.", key.Revision)
	if key.Role == v1alpha1.RoleHold {
		part = "Holds back devices that no wave of the rollout has admitted."
	}
	return fmt.Sprintf("%s Managed by Tidegate for PasskeyPolicy %s/%s: change it there, not here. %s", part, p.Namespace, p.Name, o.Marker(key))
}

// otherOperators lists who else marked policies of the tenant, by cluster.
func otherOperators(all []graph.ConfigurationPolicy, self string) []plan.OtherOperator {
	names := map[string][]string{}
	for i := range all {
		if o, ok := OwnerOf(all[i].Description); ok && o.Cluster != self {
			names[o.Cluster] = append(names[o.Cluster], all[i].Name)
		}
	}
	var out []plan.OtherOperator
	for cluster, list := range names {
		slices.Sort(list)
		out = append(out, plan.OtherOperator{Cluster: cluster, Policies: list})
	}
	slices.SortFunc(out, func(a, b plan.OtherOperator) int { return cmp.Compare(a.Cluster, b.Cluster) })
	return out
}

// ClusterID is how a cluster is named in markers; empty until it was learnt.
type ClusterID string

// Learn reads the uid of kube-system, by habit the identity of a cluster, once.
func (id *ClusterID) Learn(ctx context.Context, c client.Reader) error {
	if *id != "" {
		return nil
	}
	ns := &corev1.Namespace{}
	if err := c.Get(ctx, types.NamespacedName{Name: metav1.NamespaceSystem}, ns); err != nil {
		return fmt.Errorf("read namespace kube-system, whose uid marks this cluster's objects in the tenant: %w", err)
	}
	*id = ClusterID(ns.UID)
	return nil
}
