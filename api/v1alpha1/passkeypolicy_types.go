// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Toggle is a setting that is on or off.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type Toggle string

// The values of a Toggle.
const (
	Enabled  Toggle = "Enabled"
	Disabled Toggle = "Disabled"
)

// PolicyScope says whether settings are written for the device or for the user who signs in.
//
// +kubebuilder:validation:Enum=Device;User
type PolicyScope string

// The policy scopes.
const (
	ScopeDevice PolicyScope = "Device"
	ScopeUser   PolicyScope = "User"
)

// PolicyMode says whether devices that are not yet admitted are restrained.
//
// +kubebuilder:validation:Enum=Gate;EnforceOnly
type PolicyMode string

// The policy modes.
const (
	ModeGate        PolicyMode = "Gate"
	ModeEnforceOnly PolicyMode = "EnforceOnly"
)

// MissingSettingAction says what to do about a setting that the tenant's catalog lacks.
//
// +kubebuilder:validation:Enum=Block;Substitute;Skip
type MissingSettingAction string

// The actions on a missing setting.
const (
	OnMissingBlock      MissingSettingAction = "Block"
	OnMissingSubstitute MissingSettingAction = "Substitute"
	OnMissingSkip       MissingSettingAction = "Skip"
)

// EncryptionRule says what a device that is not encrypted means (R21).
//
// +kubebuilder:validation:Enum=Require;Warn;Ignore
type EncryptionRule string

// The encryption rules.
const (
	EncryptionRequire EncryptionRule = "Require"
	EncryptionWarn    EncryptionRule = "Warn"
	EncryptionIgnore  EncryptionRule = "Ignore"
)

// DriftAction says what happens to a foreign edit of an object that Tidegate owns.
//
// +kubebuilder:validation:Enum=Correct;Report
type DriftAction string

// The drift actions.
const (
	DriftCorrect DriftAction = "Correct"
	DriftReport  DriftAction = "Report"
)

// DeletionPolicy says what deleting a resource does to the objects it owns in the tenant.
//
// +kubebuilder:validation:Enum=Delete;Orphan
type DeletionPolicy string

// The deletion policies.
const (
	DeletionDelete DeletionPolicy = "Delete"
	DeletionOrphan DeletionPolicy = "Orphan"
)

// Unit says what groups, waves and assignments hold.
//
// +kubebuilder:validation:Enum=Device;User
type Unit string

// The units.
const (
	UnitDevice Unit = "Device"
	UnitUser   Unit = "User"
)

// RestartFrom says where a new revision of the payload begins.
//
// +kubebuilder:validation:Enum=FirstWave;EarliestIncomplete
type RestartFrom string

// The places where a new revision begins.
const (
	RestartFirstWave          RestartFrom = "FirstWave"
	RestartEarliestIncomplete RestartFrom = "EarliestIncomplete"
)

// Population is everyone that a rollout is about: all devices or users of the tenant, or a union of groups, less a union of
// groups. Nested members count.
//
// +kubebuilder:validation:XValidation:rule="(has(self.all) && self.all) != (has(self.include) && size(self.include) > 0)",message="name the population by exactly one of all: true or include"
type Population struct {
	// all is everyone: Intune's built-in All devices for unit Device, All users for unit User. Default false.
	// +optional
	All bool `json:"all,omitempty"`

	// include lists the groups whose members are the population.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Include []GroupRef `json:"include,omitempty"`

	// exclude lists the groups whose members are left out: nothing of this policy ever reaches them. Absent: none.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Exclude []GroupRef `json:"exclude,omitempty"`
}

// UnitOrDefault is what groups, waves and assignments hold, Device when the spec does not say.
func (s *PasskeyPolicySpec) UnitOrDefault() Unit {
	if s.Unit == "" {
		return UnitDevice
	}
	return s.Unit
}

