// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"net/url"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// RemediationSummary counts the devices of a remediation by result (contract d).
type RemediationSummary struct {
	// NoIssueDetected, IssueDetected: what detection said. An issue is exit code 1, not a broken script.
	NoIssueDetected int `json:"noIssueDetectedDeviceCount"`
	IssueDetected   int `json:"issueDetectedDeviceCount"`
	// DetectionError, DetectionPending, DetectionNotApplicable: detection gave no answer.
	DetectionError         int `json:"detectionScriptErrorDeviceCount"`
	DetectionPending       int `json:"detectionScriptPendingDeviceCount"`
	DetectionNotApplicable int `json:"detectionScriptNotApplicableDeviceCount"`
	// IssueRemediated, IssueReoccurred, RemediationSkipped, RemediationError: what remediation did.
	IssueRemediated    int `json:"issueRemediatedDeviceCount"`
	IssueReoccurred    int `json:"issueReoccurredDeviceCount"`
	RemediationSkipped int `json:"remediationSkippedDeviceCount"`
	RemediationError   int `json:"remediationScriptErrorDeviceCount"`
	// LastRunAt is zero when no device has reported yet.
	LastRunAt time.Time `json:"-"`
}

// RemediationSummary reads the counters of a remediation. They are as slow as the devices: hours, up to 7 days.
func (c *Client) RemediationSummary(ctx context.Context, id string) (RemediationSummary, error) {
	op := byID(remediationCall("RemediationSummary", effectRead))
	if err := needID(op.op, "remediation id", id); err != nil {
		return RemediationSummary{}, err
	}
	ri, err := c.betaRequest(abs.GET, remediationPath(id)+"/runSummary", nil, nil)
	if err != nil {
		return RemediationSummary{}, invalid(op.op, "%v", err)
	}
	var w struct {
		RemediationSummary
		LastRunAt timestamp `json:"lastScriptRunDateTime"`
	}
	if err := c.send(ctx, op, ri, decodeObject(&w)); err != nil {
		return RemediationSummary{}, err
	}
	w.RemediationSummary.LastRunAt = w.LastRunAt.Time
	return w.RemediationSummary, nil
}

// RunState is what detection said on a device (contract d). RunSuccess means that no issue was found, RunFail that
// one was: neither speaks about the health of the script.
type RunState string

// The states of detection. Any other word is passed on as it comes.
const (
	RunUnknown       RunState = "unknown"
	RunSuccess       RunState = "success"
	RunFail          RunState = "fail"
	RunScriptError   RunState = "scriptError"
	RunPending       RunState = "pending"
	RunNotApplicable RunState = "notApplicable"
)

// RemediationState is what remediation did on a device (contract d).
type RemediationState string

// The states of remediation. Any other word is passed on as it comes.
const (
	RemediationUnknown     RemediationState = "unknown"
	RemediationSkipped     RemediationState = "skipped"
	RemediationSuccess     RemediationState = "success"
	RemediationFailed      RemediationState = "remediationFailed"
	RemediationScriptError RemediationState = "scriptError"
)

// DeviceRunState is the result of a remediation on one device. Judge the pair of states together with the output
// after remediation, never detection alone.
type DeviceRunState struct {
	// DeviceID is the Intune device id.
	DeviceID string
	// Detection and Remediation are the two states.
	Detection   RunState
	Remediation RemediationState
	// PreOutput, PostOutput and the errors are what the scripts wrote, at most 2,048 characters each.
	PreOutput, PreError, PostOutput, PostError, RemediationError string
	// UpdatedAt is when the device reported, LastSyncAt when it last checked in; zero when it never did.
	UpdatedAt, LastSyncAt time.Time
}

// wireRunState is the result of a device on the wire.
type wireRunState struct {
	ID               string           `json:"id"`
	Detection        RunState         `json:"detectionState"`
	Remediation      RemediationState `json:"remediationState"`
	PreOutput        string           `json:"preRemediationDetectionScriptOutput"`
	PreError         string           `json:"preRemediationDetectionScriptError"`
	PostOutput       string           `json:"postRemediationDetectionScriptOutput"`
	PostError        string           `json:"postRemediationDetectionScriptError"`
	RemediationError string           `json:"remediationScriptError"`
	UpdatedAt        timestamp        `json:"lastStateUpdateDateTime"`
	LastSyncAt       timestamp        `json:"lastSyncDateTime"`
}

// DeviceRunStates hands the result of each device that has reported to yield; a device that has not has no row. An
// error of yield ends the call and comes back as it is.
func (c *Client) DeviceRunStates(ctx context.Context, id string, yield func(DeviceRunState) error) error {
	op := byID(remediationCall("DeviceRunStates", effectRead))
	if err := needID(op.op, "remediation id", id); err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.GET, remediationPath(id)+"/deviceRunStates", nil, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return list(ctx, c, op, ri, func(w wireRunState) error {
		// The id is "script:device"; the device is not a member of its own (contract d).
		_, device, ok := strings.Cut(w.ID, ":")
		if !ok || device == "" {
			return &Error{Kind: KindTransient, Op: op.op, Message: "the tenant listed a run state without a device"}
		}
		return yield(DeviceRunState{DeviceID: device, Detection: w.Detection, Remediation: w.Remediation, PreOutput: w.PreOutput,
			PreError: w.PreError, PostOutput: w.PostOutput, PostError: w.PostError, RemediationError: w.RemediationError,
			UpdatedAt: w.UpdatedAt.Time, LastSyncAt: w.LastSyncAt.Time})
	})
}

// RunRemediation asks a device to run a remediation now. It needs a device that can be reached; a second wish before
// the first is done takes its place. ASSUMED: path, body and permission, which the contract does not hold; the names
// are those of the beta SDK.
func (c *Client) RunRemediation(ctx context.Context, deviceID, remediationID string) error {
	op := call{op: "RunRemediation", class: classDevices, effect: effectIdempotent, permissions: []string{"DeviceManagementManagedDevices.PrivilegedOperations.All"}}
	if err := needID(op.op, "device id", deviceID); err != nil {
		return err
	}
	if err := needID(op.op, "remediation id", remediationID); err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.POST, "/deviceManagement/managedDevices/"+url.PathEscape(deviceID)+"/initiateOnDemandProactiveRemediation", nil,
		map[string]string{"scriptPolicyId": remediationID})
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.send(ctx, op, ri, nil)
}
