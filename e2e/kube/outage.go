package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// outageScenarios are about the server itself, and run alone, in this order.
func (w *world) outageScenarios() []scenario {
	alone := func(name string, run func(context.Context) error) scenario {
		return scenario{name: name, alone: true, run: run}
	}
	return []scenario{
		alone("policy/edited-takes-effect", w.edit),
		alone("policy/broken-keeps-the-last-good-one", w.spoil),
		alone("certificate/rotated-under-load", w.rotate),
		alone("stopped/gracefully-under-load", w.stopUnderLoad),
		alone("stopped/pod-is-denied", w.denied(pods(plainNamespace), func() object { return pod(w.name("down"), podSpec(w.releases.good.tagged())) })),
		alone("stopped/pinned-pod-is-denied", w.denied(pods(plainNamespace), func() object { return pod(w.name("down"), podSpec(w.releases.good.pinned())) })),
		alone("stopped/pod-under-audit-is-denied", w.denied(pods(trialNamespace), func() object { return pod(w.name("down"), podSpec(w.releases.good.tagged())) })),
		alone("stopped/deployment-is-denied", w.denied(workloads()[0].api(plainNamespace), func() object {
			return workloads()[0].make(w.name("down"), podSpec(w.releases.good.tagged()))
		})),
		alone("stopped/ephemeral-container-is-denied", w.deniedEphemeral),
		alone("stopped/image-policy-is-closed", w.reviewClosed),
		alone("stopped/containerd-is-undecided", func(ctx context.Context) error { return w.pulled(ctx, 3, []string{"UNDECIDED"}, w.releases.good) }),
		alone("stopped/verify-is-undecided", func(ctx context.Context) error { return w.ends(ctx, 3, nil, "", w.asked(w.releases.good.tagged())...) }),
		alone("stopped/status-and-deletion-work", w.repair),
		alone("stopped/cluster-can-repair-itself", func(ctx context.Context) error {
			r, err := w.createPod(ctx, "kube-system", podSpec(w.releases.bad.tagged()))
			if err != nil {
				return err
			}
			return admitted(r)
		}),
		alone("started-again/good-is-pinned", w.startAgain),
		alone("started-again/image-policy", func(ctx context.Context) error { return w.reviewAdmits(ctx) }),
	}
}

// load asks for Pods without end, and counts what was not admitted.
type load struct {
	asked atomic.Int64
	stop  context.CancelFunc
	group sync.WaitGroup
	mu    sync.Mutex
	first error
}

// startLoad asks from several sides at once.
func (w *world) startLoad(ctx context.Context, sides int) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{stop: cancel}
	for range sides {
		l.group.Go(func() {
			for ctx.Err() == nil {
				r, err := w.admin.do(ctx, http.MethodPost, pods(plainNamespace)+"?dryRun=All", pod(w.name("load"), podSpec(w.releases.good.tagged())))
				if ctx.Err() != nil {
					return
				}
				l.asked.Add(1)
				if err == nil {
					err = named(r, w.releases.good.pinned(), "spec", "containers", 0)
				}
				if err != nil {
					l.mu.Lock()
					l.first = errors.Join(l.first, err)
					l.mu.Unlock()
					return
				}
			}
		})
	}
	return l
}

// end stops asking, and returns how often was asked and what went wrong.
func (l *load) end() (int64, error) {
	l.stop()
	l.group.Wait()
	return l.asked.Load(), l.first
}

// rotate changes the certificate three times while Pods are created. Nothing may be denied, and new connections have to
// see the new one.
func (w *world) rotate(ctx context.Context) error {
	l := w.startLoad(ctx, 4)
	err := func() error {
		for range 3 {
			time.Sleep(500 * time.Millisecond)
			p, err := w.serving.issue("assay", "")
			if err != nil {
				return err
			}
			if err := p.write(w.pki(), "assay"); err != nil {
				return err
			}
			pair, err := tls.X509KeyPair(p.cert, p.key)
			if err != nil {
				return fmt.Errorf("read the new certificate: %w", err)
			}
			if err := eventually(ctx, func() error { return w.shows(ctx, pair) }); err != nil {
				return err
			}
		}
		return nil
	}()
	time.Sleep(500 * time.Millisecond)
	asked, failed := l.end()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if asked < 20 {
		return fmt.Errorf("found %d Pods asked for during the change; wanted a load", asked)
	}
	w.say("%d Pods were created while the certificate changed", asked)
	return nil
}