// PasskeyPolicySpec is the payload and how it is delivered.
//
// +kubebuilder:validation:XValidation:rule="self.mode != 'Gate' || has(self.population)",message="mode Gate needs population: the groups that are held back until their wave admits them. Name them, set population: {all: true}, or set mode: EnforceOnly"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Gate' || !((has(self.settings.passkeyCreation) && self.settings.passkeyCreation == 'Disabled') || (has(self.settings.passkeySync) && self.settings.passkeySync == 'Disabled') || (has(self.settings.passwordlessSignin) && self.settings.passwordlessSignin == 'Disabled'))",message="in mode Gate no toggle of settings may be Disabled: hold sets that already for everyone whom no wave has admitted. To take it back from admitted devices, roll back the waves or return to the earlier settings; to turn it off without a hold, create a PasskeyPolicy with mode: EnforceOnly",messageExpression="'settings.' + ((has(self.settings.passkeyCreation) && self.settings.passkeyCreation == 'Disabled') ? 'passkeyCreation' : (has(self.settings.passkeySync) && self.settings.passkeySync == 'Disabled') ? 'passkeySync' : 'passwordlessSignin') + ' is Disabled, which in mode Gate hold sets already for everyone whom no wave has admitted: a wave would bring nothing. To take it back from admitted devices, roll back the waves or return to the earlier settings; to turn it off without a hold, create a PasskeyPolicy with mode: EnforceOnly'",fieldPath=".settings"
// +kubebuilder:validation:XValidation:rule="self.unit == oldSelf.unit",message="unit is immutable: groups of the other kind cannot take over from these. Create another PasskeyPolicy for the other unit"
// +kubebuilder:validation:XValidation:rule="self.scope == oldSelf.scope",message="scope is immutable; create another PasskeyPolicy for the other scope"
// +kubebuilder:validation:XValidation:rule="self.mode == oldSelf.mode",message="mode is immutable: a change would hold or release every device at once. Create another PasskeyPolicy"
type PasskeyPolicySpec struct {
	// tenantRef names the Tenant in the same namespace. Immutable.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="tenantRef is immutable; create another PasskeyPolicy for another tenant"
	// +required
	TenantRef LocalRef `json:"tenantRef"`

	// platforms to deliver to, one settings catalog policy each. Default [Windows].
	// +kubebuilder:default={Windows}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +listType=set
	// +optional
	Platforms []Platform `json:"platforms,omitempty"`

	// scope writes settings for the Device or the User. Default Device. A device setting reaches every user of the device.
	// Immutable.
	// +kubebuilder:default=Device
	// +optional
	Scope PolicyScope `json:"scope,omitempty"`

	// settings is the payload.
	// +required
	Settings PasskeySettings `json:"settings"`

	// onMissingSetting says what to do when the tenant's settings catalog lacks a setting. Block (default) writes nothing
	// to the tenant; Substitute writes the nearest real Edge setting instead; Skip leaves it out and says so in status.
	// +kubebuilder:default=Block
	// +optional
	OnMissingSetting MissingSettingAction `json:"onMissingSetting,omitempty"`

	// mode Gate (default) also keeps a hold policy on population for every device that no wave has admitted: Edge allows
	// passkeys by default, so without it a wave restrains no one. EnforceOnly writes no hold. Immutable.
	// +kubebuilder:default=Gate
	// +optional
	Mode PolicyMode `json:"mode,omitempty"`

	// unit says what groups, waves and assignments hold: every group of population, of the waves' audiences and of
	// exclusions has members of this one kind. Device (default): Entra device objects. User: people, each of whom stands for
	// all devices of which they are the primary user. Intune does not apply an exclusion across kinds, so a group of the
	// other kind, or of both, is refused before anything is written. Immutable.
	// +kubebuilder:default=Device
	// +optional
	Unit Unit `json:"unit,omitempty"`

	// population is everyone that mode Gate holds back, and the denominator of the rollout. Required in mode Gate, unused in
	// EnforceOnly. It must contain the audience of every wave for the hold to mean something.
	// +optional
	Population *Population `json:"population,omitempty"`

	// restartFrom says where a new revision of the payload begins. FirstWave (default): every wave proves it in the order of
	// dependsOn. EarliestIncomplete: the waves that had not succeeded on the revision before come first, as if the others had
	// proven this one; those follow when they have succeeded, in the order of dependsOn.
	// +kubebuilder:default=FirstWave
	// +optional
	RestartFrom RestartFrom `json:"restartFrom,omitempty"`

	// revertWindow is how long the stable revision before the present one is kept with its groups, so that going back to it
	// is a rollback at once and for all waves. Default 720h (30 days). 0s keeps none.
	// +kubebuilder:default="720h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$')",message="revertWindow must be a duration such as 720h, not negative; units are h, m, s and ms"
	// +optional
	RevertWindow metav1.Duration `json:"revertWindow,omitzero"`

	// prerequisites decide which devices are eligible for a wave; the others are counted as Ineligible with the reason.
	// +kubebuilder:default={}
	// +optional
	Prerequisites Prerequisites `json:"prerequisites,omitzero"`

	// drift says what to do about a foreign edit of an object that this policy owns in the tenant: Correct (default)
	// writes the desired state back after reporting it, Report only reports. Assignments that others added are kept and
	// reported in both cases. The same goes for the members of the groups of earlier attempts of a wave; whoever is excluded
	// leaves them in both cases.
	// +kubebuilder:default=Correct
	// +optional
	Drift DriftAction `json:"drift,omitempty"`

	// deletionPolicy says what deleting this object does in the tenant: Delete (default) removes its policies, which
	// also ends the hold; Orphan leaves everything, marked, in place.
	// +kubebuilder:default=Delete
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// interval between two comparisons with the tenant, at least 1m. Default 30m.
	// +kubebuilder:default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1m')",message="interval must be a duration such as 30m, at least 1m; units are h, m, s and ms"
	// +optional
	Interval metav1.Duration `json:"interval,omitzero"`

	// suspend stops every write of this policy to the tenant; its waves are not affected. Default false.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// paused stops all waves of this policy from exposing or promoting; time that passes while paused is not bake time.
	// Default false.
	// +optional
	Paused bool `json:"paused,omitempty"`
}

