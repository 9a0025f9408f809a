package settings

import (
	"strings"
	"time"
)

// Prefix begins the environment variable of every setting, and File names the file of
// settings where no flag does.
const (
	Prefix = "ASSAY_SERVE_"
	File   = Prefix + "CONFIG"
)

// Setting is one row of the table.
type Setting struct {
	// Name is the key in the file.
	Name string
	// Default is the value where nobody says another, as it would be written; what is in
	// parentheses describes one that cannot be written.
	Default string
	// Wanted says which values there are, with their unit.
	Wanted string
	// Usage says what the setting does, in one sentence without full stop.
	Usage string
	// Many is whether the setting is a list, Switch whether it is true or false.
	Many, Switch bool
	// Common is the variable of all commands that counts where nothing else is said, or "".
	Common string

	field func(*Settings) field
}

// Variable is the name of the setting in the environment.
func (s Setting) Variable() string { return Prefix + strings.ToUpper(s.Name) }

// Flag is the name of the setting among the flags, without dashes in front.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Name, "_", "-") }

// Table lists all settings, in the order of the documentation.
func Table() []Setting {
	var all []Setting
	for _, group := range [][]Setting{listeners(), access(), judging(), timing(), limits(), memory(), sharing(), objects(), watching()} {
		all = append(all, group...)
	}
	for i := range all {
		f := all[i].field(&Settings{})
		_, all[i].Many = f.(many)
		_, all[i].Switch = f.(*boolean)
		all[i].Wanted = f.wanted()
	}
	return all
}

func listeners() []Setting {
	return []Setting{
		{Name: "listen", Default: "127.0.0.1:8443", Usage: "address of the doors", field: func(s *Settings) field { return address(&s.Listen) }},
		{Name: "probes", Default: "(that of the doors)", Usage: "address of /healthz, /readyz and /metrics", field: func(s *Settings) field { return address(&s.Probes) }},
		{Name: "probes_tls", Default: "false", Usage: "serve the probes' own address with the certificate too", field: func(s *Settings) field { return &boolean{&s.ProbesTLS} }},
		{Name: "certificate", Default: "(none: plain HTTP, on loopback alone)", Usage: "certificate chain of the doors, read again when it changes", field: func(s *Settings) field { return path(&s.Certificate) }},
		{Name: "key", Default: "(none)", Usage: "private key of the certificate", field: func(s *Settings) field { return path(&s.Key) }},
	}
}

func access() []Setting {
	return []Setting{
		{Name: "auth", Default: "(none on loopback; to be said elsewhere)", Usage: "how clients show who they are", field: func(s *Settings) field { return choice(&s.Auth, "none", "bearer", "mtls") }},
		{Name: "tokens", Default: "(none)", Usage: "files with the tokens that auth: bearer takes", field: func(s *Settings) field { return paths(&s.Tokens) }},
		{Name: "client_ca", Default: "(none)", Usage: "certificates that vouch for clients, for auth: mtls", field: func(s *Settings) field { return path(&s.ClientCA) }},
		{Name: "client_names", Default: "(every certificate of client_ca)", Usage: "names of the client certificates that may ask: a common name, a DNS name or a URI, exactly", field: func(s *Settings) field { return texts(&s.ClientNames) }},
		{Name: "open", Default: "(none)", Usage: "doors that take anybody although auth demands something: an API server shows its admission webhooks nothing unless its own files say so", field: func(s *Settings) field { return choices(&s.Open, "admission", "imagereview", "gatekeeper", "verify") }},
		{Name: "metrics_auth", Default: "false", Usage: "demand of who reads /metrics what auth demands at the doors", field: func(s *Settings) field { return &boolean{&s.MetricsAuth} }},
	}
}

func judging() []Setting {
	return []Setting{
		{Name: "policies", Default: "(none: one is needed)", Usage: "policies, each with the namespaces that it is for; one without is for all others", field: func(s *Settings) field { return &policies{&s.Policies} }},
		{Name: "exceptions", Default: "(none)", Usage: "file of exceptions", field: func(s *Settings) field { return path(&s.Exceptions) }},
		{Name: "shadow", Default: "(none)", Usage: "policy that is judged beside and counted, and decides nothing", field: func(s *Settings) field { return path(&s.Shadow) }},
		{Name: "registries", Default: "(none)", Common: "ASSAY_CONFIG", Usage: "configuration of registries, see registries.md", field: func(s *Settings) field { return path(&s.Registries) }},
		{Name: "trusted_root", Default: "(builtin)", Usage: "trusted root in place of the builtin one", field: func(s *Settings) field { return path(&s.TrustedRoot) }},
		{Name: "state", Default: "(none: a temporary folder)", Common: "ASSAY_CACHE", Usage: "folder of what was seen of TUF repositories and of the updated trusted root", field: func(s *Settings) field { return folder(&s.State) }},
	}
}

func timing() []Setting {
	return []Setting{
		{Name: "deadline", Default: "9s", Usage: "longest wait for an answer, which is a refusal then", field: func(s *Settings) field { return duration(&s.Deadline, 100*time.Millisecond, time.Minute) }},
		{Name: "verification", Default: "1m", Usage: "longest verification, which goes on in the background when nobody waits for it any more", field: func(s *Settings) field { return duration(&s.Verification, time.Second, 10*time.Minute) }},
		{Name: "refresh", Default: "5m", Usage: "time between looks at the trusted root and TUF repositories; files are looked at every ten seconds or so", field: func(s *Settings) field { return duration(&s.Refresh, time.Second, 24*time.Hour) }},
		{Name: "trust_age", Default: "2160h", Usage: "age of what is trusted beyond which /readyz says no", field: func(s *Settings) field { return duration(&s.TrustAge, time.Minute, 10000*time.Hour) }},
		{Name: "drain", Default: "20s", Usage: "time for requests in flight when the server is told to stop", field: func(s *Settings) field { return duration(&s.Drain, 0, 10*time.Minute) }},
	}
}

