package cases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// keptStates are what an earlier run saw, in a file that a job carries, after somebody touched it.
func keptStates() []repositoryCase {
	unreadable := openAs("state_unreadable")
	return []repositoryCase{
		{class: 36, words: "state that is junk", want: unreadable, spoil: spoiltState(editState(func(string) string { return "junk\n" })),
			shows: "What earlier runs saw was overwritten, so that a gate would begin anew and believe an older repository."},
		{class: 36, words: "state that is empty", want: unreadable, spoil: spoiltState(editState(func(string) string { return "" })), shows: "What earlier runs saw is an empty file."},
		{class: 36, words: "state that is torn", want: unreadable, shows: "What earlier runs saw ends in the middle.",
			spoil: spoiltState(editState(func(s string) string { return s[:len(s)/2] }))},
		{class: 36, words: "state that was lowered", want: unreadable,
			shows: "Somebody wrote lower versions into what earlier runs saw, so that an older repository is new enough.",
			spoil: spoiltState(editState(func(s string) string { return strings.ReplaceAll(s, `"timestamp": 2`, `"timestamp": 1`) }))},
		{class: 36, words: "a folder in place of state", want: unreadable, shows: "In the place of what earlier runs saw is a folder.",
			spoil: spoiltState(func(file string) error {
				if err := os.RemoveAll(file); err != nil {
					return err
				}
				return os.Mkdir(file, 0o700)
			})},
		{class: 36, words: "state of another repository", want: unreadable, spoil: spoiltState(editState(anotherRoot)),
			shows: "What earlier runs saw was replaced by what was seen of another repository, whose versions are lower."},
	}
}

// lostStates are below what a run may begin from.
func lostStates() []repositoryCase {
	return []repositoryCase{
		{class: 36, words: "a repository below its floor", want: openAs("rollback"),
			shows: "The job carries what earlier jobs saw; this one is served an older repository, in which a withdrawn image is listed.",
			spoil: func(h *hall) {
				file := h.stateFile()
				before := h.repo.Files()
				h.withdraw(lab.DefaultTag)
				h.publish()
				serve := h.serve()
				h.bench.Ask(Act{Want: refusedAs("not_listed"), Turn: func(ctx context.Context) error {
					if err := os.RemoveAll(file); err != nil {
						return err
					}
					return serve(ctx)
				}})
				h.repo.SetFiles(before)
				h.attack()
			}},
		{class: 36, words: "state that was taken away", want: openAs("state_missing"), tuf: []string{"state: required"},
			shows: "Somebody deleted what earlier runs saw, and serves an older repository, in which a withdrawn image is listed.",
			why:   "The policy says that there has to be state; without that, a first run begins from the pinned root.",
			spoil: func(h *hall) {
				h.stateFile()
				before := h.repo.Files()
				h.withdraw(lab.DefaultTag)
				h.publish()
				h.repo.SetFiles(before)
			}},
	}
}

// spoiltState asks once, so that there is state in a file, and again when it was changed.
func spoiltState(change func(file string) error) func(*hall) {
	return func(h *hall) {
		file := h.stateFile()
		h.bench.Ask(Act{Turn: func(context.Context) error { return os.RemoveAll(file) }, Want: Admits()})
		h.bench.Ask(Act{Turn: func(context.Context) error { return change(file) }})
	}
}

func editState(change func(string) string) func(file string) error {
	return func(file string) error {
		b, err := os.ReadFile(file)                        //nolint:gosec // the lab made the name
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another gate than assay keeps none
			return fmt.Errorf("spoil the kept state: %w", err)
		}
		return os.WriteFile(file, []byte(change(string(b))), 0o600)
	}
}

// anotherRoot makes state that is whole, and of another pinned root: its checksum is of the file without it.
func anotherRoot(state string) string {
	const pinned, checksum = `"pinned_sha256": "`, "\n  \"sha256\": \""
	state = withMember(state, pinned, sum([]byte("another root")))
	state = withMember(state, checksum, "")
	return withMember(state, checksum, sum([]byte(state)))
}

// withMember replaces what stands between the text before a value and the next quotation mark.
func withMember(state, before, value string) string {
	head, rest, ok := strings.Cut(state, before)
	_, tail, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return state
	}
	return head + before + value + `"` + tail
}

// stateFile is a file for what was seen, which every act of the case names.
func (h *hall) stateFile() string {
	dir, err := os.MkdirTemp("", "assay-lab-state-")
	if err != nil {
		h.try(fmt.Errorf("make a folder for what was seen: %w", err))
		return ""
	}
	h.bench.Closes(func() error { return os.RemoveAll(dir) })
	file := filepath.Join(dir, "state.json")
	h.bench.Args("--tuf-state", file)
	return file
}
