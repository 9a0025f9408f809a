package settings

import (
	"fmt"
	"io"
)

// Write writes the settings as a file of settings, each with where it was said. What
// nobody said and has no value is a comment. There are no secrets among settings.
func (s Settings) Write(w io.Writer, said Origins) error {
	for _, t := range Table() {
		origin, ok := said[t.Name]
		if !ok {
			origin = "default"
		}
		line := t.Name + ": " + t.written(&s)
		if t.field(&s).show() == "" {
			line, origin = "# "+t.Name+":", "default "+t.Default
		}
		if _, err := fmt.Fprintf(w, "%s # %s\n", line, origin); err != nil {
			return err
		}
	}
	return nil
}

// written is the value as the file would have it.
func (t Setting) written(s *Settings) string {
	f := t.field(s)
	switch f.(type) {
	case many, *boolean, *scalar[int], *scalar[float64]:
		return f.show()
	}
	return quote(f.show())
}
