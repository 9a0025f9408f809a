package cases

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// documents: classes 25 and 26.
func documents() []Case {
	return slices.Concat(bills(), billSigners(), buildKitBills(), scans(), exploitability(), reports())
}

// document is what the release workflow attested beside good evidence, and why it is refused.
type document struct {
	name, shows string
	// more is demanded besides what every such case demands.
	more string
	// write makes it, edits change it and raw changes its bytes; nil is CycloneDX, and none.
	write dated
	edits []lab.Edit
	raw   func([]byte) []byte
	code  string
}

// bill makes a document with edits.
func bill(name, shows, code string, edits ...lab.Edit) document {
	return document{name: name, shows: shows, code: code, edits: edits}
}

func (d document) demanding(more string) document { d.more = ", " + more; return d }
func (d document) by(write dated) document        { d.write = write; return d }

// rewritten changes the bytes.
func (d document) rewritten(old, with string) document {
	d.raw = func(raw []byte) []byte { return bytes.Replace(raw, []byte(old), []byte(with), 1) }
	return d
}

// statement writes the document about a release.
func (d document) statement(b *Bench, r *lab.Release) ([]byte, error) {
	write := d.write
	if write == nil {
		write = undated(lab.CycloneDX).dated
	}
	statement, err := write(r.Repository, r.Image.Digest(), b.Now(), d.edits...)
	if err != nil || d.raw == nil {
		return statement, err
	}
	changed := d.raw(statement)
	if bytes.Equal(changed, statement) {
		return nil, errors.New("found nothing to rewrite in the document")
	}
	return changed, nil
}

// attested adds the document by the release workflow.
func (d document) attested(b *Bench) step {
	return func(r *lab.Release) error {
		statement, err := d.statement(b, r)
		if err != nil {
			return err
		}
		return r.Attest(b.Sigstore, r.Signer(), statement)
	}
}

// earlier attests a document so long before all else.
func (b *Bench) earlier(age time.Duration, write dated, edits ...lab.Edit) step {
	at := b.Now().Add(-age)
	return func(r *lab.Release) error {
		statement, err := write(r.Repository, r.Image.Digest(), at, edits...)
		if err != nil {
			return err
		}
		return r.Telling(lab.SignedAt(at), func(r *lab.Release) error { return r.Attest(b.Sigstore, r.Signer(), statement) })
	}
}

// component is one of a CycloneDX document.
func component(name, version, purl string, inside ...any) map[string]any {
	c := map[string]any{"type": "library", "name": name, "version": version}
	if purl != "" {
		c["purl"] = purl
	}
	if len(inside) > 0 {
		c["components"] = inside
	}
	return c
}

// listing replaces the components of a document.
func listing(components ...any) lab.Edit {
	return lab.Set("predicate.components", append([]any{}, components...))
}

// buried puts a component inside n others.
func buried(n int, inner map[string]any) lab.Edit {
	for range n {
		inner = component("outer", "1.0", "", inner)
	}
	return listing(inner)
}
