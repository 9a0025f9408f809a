package registry

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// The annotations by which a layout's index names what it holds.
const (
	annotationRefName   = "org.opencontainers.image.ref.name"
	annotationImageName = "io.containerd.image.name"
	annotationImageRef  = "dev.sigstore.cosign/imageRef"
	annotationKind      = "kind"
	kindSigs            = "dev.cosignproject.cosign/sigs"
	kindAtts            = "dev.cosignproject.cosign/atts"
)

// maxHeld is how many manifests of one layout are read.
const maxHeld = 4096

// Layout is a verify.Source over an OCI image layout directory: as cosign save writes
// it, or with referrers beside the image, or with cosign's tags as reference names.
// It opens no socket, and no file outside the directory. It serves one verification, and
// is safe for concurrent use.
type Layout struct {
	root   *os.Root
	limits verify.Limits
	// named are the descriptors of index.json; held is every manifest that it reaches,
	// and unread why one could not be read.
	named  []descriptor
	held   []heldManifest
	unread map[string]*verify.Failure

	mu sync.Mutex
	// left is how many bytes of evidence may still be read, in all; kept is what was read,
	// by digest: evidence is offered for every image of an index.
	left int64
	kept map[string][]byte
}

var _ verify.Source = (*Layout)(nil)

// heldManifest is a manifest or index whose bytes were read and hashed once.
type heldManifest struct {
	descriptor descriptor
	subject    string
}

// OpenLayout reads the index of the layout in dir and every manifest that it reaches.
// Its error is a *verify.Failure.
func OpenLayout(dir string, limits verify.Limits) (*Layout, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unreadable("%v", pathless(err)).at(dir, allLayouts)
	}
	l := &Layout{root: root, limits: bounded(limits), unread: map[string]*verify.Failure{}, left: budget.Default().Bytes, kept: map[string][]byte{}}
	if bad := l.open(); bad != nil {
		_ = root.Close()
		return nil, bad.at(dir, allLayouts)
	}
	return l, nil
}

// Close lets go of the directory.
func (l *Layout) Close() error { return l.root.Close() }

func (l *Layout) open() *trouble {
	marker, bad := l.file("oci-layout", firstRead)
	if bad != nil {
		return onDisk(bad)
	}
	var version struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(marker, &version); err != nil || version.Version != "1.0.0" {
		return unreadable("oci-layout names version %q, wanted 1.0.0", version.Version)
	}
	body, bad := l.file("index.json", ManifestBytes)
	if bad != nil {
		return onDisk(bad)
	}
	if l.named, bad = parseIndex(body); bad != nil {
		return unreadable("index.json: %s", bad.detail)
	}
	l.walk()
	return nil
}

// reached is a descriptor on the way from index.json.
type reached struct {
	descriptor descriptor
	// optional marks an image of an index, which a layout need not hold.
	optional bool
}

// walk reads every manifest that index.json reaches.
func (l *Layout) walk() {
	var queue []reached
	met := map[string]bool{}
	enqueue := func(d descriptor, optional bool) {
		switch {
		case met[d.Digest]:
		case len(met) >= maxHeld:
			bad := definitive(verify.LimitExceeded, "the layout holds more than %d manifests", maxHeld)
			l.unread[""] = bad.at("layout index.json", allLayouts)
		default:
			met[d.Digest] = true
			queue = append(queue, reached{descriptor: d, optional: optional})
		}
	}
	for _, d := range l.named {
		enqueue(d, false)
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, child := range l.hold(queue[0]) {
			enqueue(child, len(child.Platform) > 0)
		}
	}
}

// hold reads one manifest, takes note of it and returns what it lists.
func (l *Layout) hold(next reached) []descriptor {
	d := next.descriptor
	m, _, bad := l.manifest(d)
	if bad != nil {
		foreign := d.MediaType != "" && !slices.Contains(imageTypes, d.MediaType)
		if !foreign && !(next.optional && bad.absent()) {
			l.unread[d.Digest] = onDisk(bad).at("layout@"+d.Digest, allLayouts)
		}
		return nil
	}
	held := heldManifest{descriptor: d}
	if m.Subject != nil {
		held.subject = m.Subject.Digest
	}
	l.held = append(l.held, held)
	return m.Manifests
}

// manifest reads and parses the manifest of a descriptor.
func (l *Layout) manifest(d descriptor) (manifest, []byte, *trouble) {
	body, bad := l.blob(d, ManifestBytes)
	if bad != nil {
		return manifest{}, nil, bad
	}
	m, bad := parseManifest(body)
	return m, body, bad
}

// blob reads the bytes of a descriptor, which must hash to it.
func (l *Layout) blob(d descriptor, most int64) ([]byte, *trouble) {
	if bad := d.sound(most); bad != nil {
		return nil, bad
	}
	hex := strings.TrimPrefix(d.Digest, "sha256:")
	body, bad := l.file(path.Join("blobs", "sha256", hex), d.Size)
	switch {
	case bad == nil:
		return body, d.check(body)
	case bad.code == verify.LimitExceeded: // of its own descriptor, not of ours
		bad.code = verify.RegistrySizeMismatch
	}
	return nil, bad
}

// evidence reads a piece of evidence, once.
func (l *Layout) evidence(d descriptor) ([]byte, *trouble) {
	l.mu.Lock()
	defer l.mu.Unlock()
	body, ok := l.kept[d.Digest]
	if !ok && d.Size > l.left {
		return nil, definitive(verify.LimitExceeded, "one verification reads no more than %d bytes", budget.Default().Bytes)
	}
	var bad *trouble
	if ok {
		bad = d.check(body)
	} else {
		body, bad = l.blob(d, l.limits.PieceBytes)
	}
	if bad != nil {
		return nil, onDisk(bad)
	}
	if !ok {
		l.left -= int64(len(body))
		l.kept[d.Digest] = body
	}
	return body, nil
}

// file reads a regular file of the layout.
func (l *Layout) file(name string, most int64) ([]byte, *trouble) {
	// Asked before it is opened: opening a pipe would wait for its writer.
	info, err := l.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, definitive(verify.RegistryNotFound, "%s does not exist", name)
	case err != nil:
		return nil, unreadable("%s: %v", name, pathless(err))
	case !info.Mode().IsRegular():
		return nil, unreadable("%s is not a regular file", name)
	case info.Size() > most:
		return nil, definitive(verify.LimitExceeded, "%s has %d bytes, wanted at most %d", name, info.Size(), most)
	}
	file, err := l.root.Open(name)
	if err != nil {
		return nil, unreadable("%s: %v", name, pathless(err))
	}
	defer func() { _ = file.Close() }()
	body, err := io.ReadAll(io.LimitReader(file, info.Size()+1))
	if err != nil {
		return nil, unreadable("%s: %v", name, pathless(err))
	}
	return body, nil
}

func unreadable(format string, args ...any) *trouble {
	return definitive(verify.LayoutUnreadable, format, args...)
}

// onDisk gives trouble the code that it has in a layout: nothing there is a registry.
func onDisk(bad *trouble) *trouble {
	if bad.code == verify.LimitExceeded {
		return bad
	}
	return unreadable("%s", bad.detail)
}

// pathless unwraps the path from an error of package os: the caller says which.
func pathless(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