// shows wants a new connection to be answered with a certificate.
func (w *world) shows(ctx context.Context, want tls.Certificate) error {
	c, err := w.caller("admission")
	if err != nil {
		return err
	}
	transport := c.http.Transport.(*http.Transport)
	defer transport.CloseIdleConnections()
	d := tls.Dialer{Config: transport.TLSClientConfig}
	conn, err := d.DialContext(ctx, "tcp", doorsAddress)
	if err != nil {
		return fmt.Errorf("dial assay: %w", err)
	}
	defer func() { _ = conn.Close() }()
	found := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw
	if string(found) != string(want.Certificate[0]) {
		return errors.New("found the old certificate on a new connection")
	}
	return nil
}

// stopUnderLoad ends the server while Pods are created: those in flight are answered, and later ones denied.
func (w *world) stopUnderLoad(ctx context.Context) error {
	l := w.startLoad(ctx, 2)
	time.Sleep(300 * time.Millisecond)
	if err := w.endAssay(ctx); err != nil {
		return errors.Join(err, func() error { _, err := l.end(); return err }())
	}
	time.Sleep(200 * time.Millisecond)
	_, err := l.end()
	if err == nil {
		return errors.New("found every Pod admitted after the server had stopped; wanted a denial")
	}
	return nil
}

// denied wants the cluster closed.
func (w *world) denied(path string, make func() object) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := w.admin.do(ctx, http.MethodPost, path, make())
		if err != nil {
			return err
		}
		return refused(r, http.StatusInternalServerError, "failed calling webhook", "releaseassay.dev")
	}
}

func (w *world) deniedEphemeral(ctx context.Context) error {
	change := object{"spec": object{"ephemeralContainers": []any{container("debugger", w.releases.good.tagged())}}}
	r, err := w.admin.strategic(ctx, pods(plainNamespace)+"/"+legacyPod+"/ephemeralcontainers", change)
	if err != nil {
		return err
	}
	return refused(r, http.StatusInternalServerError, "failed calling webhook")
}

// repair is what a cluster has to do without the server.
func (w *world) repair(ctx context.Context) error {
	path := pods(plainNamespace) + "/" + legacyPod
	r, err := w.admin.patch(ctx, path+"/status", object{"status": object{"phase": "Failed"}})
	if err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	if r, err = w.admin.do(ctx, http.MethodDelete, path+"?gracePeriodSeconds=0", nil); err != nil {
		return err
	}
	return admitted(r)
}

// startAgain starts the server, which has forgotten everything.
func (w *world) startAgain(ctx context.Context) error {
	if err := w.startAssay(ctx); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		r, err := w.createPod(ctx, plainNamespace, podSpec(w.releases.good.tagged()))
		if err != nil {
			return err
		}
		if err := named(r, w.releases.good.pinned(), "spec", "containers", 0); err != nil {
			return err
		}
		if r, err = w.createPod(ctx, plainNamespace, podSpec(w.releases.bad.tagged())); err != nil {
			return err
		}
		return forbidden(r, "signature.missing")
	})
}

// edit ends the audit mode of a namespace: what ran with a warning is denied from then on, without a restart.
func (w *world) edit(ctx context.Context) error {
	shared, err := os.ReadFile(w.file("range", cases.PolicyFile))
	if err != nil {
		return fmt.Errorf("read the shared policy: %w", err)
	}
	if err := w.reread(shared); err != nil {
		return err
	}
	return w.trialEnforced(ctx)
}

// spoil leaves a policy that no server would start with in the place of a good one: the last good one is kept.
func (w *world) spoil(ctx context.Context) error {
	if err := w.reread([]byte("apiVersion: assay/v1\nkind: ReleasePolicy\nimages: [{match: '**', signatur: {}}]\n")); err != nil {
		return err
	}
	for range 3 {
		if err := w.trialEnforced(ctx); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
	return w.edit(ctx) // a server that starts would not take it
}

// reread writes the policy of the namespace that had an audit mode, and tells the server.
func (w *world) reread(policy []byte) error {
	if err := writeWhole(w.file("range", "trial.yaml"), policy); err != nil {
		return err
	}
	return w.assay.Signal(syscall.SIGHUP)
}

// trialEnforced wants an attack denied and a good image pinned.
func (w *world) trialEnforced(ctx context.Context) error {
	return eventually(ctx, func() error {
		r, err := w.createPod(ctx, trialNamespace, podSpec(w.releases.bad.tagged()))
		if err != nil {
			return err
		}
		if err := forbidden(r, "signature.missing"); err != nil {
			return err
		}
		if r, err = w.createPod(ctx, trialNamespace, podSpec(w.releases.good.tagged())); err != nil {
			return err
		}
		return named(r, w.releases.good.pinned(), "spec", "containers", 0)
	})
}
