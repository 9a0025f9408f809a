// Package settings reads what an administrator says of the server: one table of
// settings, each from a file, from the environment (ASSAY_…) and from flags, in that
// order of rising precedence. A setting that is unknown, twice there or without
// effect is an error: nothing is ever ignored.
package settings

import "time"

// Settings are all of them. Paths are absolute, or relative to the working folder.
type Settings struct {
	Listen      string   // host:port of the doors
	Probes      string   // host:port of /healthz, /readyz and /metrics; "" is Listen
	ProbesTLS   bool     // the certificate serves that listener too
	Certificate string   // PEM file
	Key         string   // PEM file
	ClientCA    string   // PEM file
	ClientNames []string // certificates that may ask, by common name, DNS name or URI; none is every one of ClientCA
	Auth        string   // none, bearer or mtls
	Tokens      []string // files
	Open        []string // doors that ask for no proof although Auth does: admission, imagereview, gatekeeper, verify
	MetricsAuth bool

	Policies    []Policy // the first whose namespaces match; one without namespaces is the default
	Exceptions  string
	Shadow      string
	Registries  string // config.yaml of docs/registries.md
	TrustedRoot string
	State       string // folder of TUF state and of the updated trusted root

	Deadline     time.Duration // longest wait for an answer
	Verification time.Duration // longest verification in the background
	Refresh      time.Duration // between looks at policies, trust and TUF repositories
	TrustAge     time.Duration // beyond which /readyz says no
	Drain        time.Duration

	Connections   int     // connections at once
	Concurrency   int     // requests at once
	Verifications int     // verifications at once
	ClientRate    float64 // requests a second, for each client
	ClientBurst   int
	RegistryRate  float64 // requests a second, for each registry
	RegistryBurst int

	CacheBytes    int64
	EvidenceBytes int64
	CachePass     time.Duration // longest life of a pass
	CacheFail     time.Duration
	CacheError    time.Duration
	CacheTag      time.Duration // how long a tag's digest is remembered

	Redis         string   // redis:// or rediss:// URL without password
	RedisPassword string   // file
	RedisCA       string   // file
	StoreKeys     []string // files; the first one writes
	ShareFloor    bool

	PullSecrets     bool
	MutateTemplates bool
	AllowTags       bool   // validate admits references without a digest
	ReviewTags      bool   // the same for /imagereview
	Kinds           []Kind // where other kinds name images

	AuditLog string // file; "" is stdout, "off" none
	Traces   string // OTLP endpoint, "" none
	LogLevel string
}

// Policy is a policy file and the namespaces that it is for.
type Policy struct {
	File       string
	Namespaces []string // names or globs; none is every namespace that no other names
}

// Kind says where the objects of one kind name images.
type Kind struct {
	Group, Version, Kind string
	Paths                []string // as kube.ParsePath reads them
	Optional             bool
}
