// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/tidegate/tidegate/internal/wire"
)

// patience is how long each part of a busy machine may take.
const patience = time.Minute

// assets is the variable that names the folder of kube-apiserver, etcd and kubectl.
const assets = "KUBEBUILDER_ASSETS"

func (l *Lab) startControlPlane(context.Context) error {
	if os.Getenv(assets) == "" {
		return errors.New("the binaries are not there: start it with make, or export " + assets + "=$(hack/controlplane.sh)")
	}
	l.env = &envtest.Environment{ControlPlaneStartTimeout: patience, ControlPlaneStopTimeout: patience}
	// The watch cache keeps every version of a status for a while: hundreds of megabytes.
	l.env.ControlPlane.GetAPIServer().Configure().Append("watch-cache-sizes", "pilotwaves.tidegate.dev#0")
	// A single etcd member elects itself: waiting for other candidates is time lost.
	l.env.ControlPlane.Etcd = &envtest.Etcd{}
	l.env.ControlPlane.Etcd.Configure().Set("heartbeat-interval", "10").Set("election-timeout", "100")
	// In the lab's folder nothing is left behind when the start fails.
	for name, dir := range map[string]*string{"etcd": &l.env.ControlPlane.Etcd.DataDir, "certificates": &l.env.ControlPlane.APIServer.CertDir} {
		*dir = l.file(name)
		if err := os.Mkdir(*dir, 0o700); err != nil {
			return fmt.Errorf("make a folder for the control plane: %w", err)
		}
	}
	rc, err := l.env.Start()
	l.closers = append(l.closers, l.env.Stop)
	if err != nil {
		return err
	}
	rc.QPS = -1
	l.Config = rc
	l.Kube, err = client.New(rc, client.Options{Scheme: wire.Scheme()})
	return err
}

// install applies config/default with kubectl, as README tells, and waits until all of it counts.
func (l *Lab) install(ctx context.Context) error {
	if err := l.addUsers(ctx); err != nil {
		return err
	}
	if err := l.kubectl(ctx, "apply", "-k", filepath.Join(l.options.Root, "config", "default")); err != nil {
		return err
	}
	if err := l.kubectl(ctx, "wait", "crd", "--all", "--for=condition=Established", "--timeout="+patience.String()); err != nil {
		return err
	}
	return l.awaitAdmission(ctx)
}

// kubectl runs kubectl as the administrator.
func (l *Lab) kubectl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, kubectl(), append([]string{"--kubeconfig", l.file(admin)}, args...)...) // #nosec G204 -- a tool of the lab's own
	// Neither a configuration nor a cache of the developer takes part.
	cmd.Env = append(os.Environ(), "HOME="+l.Dir, "KUBECONFIG=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", args[0], err, out)
	}
	return nil
}

func kubectl() string { return filepath.Join(os.Getenv(assets), "kubectl") }

// probe is a policy and what it refuses.
const probe = "tidegate-lab-probe"

// awaitAdmission waits until the API server acts on the admission policies that have just been applied. It compiles all
// policies that it knows at a time, so a policy that came after them and acts proves that all of them do.
func (l *Lab) awaitAdmission(ctx context.Context) error {
	fail := admissionv1.Fail
	rule := admissionv1.NamedRuleWithOperations{ResourceNames: []string{probe}, RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create},
		Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
	}}
	meta := metav1.ObjectMeta{Name: probe}
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: meta, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		FailurePolicy:    &fail,
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{rule}},
		Validations:      []admissionv1.Validation{{Expression: "false"}},
	}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: meta, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: probe, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
	}}
	for _, o := range []client.Object{policy, binding} {
		if err := l.Kube.Create(ctx, o); err != nil {
			return fmt.Errorf("create the probe of the admission policies: %w", err)
		}
	}
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		refused := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: probe, Namespace: l.options.Namespace}}
		err := l.Kube.Create(ctx, refused, client.DryRunAll)
		if apierrors.IsInvalid(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("the API server does not act on admission policies: %w", err)
	}
	return errors.Join(l.Kube.Delete(ctx, binding), l.Kube.Delete(ctx, policy))
}