// PasskeySettings are the five settings of Tidegate's founding article; set at least one. Each resolves against the
// tenant's own settings catalog when it is applied: the article's literal name first, then its mapping to a real Edge
// policy.
//
// +kubebuilder:validation:XValidation:rule="has(self.passwordlessSignin) || has(self.passkeySync) || has(self.passkeyCreation) || has(self.backupStorageLocation) || has(self.syncScope)",message="set at least one of passwordlessSignin, passkeySync, passkeyCreation, backupStorageLocation or syncScope"
type PasskeySettings struct {
	// passwordlessSignin lets users sign in with passkeys or Windows Hello in Edge (PasswordlessSigninEnabled). Edge
	// has no such policy: without the literal name in the catalog nothing is written, and status says what to look at
	// yourself.
	// +optional
	PasswordlessSignin Toggle `json:"passwordlessSignin,omitempty"`

	// passkeySync lets passkeys sync across a user's devices (PasskeySyncEnabled).
	// +optional
	PasskeySync Toggle `json:"passkeySync,omitempty"`

	// passkeyCreation lets users save new passkeys to Edge's password manager (Edge policy
	// PasswordManagerPasskeysEnabled).
	// +optional
	PasskeyCreation Toggle `json:"passkeyCreation,omitempty"`

	// backupStorageLocation keeps passkeys in the organisation's directory rather than in consumer accounts
	// (PasskeyBackupStorageLocation). Only AzureAD.
	// +kubebuilder:validation:Enum=AzureAD
	// +optional
	BackupStorageLocation string `json:"backupStorageLocation,omitempty"`

	// syncScope limits sync to work accounts (PasskeySyncScope). Only EnterpriseManaged.
	// +kubebuilder:validation:Enum=EnterpriseManaged
	// +optional
	SyncScope string `json:"syncScope,omitempty"`
}

