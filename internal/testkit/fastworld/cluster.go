// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/tidegate/tidegate/internal/wire"
)

// Cluster is an API server in memory, for the kinds that Tidegate reads and writes: optimistic locking, status subresources,
// generations, finalizers, garbage collection by owner, defaults, schemas and CEL rules of the shipped CRDs. What it lacks:
// admission policies, RBAC, server-side apply, several versions of a kind. It remembers every version of every object, so that
// a reader may be behind. It is for one goroutine at a time.
type Cluster struct {
	clock   clock.PassiveClock
	scheme  *runtime.Scheme
	rev     int64
	made    int
	bodies  bool // writes are told with what they change
	closing bool // the namespace is being deleted
	kinds   map[schema.GroupVersionKind]*kind
	indexes map[schema.GroupVersionKind]map[string]client.IndexerFunc
}

// kind holds the objects of one kind.
type kind struct {
	crd     *crd // nil: a kind of Kubernetes itself
	objects map[types.NamespacedName][]version
	rev     int64 // of the last write
}

// version is how an object looked from a revision of the cluster on; obj nil: it was gone.
type version struct {
	rev int64
	obj client.Object
}

// NewCluster returns an empty cluster with the CRDs of config/crd.
func NewCluster(c clock.PassiveClock) (*Cluster, error) {
	out := &Cluster{clock: c, scheme: wire.Scheme(), kinds: map[schema.GroupVersionKind]*kind{},
		indexes: map[schema.GroupVersionKind]map[string]client.IndexerFunc{}}
	crds, err := loadCRDs()
	if err != nil {
		return nil, err
	}
	for gvk, crd := range crds {
		out.kinds[gvk] = &kind{crd: crd, objects: map[types.NamespacedName][]version{}}
	}
	return out, nil
}

// IndexField implements client.FieldIndexer.
func (c *Cluster) IndexField(_ context.Context, obj client.Object, field string, extract client.IndexerFunc) error {
	gvk, err := apiutil.GVKForObject(obj, c.scheme)
	if err != nil {
		return err
	}
	if c.indexes[gvk] == nil {
		c.indexes[gvk] = map[string]client.IndexerFunc{}
	}
	c.indexes[gvk][field] = extract
	return nil
}

func (c *Cluster) kindOf(obj runtime.Object) (schema.GroupVersionKind, *kind, error) {
	gvk, err := apiutil.GVKForObject(obj, c.scheme)
	if err != nil {
		return gvk, nil, err
	}
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	if c.kinds[gvk] == nil {
		c.kinds[gvk] = &kind{objects: map[types.NamespacedName][]version{}}
	}
	return gvk, c.kinds[gvk], nil
}

// at is the object as of a revision of the cluster, nil when it was not there.
func (k *kind) at(key types.NamespacedName, rev int64) client.Object {
	versions := k.objects[key]
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].rev <= rev {
			return versions[i].obj
		}
	}
	return nil
}

// now is the object as it is, nil when it is not there.
func (k *kind) now(key types.NamespacedName) client.Object { return k.at(key, int64(1)<<62) }

func (c *Cluster) put(k *kind, key types.NamespacedName, obj client.Object) {
	c.rev++
	k.rev = c.rev
	if obj != nil {
		obj.SetResourceVersion(strconv.FormatInt(c.rev, 10))
	}
	k.objects[key] = append(k.objects[key], version{c.rev, obj})
}

func notFound(gvk schema.GroupVersionKind, name string) error {
	return apierrors.NewNotFound(resource(gvk), name)
}

func resource(gvk schema.GroupVersionKind) schema.GroupResource {
	return schema.GroupResource{Group: gvk.Group, Resource: strings.ToLower(gvk.Kind)}
}

// get reads an object as of a revision.
func (c *Cluster) get(key types.NamespacedName, into client.Object, rev int64) error {
	gvk, k, err := c.kindOf(into)
	if err != nil {
		return err
	}
	obj := k.at(key, rev)
	if obj == nil {
		return notFound(gvk, key.Name)
	}
	return c.copyInto(obj, into)
}