func limits() []Setting {
	return []Setting{
		{Name: "connections", Default: "2048", Usage: "connections at once, beyond which new ones wait; one address has half of them at most", field: func(s *Settings) field { return integer(&s.Connections, 1, 100_000) }},
		{Name: "concurrency", Default: "2048", Usage: "requests at once, beyond which one waits for a second and gets 503; one client has half of them at most", field: func(s *Settings) field { return integer(&s.Concurrency, 1, 100_000) }},
		{Name: "verifications", Default: "8", Usage: "verifications at once", field: func(s *Settings) field { return integer(&s.Verifications, 1, 1024) }},
		{Name: "client_rate", Default: "5000", Usage: "requests that one client may ask in a second, beyond which it gets 429", field: func(s *Settings) field { return rate(&s.ClientRate) }},
		{Name: "client_burst", Default: "5000", Usage: "requests that one client may ask at once after silence", field: func(s *Settings) field { return integer(&s.ClientBurst, 1, 1_000_000) }},
		{Name: "registry_rate", Default: "50", Usage: "requests to one registry in a second, beyond which they wait", field: func(s *Settings) field { return rate(&s.RegistryRate) }},
		{Name: "registry_burst", Default: "100", Usage: "requests to one registry at once after silence", field: func(s *Settings) field { return integer(&s.RegistryBurst, 1, 1_000_000) }},
	}
}

func memory() []Setting {
	return []Setting{
		{Name: "cache_bytes", Default: "32MiB", Usage: "memory for verdicts", field: func(s *Settings) field { return size(&s.CacheBytes, 1<<20, 64<<30) }},
		{Name: "evidence_bytes", Default: "32MiB", Usage: "memory for collected evidence", field: func(s *Settings) field { return size(&s.EvidenceBytes, 1<<20, 64<<30) }},
		{Name: "cache_pass", Default: "10m", Usage: "longest life of a remembered pass", field: func(s *Settings) field { return duration(&s.CachePass, 0, 24*time.Hour) }},
		{Name: "cache_fail", Default: "1m", Usage: "longest life of a remembered refusal", field: func(s *Settings) field { return duration(&s.CacheFail, 0, 24*time.Hour) }},
		{Name: "cache_error", Default: "5s", Usage: "longest life of a verdict that is undecided", field: func(s *Settings) field { return duration(&s.CacheError, 0, time.Hour) }},
		{Name: "cache_tag", Default: "30s", Usage: "time for which the digest of a tag is remembered", field: func(s *Settings) field { return duration(&s.CacheTag, 0, time.Hour) }},
	}
}

func sharing() []Setting {
	return []Setting{
		{Name: "redis", Default: "(none)", Usage: "Redis or Valkey that replicas share; a password is in redis_password", field: func(s *Settings) field { return store(&s.Redis) }},
		{Name: "redis_password", Default: "(none)", Usage: "file with its password", field: func(s *Settings) field { return path(&s.RedisPassword) }},
		{Name: "redis_ca", Default: "(the system's)", Usage: "certificates that alone may vouch for it", field: func(s *Settings) field { return path(&s.RedisCA) }},
		{Name: "store_keys", Default: "(none)", Usage: "files with the keys that authenticate entries: the first writes, all read", field: func(s *Settings) field { return paths(&s.StoreKeys) }},
		{Name: "share_floor", Default: "false", Usage: "share what was seen of TUF repositories too; a replica that cannot is not ready", field: func(s *Settings) field { return &boolean{&s.ShareFloor} }},
	}
}

func objects() []Setting {
	return []Setting{
		{Name: "pull_secrets", Default: "false", Usage: "read the pull secrets of pods, from the API server", field: func(s *Settings) field { return &boolean{&s.PullSecrets} }},
		{Name: "mutate_templates", Default: "false", Usage: "pin images in pod templates too, not in pods alone", field: func(s *Settings) field { return &boolean{&s.MutateTemplates} }},
		{Name: "allow_tags", Default: "false", Usage: "let /admission/validate admit pods whose images are named by tag alone", field: func(s *Settings) field { return &boolean{&s.AllowTags} }},
		{Name: "review_tags", Default: "false", Usage: "the same for /imagereview", field: func(s *Settings) field { return &boolean{&s.ReviewTags} }},
		{Name: "kinds", Default: "(none)", Usage: "where objects of other kinds name images", field: func(s *Settings) field { return &kinds{&s.Kinds} }},
	}
}

func watching() []Setting {
	return []Setting{
		{Name: "audit_log", Default: "stdout", Usage: "where one line of JSON for each decision goes", field: func(s *Settings) field { return auditLog(&s.AuditLog) }},
		{Name: "traces", Default: "(none)", Usage: "OTLP collector that gets traces", field: func(s *Settings) field { return link(&s.Traces, "http", "https") }},
		{Name: "log_level", Default: "info", Usage: "least level of what is logged on stderr", field: func(s *Settings) field { return choice(&s.LogLevel, "debug", "info", "warn", "error") }},
	}
}
