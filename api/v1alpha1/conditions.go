// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types. Ready, Reconciling and Stalled have kstatus meaning: Reconciling and Stalled are present only while
// true.
const (
	ConditionReady       = "Ready"
	ConditionReconciling = "Reconciling"
	ConditionStalled     = "Stalled"

	// Tenant.
	ConditionPermissionsGranted = "PermissionsGranted"
	ConditionInventoryFresh     = "InventoryFresh"
	ConditionThrottled          = "Throttled"
	ConditionClockInSync        = "ClockInSync"

	// PasskeyPolicy.
	ConditionSettingsResolved   = "SettingsResolved"
	ConditionApplied            = "Applied"
	ConditionWaitingForApproval = "WaitingForApproval"
	ConditionRolloutComplete    = "RolloutComplete"
	ConditionPayloadOutdated    = "PayloadOutdated"

	// PasskeyPolicy and PilotWave.
	ConditionDrifted = "Drifted"
	ConditionPaused  = "Paused"

	// PilotWave.
	ConditionAudienceResolved = "AudienceResolved"
	ConditionAudienceOutdated = "AudienceOutdated"
	ConditionGateOutdated     = "GateOutdated"
	ConditionDependenciesMet  = "DependenciesMet"
	ConditionTelemetryFresh   = "TelemetryFresh"
	ConditionGatePassed       = "GatePassed"
)

// Reasons shared by all kinds.
const (
	ReasonSucceeded    = "Succeeded"
	ReasonProgressing  = "Progressing"
	ReasonSuspended    = "Suspended"
	ReasonPaused       = "Paused"
	ReasonDeleting     = "Deleting"
	ReasonTenantFailed = "TenantUnavailable"

	// Graph error kinds (design §4), as condition reasons.
	ReasonNotFound     = "NotFound"
	ReasonConflict     = "Conflict"
	ReasonForbidden    = "Forbidden"
	ReasonUnauthorized = "Unauthorized"
	ReasonThrottled    = "Throttled"
	ReasonTransient    = "Transient"
	ReasonInvalid      = "Invalid"
	ReasonGone         = "Gone"

	// ReasonApprovalRequired: Multi Admin Approval of the tenant stopped a write until a second administrator approves it.
	ReasonApprovalRequired = "ApprovalRequired"

	// ReasonClockSkewed: the clock of the operator's node is not that of the tenant.
	ReasonClockSkewed = "ClockSkewed"
)

// Reasons of Tenant.
const (
	ReasonSecretNotFound     = "SecretNotFound"
	ReasonSecretKeyNotFound  = "SecretKeyNotFound"
	ReasonCredentialRefused  = "CredentialRefused"
	ReasonTenantNotFound     = "TenantNotFound"
	ReasonPermissionMissing  = "PermissionMissing"
	ReasonPermissionsGranted = "AllGranted"
	ReasonInventoryFresh     = "Refreshed"
	ReasonInventoryFailed    = "RefreshFailed"
	ReasonInventoryPending   = "NotLoadedYet"
	ReasonClockInSync        = "InSync"
	ReasonInvalidEndpoint    = "InvalidEndpoint"
	ReasonInvalidCredential  = "InvalidCredential"
	ReasonLeftBehind         = "LeftBehind"

	// ReasonSecretNotForTenant: the label tidegate.dev/tenant of the Secret does not name the Tenant.
	ReasonSecretNotForTenant = "SecretNotForTenant"
	// ReasonIdentityNotAllowed: the namespace may not use the operator's own workload identity.
	ReasonIdentityNotAllowed = "WorkloadIdentityNotAllowed"
	// ReasonEndpointNotAllowed: the operator may not speak to the host that spec.endpoint names.
	ReasonEndpointNotAllowed = "EndpointNotAllowed"
)