// list reads the objects of a kind as of a revision, in the order of their names.
func (c *Cluster) list(into client.ObjectList, rev int64, opts []client.ListOption) error {
	o := client.ListOptions{}
	o.ApplyOptions(opts)
	gvk, k, err := c.kindOf(into)
	if err != nil {
		return err
	}
	var found []runtime.Object
	for _, key := range slices.SortedFunc(maps.Keys(k.objects), compareKeys) {
		obj := k.at(key, rev)
		if obj == nil || o.Namespace != "" && key.Namespace != o.Namespace {
			continue
		}
		matches, err := c.matches(gvk, obj, &o)
		if err != nil {
			return err
		}
		if matches {
			found = append(found, obj.DeepCopyObject())
		}
	}
	return meta.SetList(into, found)
}

func (c *Cluster) matches(gvk schema.GroupVersionKind, obj client.Object, o *client.ListOptions) (bool, error) {
	if o.LabelSelector != nil && !o.LabelSelector.Matches(labelsOf(obj)) {
		return false, nil
	}
	if o.FieldSelector == nil {
		return true, nil
	}
	for _, r := range o.FieldSelector.Requirements() {
		extract := c.indexes[gvk][r.Field]
		if extract == nil {
			return false, fmt.Errorf("fastworld: %s has no index %q", gvk.Kind, r.Field)
		}
		if !slices.Contains(extract(obj), r.Value) {
			return false, nil
		}
	}
	return true, nil
}

