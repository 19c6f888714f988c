// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Files in the lab's folder.
const (
	admin        = "admin.kubeconfig"
	metricsToken = "metrics.token"
	caFile       = "ca.pem"
	logFile      = "operator.log"
	manifest     = "tenant.yaml"
)

// validity of a token in seconds: longer than anybody keeps a lab running.
const validity = 30 * 24 * 60 * 60

// addUsers makes the person's namespace, an administrator, one user for each of the shipped roles for people, bound in
// that namespace, and an account that reads metrics.
func (l *Lab) addUsers(ctx context.Context) error {
	if err := l.addUser("admin", admin, "system:masters"); err != nil {
		return err
	}
	ns := l.options.Namespace
	if err := l.Kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}); err != nil {
		return fmt.Errorf("create namespace: %w", err)
	}
	roles, err := userRoles(filepath.Join(l.options.Root, "config", "rbac", "user_roles.yaml"))
	if err != nil {
		return err
	}
	for _, role := range roles {
		user := strings.TrimPrefix(role, "tidegate-")
		if err := l.addUser(user, user+".kubeconfig"); err != nil {
			return err
		}
		l.people = append(l.people, user)
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role, Namespace: ns},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		}
		if err := l.Kube.Create(ctx, binding); err != nil {
			return fmt.Errorf("bind role: %w", err)
		}
	}
	return l.addScraper(ctx)
}

// userRoles names the cluster roles of a file.
func userRoles(path string) ([]string, error) {
	data, err := os.ReadFile(path) // #nosec G304 -- a file of the checkout
	if err != nil {
		return nil, fmt.Errorf("read the roles for people: %w", err)
	}
	var names []string
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096); ; {
		role := rbacv1.ClusterRole{}
		if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
			return names, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		names = append(names, role.Name)
	}
}

// addUser makes a user with a client certificate and writes the kubeconfig, whose namespace is the person's.
func (l *Lab) addUser(name, file string, groups ...string) error {
	user, err := l.env.AddUser(envtest.User{Name: name, Groups: groups}, l.Config)
	if err != nil {
		return fmt.Errorf("add user %s: %w", name, err)
	}
	raw, err := user.KubeConfig()
	if err != nil {
		return fmt.Errorf("kubeconfig of user %s: %w", name, err)
	}
	kubeconfig, err := clientcmd.Load(raw)
	if err != nil {
		return fmt.Errorf("kubeconfig of user %s: %w", name, err)
	}
	kubeconfig.Contexts[kubeconfig.CurrentContext].Namespace = l.options.Namespace
	if err := clientcmd.WriteToFile(*kubeconfig, l.file(file)); err != nil {
		return fmt.Errorf("kubeconfig of user %s: %w", name, err)
	}
	return nil
}

// addScraper makes the account of a Prometheus, as config/README.md tells, and writes its token.
func (l *Lab) addScraper(ctx context.Context) error {
	account := metav1.ObjectMeta{Name: "prometheus", Namespace: l.options.Namespace}
	if err := l.Kube.Create(ctx, &corev1.ServiceAccount{ObjectMeta: account}); err != nil {
		return fmt.Errorf("create the account that reads metrics: %w", err)
	}
	const role = "tidegate-metrics-reader"
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	}
	if err := l.Kube.Create(ctx, binding); err != nil {
		return fmt.Errorf("bind the account that reads metrics: %w", err)
	}
	token, err := l.token(ctx, account.Namespace, account.Name)
	if err != nil {
		return err
	}
	return l.write(metricsToken, []byte(token))
}

// token asks the API server for a token of a service account, as the kubelet does for a pod.
func (l *Lab) token(ctx context.Context, namespace, name string) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](validity)}}
	if err := l.Kube.SubResource("token").Create(ctx, account, request, &client.SubResourceCreateOptions{}); err != nil {
		return "", fmt.Errorf("ask for a token of the service account %s/%s: %w", namespace, name, err)
	}
	return request.Status.Token, nil
}
