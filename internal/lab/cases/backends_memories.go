package cases

import (
	"net/http"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// memories are questions that look like one that was answered before.
func memories() []Case {
	return []Case{
		{
			ID: slug(39, "tag moved"), Class: 39, Want: unsigned,
			Shows: "The tag was a good release when it was asked for, and is an unsigned image now.",
			Build: func(b *Bench) error { return b.world(then(Admits(), ""), then(unsigned, "evil tag")) },
		},
		{
			ID: slug(39, "tag moved to and fro"), Class: 39, Want: unsigned,
			Shows: "The tag is an unsigned image, then a good release, then the unsigned image again.",
			Build: func(b *Bench) error {
				return b.world(then(unsigned, "evil tag"), then(Admits(), ""), then(unsigned, "evil tag"))
			},
		},
		{
			ID: slug(39, "same digest under another tag"), Class: 39, Want: Fails("signature", "signature.identity_mismatch"),
			Shows: "An image that passed under its own version is tagged, with all its evidence, as a version that was never released.",
			Build: func(b *Bench) error { return b.again("", "9.9.9", Fails("signature", "signature.identity_mismatch")) },
		},
		{
			ID: slug(39, "same digest under another name"), Class: 39, Want: unsigned,
			Shows: "An image that passed lies in another repository too, and nothing is attached to it there.",
			Build: func(b *Bench) error { return b.again("-copy", lab.DefaultTag, unsigned) },
		},
		{
			ID: slug(39, "same digest with other bytes"), Class: 39, Want: CannotTell("signature", "registry.digest_mismatch"),
			Shows: "A digest that passed is answered with other bytes the second time.",
			Build: func(b *Bench) error {
				return b.world(then(Admits(), "").pinned(), then(CannotTell("signature", "registry.digest_mismatch"), "evil digest").pinned())
			},
		},
	}
}

// outages are questions before which evidence, or the registry, came or went.
func outages() []Case {
	return []Case{
		{
			ID: slug(39, "evidence taken away"), Class: 39, Want: unsigned,
			Shows: "The image passed, and its signature and provenance are not there any more.",
			Build: func(b *Bench) error { return b.world(then(Admits(), ""), then(unsigned, "no evidence")) },
		},
		{
			ID: slug(39, "evidence comes later"), Class: 39, Want: Admits(),
			Shows: "The image was asked for before its workflow had signed it, and is signed now.",
			Build: func(b *Bench) error { return b.world(then(unsigned, "no evidence"), then(Admits(), "")) },
		},
		{
			ID: slug(39, "error and then a release"), Class: 39, Want: Admits(),
			Shows: "The registry failed when the image was asked for, and works now.",
			Build: func(b *Bench) error { return b.world(then(serverError, "error"), then(Admits(), "")) },
		},
		{
			ID: slug(39, "release and then an error"), Class: 39, Want: serverError,
			Shows: "The image passed, and the registry fails now where the evidence lies.",
			Why:   "Nobody knows whether something was withdrawn meanwhile; the answer from before is not one for now.",
			Build: func(b *Bench) error { return b.world(then(Admits(), ""), then(serverError, "error")) },
		},
		{
			ID: slug(39, "error and then no evidence"), Class: 39, Want: unsigned,
			Shows: "The registry failed when the image was asked for, and says now that nothing is attached to it.",
			Build: func(b *Bench) error { return b.world(then(serverError, "error"), then(unsigned, "no evidence")) },
		},
		{
			ID: slug(39, "no evidence and then an error"), Class: 39, Want: serverError,
			Shows: "Nothing was attached to the image when it was asked for, and the registry fails now.",
			Build: func(b *Bench) error { return b.world(then(unsigned, "no evidence"), then(serverError, "error")) },
		},
		{
			ID: slug(39, "evidence that strangers do not see"), Class: 39, Want: unsigned,
			Shows: "The image passed for somebody whom the registry knows, and is asked for by somebody to whom it shows no evidence.",
			Build: func(b *Bench) error { return b.world(then(Admits(), "password"), then(unsigned, "no evidence")) },
		},
	}
}

var serverError = CannotTell("signature", "registry.server_error")

// moment is a question in a world of a kind.
type moment struct {
	want     Want
	kind     string
	byDigest bool
}

func then(want Want, kind string) moment { return moment{want: want, kind: kind} }

// pinned asks for the good release by tag and digest.
func (m moment) pinned() moment { m.byDigest = true; return m }

// about is what is judged; nothing where no image can be had.
func (m moment) about(good, evil *lab.Release) string {
	switch m.kind {
	case "evil tag":
		return evil.Image.Digest()
	case "evil digest":
		return ""
	}
	return good.Image.Digest()
}

// world publishes a good release, and an unsigned image under a tag of its own, and asks in one world after the other.
func (b *Bench) world(moments ...moment) error {
	if _, err := b.own(lab.Behaviour{}); err != nil {
		return err
	}
	good, err := b.Good()
	if err != nil {
		return err
	}
	evil, err := b.evil()
	if err != nil {
		return err
	}
	evil.Tag = "evil"
	if err := b.Push(evil); err != nil {
		return err
	}
	for _, m := range moments {
		image := good.Reference()
		if m.byDigest {
			image += "@" + good.Image.Digest()
		}
		b.Ask(Act{Image: image, Want: m.want.About(m.about(good, evil)), Turn: b.turn(worldOf(m.kind, good, evil))})
	}
	return b.Push(good)
}

// worldOf is what the registry does; nil is nothing of its own.
func worldOf(kind string, good, evil *lab.Release) lab.Intercept {
	switch kind {
	case "evil tag":
		return inPlace("/manifests/"+good.Tag, evil)
	case "evil digest":
		return inPlace("/manifests/"+good.Image.Digest(), evil)
	case "no evidence":
		return answerEvidence(http.StatusNotFound)
	case "error":
		return answerEvidence(http.StatusInternalServerError)
	case "password":
		return wantsPassword
	}
	return nil
}

// inPlace serves an image in the place of another.
func inPlace(path string, by *lab.Release) lab.Intercept {
	return func(_ http.ResponseWriter, req *http.Request) bool {
		if head, ok := strings.CutSuffix(req.URL.Path, path); ok {
			req.URL.Path = head + "/manifests/" + by.Image.Digest()
		}
		return false
	}
}

// answerEvidence answers with a status wherever evidence could lie.
func answerEvidence(status int) lab.Intercept {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !ofEvidence(req) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"errors":[]}`)) // the client may have gone
		return true
	}
}

// wantsPassword lets in those alone who know the lab's password.
func wantsPassword(w http.ResponseWriter, req *http.Request) bool {
	if user, password, ok := req.BasicAuth(); ok && user == lab.User && password == lab.Password {
		return false
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
	w.WriteHeader(http.StatusUnauthorized)
	return true
}

// again asks for a good release, and then for its image under another name or tag. Under the same name its evidence
// is the same.
func (b *Bench) again(suffix, tag string, want Want) error {
	r, err := b.Good()
	if err != nil {
		return err
	}
	if err := b.Push(r); err != nil {
		return err
	}
	b.Ask(Act{Image: r.Reference(), Want: Admits()})
	b.Repository += suffix
	repo, err := b.Repo()
	if err != nil {
		return err
	}
	b.Ask(Act{Image: b.Repository + ":" + tag, Want: want})
	return lab.PushImage(b.ctx, repo, tag, r.Image, b.Registry.Direct())
}
