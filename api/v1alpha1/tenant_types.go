// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Cloud is a Microsoft cloud; each has its own Graph and authority hosts (contract l.4).
//
// +kubebuilder:validation:Enum=Global;USGovernmentL4;USGovernmentL5;China
type Cloud string

// The Microsoft clouds.
const (
	CloudGlobal         Cloud = "Global"
	CloudUSGovernmentL4 Cloud = "USGovernmentL4"
	CloudUSGovernmentL5 Cloud = "USGovernmentL5"
	CloudChina          Cloud = "China"
)

// TenantSpec says which Microsoft tenant to manage and how to reach it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.endpoint) || !has(self.auth.workloadIdentity)",message="auth.workloadIdentity signs in to Microsoft only; remove endpoint, or set auth.clientSecret or auth.clientCertificate beside it"
type TenantSpec struct {
	// tenantID is the directory (tenant) id, a GUID. Immutable: another tenant is another Tenant object.
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')",message="tenantID must be the directory (tenant) id, a GUID; the Entra admin center shows it under Overview"
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="tenantID is immutable; create another Tenant for another directory"
	// +required
	TenantID string `json:"tenantID"`

	// cloud selects Microsoft's hosts. Default Global, which also serves GCC (moderate).
	// +kubebuilder:default=Global
	// +optional
	Cloud Cloud `json:"cloud,omitempty"`

	// auth is the app registration that Tidegate signs in as. Application permissions only.
	// +required
	Auth TenantAuth `json:"auth"`

	// endpoint replaces Microsoft's hosts, to reach a simulator or a test double. Works only for hosts that the operator's flag
	// --allow-endpoint-hosts lists, and not beside auth.workloadIdentity. Absent: the hosts of cloud.
	// +optional
	Endpoint *TenantEndpoint `json:"endpoint,omitempty"`

	// inventory says how often devices and their policy reports are read.
	// +kubebuilder:default={}
	// +optional
	Inventory TenantInventory `json:"inventory,omitzero"`

	// suspend stops every call to the tenant, for this object and for all that refer to it. Default false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// TenantAuth is how the operator proves to be the app registration; exactly one member is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.clientSecret), has(self.clientCertificate), has(self.workloadIdentity)].filter(x, x).size() == 1",message="set exactly one of clientSecret, clientCertificate or workloadIdentity"
type TenantAuth struct {
	// clientSecret signs in with an application secret.
	// +optional
	ClientSecret *ClientSecretAuth `json:"clientSecret,omitempty"`

	// clientCertificate signs in with a certificate and its private key.
	// +optional
	ClientCertificate *ClientCertificateAuth `json:"clientCertificate,omitempty"`

	// workloadIdentity signs in with the operator's own Kubernetes service account token, federated in Entra. Works only in
	// namespaces that the operator's flag --workload-identity-namespaces lists.
	// +optional
	WorkloadIdentity *WorkloadIdentityAuth `json:"workloadIdentity,omitempty"`
}

// ClientSecretAuth signs in with an application secret.
type ClientSecretAuth struct {
	// clientID is the application (client) id, a GUID.
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')",message="clientID must be the application (client) id, a GUID; the Entra admin center shows it on the app registration"
	// +kubebuilder:validation:MaxLength=36
	// +required
	ClientID string `json:"clientID"`

	// secretRef names the Secret key that holds the application secret. Line breaks at its end are left out. The Secret's label
	// tidegate.dev/tenant must name this Tenant.
	// +required
	SecretRef SecretKeyRef `json:"secretRef"`
}

// ClientCertificateAuth signs in with a certificate.
type ClientCertificateAuth struct {
	// clientID is the application (client) id, a GUID.
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')",message="clientID must be the application (client) id, a GUID; the Entra admin center shows it on the app registration"
	// +kubebuilder:validation:MaxLength=36
	// +required
	ClientID string `json:"clientID"`

	// secretRef names the Secret key that holds certificate and private key, as PEM or as PKCS#12 without a password. The Secret's
	// label tidegate.dev/tenant must name this Tenant.
	// +required
	SecretRef SecretKeyRef `json:"secretRef"`
}

// WorkloadIdentityAuth signs in with a federated service account token.
type WorkloadIdentityAuth struct {
	// clientID is the application (client) id, a GUID. Absent: AZURE_CLIENT_ID, which the workload identity webhook sets.
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')",message="clientID must be the application (client) id, a GUID; the Entra admin center shows it on the app registration"
	// +kubebuilder:validation:MaxLength=36
	// +optional
	ClientID string `json:"clientID,omitempty"`
}

// TenantEndpoint points at hosts that are not Microsoft's. Of what they answer to a refused call, status and request id are shown
// and nothing else.
type TenantEndpoint struct {
	// graphURL is the root below which /v1.0 and /beta live, https only, for example https://127.0.0.1:8443. A token is asked for
	// with the scope of this host, <graphURL>/.default.
	// +kubebuilder:validation:XValidation:rule="isURL(self) && self.matches('^https://[^/?#@]+$')",message="graphURL must be https://host or https://host:port, with nothing after it, such as https://127.0.0.1:8443"
	// +kubebuilder:validation:MaxLength=255
	// +required
	GraphURL string `json:"graphURL"`

	// authorityURL is the token authority's root, https only, for example https://127.0.0.1:8443.
	// +kubebuilder:validation:XValidation:rule="isURL(self) && self.matches('^https://[^/?#@]+$')",message="authorityURL must be https://host or https://host:port, with nothing after it, such as https://127.0.0.1:8443"
	// +kubebuilder:validation:MaxLength=255
	// +required
	AuthorityURL string `json:"authorityURL"`

	// caBundle holds the PEM certificates that sign both hosts. Absent: the system's roots.
	// +kubebuilder:validation:MaxLength=65536
	// +optional
	CABundle string `json:"caBundle,omitempty"`
}

// TenantInventory says how often the fleet is read.
type TenantInventory struct {
	// refreshInterval between two readings of devices and reports, at least 1m. Default 30m. Each reading costs three list
	// walks, and one export job for the app inventory and one per policy object, whatever the number of waves.
	// +kubebuilder:default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1m')",message="refreshInterval must be a duration such as 30m, at least 1m; units are h, m, s and ms"
	// +optional
	RefreshInterval metav1.Duration `json:"refreshInterval,omitzero"`
}

// MissingPermission is one application permission that the token lacks.
type MissingPermission struct {
	// permission is the Graph application permission to grant, for example DeviceManagementConfiguration.ReadWrite.All.
	Permission string `json:"permission"`

	// neededFor says what Tidegate cannot do without it.
	NeededFor string `json:"neededFor"`
}

// The parts of the inventory.
const (
	InventoryDevices       = "Devices"
	InventoryEdgeVersions  = "EdgeVersions"
	InventoryEncryption    = "Encryption"
	InventoryPolicyReports = "PolicyReports"
)

// InventoryStatus describes what is known of the fleet. Its parts are read, fail and grow old for themselves.
type InventoryStatus struct {
	// devices is the number of managed devices, one per device after re-enrolments are merged.
	Devices int64 `json:"devices"`

	// asOf is when the oldest of the parts was read that waves rest on: devices, Edge versions, and the reports of policy objects
	// without those that the tenant refuses. Evidence is never older than the part that it comes from.
	AsOf metav1.Time `json:"asOf"`

	// duration of the newest reading, rounded to the second.
	Duration metav1.Duration `json:"duration"`

	// parts of the inventory: Devices (the directory and Intune), EdgeVersions (the app inventory), Encryption (the encryption
	// report) and PolicyReports (what devices report of each policy object). A part that fails keeps what it had, and blinds no
	// other; a wave rests on the devices and the reports of its own policy.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Parts []InventoryPart `json:"parts,omitempty"`
}

// InventoryPart is one part of the inventory with its own age.
type InventoryPart struct {
	// name of the part: Devices, EdgeVersions, Encryption or PolicyReports.
	Name string `json:"name"`

	// asOf is when the part was read, whatever became of later tries; absent when it never was. Of PolicyReports it is the oldest
	// report, without those that the tenant refuses.
	// +optional
	AsOf *metav1.Time `json:"asOf,omitempty"`

	// error is why the newest try failed; absent when it did not. Of PolicyReports it is that of the first failing object.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Error string `json:"error,omitempty"`

	// objects is the number of policy objects whose reports are read. Only of PolicyReports.
	// +optional
	Objects int32 `json:"objects,omitempty"`

	// failing is the number of those of which the newest try failed.
	// +optional
	Failing int32 `json:"failing,omitempty"`

	// failed names the failing ones, those read longest ago first, at most five.
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=5
	// +optional
	Failed []FailedReport `json:"failed,omitempty"`
}

// FailedReport is the report of a policy object that could not be read.
type FailedReport struct {
	// id of the policy object in the tenant, as it stands in the status of its PasskeyPolicy.
	ID string `json:"id"`

	// asOf is when it was read the last time; absent when it never was.
	// +optional
	AsOf *metav1.Time `json:"asOf,omitempty"`

	// error is why the newest try failed.
	// +kubebuilder:validation:MaxLength=512
	Error string `json:"error"`
}

// TenantStatus is what the operator knows of the tenant.
type TenantStatus struct {
	// observedGeneration is the spec generation that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// inventory is what is known of the fleet; absent until the first reading.
	// +optional
	Inventory *InventoryStatus `json:"inventory,omitempty"`

	// clockOffset is how far the clock of the operator's node is ahead of Microsoft Graph's own, less than zero when it is behind,
	// in whole minutes. Absent while they differ by no more than five minutes.
	// +optional
	ClockOffset *metav1.Duration `json:"clockOffset,omitempty"`

	// tokenExpiresAt is when the access token at the last reading expires. The token itself is never shown.
	// +optional
	TokenExpiresAt *metav1.Time `json:"tokenExpiresAt,omitempty"`

	// credentialSecrets names the Secrets that this Tenant keeps from being deleted, by the finalizer
	// tidegate.dev/tenant-credential: the one that spec.auth names, and while it changes to another one both. A name is
	// written here before the finalizer is put on that Secret.
	// +listType=set
	// +optional
	CredentialSecrets []string `json:"credentialSecrets,omitempty"`

	// missingPermissions lists what the token's roles lack, with what each is needed for.
	// +listType=map
	// +listMapKey=permission
	// +optional
	MissingPermissions []MissingPermission `json:"missingPermissions,omitempty"`

	// reason of the Ready condition, repeated for the table view.
	// +optional
	Reason string `json:"reason,omitempty"`

	// conditions: Ready, Reconciling, Stalled, PermissionsGranted, InventoryFresh, ClockInSync, Throttled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Tenant is one Microsoft tenant and how to reach it.
//
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="the name of a Tenant has at most 63 characters, as the label tidegate.dev/tenant of its Secret has to name it"
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ten,categories=tidegate
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Devices",type=integer,JSONPath=`.status.inventory.devices`
// +kubebuilder:printcolumn:name="Inventory Age",type=date,JSONPath=`.status.inventory.asOf`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Tenant struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says which tenant and how to reach it.
	// +required
	Spec TenantSpec `json:"spec"`

	// status is written by the controller only.
	// +optional
	Status TenantStatus `json:"status,omitzero"`
}

// TenantList is a list of Tenants.
//
// +kubebuilder:object:root=true
type TenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Tenant `json:"items"`
}
