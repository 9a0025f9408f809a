package verify_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// signature is an attack on the signature with evidence made by one function.
func signature(class int, name string, want verify.Code, make func(*stage) verify.Piece) attack {
	return attack{class: class, name: name, check: "signature", want: want, make: func(s *stage) []verify.Piece { return pieces(make(s)) }}
}

func provenance(class int, name string, want verify.Code, make func(*stage) verify.Piece) attack {
	return attack{class: class, name: name, check: "provenance", want: want, make: func(s *stage) []verify.Piece { return pieces(make(s)) }}
}

// badCertificates: class 10.
func badCertificates() []attack {
	const rawKey = "GHSA-fx35-mq7g-6g98"
	var all []attack
	for name, c := range map[string]struct {
		leaf lab.LeafOption
		want verify.Code
	}{
		"self-signed":                   {lab.SelfSigned(), verify.UnknownAuthority},
		"no extended key usage":         {lab.NoCodeSigning(), verify.SignatureInvalid},
		"for servers":                   {lab.LeafUsage(x509.ExtKeyUsageServerAuth), verify.SignatureInvalid},
		"for any use, not code signing": {lab.LeafUsage(x509.ExtKeyUsageAny), verify.SignatureInvalid},
		"an authority's":                {lab.CALeaf(), verify.SignatureInvalid},
		"expired when it was logged":    {lab.ValidFor(time.Second), verify.SignatureInvalid},
	} {
		all = append(all, signedBy(attack{class: 10, advisory: rawKey, name: "certificate: " + name, want: c.want}, workflow(), c.leaf)...)
	}
	annotation := func(name string, want verify.Code, text func(*lab.Signer) string) attack {
		a := signature(10, "certificate annotation: "+name, want, func(s *stage) verify.Piece {
			signer := s.issue(workflow())
			return sigBy(signer, lab.Annotation(lab.CertificateAnnotation, text(signer)))
		})
		a.advisory = rawKey
		return a
	}
	all = append(all,
		annotation("the raw key", verify.SignatureMalformed, func(s *lab.Signer) string { return string(s.PublicKeyPEM()) }),
		annotation("the raw key called a certificate", verify.SignatureMalformed, func(s *lab.Signer) string {
			block, _ := pem.Decode(s.PublicKeyPEM())
			block.Type = "CERTIFICATE"
			return string(pem.EncodeToMemory(block))
		}),
		annotation("empty", verify.SignatureKeySigned, func(*lab.Signer) string { return "" }),
		annotation("not PEM", verify.SignatureMalformed, func(*lab.Signer) string { return "certificate" }),
		annotation("two certificates", verify.SignatureMalformed, func(s *lab.Signer) string { return string(s.CertificatePEM()) + string(s.CertificatePEM()) }),
		annotation("the chain", verify.SignatureMalformed, func(s *lab.Signer) string { return string(s.ChainPEM()) }),
		annotation("with headers", verify.SignatureMalformed, func(s *lab.Signer) string {
			return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"a": "b"}, Bytes: s.Certificate.Raw}))
		}),
		annotation("with bytes behind it", verify.SignatureMalformed, func(s *lab.Signer) string {
			return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: append(bytes.Clone(s.Certificate.Raw), 0)}))
		}),
		signature(10, "a plain key, legacy", verify.SignatureKeySigned, func(s *stage) verify.Piece { return sigBy(must(s.NewKeySigner())) }),
		signature(10, "a plain key, bundle", verify.SignatureKeySigned, func(s *stage) verify.Piece { return bundleBy(must(s.NewKeySigner()), signStatement(), lab.Timestamp()) }),
		signature(10, "the certificate dropped", verify.SignatureKeySigned, func(s *stage) verify.Piece {
			return sigBy(s.issue(workflow()), lab.DropAnnotation(lab.CertificateAnnotation))
		}),
		provenance(10, "a plain key, legacy", verify.ProvenanceKeySigned, func(s *stage) verify.Piece {
			return attBy(must(s.NewKeySigner()), must(lab.ProvenanceV02(built())))
		}),
		provenance(10, "a plain key, bundle", verify.ProvenanceKeySigned, func(s *stage) verify.Piece {
			return bundleBy(must(s.NewKeySigner()), must(lab.ProvenanceV02(built())))
		}),
		signature(10, "somebody else's certificate, legacy", verify.SignatureInvalid, func(s *stage) verify.Piece {
			return sigBy(must(s.NewKeySigner()).WithCertificate(s.issue(workflow()).Certificate))
		}),
		signature(10, "somebody else's certificate, bundle", verify.SignatureInvalid, func(s *stage) verify.Piece {
			return bundleBy(must(s.NewKeySigner()).WithCertificate(s.issue(workflow()).Certificate), signStatement())
		}),
		signature(10, "the intermediate as the certificate", verify.SignatureInvalid, func(s *stage) verify.Piece {
			return bundleBy(s.issue(workflow()).WithCertificate(s.FulcioChain()[0]), signStatement())
		}),
		signature(10, "no certificate and no key in the bundle", verify.SignatureMalformed, func(s *stage) verify.Piece {
			return s.sigBundle(workflow(), lab.EditBundle(func(b *protobundle.Bundle) { b.VerificationMaterial.Content = nil }))
		}),
		signature(10, "a hint of a key for the certificate", verify.SignatureKeySigned, func(s *stage) verify.Piece {
			return s.sigBundle(workflow(), lab.EditBundle(func(b *protobundle.Bundle) {
				b.VerificationMaterial.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: "key"}}
			}))
		}),
		signature(10, "no Fulcio extensions", verify.SignatureInvalid, func(s *stage) verify.Piece {
			id := workflow()
			id.DropExtensions = true
			return s.sigBundle(id)
		}),
	)
	return all
}

