package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// object is a Kubernetes object.
type object = map[string]any

// client speaks to an API server as one user.
type client struct {
	base, token string
	http        *http.Client
}

// reply is what an API server answers.
type reply struct {
	status   int
	body     []byte
	warnings []string
}

// maxReply bounds an answer.
const maxReply = 16 << 20

// do sends an object, or nothing, and reads the answer.
func (c *client) do(ctx context.Context, method, path string, body any) (reply, error) {
	return c.send(ctx, method, path, "application/json", body)
}

// patch sends a JSON merge patch.
func (c *client) patch(ctx context.Context, path string, change object) (reply, error) {
	return c.send(ctx, http.MethodPatch, path, "application/merge-patch+json", change)
}

// strategic sends a strategic merge patch, which finds containers by their names.
func (c *client) strategic(ctx context.Context, path string, change object) (reply, error) {
	return c.send(ctx, http.MethodPatch, path, "application/strategic-merge-patch+json", change)
}

func (c *client) send(ctx context.Context, method, path, contentType string, body any) (reply, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return reply{}, fmt.Errorf("encode object: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	r := reply{status: resp.StatusCode, body: raw}
	for _, w := range resp.Header.Values("Warning") {
		r.warnings = append(r.warnings, warningText(w))
	}
	return r, nil
}

// warningText takes the text out of a Warning header (RFC 7234, section 5.5): 299 - "text".
func warningText(header string) string {
	_, quoted, ok := strings.Cut(header, `"`)
	if !ok {
		return header
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.TrimSuffix(quoted, `"`))
}

// message is what a refusal says, or the beginning of any other answer.
func (r reply) message() string {
	var status struct{ Kind, Message string }
	if json.Unmarshal(r.body, &status) == nil && status.Kind == "Status" {
		return status.Message
	}
	return string(r.body[:min(len(r.body), 300)])
}

// good reports whether the request was done.
func (r reply) good() bool { return r.status >= 200 && r.status < 300 }

// object reads the answer as an object.
func (r reply) object() (object, error) {
	var o object
	if err := json.Unmarshal(r.body, &o); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return o, nil
}

// at follows keys and indexes into an object; nil is nothing there.
func at(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

// text is a string at a path, "" where there is none.
func text(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}
