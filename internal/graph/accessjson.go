// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

// The types of Conditional Access and of authentication methods keep what they do not model, each by the same two methods over a copy of itself
// without them.

type openConditionalAccessPolicy ConditionalAccessPolicy

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessPolicy) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessPolicy
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	out.CreatedAt, out.ModifiedAt = extra.time("createdDateTime"), extra.time("modifiedDateTime")
	*v = ConditionalAccessPolicy(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessPolicy) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessPolicy(v), v.Extra)
}

type openConditionalAccessConditions ConditionalAccessConditions

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessConditions) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessConditions
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessConditions(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessConditions) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessConditions(v), v.Extra)
}

type openConditionalAccessUsers ConditionalAccessUsers

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessUsers) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessUsers
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessUsers(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessUsers) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessUsers(v), v.Extra)
}

type openConditionalAccessApplications ConditionalAccessApplications

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessApplications) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessApplications
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessApplications(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessApplications) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessApplications(v), v.Extra)
}

type openConditionalAccessPlatforms ConditionalAccessPlatforms

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessPlatforms) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessPlatforms
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessPlatforms(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessPlatforms) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessPlatforms(v), v.Extra)
}

type openConditionalAccessLocations ConditionalAccessLocations

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessLocations) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessLocations
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessLocations(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessLocations) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessLocations(v), v.Extra)
}

type openConditionalAccessDevices ConditionalAccessDevices

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessDevices) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessDevices
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessDevices(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessDevices) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessDevices(v), v.Extra)
}

type openConditionalAccessFilter ConditionalAccessFilter

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessFilter) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessFilter
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessFilter(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessFilter) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessFilter(v), v.Extra)
}

type openConditionalAccessGrant ConditionalAccessGrant

// UnmarshalJSON implements json.Unmarshaler.
func (v *ConditionalAccessGrant) UnmarshalJSON(raw []byte) error {
	var out openConditionalAccessGrant
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = ConditionalAccessGrant(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v ConditionalAccessGrant) MarshalJSON() ([]byte, error) {
	return encodeOpen(openConditionalAccessGrant(v), v.Extra)
}

type openAuthenticationStrength AuthenticationStrength

// UnmarshalJSON implements json.Unmarshaler.
func (v *AuthenticationStrength) UnmarshalJSON(raw []byte) error {
	var out openAuthenticationStrength
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = AuthenticationStrength(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v AuthenticationStrength) MarshalJSON() ([]byte, error) {
	return encodeOpen(openAuthenticationStrength(v), v.Extra)
}

type openCombinationConfiguration CombinationConfiguration

// UnmarshalJSON implements json.Unmarshaler.
func (v *CombinationConfiguration) UnmarshalJSON(raw []byte) error {
	var out openCombinationConfiguration
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = CombinationConfiguration(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v CombinationConfiguration) MarshalJSON() ([]byte, error) {
	return encodeOpen(openCombinationConfiguration(v), v.Extra)
}

type openFido2Configuration Fido2Configuration

// UnmarshalJSON implements json.Unmarshaler.
func (v *Fido2Configuration) UnmarshalJSON(raw []byte) error {
	var out openFido2Configuration
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = Fido2Configuration(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v Fido2Configuration) MarshalJSON() ([]byte, error) {
	return encodeOpen(openFido2Configuration(v), v.Extra)
}

type openPasskeyProfile PasskeyProfile

// UnmarshalJSON implements json.Unmarshaler.
func (v *PasskeyProfile) UnmarshalJSON(raw []byte) error {
	var out openPasskeyProfile
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = PasskeyProfile(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v PasskeyProfile) MarshalJSON() ([]byte, error) {
	return encodeOpen(openPasskeyProfile(v), v.Extra)
}

type openKeyRestrictions KeyRestrictions

// UnmarshalJSON implements json.Unmarshaler.
func (v *KeyRestrictions) UnmarshalJSON(raw []byte) error {
	var out openKeyRestrictions
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = KeyRestrictions(out)
	return nil
}

// MarshalJSON implements json.Marshaler. The service wants an array of AAGUIDs, also an empty one.
func (v KeyRestrictions) MarshalJSON() ([]byte, error) {
	if v.AAGUIDs == nil {
		v.AAGUIDs = []string{}
	}
	return encodeOpen(openKeyRestrictions(v), v.Extra)
}

type openPasskeyTarget PasskeyTarget

// UnmarshalJSON implements json.Unmarshaler.
func (v *PasskeyTarget) UnmarshalJSON(raw []byte) error {
	var out openPasskeyTarget
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = PasskeyTarget(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v PasskeyTarget) MarshalJSON() ([]byte, error) {
	return encodeOpen(openPasskeyTarget(v), v.Extra)
}

type openMethodTarget MethodTarget

// UnmarshalJSON implements json.Unmarshaler.
func (v *MethodTarget) UnmarshalJSON(raw []byte) error {
	var out openMethodTarget
	extra, err := decodeOpen(raw, &out)
	if err != nil {
		return err
	}
	out.Extra = extra
	*v = MethodTarget(out)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (v MethodTarget) MarshalJSON() ([]byte, error) { return encodeOpen(openMethodTarget(v), v.Extra) }