// Prerequisites a device must meet before a wave may expose it.
type Prerequisites struct {
	// windows is the lowest Windows version, four numeric parts. Default 10.0.22621, which is Windows 11 22H2.
	// +kubebuilder:default="10.0.22621"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+([.][0-9]+){0,3}$')",message="windows must be a version of up to four numbers with dots between them, such as 10.0.22621"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Windows string `json:"windows,omitempty"`

	// macOS is the lowest macOS version. Default 13.
	// +kubebuilder:default="13"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+([.][0-9]+){0,2}$')",message="macOS must be a version of up to three numbers with dots between them, such as 14.5"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	MacOS string `json:"macOS,omitempty"`

	// edge is the lowest Microsoft Edge version, Stable channel. Default 120. It is raised to what the resolved
	// settings need, 145 for the passkey policy on Windows and macOS. A device whose Edge version is not in the
	// inventory is Unknown, which is never a pass.
	// +kubebuilder:default="120"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+([.][0-9]+){0,3}$')",message="edge must be a version of up to four numbers with dots between them, such as 145.0.3800.58"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Edge string `json:"edge,omitempty"`

	// encryption says whether BitLocker or FileVault must be on. Require (default) makes other devices ineligible,
	// Warn only counts them, Ignore does not look.
	// +kubebuilder:default=Require
	// +optional
	Encryption EncryptionRule `json:"encryption,omitempty"`

	// maxOffline is how long ago a device may have checked in last. Default 168h (7 days), at least 1h.
	// +kubebuilder:default="168h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?(ms|s|m|h))+$') && duration(self) >= duration('1h')",message="maxOffline must be a duration such as 168h, at least 1h; units are h, m, s and ms"
	// +optional
	MaxOffline metav1.Duration `json:"maxOffline,omitzero"`
}

// SettingVerdict says how one setting can be delivered on one platform.
//
// +kubebuilder:validation:Enum=Resolved;Substituted;Missing;Unsupported;Skipped
type SettingVerdict string

// The verdicts on a setting.
const (
	SettingResolved    SettingVerdict = "Resolved"
	SettingSubstituted SettingVerdict = "Substituted"
	SettingMissing     SettingVerdict = "Missing"
	SettingUnsupported SettingVerdict = "Unsupported"
	SettingSkipped     SettingVerdict = "Skipped"
)

// SettingStatus is the verdict on one setting on one platform.
type SettingStatus struct {
	// setting is the field of spec.settings, for example passkeySync.
	Setting string `json:"setting"`

	// platform the verdict is for.
	Platform Platform `json:"platform"`

	// verdict: Resolved (the catalog has it), Substituted (another setting or advice stands in), Missing (searched and
	// not found), Unsupported (the platform has no such thing), Skipped (missing, and left out as the spec asks).
	Verdict SettingVerdict `json:"verdict"`

	// definitionIDs are the catalog definitions that are written for it. Empty when nothing is written.
	// +listType=atomic
	// +optional
	DefinitionIDs []string `json:"definitionIDs,omitempty"`

	// why says what was searched, or what stands in and what that means.
	// +optional
	Why string `json:"why,omitempty"`
}

// ObjectRole is the part that a tenant object plays.
//
// +kubebuilder:validation:Enum=Allow;Hold
type ObjectRole string

// The roles of a tenant object: Allow is a revision of the payload, Hold the baseline.
const (
	RoleAllow ObjectRole = "Allow"
	RoleHold  ObjectRole = "Hold"
)

