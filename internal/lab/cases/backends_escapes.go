package cases

import (
	"net/http"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// escape is what drives a terminal: it clears the screen, renames the window, writes over the line, and turns writing
// around. There is a control character of each kind, C1 ones included.
const escape = "\x1b[2J\x1b[1;1H\x1b]0;owned\x07PASS\r\b\x7f\u202e\u009b31m"

// softEscape is what of it can stand in a header: Go's client refuses the rest of them.
const softEscape = "\u009b2J\u202e\u009b31mPASS"

// escapes are texts that an attacker chooses and a gate shows to a person. assay writes its reports for people to
// stderr besides, where the characters would be seen.
func escapes() []Case {
	var out []Case
	for _, e := range []struct {
		words, shows string
		want         Want
		build        func(*Bench) error
	}{
		{"error body", "The registry's error message", CannotTell("signature", "registry.forbidden"), func(b *Bench) error {
			return b.unsignedBehind(onEvidence(http.StatusForbidden, "Content-Type", "application/json"))
		}},
		{"challenge", "The realm for which the registry wants a password", CannotTell("signature", "registry.unauthorized"), func(b *Bench) error {
			return b.unsignedBehind(onEvidence(http.StatusUnauthorized, "WWW-Authenticate", `Basic realm="`+softEscape+`"`))
		}},
		{"redirect", "The address to which the registry redirects", CannotTell("signature", "registry.unreachable"), func(b *Bench) error {
			return b.unsignedBehind(onEvidence(http.StatusFound, "Location", "http://127.0.0.1:1/"+softEscape))
		}},
		{"encoding", "The name of an encoding that nobody asked for", CannotTell("signature", "registry.malformed"), func(b *Bench) error {
			return b.unsignedBehind(onEvidence(http.StatusOK, "Content-Encoding", softEscape))
		}},
		{"labels", "Every label and annotation of an unsigned image", unsigned, func(b *Bench) error {
			r, err := b.bare(map[string]string{"org.opencontainers.image.source": escape, "org.opencontainers.image.version": escape, escape: escape})
			if err != nil {
				return err
			}
			return b.Push(r)
		}},
		{"media type", "The media type of what is attached", unsigned, func(b *Bench) error {
			return b.beside("application/" + escape)
		}},
		{"identity", "Who signed, in the claims of his certificate,", Fails("signature", "signature.identity_mismatch"), escapedIdentity},
		{"builder", "The builder in the provenance", Fails("provenance", "provenance.certificate_mismatch"), func(b *Bench) error {
			return b.provenance(lab.Set("predicate.builder.id", "https://github.com/"+lab.GeneratorRepository+escape))
		}},
		{"predicate type", "The predicate type of an attestation", Fails("provenance", "provenance.missing"), func(b *Bench) error {
			return b.provenance(lab.Set("predicateType", lab.SLSAv02PredicateType+escape))
		}},
		{"subject", "The name of another image that the provenance is about", Fails("provenance", "provenance.subject_mismatch"), func(b *Bench) error {
			return b.provenance(lab.Set("subject.0.name", escape), lab.Set("subject.0.digest.sha256", strings.Repeat("0", 64)))
		}},
		{"certificate", "What stands in the place of the certificate", Fails("signature", "signature.malformed"), func(b *Bench) error {
			return b.layer(lab.Annotation(lab.CertificateAnnotation, escape))
		}},
		{"log entry", "What stands in the place of the log entry", Fails("signature", "signature.malformed"), func(b *Bench) error {
			return b.layer(lab.RawBundle(escape))
		}},
		{"platform", "The platform of an image in the index", Fails("platforms", "platforms.unexpected"), escapedPlatform},
	} {
		out = append(out, Case{
			ID: slug(40, "escapes in", e.words), Class: 40, Want: e.want,
			Shows: e.shows + " clears the reader's screen and writes PASS on it.",
			Build: func(b *Bench) error { b.shown(); return e.build(b) },
		})
	}
	return out
}

// shown has assay write its reports for people too.
func (b *Bench) shown() {
	b.Ask(Act{Args: []string{"--output", "json", "--output", "text=/dev/stderr"}})
	b.Ask(Act{Args: []string{"--output", "json", "--output", "details=/dev/stderr", "--output", "markdown=/dev/fd/2"}})
}

// onEvidence answers for evidence with a status, a header and the escapes.
func onEvidence(status int, header, value string) lab.Intercept {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !ofEvidence(req) {
			return false
		}
		w.Header().Set(header, value)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"errors":[{"code":"DENIED","message":"` + escape + `"}]}` + escape)) // the client may have gone
		return true
	}
}

func escapedIdentity(b *Bench) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	id := evilWorkflow()
	for _, claim := range []*string{
		&id.Extensions.SourceRepositoryURI, &id.Extensions.GithubWorkflowRepository, &id.Extensions.SourceRepositoryRef, &id.Extensions.GithubWorkflowRef,
		&id.Extensions.BuildTrigger, &id.Extensions.GithubWorkflowTrigger, &id.Extensions.GithubWorkflowName, &id.Extensions.RunnerEnvironment,
	} {
		*claim += escape
	}
	if err := r.Sign(b.Sigstore, id); err != nil {
		return err
	}
	if err := r.AddProvenance(b.Sigstore, r.Builder(), r.Provenance()); err != nil {
		return err
	}
	return b.Push(r)
}

// provenance publishes a signed release whose provenance was edited before its builder signed it.
func (b *Bench) provenance(edits ...lab.Edit) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	if err := r.Sign(b.Sigstore, r.Signer()); err != nil {
		return err
	}
	opts := r.Provenance()
	opts.Edit = func(s map[string]any) {
		for _, edit := range edits {
			edit(s)
		}
	}
	if err := r.AddProvenance(b.Sigstore, r.Builder(), opts); err != nil {
		return err
	}
	return b.Push(r)
}

// layer publishes a release with a legacy signature that was spoilt.
func (b *Bench) layer(spoil lab.LegacyOption) error {
	r, err := b.Release(Form(lab.LegacyForm))
	if err != nil {
		return err
	}
	signer, err := b.Issue(r.Signer(), b.Now())
	if err != nil {
		return err
	}
	if err := r.SignBy(signer, lab.Variation{Form: lab.LegacyForm, Legacy: []lab.LegacyOption{spoil}}); err != nil {
		return err
	}
	if err := r.AddProvenance(b.Sigstore, r.Builder(), r.Provenance()); err != nil {
		return err
	}
	return b.Push(r)
}

func escapedPlatform(b *Bench) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	entries, err := lab.Platforms(b.Case.ID, "linux/amd64", "linux/s390x")
	if err != nil {
		return err
	}
	entries[1].Platform = "linux/" + strings.ReplaceAll(escape, "/", "") + "/v8"
	if r.Image, err = lab.NewIndexOf(entries...); err != nil {
		return err
	}
	if err := r.Sign(b.Sigstore, r.Signer()); err != nil {
		return err
	}
	if err := r.AddProvenance(b.Sigstore, r.Builder(), r.Provenance()); err != nil {
		return err
	}
	b.Rule(Standard("platforms: {require: [linux/amd64], only: [linux/amd64]}")...)
	return b.Push(r)
}
