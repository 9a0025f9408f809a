package lab

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/snappy"
)

const (
	// githubBlobs begins the path of a blob.
	githubBlobs = "/attestations/"
	// githubSignature is the credential in the query of a blob's address.
	githubSignature = "sig=c2lnbmVk"
)

// answer is the API. Its order of checks is GitHub's: caller, rate limit, token, what is asked for.
func (g *GitHubAPI) answer(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Github-Media-Type", "github.v3; format=json")
	if req.UserAgent() == "" {
		githubError(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
		return
	}
	known := g.opts.Token != "" && githubToken(req) == g.opts.Token
	if !g.admit(w, known) {
		return
	}
	switch {
	case req.Header.Get("Authorization") != "" && !known:
		githubError(w, http.StatusUnauthorized, "Bad credentials")
	case !slices.Contains([]string{"", "2022-11-28", "2026-03-10"}, req.Header.Get("X-Github-Api-Version")):
		githubError(w, http.StatusBadRequest, fmt.Sprintf("The value %q is not a supported version.", req.Header.Get("X-Github-Api-Version")))
	case req.Method != http.MethodGet:
		githubError(w, http.StatusNotFound, "Not Found")
	default:
		g.route(w, req, known)
	}
}

// githubToken returns what follows "Bearer" or "token".
func githubToken(req *http.Request) string {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return ""
	}
	return token
}

// route takes the path apart: /repos/OWNER/NAME[/attestations/DIGEST], the same under /repositories/ID, and
// /orgs/OWNER/attestations/DIGEST or /users/….
func (g *GitHubAPI) route(w http.ResponseWriter, req *http.Request, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	path := strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, "/api/v3"), "/")
	before, digest, list := strings.Cut(path, "/attestations/")
	parts := strings.Split(before, "/")
	var in []*githubRepository
	switch {
	case len(parts) == 3 && parts[0] == "repos":
		r := g.repository(parts[1] + "/" + parts[2])
		if r != nil && r.name != strings.ToLower(parts[1]+"/"+parts[2]) && (known || !r.private) {
			g.moved(w, req, r)
			return
		}
		in = append(in, r)
	case len(parts) == 2 && parts[0] == "repositories":
		id, _ := strconv.Atoi(parts[1]) // no repository has the number 0
		in = append(in, g.repositoryByID(id))
	case len(parts) == 2 && (parts[0] == "orgs" || parts[0] == "users") && list:
		for _, r := range g.repositories {
			if strings.HasPrefix(r.name, strings.ToLower(parts[1])+"/") {
				in = append(in, r)
			}
		}
	}
	in = slices.DeleteFunc(in, func(r *githubRepository) bool { return r == nil || r.private && !known })
	switch {
	case len(in) == 0:
		githubError(w, http.StatusNotFound, "Not Found")
	case list:
		g.list(w, req, in, before, digest)
	default:
		githubJSON(w, http.StatusOK, object{"id": in[0].id, "full_name": in[0].name, "private": in[0].private})
	}
}

// moved redirects from a former name to the number.
func (g *GitHubAPI) moved(w http.ResponseWriter, req *http.Request, r *githubRepository) {
	to := *req.URL
	path, prefix := strings.TrimPrefix(to.Path, "/api/v3"), ""
	if path != to.Path {
		prefix = "/api/v3"
	}
	to.Path = fmt.Sprintf("%s/repositories/%d", prefix, r.id)
	if parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 4); len(parts) == 4 {
		to.Path += "/" + parts[3]
	}
	to.Scheme, to.Host = "http", req.Host
	w.Header().Set("Location", to.String())
	githubJSON(w, http.StatusMovedPermanently, object{"message": "Moved Permanently", "url": to.String()})
}

// list answers with one page of the attestations about a digest, the newest first.
func (g *GitHubAPI) list(w http.ResponseWriter, req *http.Request, in []*githubRepository, path, digest string) {
	if hex, ok := strings.CutPrefix(digest, "sha256:"); !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		githubError(w, http.StatusUnprocessableEntity, "Invalid subject digest")
		return
	}
	var found []githubAttestation
	for _, a := range slices.Backward(g.attestations) {
		if slices.Contains(a.digests, digest) && slices.ContainsFunc(in, func(r *githubRepository) bool { return r.id == a.repository }) {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		githubError(w, http.StatusNotFound, "Not Found")
		return
	}
	if strings.HasPrefix(path, "repos/") {
		path = fmt.Sprintf("repositories/%d", in[0].id)
	}
	entries := []object{}
	for _, a := range g.page(w, req, found, path+"/attestations/"+digest) {
		entries = append(entries, g.entry(req, a))
	}
	githubJSON(w, http.StatusOK, object{"attestations": entries})
}

// page cuts one page out of the list and links to the next one by a cursor.
func (g *GitHubAPI) page(w http.ResponseWriter, req *http.Request, all []githubAttestation, path string) []githubAttestation {
	size, most := 30, 100
	if g.opts.PageSize > 0 {
		size, most = g.opts.PageSize, g.opts.PageSize
	}
	q := req.URL.Query()
	if n, err := strconv.Atoi(q.Get("per_page")); err == nil && n > 0 {
		size = min(n, most)
	}
	if cursor, err := base64.RawURLEncoding.DecodeString(q.Get("after")); err == nil && len(cursor) > 0 {
		if i := slices.IndexFunc(all, func(a githubAttestation) bool { return strconv.Itoa(a.id) == string(cursor) }); i >= 0 {
			all = all[i+1:]
		}
	}
	if len(all) <= size {
		return all
	}
	all = all[:size]
	q.Set("after", base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(all[size-1].id))))
	next := url.URL{Scheme: "http", Host: req.Host, Path: "/" + path, RawQuery: q.Encode()}
	if strings.HasPrefix(req.URL.Path, "/api/v3/") {
		next.Path = "/api/v3" + next.Path
	}
	w.Header().Set("Link", "<"+next.String()+`>; rel="next"`)
	return all
}

// entry is one attestation as the list shows it.
func (g *GitHubAPI) entry(req *http.Request, a githubAttestation) object {
	blobs := g.blobs
	if blobs == "" {
		blobs = "http://" + req.Host
	}
	e := object{
		"repository_id": a.repository,
		"initiator":     "user",
		"bundle_url":    fmt.Sprintf("%s%s%d/%d.json.sn?%s", blobs, githubBlobs, a.repository, a.id, githubSignature),
		"bundle":        nil,
	}
	if g.opts.Inline {
		e["bundle"] = json.RawMessage(a.bundle)
	}
	return e
}

// blob is the blob store: it knows the signature in the address and no other credential.
func (g *GitHubAPI) blob(w http.ResponseWriter, req *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case req.Header.Get("Authorization") != "":
		blobError(w, http.StatusBadRequest, "InvalidAuthenticationInfo")
		return
	case req.URL.RawQuery != githubSignature:
		blobError(w, http.StatusForbidden, "AuthenticationFailed")
		return
	}
	for _, a := range g.attestations {
		if req.URL.Path == fmt.Sprintf("%s%d/%d.json.sn", githubBlobs, a.repository, a.id) {
			w.Header().Set("Content-Type", "application/x-snappy")
			_, _ = w.Write(snappy.Encode(nil, a.bundle)) // the client may have gone
			return
		}
	}
	blobError(w, http.StatusNotFound, "BlobNotFound")
}

func blobError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code></Error>", code)
}

func githubError(w http.ResponseWriter, status int, message string) {
	githubJSON(w, status, object{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	})
}

func githubJSON(w http.ResponseWriter, status int, body object) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