// TenantObject is one settings catalog policy that this PasskeyPolicy owns.
type TenantObject struct {
	// role: Allow carries a revision of the payload, Hold the baseline of everyone whom no wave has admitted.
	Role ObjectRole `json:"role"`

	// platform of the policy.
	Platform Platform `json:"platform"`

	// revision that the policy carries; 0 is hold.
	// +kubebuilder:default=0
	// +optional
	Revision int32 `json:"revision"`

	// name of the policy in the tenant.
	Name string `json:"name"`

	// id in the tenant; empty while a create is open and its outcome not yet known. The id of an object that was deleted in
	// the tenant stays until another is made in its place.
	// +optional
	ID string `json:"id,omitempty"`

	// hash of the settings that were last written.
	// +optional
	Hash string `json:"hash,omitempty"`

	// createSentAt is set before a create is sent and cleared when its outcome is known: an open entry is looked up by its
	// marker, never created again blindly.
	// +optional
	CreateSentAt *metav1.Time `json:"createSentAt,omitempty"`

	// appliedAt is when this operator last wrote settings or name.
	// +optional
	AppliedAt *metav1.Time `json:"appliedAt,omitempty"`

	// assignSentAt is set before assignments are sent and cleared when it is known what became of them. While it is set,
	// includeGroups and excludeGroups name what stood there before and what was sent, and a target of the two that the
	// tenant lacks is a write to be finished, not somebody's edit.
	// +optional
	AssignSentAt *metav1.Time `json:"assignSentAt,omitempty"`

	// assignedAt is when the tenant last took assignments from this operator. What it does not show for two minutes after
	// that is late, and nobody's edit.
	// +optional
	AssignedAt *metav1.Time `json:"assignedAt,omitempty"`

	// includeGroups are the group ids that this operator assigned the policy to.
	// +listType=set
	// +optional
	IncludeGroups []string `json:"includeGroups,omitempty"`

	// excludeGroups are the group ids that this operator excluded.
	// +listType=set
	// +optional
	ExcludeGroups []string `json:"excludeGroups,omitempty"`

	// foreignAssignments are targets that somebody else added to the policy. They are kept.
	// +listType=atomic
	// +optional
	ForeignAssignments []string `json:"foreignAssignments,omitempty"`
}

// ApprovalState is where a request for approval stands.
// +kubebuilder:validation:Enum=Opening;Waiting;Approved;Rejected;Cancelled;Expired
type ApprovalState string

// The states of a request for approval.
const (
	// ApprovalOpening: the write was sent, and its answer, with the code of the request, is not known yet.
	ApprovalOpening ApprovalState = "Opening"
	// ApprovalWaiting: people have not decided.
	ApprovalWaiting ApprovalState = "Waiting"
	// ApprovalApproved: the write was approved, and is or will be sent under the code.
	ApprovalApproved ApprovalState = "Approved"
	// ApprovalRejected: people do not want the write. Nothing is asked again until annotation tidegate.dev/retry-requested-at
	// changes, or the write does. The same holds for the two that follow.
	ApprovalRejected ApprovalState = "Rejected"
	// ApprovalCancelled: somebody took the request back.
	ApprovalCancelled ApprovalState = "Cancelled"
	// ApprovalExpired: nobody decided in time, or the tenant does not know the request any more.
	ApprovalExpired ApprovalState = "Expired"
)

// PendingApproval is a write that Multi Admin Approval of the tenant holds back.
type PendingApproval struct {
	// fingerprint identifies what the write changes: 16 hex digits. Another write needs another approval.
	Fingerprint string `json:"fingerprint"`

	// role of the object that the write is for.
	Role ObjectRole `json:"role"`

	// platform of the object that the write is for.
	Platform Platform `json:"platform"`

	// revision of the object that the write is for; 0 is hold.
	// +optional
	Revision int32 `json:"revision,omitempty"`

	// action is the write in words, as it is logged.
	Action string `json:"action"`

	// state of the request.
	State ApprovalState `json:"state"`

	// code of the request, as the tenant gave it: find the request by it in the Intune admin center. Empty while the state is
	// Opening.
	// +optional
	Code string `json:"code,omitempty"`

	// digest of the bytes that were sent; nothing else is ever sent under the code.
	// +optional
	Digest string `json:"digest,omitempty"`

	// requestedAt is when the request was opened.
	RequestedAt metav1.Time `json:"requestedAt"`

	// retry is the value that annotation tidegate.dev/retry-requested-at had when the request was opened.
	// +optional
	Retry string `json:"retry,omitempty"`
}

