package observe

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// LogFile is a file that is written at its end, and opened anew when it was moved
// away. It is safe for concurrent use; a write that stands still keeps nobody from
// opening the file anew.
type LogFile struct {
	path string
	mu   sync.Mutex
	file *os.File
}

// OpenLog opens a file to be written at its end, and makes it if it is not there, for
// its owner alone to read.
func OpenLog(path string) (*LogFile, error) {
	f, err := openLog(path)
	if err != nil {
		return nil, err
	}
	return &LogFile{path: path, file: f}, nil
}

func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return f, nil
}

func (l *LogFile) current() *os.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file
}

// Write implements io.Writer.
func (l *LogFile) Write(b []byte) (int, error) {
	for {
		f := l.current()
		n, err := f.Write(b)
		if n == 0 && err != nil && l.current() != f {
			continue // it was closed after it was opened anew
		}
		return n, err
	}
}

// Reopen opens the path anew, as after logrotate has moved the file away. If that
// fails, what was open stays in use.
func (l *LogFile) Reopen() error {
	if l == nil {
		return nil
	}
	f, err := openLog(l.path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.file
	l.file = f
	l.mu.Unlock()
	if err := old.Close(); err != nil {
		return fmt.Errorf("close the old log: %w", err)
	}
	return nil
}

// Close closes the file.
func (l *LogFile) Close() error {
	if l == nil {
		return nil
	}
	return l.current().Close()
}
