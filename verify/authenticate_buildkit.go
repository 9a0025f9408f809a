package verify

// buildKit follows the digests from the image, which has to be an index, to a bill of
// materials that BuildKit keeps in it
// (https://docs.docker.com/build/metadata/attestations/attestation-storage/). What comes
// out is signed by nobody: it has no claims and no times, and it counts only where the
// index's own signature vouches for it. Of other types nothing comes out.
func (a *authenticator) buildKit(p Piece) (*Statement, error) {
	statement, err := a.statementOf(p.Bytes)
	if err != nil {
		return nil, err
	}
	if !isSBOM(statement.predicateType) {
		return nil, reject(problemUnsupported, "BuildKit's statement is not signed")
	}
	index := a.index
	switch {
	case index.digest == "" || index.digest != a.image.Digest:
		return nil, reject(problemInvalid, "the index's bytes do not hash to %s", a.image.Digest)
	case index.err != nil:
		return nil, reject(problemInvalid, "read the index that holds it: %w", index.err)
	}
	lists, ok := index.entry(digestOf(p.Manifest))
	if !ok {
		return nil, reject(problemInvalid, "the manifest that lists it is not one that the index lists")
	}
	if !lists.candidate(index.entries) {
		return nil, reject(problemInvalid, "the index does not say that its manifest attests one of the images beside it")
	}
	evidence := digestOf(p.Bytes)
	if err := listsStatement(p.Manifest, evidence, a.limits); err != nil {
		return nil, err
	}
	about, _ := index.entry(lists.annotations[annotationReferenceDigest])
	if !statement.names(about.digest) && !statement.names(a.image.Digest) {
		return nil, reject(problemSubject, "none of its %d subjects is %s, which the index says it attests, or the index", len(statement.subjects), about.digest)
	}
	return &Statement{
		layout: BuildKit, place: p.Place, evidence: evidence, predicateType: statement.predicateType, predicate: statement.predicate,
		subjects: statement.subjects, root: a.root.name, log: LogNone, about: about.digest, platform: about.platform.String(),
	}, nil
}

// listsStatement wants a manifest to hold in-toto statements alone, the one of this
// digest among them.
func listsStatement(manifest []byte, digest string, limits Limits) error {
	if err := onlyInToto(manifest, limits); err != nil {
		return reject(problemInvalid, "the manifest that lists it: %w", err)
	}
	o, err := manifestObject(manifest, limits)
	if err != nil {
		return reject(problemInvalid, "the manifest that lists it: %w", err)
	}
	layers, err := o.array("layers", maxEntries)
	if err != nil {
		return reject(problemInvalid, "the manifest that lists it: %w", err)
	}
	for _, raw := range layers {
		if layer, _, err := parseDescriptor(raw); err == nil && layer.digest == digest && layer.mediaType == mediaTypeInToto {
			return nil
		}
	}
	return reject(problemInvalid, "its manifest does not list it as a layer of the type %s", mediaTypeInToto)
}
