// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// View is one client of a Cluster. With a cache it reads what its watches have brought so far, one kind apart from the other,
// and never less than its own last write, as controller-runtime's client does; without, it reads what there is. Everything
// that a client cannot do in a Cluster returns an error that says so.
type View struct {
	cluster *Cluster
	// user marks the words of a person, which have to pass the CEL rules.
	user bool
	// before is asked before a write, after is told of it; an error of after is an answer that was lost.
	before, after func(Write) error
	// seen is the revision of each kind that the cache has; nil is a client without one.
	seen map[schema.GroupVersionKind]int64
}

// Client returns a client for a person, without a cache.
func (c *Cluster) Client() *View { return &View{cluster: c, user: true} }

var _ client.Client = (*View)(nil)

var errNotHere = errors.New("fastworld: the cluster cannot do this")

// CatchUp brings the cache of a kind up to date.
func (v *View) catchUp(gvk schema.GroupVersionKind) { v.seen[gvk] = v.cluster.rev }

func (v *View) revOf(obj runtime.Object) (int64, error) {
	gvk, _, err := v.cluster.kindOf(obj)
	if err != nil || v.seen == nil {
		return v.cluster.rev, err
	}
	if _, ok := v.seen[gvk]; !ok {
		v.seen[gvk] = v.cluster.rev
	}
	return v.seen[gvk], nil
}

// Get implements client.Client.
func (v *View) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	rev, err := v.revOf(obj)
	if err != nil {
		return err
	}
	return v.cluster.get(key, obj, rev)
}

// List implements client.Client.
func (v *View) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	rev, err := v.revOf(list)
	if err != nil {
		return err
	}
	return v.cluster.list(list, rev, opts)
}

// send does a write between the two hooks, and remembers it in the cache.
func (v *View) send(verb string, obj client.Object, patch client.Patch, do func() error) error {
	gvk, k, err := v.cluster.kindOf(obj)
	if err != nil {
		return err
	}
	w := Write{Kube: true, Method: verb, Path: gvk.Kind + " " + obj.GetName()}
	if v.cluster.bodies && patch != nil {
		if raw, err := patch.Data(obj); err == nil {
			w.Body = string(raw)
		}
	}
	if v.before != nil {
		if err := v.before(w); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if v.after != nil {
		if err := v.after(w); err != nil {
			return err
		}
	}
	if v.seen != nil {
		v.seen[gvk] = max(v.seen[gvk], k.rev)
	}
	return nil
}

// Create implements client.Client.
func (v *View) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	return v.send("create", obj, nil, func() error { return v.cluster.create(obj) })
}

// Delete implements client.Client.
func (v *View) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	o := &client.DeleteOptions{}
	o.ApplyOptions(opts)
	return v.send("delete", obj, nil, func() error { return v.cluster.remove(obj, o) })
}

// Update implements client.Client.
func (v *View) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	return v.send("update", obj, nil, func() error {
		return v.cluster.write(obj, change{user: v.user, next: func(map[string]any) (map[string]any, error) { return toMap(obj) }})
	})
}

// Patch implements client.Client, for merge patches.
func (v *View) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.PatchOption) error {
	return v.send("patch", obj, patch, func() error {
		return v.cluster.write(obj, change{user: v.user, next: patched(obj, patch)})
	})
}

func patched(obj client.Object, patch client.Patch) func(map[string]any) (map[string]any, error) {
	return func(now map[string]any) (map[string]any, error) {
		if patch.Type() != types.MergePatchType {
			return nil, fmt.Errorf("%w: a patch of type %s", errNotHere, patch.Type())
		}
		raw, err := patch.Data(obj)
		if err != nil {
			return nil, err
		}
		diff := map[string]any{}
		if err := utiljson.Unmarshal(raw, &diff); err != nil {
			return nil, err
		}
		return merge(now, diff), nil
	}
}

// Apply implements client.Client.
func (v *View) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return fmt.Errorf("%w: apply", errNotHere)
}

// DeleteAllOf implements client.Client.
func (v *View) DeleteAllOf(context.Context, client.Object, ...client.DeleteAllOfOption) error {
	return fmt.Errorf("%w: delete a collection", errNotHere)
}

// Status implements client.Client.
func (v *View) Status() client.SubResourceWriter { return statusWriter{v} }

// SubResource implements client.Client, for status alone.
func (v *View) SubResource(string) client.SubResourceClient { return nil }

// Scheme implements client.Client.
func (v *View) Scheme() *runtime.Scheme { return v.cluster.scheme }

// RESTMapper implements client.Client.
func (v *View) RESTMapper() meta.RESTMapper { return meta.NewDefaultRESTMapper(nil) }

// GroupVersionKindFor implements client.Client.
func (v *View) GroupVersionKindFor(obj runtime.Object) (schema.GroupVersionKind, error) {
	return apiutil.GVKForObject(obj, v.cluster.scheme)
}

// IsObjectNamespaced implements client.Client.
func (v *View) IsObjectNamespaced(obj runtime.Object) (bool, error) {
	gvk, err := v.GroupVersionKindFor(obj)
	return gvk.Kind != "Namespace", err
}

// statusWriter writes the status of an object.
type statusWriter struct{ *View }

// Create implements client.SubResourceWriter.
func (s statusWriter) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return fmt.Errorf("%w: create a status", errNotHere)
}

// Update implements client.SubResourceWriter.
func (s statusWriter) Update(_ context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	return s.send("update status of", obj, nil, func() error {
		return s.cluster.write(obj, change{status: true, next: func(map[string]any) (map[string]any, error) { return toMap(obj) }})
	})
}

// Patch implements client.SubResourceWriter.
func (s statusWriter) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.send("patch status of", obj, patch, func() error {
		return s.cluster.write(obj, change{status: true, next: patched(obj, patch)})
	})
}

// Apply implements client.SubResourceWriter.
func (s statusWriter) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return fmt.Errorf("%w: apply a status", errNotHere)
}