// Reasons of PasskeyPolicy.
const (
	ReasonTenantRefNotFound   = "TenantNotFound"
	ReasonSettingMissing      = "SettingMissing"
	ReasonSettingsResolved    = "AllResolved"
	ReasonGroupNotFound       = "GroupNotFound"
	ReasonGroupAmbiguous      = "GroupAmbiguous"
	ReasonApplied             = "Applied"
	ReasonApplying            = "Applying"
	ReasonAssigning           = "Assigning"
	ReasonPayloadWaiting      = "PayloadWaitsForWaves"
	ReasonNoDrift             = "InSync"
	ReasonNewerDefinition     = "NewerDefinition"
	ReasonDefinitionGone      = "DefinitionGone"
	ReasonPayloadEqualsHold   = "PayloadEqualsHold"
	ReasonRevisionsLost       = "RevisionsLost"
	ReasonRevisionFound       = "RevisionFound"
	ReasonRevisionMinted      = "RevisionMinted"
	ReasonRevisionReturned    = "RevisionReturned"
	ReasonRevisionReverted    = "RevisionReverted"
	ReasonRevisionStable      = "RevisionStable"
	ReasonRevisionRetired     = "RevisionRetired"
	ReasonWrongKind           = "GroupOfWrongKind"
	ReasonMembersHidden       = "GroupMembersHidden"
	ReasonUnreadable          = "Unreadable"
	ReasonOtherPolicy         = "OtherPolicy"
	ReasonStillOnHold         = "StillOnHold"
	ReasonSettingsEdited      = "SettingsEdited"
	ReasonNameEdited          = "NameEdited"
	ReasonAssignmentMissing   = "AssignmentMissing"
	ReasonForeignAssignment   = "ForeignAssignment"
	ReasonObjectDeleted       = "ObjectDeleted"
	ReasonMarkerCopied        = "MarkerCopied"
	ReasonOtherOperator       = "OtherOperator"
	ReasonApprovalRefused     = "ApprovalRefused"
	ReasonObjectNotOwned      = "ObjectNotOwned"
	ReasonWaveStalled         = "WaveStalled"
	ReasonRolloutComplete     = "AllWavesSucceeded"
	ReasonRolloutInProgress   = "WavesRemaining"
	ReasonNoWaves             = "NoWaves"
	ReasonPopulationEmpty     = "PopulationEmpty"
	ReasonTenantObjectsRemain = "TenantObjectsRemain"
)

// Reasons of PilotWave: of the decision, of conditions and of events.
const (
	ReasonPolicyNotFound       = "PolicyNotFound"
	ReasonPolicyNotReady       = "PolicyNotReady"
	ReasonDependencyMissing    = "DependencyMissing"
	ReasonDependencyCycle      = "DependencyCycle"
	ReasonDependencyFailed     = "DependencyFailed"
	ReasonWaitingForDependency = "WaitingForDependency"
	ReasonDependenciesMet      = "DependenciesMet"

	ReasonResolvingAudience     = "ResolvingAudience"
	ReasonAudienceResolved      = "AudienceResolved"
	ReasonAudienceEmpty         = "AudienceEmpty"
	ReasonAudienceTooSmall      = "AudienceTooSmall"
	ReasonAudienceOutOfBounds   = "AudienceOutOfBounds"
	ReasonAudienceIneligible    = "AudienceIneligible"
	ReasonWaitingForAdmission   = "WaitingForAdmission"
	ReasonExposing              = "ExposingDevices"
	ReasonBatchExposed          = "ExposureBatchAssigned"
	ReasonBatchIntervalNotOver  = "BatchIntervalNotElapsed"
	ReasonTooManyUnreported     = "TooManyUnreported"
	ReasonBakeNotElapsed        = "BakeNotElapsed"
	ReasonBakeStarted           = "BakeStarted"
	ReasonGatePassed            = "GatePassed"
	ReasonGateWaiting           = "GateWaiting"
	ReasonGateHalted            = "GateHalted"
	ReasonHeldNoData            = "NoData"
	ReasonTelemetryStale        = "TelemetryStale"
	ReasonTelemetryMissing      = "TelemetryMissing"
	ReasonTelemetryFresh        = "TelemetryFresh"
	ReasonTargetingConflict     = "TargetingConflict"
	ReasonTooManyNotApplicable  = "TooManyNotApplicable"
	ReasonDeadlineExceeded      = "DeadlineExceeded"
	ReasonMembershipDrifted     = "MembershipDrifted"
	ReasonPromoted              = "Promoted"
	ReasonLateRegression        = "LateRegression"
	ReasonAttemptSuperseded     = "AttemptSuperseded"
	ReasonAttemptStarted        = "AttemptStarted"
	ReasonAborted               = "Aborted"
	ReasonRollbackStarted       = "RollbackStarted"
	ReasonRollbackWaiting       = "RollbackWaiting"
	ReasonRollbackVerified      = "RollbackVerified"
	ReasonRollbackAccepted      = "RollbackAccepted"
	ReasonRollbackIncomplete    = "RollbackIncomplete"
	ReasonInventoryNotLoaded    = "InventoryNotLoaded"
	ReasonHeldCauseCleared      = "HeldCauseCleared"
	ReasonPayloadReverted       = "PayloadReverted"
	ReasonGroupLost             = "ManagedGroupLost"
	ReasonLedgerLost            = "LedgerLost"
	ReasonLedgerAltered         = "LedgerAltered"
	ReasonAudienceEdited        = "AudienceEdited"
	ReasonGateEdited            = "GateEdited"
	ReasonMembersRefused        = "MembersRefused"
	ReasonDeviceExcluded        = "DevicesExcluded"
	ReasonDevicesJoined         = "DevicesJoined"
	ReasonSafetyRequestAccepted = "SafetyRequestAccepted"
)