// create stores a new object as the API server would, and leaves it in obj.
func (c *Cluster) create(obj client.Object) error {
	gvk, k, err := c.kindOf(obj)
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(obj)
	if c.closing && key.Namespace == Namespace {
		return apierrors.NewForbidden(resource(gvk), key.Name, errors.New("the namespace is being terminated"))
	}
	if k.now(key) != nil {
		return apierrors.NewAlreadyExists(resource(gvk), key.Name)
	}
	doc, err := toMap(obj)
	if err != nil {
		return err
	}
	if k.crd != nil {
		delete(doc, "status")
	}
	next, err := c.admit(gvk, k, doc, nil)
	if err != nil {
		return err
	}
	c.made++
	next.SetUID(types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012x", c.made)))
	next.SetGeneration(1)
	next.SetCreationTimestamp(metav1.NewTime(c.clock.Now().Truncate(1e9)))
	next.SetDeletionTimestamp(nil)
	c.put(k, key, next)
	return c.copyInto(next, obj)
}

// change is a write to an object that exists.
type change struct {
	status bool // to the subresource
	user   bool // by a person, whose words have to pass the CEL rules
	// next computes the new document from the present one.
	next func(now map[string]any) (map[string]any, error)
}

// write changes an object and leaves the result in obj.
func (c *Cluster) write(obj client.Object, ch change) error {
	gvk, k, err := c.kindOf(obj)
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(obj)
	was := k.now(key)
	if was == nil {
		return notFound(gvk, key.Name)
	}
	old, err := toMap(was)
	if err != nil {
		return err
	}
	doc, err := ch.next(runtime.DeepCopyJSON(old))
	if err != nil {
		return err
	}
	if why := overtaken(doc, was); why != nil {
		return apierrors.NewConflict(resource(gvk), key.Name, why)
	}
	doc = ch.part(k, old, doc)
	if !ch.user {
		old = nil
	}
	next, err := c.admit(gvk, k, doc, old)
	if err != nil {
		return err
	}
	c.keepSystemFields(was, next)
	same, err := c.settleGeneration(k, was, next)
	if err != nil {
		return err
	}
	if same {
		return c.copyInto(was, obj)
	}
	if next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0 {
		c.put(k, key, nil)
		c.collect(was.GetUID())
		return c.copyInto(next, obj)
	}
	c.put(k, key, next)
	return c.copyInto(next, obj)
}

// overtaken says why a document is not about the object that is there; nil: it is.
func overtaken(doc map[string]any, was client.Object) error {
	if rv := nested(doc, "metadata", "resourceVersion"); rv != "" && rv != was.GetResourceVersion() {
		return errors.New("the object has been modified")
	}
	if uid := nested(doc, "metadata", "uid"); uid != "" && uid != string(was.GetUID()) {
		return errors.New("the uid is another")
	}
	return nil
}

// part is what a write may change: the status alone, or everything else.
func (ch change) part(k *kind, old, doc map[string]any) map[string]any {
	status := old["status"]
	switch {
	case ch.status:
		status, doc = doc["status"], runtime.DeepCopyJSON(old)
	case k.crd == nil:
		return doc
	}
	doc["status"] = status
	if status == nil {
		delete(doc, "status")
	}
	return doc
}

func (c *Cluster) keepSystemFields(was, next client.Object) {
	next.SetUID(was.GetUID())
	next.SetCreationTimestamp(was.GetCreationTimestamp())
	next.SetDeletionTimestamp(was.GetDeletionTimestamp())
	next.SetGeneration(was.GetGeneration())
	next.SetResourceVersion(was.GetResourceVersion())
}

// settleGeneration counts a change of the spec, and says whether nothing changed at all.
func (c *Cluster) settleGeneration(k *kind, was, next client.Object) (same bool, err error) {
	before, err := toMap(was)
	if err != nil {
		return false, err
	}
	after, err := toMap(next)
	if err != nil {
		return false, err
	}
	if equalJSON(before, after) {
		return true, nil
	}
	if k.crd != nil && !equalJSON(before["spec"], after["spec"]) {
		next.SetGeneration(was.GetGeneration() + 1)
	}
	return false, nil
}

// remove deletes an object, or marks it as deleted while it has finalizers.
func (c *Cluster) remove(obj client.Object, o *client.DeleteOptions) error {
	gvk, k, err := c.kindOf(obj)
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(obj)
	was := k.now(key)
	if was == nil {
		return notFound(gvk, key.Name)
	}
	if p := o.Preconditions; p != nil && (p.UID != nil && *p.UID != was.GetUID() || p.ResourceVersion != nil && *p.ResourceVersion != was.GetResourceVersion()) {
		return apierrors.NewConflict(resource(gvk), key.Name, errors.New("the precondition does not hold"))
	}
	if len(was.GetFinalizers()) == 0 {
		c.put(k, key, nil)
		c.collect(was.GetUID())
		return nil
	}
	if was.GetDeletionTimestamp() != nil {
		return nil
	}
	next, _ := was.DeepCopyObject().(client.Object)
	at := metav1.NewTime(c.clock.Now().Truncate(1e9))
	next.SetDeletionTimestamp(&at)
	next.SetGeneration(was.GetGeneration() + 1)
	c.put(k, key, next)
	return nil
}

// Terminate begins to delete the namespace: from now on nothing can be made in it. It returns what is in it, in the order of
// kinds and names, for the caller to delete in whatever order.
func (c *Cluster) Terminate() []client.Object {
	c.closing = true
	var out []client.Object
	for _, gvk := range slices.SortedFunc(maps.Keys(c.kinds), func(a, b schema.GroupVersionKind) int { return compareText(a.Kind, b.Kind) }) {
		k := c.kinds[gvk]
		for _, key := range slices.SortedFunc(maps.Keys(k.objects), compareKeys) {
			if obj := k.now(key); obj != nil && key.Namespace == Namespace {
				out = append(out, obj)
			}
		}
	}
	return out
}

// collect removes what an object owned, as the garbage collector does.
func (c *Cluster) collect(owner types.UID) {
	for _, k := range c.kinds {
		for key := range k.objects {
			obj := k.now(key)
			if obj == nil {
				continue
			}
			if slices.ContainsFunc(obj.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.UID == owner }) {
				c.put(k, key, nil)
			}
		}
	}
}

// admit checks a document as the API server does and returns it as an object.
func (c *Cluster) admit(gvk schema.GroupVersionKind, k *kind, doc, old map[string]any) (client.Object, error) {
	if k.crd != nil {
		if err := k.crd.admit(doc, old); err != nil {
			return nil, err
		}
	}
	obj, err := c.scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, obj); err != nil {
		return nil, err
	}
	out, ok := obj.(client.Object)
	if !ok {
		return nil, fmt.Errorf("fastworld: %T is no object", obj)
	}
	return out, nil
}

func toMap(obj any) (map[string]any, error) {
	raw, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	err = utiljson.Unmarshal(raw, &out)
	return out, err
}
