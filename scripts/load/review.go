package main

import (
	"bytes"
	"fmt"
	"strings"
)

// review is an AdmissionReview of a Pod as an API server sends it, cut where uid, name and image stand.
type review struct{ head, afterUID, afterName, afterImage []byte }

// Marks stand in the template where a review differs from the next.
const (
	markUID   = "<uid>"
	markName  = "<name>"
	markImage = "<image>"
)

// newReview cuts the template.
func newReview() review {
	rest := []byte(podReview())
	cut := func(mark string) []byte {
		before, after, ok := bytes.Cut(rest, []byte(mark))
		if !ok {
			panic("the review has no " + mark)
		}
		rest = after
		return before
	}
	var r review
	r.head, r.afterUID, r.afterName = cut(markUID), cut(markName), cut(markImage)
	r.afterImage = rest
	return r
}

// size is the length of a review without what differs.
func (r review) size() int {
	return len(r.head) + len(r.afterUID) + len(r.afterName) + len(r.afterImage)
}

// write appends a review to b.
func (r review) write(b []byte, uid, name, image string) []byte {
	b = append(append(b, r.head...), uid...)
	b = append(append(b, r.afterUID...), name...)
	b = append(append(b, r.afterName...), image...)
	return append(b, r.afterImage...)
}

// uid makes the uid of the n-th review.
func uid(n int64) string { return fmt.Sprintf("6f1c4f2e-0000-4000-8000-%012x", n) }

// podReview is the review of the creation of a Pod by a ReplicaSet, as Kubernetes 1.34 sends it, with what usually
// stands in one: environment, probes, resources, volumes, tolerations, and who manages which field. About 7 kB.
func podReview() string {
	var env []string
	for i := range 24 {
		env = append(env, fmt.Sprintf(`{"name":"SETTING_%02d","value":"some value of the setting number %d"}`, i, i))
	}
	var managed []string
	for i := range 24 {
		managed = append(managed, fmt.Sprintf(`"k:{\"name\":\"SETTING_%02d\"}":{".":{},"f:name":{},"f:value":{}}`, i))
	}
	return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"` + markUID + `",` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},` +
		`"requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},` +
		`"name":"` + markName + `","namespace":"shop","operation":"CREATE",` +
		`"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"4f0b5a1c-9d0e-4a57-8f0e-6a0c5a8e1d11",` +
		`"groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"],` +
		`"extra":{"authentication.kubernetes.io/credential-id":["JTI=0d8b5c1e-2f5e-4c8a-9b53-0a3c6d1f2e4b"]}},` +
		`"object":{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"web-7d9c5b8f6d-","namespace":"shop","creationTimestamp":null,` +
		`"labels":{"app.kubernetes.io/name":"web","app.kubernetes.io/instance":"web-production","app.kubernetes.io/version":"1.4.0","pod-template-hash":"7d9c5b8f6d"},` +
		`"annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"9090","checksum/config":"5d41402abc4b2a76b9719d911017c592aaf4c61ddcc5e8a2dabede0f3b482cd9"},` +
		`"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d9c5b8f6d","uid":"2c9f9b6e-7d1b-4d39-a3c9-0c6f3a1d5b7e","controller":true,"blockOwnerDeletion":true}],` +
		`"managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-22T12:00:00Z","fieldsType":"FieldsV1",` +
		`"fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{}},"f:generateName":{},"f:labels":{".":{},"f:pod-template-hash":{}},` +
		`"f:ownerReferences":{".":{},"k:{\"uid\":\"2c9f9b6e-7d1b-4d39-a3c9-0c6f3a1d5b7e\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},` +
		`"f:env":{".":{},` + strings.Join(managed, ",") + `},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:httpGet":{".":{},"f:path":{},"f:port":{}}}}}}}}]},` +
		`"spec":{"volumes":[{"name":"config","configMap":{"name":"web-config","defaultMode":420}},{"name":"kube-api-access-x7k2p","projected":{"sources":` +
		`[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},` +
		`{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],` +
		`"containers":[{"name":"web","image":"` + markImage + `","args":["--listen=:8080","--config=/etc/web/config.yaml"],` +
		`"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},{"name":"metrics","containerPort":9090,"protocol":"TCP"}],` +
		`"env":[` + strings.Join(env, ",") + `],` +
		`"resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},` +
		`"volumeMounts":[{"name":"config","mountPath":"/etc/web"},{"name":"kube-api-access-x7k2p","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],` +
		`"livenessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},` +
		`"readinessProbe":{"httpGet":{"path":"/readyz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},` +
		`"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent",` +
		`"securityContext":{"capabilities":{"drop":["ALL"]},"runAsNonRoot":true,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false}}],` +
		`"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"web","serviceAccount":"web",` +
		`"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}},"schedulerName":"default-scheduler",` +
		`"affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":100,"podAffinityTerm":{"labelSelector":{"matchLabels":{"app.kubernetes.io/name":"web"}},"topologyKey":"kubernetes.io/hostname"}}]}},` +
		`"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},` +
		`{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],` +
		`"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"status":{}},` +
		`"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`
}