// doubledNames: class 11, a leaf with two names, with none, with a person's.
func doubledNames() []attack {
	two, none, person := workflow(), workflow(), workflow()
	two.SANs = []string{"https://github.com/evil/widget/.github/workflows/release.yml@refs/tags/v1.2.3"}
	none.SAN = ""
	person.SAN, person.Email = "", "release@acme.example"
	mixed := workflow()
	mixed.Email = "release@acme.example"
	otherSigner := workflow()
	otherSigner.Extensions.BuildSignerURI = strings.Replace(otherSigner.SAN, "acme", "evil", 1)
	var all []attack
	for name, id := range map[string]lab.Identity{
		"two names": two, "no name": none, "a workflow and a person": mixed, "a person": person, "a signer that is not the name": otherSigner,
	} {
		all = append(all, signedBy(attack{class: 11, name: "certificate with " + name, want: verify.SignatureInvalid}, id)...)
	}
	return all
}

// outsideValidity: class 11, every authority and log outside its time.
func outsideValidity() []attack {
	windows := map[string]lab.Window{
		"ended before": {From: then.AddDate(0, 0, -2), To: then.AddDate(0, 0, -1)},
		"began after":  {From: then.AddDate(0, 0, 1), To: then.AddDate(0, 0, 2)},
	}
	timestamped := []lab.BundleOption{lab.RekorV2()}
	var all []attack
	for _, c := range []struct {
		part   lab.Part
		opts   []lab.BundleOption
		legacy bool
	}{
		{lab.FulcioCA, nil, true}, {lab.FulcioRootCert, nil, true}, {lab.FulcioIntermediateCert, nil, true}, {lab.CTLog, nil, true}, {lab.RekorV1Log, nil, true},
		{lab.FulcioCA, timestamped, false}, {lab.RekorV2Log, timestamped, false},
		{lab.TSA, timestamped, false}, {lab.TSARootCert, timestamped, false}, {lab.TSAIntermediateCert, timestamped, false}, {lab.TSALeafCert, timestamped, false},
	} {
		for when, w := range windows {
			opts := &lab.Options{Validity: map[lab.Part]lab.Window{c.part: w}}
			bundled := signature(11, fmt.Sprintf("%s %s, bundle with %d options", c.part, when, len(c.opts)), verify.SignatureInvalid,
				func(s *stage) verify.Piece { return s.sigBundle(workflow(), c.opts...) })
			bundled.advisory, bundled.lab = "CVE-2026-54787", opts
			all = append(all, bundled)
			if c.legacy {
				legacy := signature(11, fmt.Sprintf("%s %s, legacy", c.part, when), verify.SignatureInvalid, func(s *stage) verify.Piece { return s.sig(workflow()) })
				legacy.advisory, legacy.lab = "CVE-2026-24122", opts
				att := provenance(11, fmt.Sprintf("%s %s, legacy", c.part, when), verify.ProvenanceInvalid, func(s *stage) verify.Piece { return s.att() })
				att.advisory, att.lab = "CVE-2026-24122", opts
				all = append(all, legacy, att)
			}
		}
	}
	// Valid when the certificate was issued, expired when the log saw the signature.
	between := lab.Window{To: then.Add(30 * time.Second)}
	for _, part := range []lab.Part{lab.FulcioCA, lab.FulcioRootCert, lab.FulcioIntermediateCert, lab.RekorV1Log} {
		for layout, make := range map[string]func(*stage) verify.Piece{
			"legacy": func(s *stage) verify.Piece { return s.sig(workflow()) },
			"bundle": func(s *stage) verify.Piece { return s.sigBundle(workflow()) },
		} {
			a := signature(11, fmt.Sprintf("%s ended between certificate and log, %s", part, layout), verify.SignatureInvalid, make)
			a.advisory, a.lab = "CVE-2026-24122", &lab.Options{Validity: map[lab.Part]lab.Window{part: between}}
			all = append(all, a)
		}
	}
	for part, w := range map[lab.Part]lab.Window{lab.RekorV2Log: between, lab.TSALeafCert: between} {
		a := signature(11, fmt.Sprintf("%s ended between certificate and timestamp", part), verify.SignatureInvalid,
			func(s *stage) verify.Piece { return s.sigBundle(workflow(), lab.RekorV2()) })
		a.lab = &lab.Options{Validity: map[lab.Part]lab.Window{part: w}}
		all = append(all, a)
	}
	return all
}

// deep is JSON nested beyond every bound.
var deep = strings.Repeat("[", 5000) + strings.Repeat("]", 5000)

