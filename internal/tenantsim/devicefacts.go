// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// DeviceFacts are what the reports are made from, as they are on the device and in
// the two services at this moment. Nothing in here comes from the code of a report:
// an oracle can count them and compare.
type DeviceFacts struct {
	InDirectory    bool   `json:"inDirectory"`
	AccountEnabled bool   `json:"accountEnabled"`
	DeviceID       string `json:"deviceId"`
	// Platform is windows, macOS, iOS or android.
	Platform        string `json:"platform"`
	OperatingSystem string `json:"operatingSystem"`
	Manufacturer    string `json:"manufacturer"`
	ManagementState string `json:"managementState,omitempty"`
	// Users are the ids of who uses the device, the primary user first.
	// PrimaryUser is empty when there is none.
	Users       []string `json:"users,omitempty"`
	PrimaryUser string   `json:"primaryUser,omitempty"`
	// SystemAccount tells that the system account reports beside the primary user.
	SystemAccount bool `json:"systemAccount,omitempty"`
	// Groups are the ids of the groups that hold the device directly.
	Groups []string `json:"groups,omitempty"`
	// Apps are name and version of the applications of the last inventory.
	Apps []string `json:"apps,omitempty"`
	// Results are the newest ones, Runs those of remediation scripts.
	Results []ResultFact `json:"results,omitempty"`
	Runs    []RunFact    `json:"runs,omitempty"`
}

// ResultFact is what a policy came to on the device for one of its users.
type ResultFact struct {
	Policy string `json:"policy"` // id
	User   string `json:"user,omitempty"`
	Status int    `json:"status"`
	At     int64  `json:"at"`
}

// RunFact is what a remediation script came to on the device.
type RunFact struct {
	Script    string `json:"script"` // id
	Detection string `json:"detection"`
	Repair    string `json:"repair"`
}

var platformFacts = map[platform]string{platformWindows: "windows", platformMacOS: "macOS", platformIOS: "iOS", platformAndroid: "android"}

func (s *Server) deviceFacts(v deviceView) DeviceFacts {
	d := v.d
	out := DeviceFacts{InDirectory: inDirectory(d), AccountEnabled: d.traits&traitDisabled == 0, DeviceID: d.deviceID.String(),
		Platform: platformFacts[d.platform], OperatingSystem: d.operatingSystem(), Manufacturer: d.manufacturer(),
		PrimaryUser: v.userID(), SystemAccount: d.traits&traitSystemRow != 0}
	for _, u := range d.people() {
		out.Users = append(out.Users, s.users[u].id.String())
	}
	for _, g := range s.ordered {
		if g.direct.Has(len(s.users) + int(v.i)) {
			out.Groups = append(out.Groups, g.id.String())
		}
	}
	if isEnrolled(d) {
		out.ManagementState = d.management.String()
		s.addIntuneFacts(v, &out)
	}
	return out
}

// addIntuneFacts adds what only a managed device has.
func (s *Server) addIntuneFacts(v deviceView, out *DeviceFacts) {
	if v.d.inventory != 0 {
		for name, version := range v.apps {
			out.Apps = append(out.Apps, name+" "+version)
		}
	}
	for _, r := range v.d.rows {
		if r.current.at == 0 || r.current.status == statusGone {
			continue
		}
		fact := ResultFact{Policy: r.policy.id.String(), Status: int(r.current.status), At: r.current.at}
		if r.user >= 0 {
			fact.User = s.users[r.user].id.String()
		}
		out.Results = append(out.Results, fact)
	}
	for _, r := range s.remediations.All() {
		if int(v.i) < len(r.states) && r.states[v.i].current.at != 0 {
			run := r.states[v.i].current
			out.Runs = append(out.Runs, RunFact{Script: r.ID, Detection: run.detection, Repair: run.repair})
		}
	}
}
