package coverage

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/releaseassay/assay/internal/report"
)

const maxCell = 300

// JSON writes a table for programs.
func JSON(w io.Writer, t Table) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(t)
}

// Text writes a table for people.
func Text(w io.Writer, t Table) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "IMAGE\tRULE"
	if t.Evidence {
		head += "\tEVIDENCE"
	}
	fmt.Fprintln(tab, head)
	counts := map[State]int{}
	for _, r := range t.Images {
		counts[r.State]++
		cells := []string{r.Image, r.Rule}
		if r.Image == "" {
			cells[0] = "(no image)"
		}
		if r.Rule == "" {
			cells[1] = string(r.State)
		}
		if t.Evidence {
			cells = append(cells, r.evidence())
		}
		if r.State == Unreadable {
			cells[1] += ": " + r.Problem + " (" + r.Where + ")"
		}
		for i := range cells {
			cells[i] = report.Escape(cells[i], maxCell)
		}
		fmt.Fprintln(tab, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	var parts []string
	for _, s := range []State{Covered, NoEvidence, NoRule, Unreadable, Undecided} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	_, err := fmt.Fprintf(w, "\n%d images: %s\n", len(t.Images), strings.Join(parts, ", "))
	return err
}

func (r Row) evidence() string {
	if r.State == Undecided && len(r.Evidence) == 0 {
		return string(Undecided) + ": " + r.Problem
	}
	var parts []string
	for _, c := range r.Evidence {
		text := fmt.Sprintf("%s %d", c.Check, c.Found)
		if c.OnPlatforms > 0 {
			text += fmt.Sprintf("+%d on platforms", c.OnPlatforms)
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, ", ")
	switch r.State {
	case NoEvidence:
		return string(NoEvidence) + ": " + text
	case Undecided:
		return string(Undecided) + ": " + text + ": " + r.Problem
	}
	return text
}