// WaveAdmission is the tenant's side of one attempt of a wave.
type WaveAdmission struct {
	// name of the PilotWave.
	Name string `json:"name"`

	// uid of the PilotWave.
	UID string `json:"uid"`

	// attempt of the wave that owns the group.
	// +optional
	Attempt int32 `json:"attempt,omitempty"`

	// revision that the group is for.
	// +optional
	Revision int32 `json:"revision,omitempty"`

	// groupID of the attempt's Entra group.
	GroupID string `json:"groupID"`

	// state: Admitted once the group is excluded from hold and every earlier revision and included in its own on every
	// platform, as read back, and Intune has had the time to act on it; Admitting and Withdrawing while that is under way;
	// Withdrawn once its members have what they had before.
	// +kubebuilder:validation:Enum=Admitting;Admitted;Withdrawing;Withdrawn
	State AdmissionState `json:"state"`

	// since when the state holds.
	Since metav1.Time `json:"since"`

	// assignedAt is when the assignments that the state waits for were first seen in the tenant, all of them; Intune acts on
	// them within half an hour. Absent while one is missing.
	// +optional
	AssignedAt *metav1.Time `json:"assignedAt,omitempty"`

	// left is, while the group is Withdrawing, since when no policy of the revision on a platform was seen to include it: half
	// an hour later devices of that platform have what they had before, whatever the other platform waits for.
	// +listType=map
	// +listMapKey=platform
	// +optional
	Left []PlatformTime `json:"left,omitempty"`

	// admittedAt is when the state first was Admitted: since then the group may have members. Absent for a group that was
	// never admitted and is empty.
	// +optional
	AdmittedAt *metav1.Time `json:"admittedAt,omitempty"`

	// found: the group was found in the tenant after this status had lost it, as in a restore from a backup. While no wave
	// claims it, its members keep the revision until a person asks for it back by annotation
	// tidegate.dev/let-go-groups.
	// +optional
	Found bool `json:"found,omitempty"`
}

// PlatformTime is a time on one platform.
type PlatformTime struct {
	// platform that it is about.
	Platform Platform `json:"platform"`
	// at is the time.
	At metav1.Time `json:"at"`
}

// AdmissionState is how far the tenant has followed a wave's decision.
type AdmissionState string

// The admission states.
const (
	Admitting   AdmissionState = "Admitting"
	Admitted    AdmissionState = "Admitted"
	Withdrawing AdmissionState = "Withdrawing"
	Withdrawn   AdmissionState = "Withdrawn"
)

// RevisionState is where a revision stands.
//
// +kubebuilder:validation:Enum=Baseline;Candidate;Stable;Superseded;Reverted;Retired
type RevisionState string

// The states of a revision.
const (
	// RevisionBaseline is hold, revision 0.
	RevisionBaseline RevisionState = "Baseline"
	// RevisionCandidate is under way: waves are proving it.
	RevisionCandidate RevisionState = "Candidate"
	// RevisionStable is the last one that every wave has proven.
	RevisionStable RevisionState = "Stable"
	// RevisionSuperseded has a newer one in its place. Devices keep it until that one reaches them.
	RevisionSuperseded RevisionState = "Superseded"
	// RevisionReverted was taken back because the spec returned to an earlier one: its devices fall back to what they had.
	RevisionReverted RevisionState = "Reverted"
	// RevisionRetired is on no device: its policies and groups go, and then it leaves the list.
	RevisionRetired RevisionState = "Retired"
)

