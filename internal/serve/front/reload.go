package front

import (
	"context"
	"errors"
	"time"
)

// kept is something read from files.
type kept struct {
	name   string
	look   func() bool // whether it changed
	tried  func()
	reload func() error
}

// kept lists what the front reads from files.
func (f *Front) kept() []kept {
	var all []kept
	if f.cert != nil {
		all = append(all, kept{"certificate", f.cert.files.changed, f.cert.files.tried, f.cert.reload})
	}
	if f.clients != nil {
		all = append(all, kept{"client_ca", f.clients.files.changed, f.clients.files.tried, f.clients.reload})
	}
	if f.tokens != nil {
		all = append(all, kept{"tokens", f.tokens.changed, f.tokens.tried, f.tokens.reload})
	}
	return all
}

func (t *tokens) changed() (any bool) {
	for _, f := range t.files {
		any = f.changed() || any
	}
	return any
}

func (t *tokens) tried() {
	for _, f := range t.files {
		f.tried()
	}
}

// Reload reads certificate, client CA and tokens now. What cannot be used leaves what
// is there, and is logged and counted. No connection and no request ends by it.
func (f *Front) Reload() error {
	f.reload.Lock()
	defer f.reload.Unlock()
	var errs []error
	for _, k := range f.kept() {
		errs = append(errs, f.read(k))
	}
	return errors.Join(errs...)
}

func (f *Front) read(k kept) error {
	err := k.reload()
	f.o.Metrics.Loaded(k.name, err)
	if err != nil {
		f.o.Log.Error("keeping the old "+k.name, "error", err.Error())
		return err
	}
	f.o.Log.Info("read " + k.name + " again")
	f.loaded()
	return nil
}

// loaded says when what was read expires.
func (f *Front) loaded() {
	if f.cert != nil {
		f.o.Metrics.Expires("certificate", f.o.Settings.Certificate, f.cert.current().Leaf.NotAfter)
	}
	if f.clients != nil {
		_, a := f.clients.current()
		f.o.Metrics.Expires("certificate", f.o.Settings.ClientCA, a.until)
	}
}

// watch looks at the files again and again, until ctx ends. It compares content: the
// files of a mounted Secret are links whose own time never changes.
func (f *Front) watch(ctx context.Context) {
	t := time.NewTicker(f.o.Poll)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f.look()
		}
	}
}

func (f *Front) look() {
	f.reload.Lock()
	defer f.reload.Unlock()
	for _, k := range f.kept() {
		if k.look() {
			k.tried()
			_ = f.read(k) // said by read
		}
	}
}
