package cases

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// endlessMetadata keep a gate reading.
func endlessMetadata() []repositoryCase {
	limit := openAs("limit.exceeded")
	answers := func(path func(*hall) string, answer func(content []byte) http.HandlerFunc) func(*hall) {
		return func(h *hall) { h.repo.SetFault(path(h), answer(h.repo.File(path(h)))) }
	}
	of := func(role string) func(*hall) string { return func(h *hall) string { return h.metadata(role) } }
	listed := func(h *hall) string { return h.manifestPath(lab.DefaultTag) }
	slowly := func(content []byte) http.HandlerFunc { return lab.AnswerSlowly(content, 2*time.Second) }
	return []repositoryCase{
		{class: 34, words: "an endless timestamp", want: limit, spoil: answers(of("timestamp"), lab.AnswerEndlessly),
			shows: "The timestamp is followed by spaces that never end."},
		{class: 34, words: "endless targets", want: limit, spoil: answers(of("targets"), lab.AnswerEndlessly),
			shows: "The targets are followed by spaces that never end."},
		{class: 34, words: "an endless manifest", want: limit, spoil: answers(listed, lab.AnswerEndlessly),
			shows: "The manifest of the release is followed by spaces that never end."},
		{class: 34, words: "endless roots", want: limit, shows: "There is always one more root, each rightly signed.", spoil: func(h *hall) {
			h.repo.Root.Signers = h.people()[:1]
			for range 260 {
				h.publish("root")
			}
		}},
		{class: 34, words: "a timestamp byte by byte", want: openAs("tuf.timeout"), slow: true, spoil: answers(of("timestamp"), slowly),
			shows: "The server sends the timestamp one byte at a time."},
		{class: 34, words: "a timestamp that is packed", want: openAs("tuf.server_error"),
			shows: "The server packs the timestamp although nobody asked for that, so that a few bytes become very many.",
			spoil: func(h *hall) {
				h.repo.SetFault("metadata/timestamp.json", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Encoding", "gzip")
					packed := gzip.NewWriter(w)
					_, _ = packed.Write(bytes.Repeat([]byte(" "), 64<<20))
					_ = packed.Close()
				})
			}},
		{class: 34, words: "a truncated manifest", want: openAs("tuf.truncated"), spoil: answers(listed, lab.AnswerTruncated),
			shows: "The server promises the whole manifest and sends half of it."},
		{class: 34, words: "a timestamp that is not there", want: openAs("tuf.not_found"),
			shows: "The server says that there is no timestamp, as if the project had no repository of releases.",
			spoil: func(h *hall) { h.put("metadata/timestamp.json", nil) }},
		{class: 34, words: "a manifest that is not there", want: openAs("tuf.not_found"),
			shows: "The version is listed, and the server says that its manifest is not there.",
			spoil: func(h *hall) { h.put(h.manifestPath(lab.DefaultTag), nil) }},
		{class: 34, words: "metadata that lead round in circles", want: openAs("tuf.redirect_loop"),
			shows: "The server answers each question for the timestamp with a redirect to itself.",
			spoil: func(h *hall) {
				h.repo.SetFault("metadata/timestamp.json", func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, r.URL.Path, http.StatusFound)
				})
			}},
	}
}