// PinnedSetting is one setting of a revision, as it is written to the tenant.
type PinnedSetting struct {
	// definitionID of the catalog definition, pinned when the spec asked for the setting.
	DefinitionID string `json:"definitionID"`

	// kind of value: Choice, String or Integer.
	// +kubebuilder:validation:Enum=Choice;String;Integer
	Kind string `json:"kind"`

	// value is an option's id, a text, or a decimal number.
	Value string `json:"value"`
}

// PinnedPayload is what a revision writes on one platform. It never changes.
type PinnedPayload struct {
	// platform of the policy.
	Platform Platform `json:"platform"`

	// graphPlatforms is the platform in Graph's word.
	GraphPlatforms string `json:"graphPlatforms"`

	// technologies that carry the settings, in Graph's words.
	Technologies string `json:"technologies"`

	// settings of the policy.
	// +listType=map
	// +listMapKey=definitionID
	Settings []PinnedSetting `json:"settings"`
}

// RevisionStatus is one revision of the payload. What it writes is pinned when the spec asks for it.
type RevisionStatus struct {
	// number of the revision; 0 is hold.
	Number int32 `json:"number"`

	// state: Baseline (hold), Candidate (being proven), Stable (proven by every wave), Superseded (a newer one is in its
	// place), Reverted (taken back, its devices fall back), Retired (on no device).
	State RevisionState `json:"state"`

	// payloadHash identifies what is written, on all platforms.
	PayloadHash string `json:"payloadHash"`

	// settingsHash identifies what the spec asked for. Empty for a revision that was found in the tenant after this status
	// had lost it, and that the spec has not asked for since.
	// +optional
	SettingsHash string `json:"settingsHash,omitempty"`

	// payloads are the pinned settings, one entry per platform.
	// +listType=map
	// +listMapKey=platform
	// +optional
	Payloads []PinnedPayload `json:"payloads,omitempty"`

	// minEdge is the lowest Edge version that the settings need.
	// +optional
	MinEdge string `json:"minEdge,omitempty"`

	// devices that have this revision, by the records of the waves; of unit User, users. One that moves to another revision
	// counts for both until Intune has had the time to act.
	// +optional
	Devices int32 `json:"devices"`

	// createdAt is when the spec first asked for it.
	CreatedAt metav1.Time `json:"createdAt"`

	// stableAt is when every wave had proven it.
	// +optional
	StableAt *metav1.Time `json:"stableAt,omitempty"`

	// supersededAt is when another revision took its place.
	// +optional
	SupersededAt *metav1.Time `json:"supersededAt,omitempty"`

	// revertUntil is until when a return to it is a rollback at once.
	// +optional
	RevertUntil *metav1.Time `json:"revertUntil,omitempty"`
}

// RevisionCount is how many devices have a revision.
type RevisionCount struct {
	// revision number.
	Revision int32 `json:"revision"`
	// count of devices; of unit User, users.
	Count int32 `json:"count"`
}

// PopulationStatus accounts for every member of the population. onHold, revisions and outOfReach add up to members.
type PopulationStatus struct {
	// members of the population: devices, or for unit User the people.
	Members int32 `json:"members"`

	// onHold are the members that have the hold and no revision.
	OnHold int32 `json:"onHold"`

	// revisions are the members by the revision that they have.
	// +listType=map
	// +listMapKey=revision
	// +optional
	Revisions []RevisionCount `json:"revisions,omitempty"`

	// outOfReach are the members that no policy can reach, by reason.
	// +listType=map
	// +listMapKey=reason
	// +optional
	OutOfReach []ReasonCount `json:"outOfReach,omitempty"`

	// inNoWave are the members on hold that are in the audience of no wave: nothing will ever bring them the payload.
	// +optional
	InNoWave int32 `json:"inNoWave"`

	// outside are the members of audiences that the population does not have any more, as it had them when their wave took them:
	// nobody holds them back.
	// +optional
	Outside int32 `json:"outside"`

	// asOf is when fleet and groups were first read with these numbers. They are counted anew with every reading.
	AsOf metav1.Time `json:"asOf"`
}