// malformedLegacy: class 12, the annotations of legacy layers.
func malformedLegacy() []attack {
	const set, body = `"SignedEntryTimestamp":"MEUCIQ=="`, `"body":"e30="`
	texts := map[string]string{
		"empty": "", "null": "null", "a number": "7", "a string": `"x"`, "an array": "[]", "an empty object": "{}", "not JSON": "{", "nested deeply": deep,
		"a body that is a number":         `{"Payload":{"body":7}}`,
		"a body that is a number, signed": `{` + set + `,"Payload":{"body":7,"integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a body that is null":             `{` + set + `,"Payload":{"body":null,"integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a body that is an object":        `{` + set + `,"Payload":{"body":{},"integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a body that is an array":         `{` + set + `,"Payload":{"body":["e30="],"integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a body that is no base64":        `{` + set + `,"Payload":{"body":"e30","integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a payload that is null":          `{` + set + `,"Payload":null}`,
		"a payload that is an array":      `{` + set + `,"Payload":[]}`,
		"no timestamp":                    `{"Payload":{` + body + `,"integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a negative index":                `{` + set + `,"Payload":{` + body + `,"integratedTime":1,"logIndex":-1,"logID":"00"}}`,
		"a huge number":                   `{` + set + `,"Payload":{` + body + `,"integratedTime":1e400,"logIndex":1,"logID":"00"}}`,
		"a number beyond int64":           `{` + set + `,"Payload":{` + body + `,"integratedTime":99999999999999999999,"logIndex":1,"logID":"00"}}`,
		"a time as text":                  `{` + set + `,"Payload":{` + body + `,"integratedTime":"1","logIndex":1,"logID":"00"}}`,
		"an unknown key":                  `{` + set + `,"extra":1,"Payload":{` + body + `,"integratedTime":1,"logIndex":1,"logID":"00"}}`,
		"a log id that is no hex":         `{` + set + `,"Payload":{` + body + `,"integratedTime":1,"logIndex":1,"logID":"xx"}}`,
	}
	var all []attack
	for name, text := range texts {
		all = append(all,
			advised("CVE-2026-44310", signature(12, "bundle annotation: "+name, verify.SignatureMalformed, func(s *stage) verify.Piece { return s.sig(workflow(), lab.RawBundle(text)) })),
			advised("CVE-2026-39395", provenance(12, "bundle annotation: "+name, verify.ProvenanceMalformed, func(s *stage) verify.Piece {
				return attBy(s.issue(generator()), must(lab.ProvenanceV02(built())), lab.RawBundle(text))
			})),
		)
	}
	// A good annotation, spoilt.
	spoilt := map[string]func(string) string{
		"two documents":      func(t string) string { return t + t },
		"a duplicate key":    func(t string) string { return strings.Replace(t, `{"Signed`, `{"Payload":{},"Signed`, 1) },
		"a key in capitals":  func(t string) string { return strings.Replace(t, `"logIndex"`, `"LogIndex"`, 1) },
		"a key in two cases": func(t string) string { return strings.Replace(t, `"logIndex"`, `"LogIndex":0,"logIndex"`, 1) },
		"truncated":          func(t string) string { return t[:len(t)-20] },
		"truncated base64":   func(t string) string { return strings.Replace(t, `","Payload"`, `=","Payload"`, 1) },
		"invalid UTF-8":      func(t string) string { return strings.Replace(t, `"Payload"`, "\"Payl\xffoad\"", 1) },
	}
	for name, spoil := range spoilt {
		all = append(all, signature(12, "bundle annotation: "+name, verify.SignatureMalformed, func(s *stage) verify.Piece {
			return annotated(s.sig(workflow()), lab.BundleAnnotation, spoil)
		}))
	}
	for name, body := range map[string]string{
		"null": "null", "an array": "[]", "empty object": "{}", "a number": "7", "another kind": `{"apiVersion":"0.0.1","kind":"rpm","spec":{}}`,
		"a null spec": `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":null}`, "an empty spec": `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}`,
		"a dsse entry without signatures": `{"apiVersion":"0.0.1","kind":"dsse","spec":{"signatures":[]}}`, "nested deeply": deep,
	} {
		want := verify.SignatureMalformed
		if strings.Contains(body, "spec") && name != "another kind" { // JSON of a known kind, whose inside is wrong
			want = verify.SignatureInvalid
		}
		all = append(all, signature(12, "a log entry's body that is "+name, want, func(s *stage) verify.Piece {
			return s.sig(workflow(), lab.LegacyEntryBody([]byte(body)))
		}))
	}
	for name, text := range map[string]string{"empty": "", "not base64": "~", "truncated base64": "MEUCIQ", "two lines": "MEUC\nIQ=="} {
		all = append(all, signature(12, "signature annotation: "+name, verify.SignatureMalformed, func(s *stage) verify.Piece {
			return s.sig(workflow(), lab.Annotation(lab.SignatureAnnotation, text))
		}))
	}
	for name, payload := range map[string]string{
		"null": "null", "an array": "[]", "empty": " ", "nested deeply": deep, "two documents": simple("") + simple(""),
		"no critical part":        `{"optional":{}}`,
		"a digest as an array":    strings.Replace(simple(""), `"`+imageDigest+`"`, `["`+imageDigest+`"]`, 1),
		"a duplicate key":         strings.Replace(simple(""), `"image"`, `"image":{"docker-manifest-digest":"`+otherDigest+`"},"image"`, 1),
		"another type":            strings.Replace(simple(""), "cosign container", "another container", 1),
		"atomic's type":           strings.Replace(simple(""), "cosign container image signature", "atomic container signature", 1),
		"no type":                 strings.Replace(simple(""), `"type":"cosign container image signature"`, `"type":""`, 1),
		"the digest in capitals":  strings.Replace(simple(""), `"critical"`, `"Critical"`, 1),
		"the digest beside image": `{"critical":{"docker-manifest-digest":"` + imageDigest + `","type":"cosign container image signature","image":{}}}`,
	} {
		all = append(all, signature(12, "payload: "+name, verify.SignatureMalformed, func(s *stage) verify.Piece {
			return s.sig(workflow(), lab.LegacyPayload([]byte(payload)))
		}))
	}
	big := signature(12, "annotations beyond the bound", verify.SignatureMalformed, func(s *stage) verify.Piece {
		return s.sig(workflow(), lab.Annotation("filler", strings.Repeat("x", 5<<20)))
	})
	return append(all, big)
}

func simple(digest string) string {
	if digest == "" {
		digest = imageDigest
	}
	return `{"critical":{"identity":{"docker-reference":"` + imageName + `"},"image":{"docker-manifest-digest":"` + digest + `"},"type":"cosign container image signature"},"optional":null}`
}

func advised(advisory string, a attack) attack {
	a.advisory = advisory
	return a
}

// annotated returns a piece with one annotation changed.
func annotated(p verify.Piece, key string, change func(string) string) verify.Piece {
	p.Annotations = maps.Clone(p.Annotations)
	p.Annotations[key] = change(p.Annotations[key])
	return p
}

// rewrapped signs and logs nothing anew: it changes the bytes of a layer.
func rewrapped(p verify.Piece, change func(string) string) verify.Piece {
	p.Bytes = []byte(change(string(p.Bytes)))
	p.Digest = digestOf(p.Bytes)
	return p
}

// logged signs a statement and has the log witness whatever bytes change makes of
// the envelope: what somebody can do who holds no key, since anyone may log an
// envelope that was signed.
func logged(signer *lab.Signer, statement []byte, change func(string) string) verify.Piece {
	envelope := must(signer.Envelope(lab.InTotoPayloadType, statement))
	var e struct {
		Signatures []struct {
			Sig string `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(envelope, &e); err != nil {
		panic(err)
	}
	changed := []byte(change(string(envelope)))
	hash := func(b []byte) map[string]string {
		sum := sha256.Sum256(b)
		return map[string]string{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	}
	body := must(json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "dsse", "spec": map[string]any{
		"envelopeHash": hash(changed), "payloadHash": hash(statement),
		"signatures": []any{map[string]string{"signature": e.Signatures[0].Sig, "verifier": base64.StdEncoding.EncodeToString(signer.CertificatePEM())}},
	}}))
	p := attBy(signer, statement, lab.LegacyEntryBody(body))
	p.Bytes, p.Digest = changed, digestOf(changed)
	return p
}

// malformedEnvelopes: class 12 for the envelopes of legacy attestations, each logged as it stands.
func malformedEnvelopes() []attack {
	good := must(lab.ProvenanceV02(built()))
	evil := must(lab.ProvenanceV02(built(editing(set(generatorID+"@refs/tags/v2.0.0", "predicate", "builder", "id")))))
	encoded := base64.StdEncoding.EncodeToString
	// signedOther takes an envelope over evil, which really is signed, and slips
	// good in, which is not, under a key that another parser would not read.
	signedOther := func(name string, change func(string) string) attack {
		return provenance(12, "envelope: "+name, verify.ProvenanceMalformed, func(s *stage) verify.Piece { return logged(s.issue(generator()), evil, change) })
	}
	all := []attack{
		signedOther("payload in two cases", func(e string) string {
			return strings.Replace(e, `{"payloadType"`, `{"payload":"`+encoded(good)+`","payloadType"`, 1)
		}),
		signedOther("payload in two cases, the signed one in capitals", func(e string) string {
			e = strings.Replace(e, `"payload":`, `"Payload":`, 1)
			return strings.Replace(e, `{"payloadType"`, `{"payload":"`+encoded(good)+`","payloadType"`, 1)
		}),
		signedOther("payload with a letter that folds", func(e string) string {
			e = strings.Replace(e, `"signatures":`, `"ſignatures":`, 1)
			return strings.Replace(e, `{"payloadType"`, `{"signatures":[{"sig":"AAAA"}],"payloadType"`, 1)
		}),
	}
	for name, change := range map[string]func(string) string{
		"two documents":    func(e string) string { return e + e },
		"an array":         func(e string) string { return "[" + e + "]" },
		"null":             func(string) string { return "null" },
		"truncated":        func(e string) string { return e[:len(e)/2] },
		"truncated base64": func(e string) string { return strings.Replace(e, `"payload":"`, `"payload":"e`, 1) },
		"a null payload": func(string) string {
			return `{"payloadType":"` + lab.InTotoPayloadType + `","payload":null,"signatures":[{"sig":"AAAA"}]}`
		},
		"signatures as object":     func(e string) string { return strings.Replace(strings.Replace(e, `[{`, `{`, 1), `}]`, `}`, 1) },
		"a signature in capitals":  func(e string) string { return strings.Replace(e, `"sig":`, `"Sig":`, 1) },
		"a signature in two cases": func(e string) string { return strings.Replace(e, `"sig":`, `"sig":"AAAA","Sig":`, 1) },
		"nested deeply":            func(e string) string { return strings.Replace(e, `{"payloadType"`, `{"x":`+deep+`,"payloadType"`, 1) },
	} {
		all = append(all, provenance(12, "envelope: "+name, verify.ProvenanceMalformed, func(s *stage) verify.Piece { return logged(s.issue(generator()), good, change) }))
	}
	for name, payload := range map[string]string{
		"null": "null", "an array": "[]", "a number": "7", "empty object": "{}", "two documents": string(good) + string(good), "nested deeply": deep,
		"a duplicate key":  strings.Replace(string(good), `"subject"`, `"subject":[],"subject"`, 1),
		"another type":     strings.Replace(string(good), "in-toto.io/Statement/v0.1", "in-toto.io/Statement/v0.2", 1),
		"no predicate":     `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1","subject":[{"digest":{"sha256":"` + imageHex + `"}}]}`,
		"a null predicate": `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1","predicate":null,"subject":[{"digest":{"sha256":"` + imageHex + `"}}]}`,
	} {
		all = append(all,
			provenance(12, "statement, legacy: "+name, verify.ProvenanceMalformed, func(s *stage) verify.Piece { return attBy(s.issue(generator()), []byte(payload)) }),
			provenance(12, "statement, bundle: "+name, verify.ProvenanceMalformed, func(s *stage) verify.Piece { return bundleBy(s.issue(generator()), []byte(payload)) }),
		)
	}
	return all
}

// malformedBundles: class 12 for bundles.
func malformedBundles() []attack {
	var all []attack
	for name, change := range map[string]func(string) string{
		"empty": func(string) string { return "" }, "null": func(string) string { return "null" }, "an array": func(b string) string { return "[" + b + "]" },
		"a number": func(string) string { return "7" }, "empty object": func(string) string { return "{}" }, "nested deeply": func(string) string { return deep },
		"truncated": func(b string) string { return b[:len(b)-2] }, "two documents": func(b string) string { return b + b },
		"a duplicate key":              func(b string) string { return strings.Replace(b, `{"mediaType"`, `{"mediaType":"x","mediaType"`, 1) },
		"an unknown key":               func(b string) string { return strings.Replace(b, `{"mediaType"`, `{"extra":1,"mediaType"`, 1) },
		"a key in capitals":            func(b string) string { return strings.Replace(b, `"dsseEnvelope"`, `"DsseEnvelope"`, 1) },
		"a key twice in two spellings": func(b string) string { return strings.Replace(b, `{"mediaType"`, `{"dsse_envelope":{},"mediaType"`, 1) },
		"both kinds of content": func(b string) string {
			return strings.Replace(b, `{"mediaType"`, `{"messageSignature":{},"mediaType"`, 1)
		},
		"a negative index": func(b string) string { return strings.Replace(b, `"logIndex":"`, `"logIndex":"-`, 1) },
		"a huge index":     func(b string) string { return strings.Replace(b, `"logIndex":"`, `"logIndex":"9999999999999999999`, 1) },
		"truncated base64": func(b string) string { return strings.Replace(b, `"sig":"`, `"sig":"M`, 1) },
		"a null envelope":  func(b string) string { return strings.Replace(b, `"dsseEnvelope":{`, `"dsseEnvelope":null,"x":{`, 1) },
		"null entries":     func(b string) string { return strings.Replace(b, `"tlogEntries":[`, `"tlogEntries":[null,`, 1) },
		"another version":  func(b string) string { return strings.Replace(b, "bundle.v0.3", "bundle.v0.9", 1) },
		"no version":       func(b string) string { return strings.Replace(b, lab.BundleMediaType, "", 1) },
		"invalid UTF-8":    func(b string) string { return strings.Replace(b, `"sig"`, "\"sig\xff\"", 1) },
	} {
		all = append(all, signature(12, "bundle: "+name, verify.SignatureMalformed, func(s *stage) verify.Piece { return rewrapped(s.sigBundle(workflow()), change) }))
	}
	for name, edit := range map[string]func(*protobundle.Bundle){
		"no material":            func(b *protobundle.Bundle) { b.VerificationMaterial = nil },
		"no content":             func(b *protobundle.Bundle) { b.Content = nil },
		"a certificate of junk":  func(b *protobundle.Bundle) { b.VerificationMaterial.GetCertificate().RawBytes = []byte("junk") },
		"a chain in v0.3":        chained,
		"an entry without a log": func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].LogId = nil },
		"an entry without body":  func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = nil },
		"an entry without kind":  func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].KindVersion = nil },
		"no signature":           func(b *protobundle.Bundle) { b.GetDsseEnvelope().Signatures = nil },
		"an entry of no version": func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = []byte(`{"apiVersion":"","kind":"dsse","spec":{}}`)
		},
		"an entry of another kind": func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = []byte(`{"apiVersion":"0.0.1","kind":"rpm","spec":{}}`)
		},
		"33 entries": func(b *protobundle.Bundle) {
			for len(b.VerificationMaterial.TlogEntries) < 33 {
				b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, b.VerificationMaterial.TlogEntries[0])
			}
		},
	} {
		all = append(all, signature(12, "bundle: "+name, verify.SignatureMalformed, func(s *stage) verify.Piece { return s.sigBundle(workflow(), lab.EditBundle(edit)) }))
	}
	return all
}

// chained puts the certificate of a v0.3 bundle into a chain, as older versions do.
func chained(b *protobundle.Bundle) {
	b.VerificationMaterial.Content = &protobundle.VerificationMaterial_X509CertificateChain{
		X509CertificateChain: &protocommon.X509CertificateChain{Certificates: []*protocommon.X509Certificate{b.VerificationMaterial.GetCertificate()}},
	}
}

// otherEntries: class 13, log entries of something else.
func otherEntries() []attack {
	const advisory = "CVE-2026-22703"
	other := must(lab.SignStatement(imageName, otherDigest))
	otherProvenance := must(lab.ProvenanceV02(built(func(o *lab.ProvenanceOptions) { o.Subjects = lab.Subjects(imageName, otherDigest) })))
	swap := func(into, from verify.Piece) verify.Piece {
		return annotated(into, lab.BundleAnnotation, func(string) string { return from.Annotations[lab.BundleAnnotation] })
	}
	entryFrom := func(from verify.Piece) lab.BundleOption {
		var b protobundle.Bundle
		if err := unmarshalBundle(from.Bytes, &b); err != nil {
			panic(err)
		}
		return lab.EditBundle(func(into *protobundle.Bundle) {
			into.VerificationMaterial.TlogEntries = b.VerificationMaterial.TlogEntries
		})
	}
	rows := []attack{
		signature(13, "legacy: entry of another payload", verify.SignatureInvalid, func(s *stage) verify.Piece {
			return s.sig(workflow(), lab.LegacyEntryOf([]byte(simple(otherDigest))))
		}),
		signature(13, "legacy: entry of another signer", verify.SignatureInvalid, func(s *stage) verify.Piece { return swap(s.sig(workflow()), s.sig(workflow())) }),
		signature(13, "legacy: entry of another signature by the same key", verify.SignatureInvalid, func(s *stage) verify.Piece {
			signer := s.issue(workflow())
			return swap(sigBy(signer), sigBy(signer))
		}),
		signature(13, "legacy: entry of an attestation by the same key", verify.SignatureInvalid, func(s *stage) verify.Piece {
			signer := s.issue(workflow())
			return swap(sigBy(signer), attBy(signer, signStatement()))
		}),
		provenance(13, "legacy: entry of another statement", verify.ProvenanceInvalid, func(s *stage) verify.Piece {
			return attBy(s.issue(generator()), must(lab.ProvenanceV02(built())), lab.LegacyEntryOf(otherProvenance))
		}),
		provenance(13, "legacy: intoto entry of another statement", verify.ProvenanceInvalid, func(s *stage) verify.Piece {
			return attBy(s.issue(generator()), must(lab.ProvenanceV02(built())), lab.LegacyEntryOf(otherProvenance), lab.LegacyEntry(lab.EntryIntoto001))
		}),
		provenance(13, "legacy: entry of another signer", verify.ProvenanceInvalid, func(s *stage) verify.Piece { return swap(s.att(), s.att()) }),
		provenance(13, "legacy: entry of a signature by the same key", verify.ProvenanceInvalid, func(s *stage) verify.Piece {
			signer := s.issue(generator())
			return swap(attBy(signer, must(lab.ProvenanceV02(built()))), sigBy(signer))
		}),
	}
	for name, log := range map[string][]lab.BundleOption{"v1": nil, "v1 intoto": {lab.Entry(lab.EntryIntoto002)}, "v2": {lab.RekorV2()}} {
		rows = append(rows,
			signature(13, "bundle "+name+": entry of another statement", verify.SignatureInvalid, func(s *stage) verify.Piece {
				return s.sigBundle(workflow(), append(log, lab.EntryOf(other))...)
			}),
			signature(13, "bundle "+name+": entry of another signer", verify.SignatureInvalid, func(s *stage) verify.Piece {
				return s.sigBundle(workflow(), append(log, entryFrom(s.sigBundle(workflow(), log...)))...)
			}),
			signature(13, "bundle "+name+": entry of another signature by the same key", verify.SignatureInvalid, func(s *stage) verify.Piece {
				signer := s.issue(workflow())
				return bundleBy(signer, signStatement(), append(log, entryFrom(bundleBy(signer, signStatement(), log...)))...)
			}),
		)
	}
	for i := range rows {
		rows[i].advisory = advisory
	}
	return rows
}

// falseLogs: class 14, and 15, one log counted twice.
func falseLogs() []attack {
	bundle := func(name string, want verify.Code, opts ...lab.BundleOption) attack {
		return signature(14, "bundle: "+name, want, func(s *stage) verify.Piece { return s.sigBundle(workflow(), opts...) })
	}
	legacy := func(name string, want verify.Code, opts ...lab.LegacyOption) []attack {
		return []attack{
			signature(14, "legacy: "+name, want, func(s *stage) verify.Piece { return s.sig(workflow(), opts...) }),
			provenance(14, "legacy: "+name, verify.Code(strings.Replace(string(want), "signature.", "provenance.", 1)), func(s *stage) verify.Piece {
				return attBy(s.issue(generator()), must(lab.ProvenanceV02(built())), opts...)
			}),
		}
	}
	all := []attack{
		bundle("no entry", verify.SignatureInvalid, lab.Unlogged(), lab.Timestamp()),
		bundle("neither promise nor proof", verify.SignatureMalformed, lab.NoPromise(), lab.NoProof()),
		bundle("no proof where the version wants one", verify.SignatureMalformed, lab.NoProof()),
		bundle("no promise where the version wants one", verify.SignatureMalformed, lab.Version(lab.BundleV01), lab.NoPromise()),
		bundle("proof without a time", verify.SignatureInvalid, lab.NoPromise()),
		bundle("false promise", verify.SignatureInvalid, lab.FalsePromise()),
		bundle("false promise and a timestamp", verify.SignatureInvalid, lab.FalsePromise(), lab.Timestamp()),
		bundle("good promise, false proof", verify.SignatureInvalid, lab.FalseProof()),
		bundle("good promise, false proof, v0.1", verify.SignatureInvalid, lab.FalseProof(), lab.Version(lab.BundleV01)),
		bundle("false proof, v2", verify.SignatureInvalid, lab.FalseProof(), lab.RekorV2()),
		bundle("unknown log", verify.UnknownAuthority, lab.UnknownLog()),
		bundle("unknown log and a timestamp", verify.UnknownAuthority, lab.UnknownLog(), lab.Timestamp()),
		bundle("unknown log, v2", verify.UnknownAuthority, lab.RekorV2(), lab.UnknownLog()),
		bundle("impostor log", verify.SignatureInvalid, lab.ImpostorLog()),
		bundle("impostor log, v2", verify.SignatureInvalid, lab.RekorV2(), lab.ImpostorLog()),
		bundle("another origin, v2", verify.SignatureInvalid, lab.RekorV2(), lab.CheckpointOrigin("log.evil.example")),
		bundle("another origin, v1", verify.SignatureInvalid, lab.CheckpointOrigin("log.evil.example")),
		bundle("no timestamp, v2", verify.SignatureInvalid, lab.RekorV2(), lab.NoTimestamp()),
	}
	all = append(all, legacy("unknown log", verify.UnknownAuthority, lab.LegacyUnknownLog())...)
	all = append(all, legacy("impostor log", verify.SignatureInvalid, lab.LegacyImpostorLog())...)
	all = append(all, legacy("false promise", verify.SignatureInvalid, lab.LegacyFalsePromise())...)
	all = append(all, legacy("no entry", verify.SignatureInvalid, lab.DropAnnotation(lab.BundleAnnotation))...)
	all = append(all, legacy("no entry but a timestamp", verify.SignatureInvalid, lab.DropAnnotation(lab.BundleAnnotation), lab.LegacyTimestamp())...)
	twoLogs := []string{"trust: {public-good: {builtin: public-good, thresholds: {log_entries: 2}}}", "---", "source: " + sourceYAML, signatureYAML}
	twoTimes := []string{"trust: {public-good: {builtin: public-good, thresholds: {timestamps: 2}}}", "---", "source: " + sourceYAML, signatureYAML}
	twoSCTs := []string{"trust: {public-good: {builtin: public-good, thresholds: {scts: 2}}}", "---", "source: " + sourceYAML, signatureYAML}
	threshold := func(name string, rule []string, make func(*stage) verify.Piece) attack {
		a := signature(15, name, verify.SignatureInvalid, make)
		a.advisory, a.rule = "CVE-2026-49834", rule
		return a
	}
	doubled := lab.EditBundle(func(b *protobundle.Bundle) {
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, b.VerificationMaterial.TlogEntries[0])
	})
	return append(all,
		threshold("one log twice for two", twoLogs, func(s *stage) verify.Piece { return s.sigBundle(workflow(), lab.LoggedTwice()) }),
		threshold("one entry twice for two", twoLogs, func(s *stage) verify.Piece { return s.sigBundle(workflow(), doubled) }),
		threshold("one log twice for two, v2", twoLogs, func(s *stage) verify.Piece { return s.sigBundle(workflow(), lab.RekorV2(), lab.LoggedTwice()) }),
		threshold("the one entry of a legacy signature for two", twoLogs, func(s *stage) verify.Piece { return s.sig(workflow()) }),
		threshold("the one time of a legacy signature for two", twoTimes, func(s *stage) verify.Piece { return s.sig(workflow(), lab.LegacyTimestamp()) }),
		threshold("one log twice for two times", twoTimes, func(s *stage) verify.Piece { return s.sigBundle(workflow(), lab.LoggedTwice()) }),
		threshold("one time for two", twoTimes, func(s *stage) verify.Piece { return s.sigBundle(workflow()) }),
		threshold("one SCT for two, legacy", twoSCTs, func(s *stage) verify.Piece { return s.sig(workflow()) }),
		threshold("one SCT for two, bundle", twoSCTs, func(s *stage) verify.Piece { return s.sigBundle(workflow()) }),
	)
}

// falseTimes: class 16, timestamps and SCTs.
func falseTimes() []attack {
	stamped := func(name string, opts ...lab.BundleOption) attack {
		return advised("CVE-2026-39984", signature(16, name, verify.SignatureInvalid, func(s *stage) verify.Piece {
			return s.sigBundle(workflow(), append([]lab.BundleOption{lab.RekorV2()}, opts...)...)
		}))
	}
	notForStamping := stamped("timestamp by a certificate for code signing")
	notForStamping.lab = &lab.Options{TSAUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	all := []attack{
		stamped("timestamp over other bytes", lab.TimestampOver([]byte("other"))),
		stamped("timestamp over the payload", lab.TimestampOver(signStatement())),
		stamped("timestamp before the certificate", lab.TimestampAt(then.Add(-time.Hour))),
		stamped("timestamp after the certificate", lab.TimestampAt(then.Add(time.Hour))),
		stamped("timestamp of junk", lab.EditBundle(func(b *protobundle.Bundle) {
			b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp = []byte("junk")
		})),
		stamped("33 timestamps", lab.EditBundle(func(b *protobundle.Bundle) {
			d := b.VerificationMaterial.TimestampVerificationData
			for len(d.Rfc3161Timestamps) < 33 {
				d.Rfc3161Timestamps = append(d.Rfc3161Timestamps, d.Rfc3161Timestamps[0])
			}
		})),
		signature(16, "timestamp by another instance", verify.SignatureInvalid, func(s *stage) verify.Piece {
			return s.sigBundle(workflow(), lab.RekorV2(), lab.EditBundle(func(b *protobundle.Bundle) {
				token := must(s.second.Timestamp(b.GetDsseEnvelope().GetSignatures()[0].GetSig(), soon))
				b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp = token
			}))
		}),
		notForStamping,
	}
	all = append(all, signedBy(attack{class: 16, name: "no SCT", want: verify.SignatureInvalid}, workflow(), lab.NoSCT())...)
	all = append(all, signedBy(attack{class: 16, name: "SCT by an unknown log", want: verify.SignatureInvalid}, workflow(), lab.UnknownCTLog())...)
	return all
}

// clocks: class 17.
func clocks() []attack {
	windowed := func(window string) []string {
		return []string{"source: " + sourceYAML, "signature: {signer: " + strings.TrimSuffix(signerYAML, "}") + ", signed: " + window + "}}", provenanceYAML}
	}
	sourceWindow := []string{"source: " + strings.TrimSuffix(sourceYAML, "}") + `, signed: {until: "2025-06-01T12:01:00Z"}}`, provenanceYAML}
	var all []attack
	for name, window := range map[string]string{
		"after the window":           `{until: 2025-06-01}`,
		"at the window's end":        `{until: "2025-06-01T12:01:00Z"}`,
		"before the window":          `{from: 2025-06-02}`,
		"a second before the window": `{from: "2025-06-01T12:01:01Z"}`,
		"between two other days":     `{from: 2025-05-01, until: 2025-05-02}`,
	} {
		all = append(all, signedBy(attack{class: 17, name: "signed " + name, want: verify.SignatureOutsideWindow, rule: windowed(window)}, workflow())...)
	}
	all = append(all, builtBy(attack{class: 17, name: "built at the end of the source's window", want: verify.ProvenanceOutsideWindow, rule: sourceWindow}, generator())...)
	before := signedBy(attack{class: 17, name: "judged an hour before the signature", want: verify.SignatureInFuture, at: soon.Add(-time.Hour)}, workflow())
	justBefore := signedBy(attack{class: 17, name: "judged just more than the clocks may differ before", want: verify.SignatureInFuture, at: soon.Add(-5*time.Minute - time.Second)}, workflow())
	never := signedBy(attack{class: 17, name: "judged at the beginning of time", want: verify.SignatureInFuture, at: time.Unix(0, 0)}, workflow())
	all = append(all, before...)
	all = append(all, justBefore...)
	all = append(all, never...)
	all = append(all, builtBy(attack{class: 17, name: "judged an hour before the build", want: verify.ProvenanceInFuture, at: soon.Add(-time.Hour)}, generator())...)
	// One of two verified times lies outside the window.
	a := signature(17, "one of two times outside the window", verify.SignatureOutsideWindow, func(s *stage) verify.Piece {
		return s.sigBundle(workflow(), lab.TimestampAt(soon.Add(2*time.Minute)))
	})
	a.rule = windowed(`{until: "2025-06-01T12:02:00Z"}`)
	return append(all, a)
}

// confusedEnvelopes: class 19.
func confusedEnvelopes() []attack {
	good := must(lab.ProvenanceV02(built()))
	var all []attack
	for _, kind := range []string{"application/json", "", "text/plain", "application/vnd.in-toto+json; charset=utf-8", "application/vnd.in-toto.provenance+json", "APPLICATION/vnd.in-toto+json"} {
		all = append(all,
			provenance(19, fmt.Sprintf("legacy: payloadType %q", kind), verify.ProvenanceMalformed, func(s *stage) verify.Piece { return attBy(s.issue(generator()), good, lab.LegacyPayloadType(kind)) }),
			provenance(19, fmt.Sprintf("bundle: payloadType %q", kind), verify.ProvenanceMalformed, func(s *stage) verify.Piece { return bundleBy(s.issue(generator()), good, lab.PayloadType(kind)) }),
		)
	}
	another := []byte("another signature")
	all = append(all,
		provenance(19, "legacy: another signature before", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			return attBy(s.issue(generator()), good, lab.LegacySignatureBefore(another))
		}),
		provenance(19, "legacy: another signature after", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			return attBy(s.issue(generator()), good, lab.LegacySignatureAfter(another))
		}),
		provenance(19, "bundle: another signature before", verify.ProvenanceMalformed, func(s *stage) verify.Piece { return bundleBy(s.issue(generator()), good, lab.SignatureBefore(another)) }),
		provenance(19, "bundle: another signature after", verify.ProvenanceMalformed, func(s *stage) verify.Piece { return bundleBy(s.issue(generator()), good, lab.SignatureAfter(another)) }),
		provenance(19, "bundle: a message signature over the statement", verify.ProvenanceUnsupported, func(s *stage) verify.Piece {
			return bundleBy(s.issue(generator()), good, lab.MessageSignature())
		}),
		signature(19, "bundle: a message signature over the payload", verify.SignatureUnsupported, func(s *stage) verify.Piece {
			return bundleBy(s.issue(workflow()), []byte(simple("")), lab.MessageSignature())
		}),
		signature(19, "legacy: a signature annotation on an attestation's layer", verify.SignatureMissing, func(s *stage) verify.Piece {
			return attBy(s.issue(workflow()), signStatement(), lab.Annotation(lab.SignatureAnnotation, "MEUC"))
		}),
		provenance(19, "legacy: a second signature in the annotation", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			return attBy(s.issue(generator()), good, lab.Annotation(lab.SignatureAnnotation, "MEUC"))
		}),
		provenance(19, "legacy: the annotation says provenance, the payload SBOM", verify.ProvenanceMissing, func(s *stage) verify.Piece {
			return attBy(s.issue(generator()), must(lab.CycloneDX(imageName, imageDigest)), lab.Annotation(lab.PredicateTypeAnnotation, lab.SLSAv02PredicateType))
		}),
		signature(19, "an attestation in the signature's place", verify.SignatureMalformed, func(s *stage) verify.Piece {
			p := attBy(s.issue(workflow()), signStatement())
			p.Layout = verify.LegacySignature
			return p
		}),
		provenance(19, "a signature in the attestation's place", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			p := s.sig(generator())
			p.Layout = verify.LegacyAttestation
			return p
		}),
		provenance(19, "a bundle in the attestation's place", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			p := bundleBy(s.issue(generator()), good)
			p.Layout = verify.LegacyAttestation
			return p
		}),
		provenance(19, "an envelope in the bundle's place", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			p := s.att()
			p.Layout = verify.Bundle
			return p
		}),
		provenance(19, "a payload that was not signed, bundle", verify.ProvenanceInvalid, func(s *stage) verify.Piece {
			return bundleBy(s.issue(generator()), must(lab.ProvenanceGitHub(built())), lab.EditBundle(func(b *protobundle.Bundle) { b.GetDsseEnvelope().Payload = good }))
		}),
		provenance(19, "no payload, bundle", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
			return bundleBy(s.issue(generator()), good, lab.EditBundle(func(b *protobundle.Bundle) {
				b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{}}
			}))
		}),
	)
	return all
}
