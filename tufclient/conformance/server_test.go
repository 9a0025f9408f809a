package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// serve answers from the URL as it was sent: how it is escaped is part of the question.
func (r *repository) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	path, ok := strings.CutPrefix(q.RequestURI, r.prefix+"/")
	if !ok || q.Method != http.MethodGet || q.Header.Get("Range") != "" {
		r.asked = append(r.asked, q.Method+" "+q.RequestURI)
		http.NotFound(w, q)
		return
	}
	var b []byte
	if name, ok := strings.CutPrefix(path, "metadata/"); ok {
		b = r.metadata(w, strings.TrimSuffix(name, ".json"))
	} else {
		name, _ := strings.CutPrefix(path, "targets/")
		r.got = append(r.got, name)
		b = r.artifact(name)
	}
	if b == nil {
		http.NotFound(w, q)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}

// consistent says how clients must ask.
func (r *repository) consistent() bool {
	is, _ := r.signed["root"]["consistent_snapshot"].(bool)
	return is
}

func (r *repository) metadata(w http.ResponseWriter, name string) []byte {
	version := 0
	if number, rest, _ := strings.Cut(name, "."); name != "timestamp" && (r.consistent() || rest == "root") {
		version, _ = strconv.Atoi(number)
		r.asked = append(r.asked, fmt.Sprintf("%s %d", rest, version))
		name = rest
	} else {
		r.asked = append(r.asked, name)
	}
	role, err := url.PathUnescape(name)
	if err != nil {
		return nil
	}
	files, ok := r.published[role]
	switch {
	case !ok && r.silent:
		// The suite's own server ends the connection so.
		w.Header().Set("Connection", "close")
		panic(http.ErrAbortHandler)
	case version == 0 && len(files) > 0:
		return files[len(files)-1]
	case version >= 1 && version <= len(files):
		return files[version-1]
	}
	return nil
}

// artifact finds the one of this path below targets/: with a hash in its name if, and only if,
// snapshots are consistent.
func (r *repository) artifact(name string) []byte {
	name, err := url.PathUnescape(name)
	if err != nil {
		return nil
	}
	for path, content := range r.artifacts {
		dir, file := "", path
		if i := strings.LastIndex(path, "/"); i >= 0 {
			dir, file = path[:i+1], path[i+1:]
		}
		if !r.consistent() {
			if name == path {
				return content
			}
			continue
		}
		for _, signed := range r.signed {
			targets, _ := signed["targets"].(object)
			target, _ := targets[path].(object)
			hashes, _ := target["hashes"].(object)
			for _, hash := range hashes {
				if name == dir+hash.(string)+"."+file {
					return content
				}
			}
		}
	}
	return nil
}
