// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// LocalRef names an object of a known kind in the same namespace.
type LocalRef struct {
	// name of the object, in the namespace of the object that refers to it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`
}

// SecretKeyRef names one key of a Secret in the same namespace.
type SecretKeyRef struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// key inside the Secret's data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Key string `json:"key"`
}

// GroupRef names one Entra group, by object id or by display name.
//
// +kubebuilder:validation:XValidation:rule="has(self.id) != has(self.displayName)",message="name the group by exactly one of id or displayName"
type GroupRef struct {
	// id is the group's Entra object id (a GUID). Prefer it: display names are not unique in Entra.
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')",message="id must be the group's object id, a GUID; to name it otherwise write displayName"
	// +kubebuilder:validation:MaxLength=36
	// +optional
	ID string `json:"id,omitempty"`

	// displayName is the group's exact display name. A name that no group or more than one group carries is an error,
	// never a guess.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +optional
	DisplayName string `json:"displayName,omitempty"`
}

// String is the reference as a person would write it.
func (r GroupRef) String() string {
	if r.ID != "" {
		return r.ID
	}
	return "\"" + r.DisplayName + "\""
}

// GroupSelection is a union of groups less a union of groups. Nested members count.
type GroupSelection struct {
	// include lists the groups whose members are selected: devices, or people for a policy of unit User. A group of the other
	// kind, or of both, is refused.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +required
	Include []GroupRef `json:"include"`

	// exclude lists the groups whose members are left out, even when an included group has them too. Absent: none.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Exclude []GroupRef `json:"exclude,omitempty"`
}

// Platform is an operating system family that Tidegate can deliver settings to.
//
// +kubebuilder:validation:Enum=Windows;MacOS
type Platform string

// The platforms whose settings catalog Tidegate writes.
const (
	PlatformWindows Platform = "Windows"
	PlatformMacOS   Platform = "MacOS"
)

// Annotations that a person or a tool sets to ask for something once. The value is any text that was not used before,
// by habit a time stamp; the controller records the value it has acted on in status.handledRequests.
const (
	// AnnotationAbort stops a wave for good: no further device is exposed, exposed devices keep the setting.
	AnnotationAbort = "tidegate.dev/abort-requested-at"
	// AnnotationRollback takes the setting back from every device that the wave exposed.
	AnnotationRollback = "tidegate.dev/rollback-requested-at"
	// AnnotationAcceptRollback ends a rollback that devices have not proven, on a person's word: those that are still to prove it
	// never will. It counts once the policy has taken the wave's groups out of its assignments.
	AnnotationAcceptRollback = "tidegate.dev/rollback-accepted-at"
	// AnnotationRetry starts the next attempt of a wave that ended without success. On a PasskeyPolicy it asks again for an
	// approval that was refused.
	AnnotationRetry = "tidegate.dev/retry-requested-at"
	// AnnotationTake on a PasskeyPolicy takes the newest catalog definitions of the settings that the spec asks for, as a new
	// revision: see condition PayloadOutdated.
	AnnotationTake = "tidegate.dev/take-definitions-at"
	// AnnotationLetGo on a PasskeyPolicy lists, separated by commas, ids of groups whose members are to fall back to what they
	// had before: groups that were found in the tenant after the status was lost, and that no wave claims. See RevisionFound.
	AnnotationLetGo = "tidegate.dev/let-go-groups"
	// AnnotationReleaseFinalizer set to "true" lets a deletion finish although the tenant cannot be cleaned (P7).
	AnnotationReleaseFinalizer = "tidegate.dev/release-finalizer"
)

// Finalizer keeps an object until what it owns in the tenant is gone or orphaned (P7).
const Finalizer = "tidegate.dev/tenant-objects"

// LabelTenant on a Secret names the one Tenant of its namespace that may sign in with it. Whoever owns the Secret sets it: no other
// Secret is read out of the cluster, whatever a Tenant refers to.
const LabelTenant = "tidegate.dev/tenant"

// FinalizerCredential keeps a Secret as long as a Tenant signs in with it: without it nothing in the tenant could be cleaned
// up (P7).
const FinalizerCredential = "tidegate.dev/tenant-credential"
