// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// LabelWaveUID and LabelWaveAttempt are the labels of a WaveLedger by which the ledgers of a wave are found.
const (
	LabelWaveUID     = "tidegate.dev/wave-uid"
	LabelWaveAttempt = "tidegate.dev/wave-attempt"
)

// WaveLedgerSpec is one chunk of the ledger of one attempt of a wave.
type WaveLedgerSpec struct {
	// wave that the ledger belongs to.
	// +required
	Wave LedgerWave `json:"wave"`

	// attempt of the wave, from 1.
	// +kubebuilder:validation:Minimum=1
	// +required
	Attempt int32 `json:"attempt"`

	// revision of the payload that the attempt exposes.
	// +kubebuilder:validation:Minimum=0
	// +required
	Revision int32 `json:"revision"`

	// unit says what the entries are: Device or User, each by its Entra object id.
	// +required
	Unit Unit `json:"unit"`

	// generation of the attempt's ledger in which this chunk was last written, from 1.
	// +kubebuilder:validation:Minimum=1
	// +required
	Generation int64 `json:"generation"`

	// chunk is the position of this part of the ledger, from 0.
	// +kubebuilder:validation:Minimum=0
	// +required
	Chunk int32 `json:"chunk"`

	// chunks is the number of parts that the ledger had when this one was last written.
	// +kubebuilder:validation:Minimum=1
	// +required
	Chunks int32 `json:"chunks"`

	// data holds the entries: for each device or user when exposure was asked for, when the tenant confirmed it, what was
	// refused, the last word, and which of their devices failed. At most 1 MiB.
	// +kubebuilder:validation:MaxLength=1398104
	// +required
	Data []byte `json:"data"`
}

// LedgerWave names the wave of a ledger.
type LedgerWave struct {
	// name of the PilotWave in the same namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// uid of the PilotWave; a wave that was deleted and made again has another.
	// +required
	UID types.UID `json:"uid"`
}

// LedgerBinding is what a wave's status says of the ledger of one attempt. A ledger that does not fit it is lost or was
// altered: nothing more is exposed or promoted by it, while pause, abort, rollback and deletion act.
type LedgerBinding struct {
	// digest of the whole ledger.
	// +kubebuilder:validation:MaxLength=80
	Digest string `json:"digest"`
	// generation of the ledger, from 1; each stored change raises it by one.
	Generation int64 `json:"generation"`
	// entries in the ledger, devices or users.
	Entries int32 `json:"entries"`
	// asked is for how many of them exposure was asked for.
	Asked int32 `json:"asked"`
	// confirmed is for how many of them the tenant showed it.
	Confirmed int32 `json:"confirmed"`
	// writtenAt is when the ledger was last changed.
	WrittenAt metav1.Time `json:"writtenAt"`
}

// WaveLedger is the operator's own record of one attempt of a wave: who is in its audience, when exposure was asked for
// and confirmed, and the last word of each device or user. Only the operator writes it; the wave's status binds it, so
// that an edit, a loss or a copy from another wave is seen. A large ledger is spread over several objects.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=waveledgers,singular=waveledger,shortName=wled
// +kubebuilder:printcolumn:name="Wave",type=string,JSONPath=`.spec.wave.name`,description="wave that the ledger belongs to"
// +kubebuilder:printcolumn:name="Attempt",type=integer,JSONPath=`.spec.attempt`,description="attempt of the wave"
// +kubebuilder:printcolumn:name="Revision",type=integer,JSONPath=`.spec.revision`,description="revision of the payload"
// +kubebuilder:printcolumn:name="Chunk",type=integer,JSONPath=`.spec.chunk`,description="position of this part of the ledger"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type WaveLedger struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the record; it has no status, for nothing acts on it but the wave.
	// +required
	Spec WaveLedgerSpec `json:"spec"`
}

// WaveLedgerList is a list of WaveLedgers.
//
// +kubebuilder:object:root=true
type WaveLedgerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WaveLedger `json:"items"`
}
