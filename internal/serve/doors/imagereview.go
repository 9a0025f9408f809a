package doors

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/internal/serve/observe"
)

// The one version of ImagePolicyWebhook's question.
const (
	imageReviewVersion = "imagepolicy.k8s.io/v1alpha1"
	imageReviewKind    = "ImageReview"
	maxImages          = 1000 // of one pod, as of one admission review
)

// imageReviewStatus is the answer (k8s.io/api/imagepolicy/v1alpha1).
type imageReviewStatus struct {
	Allowed bool              `json:"allowed"`
	Reason  string            `json:"reason,omitempty"`
	Audit   map[string]string `json:"auditAnnotations,omitempty"`
}

// imageReview answers POST /imagereview. The question has images and a namespace and
// nothing else: no field to pin, no pull policy, no image volumes. Its annotations are
// the pod author's own words, and are not read.
func (d *doors) imageReview(ctx context.Context, c *call) (reply, *fault) {
	b, done, f := d.body(c)
	defer done()
	if f != nil {
		return reply{}, f
	}
	images, namespace, err := readImageReview(b)
	if err != nil {
		return reply{}, malformed("read the image review: %v", err)
	}
	r := review{namespace: namespace, kind: kube.Kind{Version: "v1", Kind: "Pod"}}
	for i, image := range images {
		r.question.Judge = append(r.question.Judge, kube.Ref{Image: image, Path: "spec.containers[" + strconv.Itoa(i) + "].image", Role: kube.Field})
	}
	decisions := d.decide(ctx, c, r, terms{tags: d.Settings.ReviewTags})
	var denials []kube.Denial
	for _, x := range decisions {
		d.note(c, x, observe.Record{Namespace: namespace, Container: x.ref.Path, Image: x.ref.Image})
		d.count(c, x)
		if !x.admitted {
			denials = append(denials, x.denial)
		}
	}
	status := imageReviewStatus{Allowed: len(denials) == 0, Audit: annotations(decisions)}
	if !status.Allowed {
		status.Reason = kube.Message(denials)
	}
	for name, value := range status.Audit {
		status.Audit[name] = report.Escape(value, kube.MaxAnnotation)
	}
	return encodeImageReview(status, kube.Refuse("", denials).Code)
}

// readImageReview reads the images and the namespace of a review. Fields that are not
// known are passed over, as the API server's own.
func readImageReview(b []byte) (images []string, namespace string, err error) {
	top, err := parse(b)
	if err != nil {
		return nil, "", err
	}
	version, err := top.text("apiVersion")
	if err != nil {
		return nil, "", err
	}
	kind, err := top.text("kind")
	if err != nil {
		return nil, "", err
	}
	if version != imageReviewVersion || kind != imageReviewKind {
		return nil, "", fmt.Errorf("found %.100q %.100q, wanted %s %s", version, kind, imageReviewVersion, imageReviewKind)
	}
	spec, err := object(top["spec"])
	if err != nil {
		return nil, "", fmt.Errorf("spec: %w", err)
	}
	if namespace, err = spec.text("namespace"); err != nil {
		return nil, "", fmt.Errorf("spec: %w", err)
	}
	if namespace != "" && !isNamespace(namespace) {
		return nil, "", fmt.Errorf("found the namespace %.100q, which cannot be one", namespace)
	}
	containers, err := spec.list("containers", maxImages)
	if err != nil {
		return nil, "", fmt.Errorf("spec: %w", err)
	}
	for i, raw := range containers {
		container, err := object(raw)
		if err != nil {
			return nil, "", fmt.Errorf("spec.containers[%d]: %w", i, err)
		}
		image, err := container.text("image")
		if err != nil {
			return nil, "", fmt.Errorf("spec.containers[%d]: %w", i, err)
		}
		images = append(images, image)
	}
	return images, namespace, nil
}

// refuseImageReview says no as a review: an HTTP error is permission where the API
// server is configured with defaultAllow.
func refuseImageReview(c *call, f *fault) reply {
	if f.status == http.StatusMethodNotAllowed {
		return refusePlain(c, f)
	}
	answer, failed := encodeImageReview(imageReviewStatus{Reason: "assay: " + string(f.code) + ": " + f.said()}, f.status)
	if failed != nil {
		return refusePlain(c, failed)
	}
	return answer
}

func encodeImageReview(s imageReviewStatus, counted int) (reply, *fault) {
	answer, f := asJSON(struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Status     imageReviewStatus `json:"status"`
	}{imageReviewVersion, imageReviewKind, s})
	if f == nil && !s.Allowed {
		answer.counted = counted
	}
	return answer, f
}

// isNamespace reports whether s can name a namespace (RFC 1123 label).
func isNamespace(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && s[0] != '-' && s[len(s)-1] != '-'
}
