// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"strings"
)

// Describe says how to reach everything, and what to try.
func (l *Lab) Describe() {
	say := l.options.Say
	for _, row := range l.addresses() {
		say("%-14s %s", row[0], row[1])
	}
	say("")
	say("In another terminal:")
	say("  export KUBECONFIG=%s", l.file(admin))
	say("  alias kubectl=%s", kubectl())
	say("  kubectl apply -f %s", l.file(manifest))
	say("  kubectl get tidegate")
	say("  kubectl --kubeconfig %s get tidegate", l.file(l.people[0]+".kubeconfig"))
	say("  curl --cacert %s %s/_sim/", l.file(caFile), l.SimURL)
	say("  curl -k -H \"Authorization: Bearer $(cat %s)\" %s", l.file(metricsToken), l.metricsURL())
	say("")
	say("No kubelet runs the Deployment: the operator is in this process, as %s/%s, with its flags.", l.manager.namespace, l.manager.account)
	say("No controller manager collects garbage, empties a deleted namespace or extends view, edit and admin.")
	say("Ctrl-C ends it.")
}

// addresses are the rows that Describe prints.
func (l *Lab) addresses() [][2]string {
	kubeconfigs := make([]string, len(l.people))
	for i, user := range l.people {
		kubeconfigs[i] = user + ".kubeconfig"
	}
	o := l.manager.options
	log := l.file(logFile)
	if l.options.Log != nil {
		log = "here"
	}
	return [][2]string{
		{"API server", l.Config.Host},
		{"kubeconfig", l.file(admin)},
		{"people", "{" + strings.Join(kubeconfigs, ",") + "} beside it"},
		{"namespace", l.options.Namespace},
		{"Graph", l.SimURL + "/v1.0 and /beta"},
		{"token", l.SimURL + "/" + l.Sim.TenantID() + "/oauth2/v2.0/token"},
		{"simulator", l.SimURL + "/_sim/"},
		{"tenant id", l.Sim.TenantID()},
		{"client id", l.Sim.ClientID()},
		{"secret", l.Sim.ClientSecret()},
		{"CA file", l.file(caFile)},
		{"Tenant", l.file(manifest)},
		{"metrics", l.metricsURL() + ", token in " + l.file(metricsToken)},
		{"probes", "http://" + o.ProbeAddress + "/readyz"},
		{"operator's log", log},
		{"time", fmt.Sprintf("%s, %s", l.Clock.Now().Format("Mon 2006-01-02 15:04"), pace(l.Clock.Speed()))},
	}
}

// metricsURL is empty where the shipped flags switch metrics off.
func (l *Lab) metricsURL() string {
	o := l.manager.options
	switch {
	case o.MetricsAddress == "0":
		return ""
	case o.MetricsSecure:
		return "https://" + o.MetricsAddress + "/metrics"
	}
	return "http://" + o.MetricsAddress + "/metrics"
}
