package lab

import (
	"net/http"
	"strings"
)

// StoreBlobs has another registry hold the blobs, as Docker Hub and ECR do with a content network: whoever reads one is
// redirected there. The store takes a password for a mistake, as such stores do, and answers 400. Both must be started.
func (r *Registry) StoreBlobs(store *Registry) {
	store.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") != "" {
			http.Error(w, "only one auth mechanism allowed", http.StatusBadRequest)
			return true
		}
		status, body := r.ask(req.URL.Path)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.WriteHeader(status)
		_, _ = w.Write(body) // the client may have gone
		return true
	})
	r.SetIntercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/sha256:") {
			return false
		}
		http.Redirect(w, req, "http://"+store.Host()+req.URL.Path+"?signed=yes", http.StatusTemporaryRedirect)
		return true
	})
}
