package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
	"github.com/releaseassay/assay/e2e/internal/process"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/lab/cases"
)

// workers is how many scenarios run at a time; some of them wait most of their time.
const workers = 8

// world is a cluster with assay before it, and the attack range beside it.
type world struct {
	options
	dir string
	// api vouches for the API server, serving for assay, and asking for those who may ask assay.
	api, serving, asking *authority

	site     *cases.Site
	private  *lab.Registry // wants a password that assay does not have
	stray    *lab.Registry // nobody allowed to ask
	releases releases
	etcd     *process.Process
	cluster  *cluster // asks the webhooks
	review   *cluster // has the plugin ImagePolicyWebhook
	assay    *process.Process
	swapper  *swapper

	admin, tenant *client

	mu         sync.Mutex
	namespaces map[string]*sync.Once
	numbered   atomic.Int64
}

// file is the path of a file of the world.
func (w *world) file(names ...string) string {
	return filepath.Join(append([]string{w.dir}, names...)...)
}

// pki is the folder of certificates.
func (w *world) pki() string { return w.file("pki") }

// name returns a name that nothing else has.
func (w *world) name(word string) string { return fmt.Sprintf("%s-%d", word, w.numbered.Add(1)) }

// rehearse is the process in the namespace: it starts everything, runs the scenarios and prints how they came out.
func (o options) rehearse(ctx context.Context) (int, error) {
	if err := process.RaiseLoopback(); err != nil {
		return 0, exit.CannotRun{Reason: err}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("not done within %s", o.timeout))
	defer cancel()
	w := &world{options: o, dir: o.inside, namespaces: map[string]*sync.Once{}}
	defer w.close()
	began := time.Now()
	if err := w.open(ctx); err != nil {
		return 0, err
	}
	o.say("everything started after %.1f s", time.Since(began).Seconds())
	all := selected(w.scenarios(), o.match)
	if len(all) == 0 {
		return 0, fmt.Errorf("found no scenario with %q in its name; -list lists them", o.match)
	}
	for _, q := range w.site.Questions {
		if reason := left(q); reason != "" {
			o.say("not asked: %s: %s", q.Case.ID, reason)
		}
	}
	counted := runAll(ctx, all, workers, os.Stdout)
	o.say("scenarios ended after %.1f s", time.Since(began).Seconds())
	fmt.Println(counted)
	if counted.failed > 0 || counted.passed != len(all) {
		return exit.Failed, nil
	}
	return exit.Good, nil
}

// open starts everything.
func (w *world) open(ctx context.Context) error {
	if err := w.certify(); err != nil {
		return err
	}
	if err := w.publish(ctx); err != nil {
		return err
	}
	if err := w.writeKubeconfigs(); err != nil {
		return err
	}
	var err error
	if w.etcd, err = startEtcd(ctx, w.options.etcd, w.file("etcd")); err != nil {
		return err
	}
	w.cluster = &cluster{dir: w.file("cluster"), pki: w.pki(), program: w.apiserver, port: apiPort, admission: w.webhookAccess()}
	w.review = &cluster{
		dir: w.file("review"), pki: w.pki(), program: w.apiserver, port: reviewPort,
		plugins: []string{"ImagePolicyWebhook"}, admission: w.imagePolicy(),
	}
	if err := w.startClusters(ctx); err != nil {
		return err
	}
	return w.prepare(ctx)
}

// startClusters starts both API servers side by side.
func (w *world) startClusters(ctx context.Context) error {
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i, c := range []*cluster{w.cluster, w.review} {
		group.Go(func() { errs[i] = c.start(ctx) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var err error
	if w.admin, err = w.cluster.client(adminToken); err != nil {
		return err
	}
	w.tenant, err = w.cluster.client(tenantToken)
	return err
}

// certify makes the certificates of all servers and clients.
func (w *world) certify() error {
	var err error
	if w.api, err = newAuthority(w.pki(), "ca"); err != nil {
		return err
	}
	if w.serving, err = newAuthority(w.pki(), "serving-ca"); err != nil {
		return err
	}
	if w.asking, err = newAuthority(w.pki(), "asking-ca"); err != nil {
		return err
	}
	return errors.Join(
		w.api.writePairs(w.pki(), map[string]string{"apiserver": "", "accounts": ""}),
		w.serving.writePairs(w.pki(), map[string]string{"assay": "", "swapper": ""}),
		w.asking.writePairs(w.pki(), map[string]string{"admission": "", "gatekeeper": "", "kyverno": "", "node": ""}),
	)
}

// close ends everything that runs.
func (w *world) close() {
	for _, p := range []*process.Process{w.assay} {
		if p != nil {
			p.Stop()
		}
	}
	for _, c := range []*cluster{w.cluster, w.review} {
		if c != nil {
			c.stop()
		}
	}
	if w.etcd != nil {
		w.etcd.Stop()
	}
	if w.swapper != nil {
		w.swapper.close()
	}
	if w.site != nil {
		_ = w.site.Close()
	}
	for _, r := range []*lab.Registry{w.private, w.stray} {
		if r != nil {
			_ = r.Close()
		}
	}
}

// namespace makes a namespace with its default service account, which a controller would make, once.
func (w *world) namespace(ctx context.Context, name string) error {
	w.mu.Lock()
	once, ok := w.namespaces[name]
	if !ok {
		once = &sync.Once{}
		w.namespaces[name] = once
	}
	w.mu.Unlock()
	var err error
	once.Do(func() { err = makeNamespace(ctx, w.admin, name) })
	return err
}

func makeNamespace(ctx context.Context, c *client, name string) error {
	r, err := c.do(ctx, http.MethodPost, "/api/v1/namespaces", object{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(name)})
	if err != nil {
		return err
	}
	if !r.good() && r.status != http.StatusConflict {
		return fmt.Errorf("make namespace %s: found status %d: %s", name, r.status, r.message())
	}
	return makeAccount(ctx, c, name, "default")
}

func makeAccount(ctx context.Context, c *client, namespace, name string) error {
	r, err := c.do(ctx, http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts", object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name)})
	if err != nil {
		return err
	}
	if !r.good() && r.status != http.StatusConflict {
		return fmt.Errorf("make service account %s/%s: found status %d: %s", namespace, name, r.status, r.message())
	}
	return nil
}
