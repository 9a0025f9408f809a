package cases

import (
	"net/http"
	"strings"
)

// spellings are references by which a request would go to another path than that of an image. A good release lies where
// a reader who tidies them up would look.
func spellings() []Case {
	const class = 32
	var out []Case
	for _, s := range []struct {
		words, shows string
		advisories   []string
		of           func(repository, digest string) string
	}{
		{
			"digest with a path", "The image is named by a digest that leads out of its repository, sha256:../../.", []string{"CVE-2024-3727"},
			func(r, d string) string { return r + "@sha256:../../widget/manifests/" + d },
		},
		{
			"digest in capitals", "The image is named by its digest in capital letters, which is another name for the same bytes.", nil,
			func(r, d string) string { return r + "@sha256:" + strings.ToUpper(strings.TrimPrefix(d, "sha256:")) },
		},
		{
			"digest of 63 digits", "The image is named by a digest that lacks its last digit.", nil,
			func(r, d string) string { return r + "@" + d[:len(d)-1] },
		},
		{
			"digest without an algorithm", "The image is named by a digest of an algorithm that nobody knows.", nil,
			func(r, d string) string { return r + "@md5:" + strings.TrimPrefix(d, "sha256:")[:32] },
		},
		{
			"two digests", "The image is named by two digests, of which each reader takes the one that it likes.", nil,
			func(r, d string) string { return r + "@sha256:" + strings.Repeat("0", 64) + "@" + d },
		},
		{
			"name with a path", "The image's name leads out of its folder and back, ../widget.", []string{"CVE-2024-3727"},
			func(r, _ string) string { return r + "/../widget:1.2.3" },
		},
		{
			"name with an escape", "The image's name has an escaped slash in it, which a server may take for a slash.", nil,
			func(r, _ string) string { return strings.TrimSuffix(r, "/widget") + "%2Fwidget:1.2.3" },
		},
		{
			"tag with a query", "The tag goes on as a query, which a server would cut off.", nil,
			func(r, _ string) string { return r + ":1.2.3?n=1" },
		},
		{
			"line break", "A line break and a second image follow the first.", nil,
			func(r, d string) string { return r + ":1.2.3\n" + r + "@" + d },
		},
	} {
		out = append(out, Case{
			ID: slug(class, s.words), Class: class, Advisories: s.advisories, Shows: s.shows, Want: Rejected(),
			Why: "An image has one name; whatever else somebody writes is no reference, and nothing is asked of any registry.",
			Build: func(b *Bench) error {
				r, err := b.Good()
				if err != nil {
					return err
				}
				b.Ask(Act{Image: s.of(b.Repository, r.Image.Digest())})
				return b.Push(r)
			},
		})
	}
	return out
}

// tokens are servers that are no registry and ask for somebody's credentials.
func tokens() []Case {
	return []Case{{
		ID: slug(32, "TUF repository wants a token"), Class: 32, Advisories: []string{"CVE-2026-48501"},
		Shows: "The project's TUF repository opens only to those who show it a token, such as the one that they have for GitHub.",
		Why:   "Repositories of releases are public. A mirror that asks for a token is after the token.",
		Want:  CannotTell("release", "tuf.forbidden"),
		Build: wantsToken,
	}}
}

func wantsToken(b *Bench) error {
	r, err := b.Good()
	if err != nil {
		return err
	}
	t, err := b.TUF()
	if err != nil {
		return err
	}
	if _, err := t.AddRelease(r.Tag, b.Repository, r.Image.Digest()); err != nil {
		return err
	}
	if err := t.Publish(); err != nil {
		return err
	}
	leg, err := b.ReleaseLeg(t, 1)
	if err != nil {
		return err
	}
	t.SetFault("*", func(w http.ResponseWriter, req *http.Request) {
		content := t.File(strings.TrimPrefix(req.URL.Path, "/"))
		switch {
		case req.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="tuf"`)
			http.Error(w, "show me a token", http.StatusUnauthorized)
		case content == nil:
			http.NotFound(w, req)
		default:
			_, _ = w.Write(content) // the client may have gone
		}
	})
	b.Rule(Standard(leg...)...)
	b.Env("GH_TOKEN=ghp_onlyInThisLab", "GITHUB_TOKEN=ghp_onlyInThisLab")
	return b.Push(r)
}