// PasskeyPolicyStatus is what the operator has done in the tenant.
type PasskeyPolicyStatus struct {
	// observedGeneration is the spec generation that this status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// payloadHash identifies the settings of the revision that waves prove.
	// +optional
	PayloadHash string `json:"payloadHash,omitempty"`

	// revisions of the payload that are live in the tenant, oldest first; number 0 is hold.
	// +listType=map
	// +listMapKey=number
	// +optional
	Revisions []RevisionStatus `json:"revisions,omitempty"`

	// lastRevision is the highest number that was ever given: numbers are not used twice.
	// +optional
	LastRevision int32 `json:"lastRevision,omitempty"`

	// population accounts for every member of the population; absent until the fleet and the groups were read.
	// +optional
	Population *PopulationStatus `json:"population,omitempty"`

	// handledTake is the value of annotation tidegate.dev/take-definitions-at that was acted on.
	// +optional
	HandledTake string `json:"handledTake,omitempty"`

	// minEdge is the lowest Edge version that the resolved settings and the prerequisites allow.
	// +optional
	MinEdge string `json:"minEdge,omitempty"`

	// settings lists one verdict per setting and platform.
	// +listType=map
	// +listMapKey=setting
	// +listMapKey=platform
	// +optional
	Settings []SettingStatus `json:"settings,omitempty"`

	// objects lists the settings catalog policies in the tenant.
	// +listType=map
	// +listMapKey=role
	// +listMapKey=platform
	// +listMapKey=revision
	// +optional
	Objects []TenantObject `json:"objects,omitempty"`

	// approvals lists the writes that wait for a person under Multi Admin Approval of the tenant.
	// +listType=map
	// +listMapKey=fingerprint
	// +optional
	Approvals []PendingApproval `json:"approvals,omitempty"`

	// populationGroups are the resolved ids of spec.population.include.
	// +listType=atomic
	// +optional
	PopulationGroups []string `json:"populationGroups,omitempty"`

	// populationExcludes are the resolved ids of spec.population.exclude.
	// +listType=atomic
	// +optional
	PopulationExcludes []string `json:"populationExcludes,omitempty"`

	// waves lists the tenant's side of each attempt that has a group.
	// +listType=map
	// +listMapKey=groupID
	// +optional
	Waves []WaveAdmission `json:"waves,omitempty"`

	// waveProgress is succeeded/total waves, for the table view.
	// +optional
	WaveProgress string `json:"waveProgress,omitempty"`

	// currentWave is the wave that is moving or blocks the others, for the table view.
	// +optional
	CurrentWave string `json:"currentWave,omitempty"`

	// revisionText is the revision under way and the stable one, for the table view.
	// +optional
	RevisionText string `json:"revisionText,omitempty"`

	// reason of the Ready condition, repeated for the table view.
	// +optional
	Reason string `json:"reason,omitempty"`

	// conditions: Ready, Reconciling, Stalled, SettingsResolved, Applied, Drifted, PayloadOutdated, WaitingForApproval, Paused,
	// RolloutComplete. Ready means
	// reconciled and no wave stalled; that the rollout is over is RolloutComplete.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// PasskeyPolicy is the passkey payload of one tenant and its guards.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=pkp,categories=tidegate,path=passkeypolicies
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.revisionText`
// +kubebuilder:printcolumn:name="Waves",type=string,JSONPath=`.status.waveProgress`
// +kubebuilder:printcolumn:name="Current",type=string,JSONPath=`.status.currentWave`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type PasskeyPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the payload and how it is delivered.
	// +required
	Spec PasskeyPolicySpec `json:"spec"`

	// status is written by the controller only.
	// +optional
	Status PasskeyPolicyStatus `json:"status,omitzero"`
}

// PasskeyPolicyList is a list of PasskeyPolicies.
//
// +kubebuilder:object:root=true
type PasskeyPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []PasskeyPolicy `json:"items"`
}
