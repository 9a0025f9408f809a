package settings

import (
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// fromFile is a Sources with this text for a file.
func fromFile(text string) Sources {
	return Sources{File: "/etc/assay/serve.yaml", Open: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// samples says two values of each setting that differ from the default, as the file has
// them and as a flag or variable has them, and what the first one is in Settings.
var samples = map[string]struct {
	yaml, other string
	texts       []string
	want        any
}{
	"listen":           {"127.0.0.1:1", "127.0.0.1:2", []string{"127.0.0.1:1"}, "127.0.0.1:1"},
	"probes":           {"0.0.0.0:9", "0.0.0.0:8", []string{"0.0.0.0:9"}, "0.0.0.0:9"},
	"probes_tls":       {"true", "false", []string{"true"}, true},
	"certificate":      {"/c.pem", "/d.pem", []string{"/c.pem"}, "/c.pem"},
	"key":              {"/k.pem", "/l.pem", []string{"/k.pem"}, "/k.pem"},
	"auth":             {"mtls", "none", []string{"mtls"}, "mtls"},
	"tokens":           {"[/t, /u]", "[/v]", []string{"/t", "/u"}, []string{"/t", "/u"}},
	"client_ca":        {"/ca.pem", "/cb.pem", []string{"/ca.pem"}, "/ca.pem"},
	"client_names":     {"[a, b]", "[c]", []string{"a", "b"}, []string{"a", "b"}},
	"open":             {"[admission, verify]", "[gatekeeper]", []string{"admission", "verify"}, []string{"admission", "verify"}},
	"metrics_auth":     {"true", "false", []string{"true"}, true},
	"policies":         {"[{file: /p, namespaces: [a, 'b-*']}, {file: /q}]", "[{file: /r}]", []string{"/p=a,b-*", "/q"}, []Policy{{"/p", []string{"a", "b-*"}}, {"/q", nil}}},
	"exceptions":       {"/e", "/f", []string{"/e"}, "/e"},
	"shadow":           {"/s", "/t", []string{"/s"}, "/s"},
	"registries":       {"/r", "/s", []string{"/r"}, "/r"},
	"trusted_root":     {"/r", "/s", []string{"/r"}, "/r"},
	"state":            {"/r", "/s", []string{"/r"}, "/r"},
	"deadline":         {"4s", "3s", []string{"4s"}, 4 * time.Second},
	"verification":     {"2m", "3m", []string{"2m"}, 2 * time.Minute},
	"refresh":          {"2m", "3m", []string{"2m"}, 2 * time.Minute},
	"trust_age":        {"2h", "3h", []string{"2h"}, 2 * time.Hour},
	"drain":            {"0s", "1s", []string{"0s"}, time.Duration(0)},
	"connections":      {"7", "8", []string{"7"}, 7},
	"concurrency":      {"7", "8", []string{"7"}, 7},
	"verifications":    {"7", "9", []string{"7"}, 7},
	"client_rate":      {"7.5", "9", []string{"7.5"}, 7.5},
	"client_burst":     {"7", "9", []string{"7"}, 7},
	"registry_rate":    {"0", "9", []string{"0"}, 0.0},
	"registry_burst":   {"7", "9", []string{"7"}, 7},
	"cache_bytes":      {"3MiB", "5MiB", []string{"3MiB"}, int64(3 << 20)},
	"evidence_bytes":   {"2GiB", "1GiB", []string{"2GiB"}, int64(2 << 30)},
	"cache_pass":       {"3s", "5s", []string{"3s"}, 3 * time.Second},
	"cache_fail":       {"3s", "5s", []string{"3s"}, 3 * time.Second},
	"cache_error":      {"3s", "4s", []string{"3s"}, 3 * time.Second},
	"cache_tag":        {"0s", "5s", []string{"0s"}, time.Duration(0)},
	"redis":            {"redis://r:1", "redis://r:2", []string{"redis://r:1"}, "redis://r:1"},
	"redis_password":   {"/p", "/q", []string{"/p"}, "/p"},
	"redis_ca":         {"/p", "/q", []string{"/p"}, "/p"},
	"store_keys":       {"[/p, /o]", "[/q]", []string{"/p", "/o"}, []string{"/p", "/o"}},
	"share_floor":      {"true", "false", []string{"true"}, true},
	"pull_secrets":     {"true", "false", []string{"true"}, true},
	"mutate_templates": {"true", "false", []string{"true"}, true},
	"allow_tags":       {"true", "false", []string{"true"}, true},
	"review_tags":      {"true", "false", []string{"true"}, true},
	"kinds": {
		"[{group: e.x, version: v1, kind: W, paths: [$.a, '$.b[*]'], optional: true}]", "[{group: e.x, version: v1, kind: V, paths: [$.a]}]",
		[]string{"e.x/v1/W?=$.a,$.b[*]"},
		[]Kind{{"e.x", "v1", "W", []string{"$.a", "$.b[*]"}, true}},
	},
	"audit_log": {"/var/a", "off", []string{"/var/a"}, "/var/a"},
	"traces":    {"http://o:4318", "http://p:4318", []string{"http://o:4318"}, "http://o:4318"},
	"log_level": {"warn", "error", []string{"warn"}, "warn"},
}

// fieldOf finds the field of Settings that a setting writes, by writing it.
func fieldOf(t *testing.T, row Setting) string {
	t.Helper()
	before, after := Defaults(), Defaults()
	if err := row.field(&after).set(samples[row.Name].texts); err != nil {
		t.Fatalf("%s: %v", row.Name, err)
	}
	var changed []string
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			changed = append(changed, b.Type().Field(i).Name)
			if got := a.Field(i).Interface(); !reflect.DeepEqual(got, samples[row.Name].want) {
				t.Errorf("%s: got %v, want %v", row.Name, got, samples[row.Name].want)
			}
		}
	}
	if len(changed) != 1 {
		t.Fatalf("%s changes the fields %q; wanted one", row.Name, changed)
	}
	return changed[0]
}

// TestEverySettingHasItsField: rows and fields are the same, and are called the same.
func TestEverySettingHasItsField(t *testing.T) {
	rows := map[string]string{}
	for _, row := range Table() {
		field := fieldOf(t, row)
		if other, twice := rows[field]; twice {
			t.Errorf("%s and %s are both %s", other, row.Name, field)
		}
		rows[field] = row.Name
		if plain := strings.ReplaceAll(row.Name, "_", ""); !strings.EqualFold(plain, field) {
			t.Errorf("%s is the field %s", row.Name, field)
		}
	}
	for f := range reflect.TypeFor[Settings]().Fields() {
		if rows[f.Name] == "" {
			t.Errorf("no setting writes Settings.%s", f.Name)
		}
	}
	for name := range samples {
		if !slices.ContainsFunc(Table(), func(s Setting) bool { return s.Name == name }) {
			t.Errorf("%s is no setting", name)
		}
	}
}

// TestPrecedence: default, file, environment, flag; each says where it came from.
func TestPrecedence(t *testing.T) {
	for _, row := range Table() {
		sample := samples[row.Name]
		set := func(texts ...string) any {
			var s Settings
			if err := row.field(&s).set(texts); err != nil {
				t.Fatal(err)
			}
			return reflect.ValueOf(s).FieldByName(fieldOf(t, row)).Interface()
		}
		first := set(sample.texts...)
		env := row.Variable() + "=" + strings.Join(sample.texts, Separator)
		for name, c := range map[string]struct {
			from  Sources
			first bool
			said  string
		}{
			"the file alone":            {fromFile(row.Name + ": " + sample.yaml), true, "file"},
			"environment over file":     {Sources{File: "f", Open: fromFile(row.Name + ": " + sample.other).Open, Environ: []string{env}}, true, row.Variable()},
			"flag over file":            {Sources{File: "f", Open: fromFile(row.Name + ": " + sample.other).Open, Flags: map[string][]string{row.Flag(): sample.texts}}, true, "--" + row.Flag()},
			"the other file":            {fromFile(row.Name + ": " + sample.other), false, "file"},
			"flag alone":                {Sources{Flags: map[string][]string{row.Flag(): sample.texts}}, true, "--" + row.Flag()},
			"the environment alone":     {Sources{Environ: []string{"X=1", env}}, true, row.Variable()},
			"nothing":                   {Sources{}, false, ""},
			"the variable of all":       {Sources{Environ: []string{row.Common + "=" + strings.Join(sample.texts, "")}}, row.Common != "", row.Common},
			"file over variable of all": {Sources{Environ: []string{row.Common + "=/zz"}, File: "f", Open: fromFile(row.Name + ": " + sample.yaml).Open}, true, "file"},
		} {
			s, said, err := read(c.from)
			got := reflect.ValueOf(s).FieldByName(fieldOf(t, row)).Interface()
			if err != nil || reflect.DeepEqual(got, first) != c.first || said[row.Name] != c.said {
				t.Errorf("%s, %s: got %v from %q, %v", row.Name, name, got, said[row.Name], err)
			}
		}
		other := Sources{Environ: []string{env}, Flags: map[string][]string{row.Flag(): otherTexts(row.Name)}}
		s, said, err := read(other)
		if got := reflect.ValueOf(s).FieldByName(fieldOf(t, row)).Interface(); err != nil || reflect.DeepEqual(got, first) || said[row.Name] != "--"+row.Flag() {
			t.Errorf("%s, flag over environment: got %v from %q, %v", row.Name, got, said[row.Name], err)
		}
	}
}

// otherTexts is another value than the sample's, for a flag.
func otherTexts(name string) []string {
	switch sample := samples[name]; name {
	case "policies":
		return []string{"/r"}
	case "kinds":
		return []string{"e.x/v1/V=$.a"}
	default:
		return strings.Split(strings.Trim(sample.other, "[]"), ", ")
	}
}

// TestNames: a name is one in the file, the environment and among the flags, and none
// looks like what Kubernetes puts into the environment for a Service.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Table() {
		if seen[row.Name] || !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(row.Name) || row.Name == "config" {
			t.Errorf("%q is no name, or is there twice", row.Name)
		}
		seen[row.Name] = true
		if linked.MatchString(row.Variable()) {
			t.Errorf("%s looks like a variable of a Service", row.Variable())
		}
		if row.Usage == "" || strings.HasSuffix(row.Usage, ".") || row.Default == "" || row.Wanted == "" {
			t.Errorf("%+v is not explained", row)
		}
	}
}

// TestRefuse shows what is no setting, with the place.
func TestRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"":                                          "/etc/assay/serve.yaml:1:1: the settings are empty",
		"[]":                                        ":1:1: the settings is a list",
		"fail_open: true":                           `:1:1: found the unknown key "fail_open"`,
		"listen: ''":                                ":1:9: listen is empty",
		"listen:":                                   `:1:1: "listen" in the settings has no value`,
		"listen: a\nlisten: b":                      `:2:1: found "listen" twice`,
		"listen: 8443":                              ":1:9: listen is no text",
		"listen: localhost":                         `:1:9: listen is "localhost"; wanted HOST:PORT`,
		"listen: http://a:1":                        `:1:9: listen is "http://a:1"; wanted HOST:PORT`,
		"listen: 'a:https'":                         `:1:9: listen is "a:https"`,
		"listen: 'a:70000'":                         `:1:9: listen is "a:70000"`,
		"auth: optional":                            `:1:7: auth is "optional"; wanted one of none, bearer, mtls`,
		"auth: ~":                                   `:1:1: "auth" in the settings has no value`,
		"probes_tls: yes":                           `:1:13: probes_tls is "yes"; wanted true or false`,
		"deadline: 9":                               ":1:11: deadline is no text",
		"deadline: 0s":                              `:1:11: deadline is "0s"; wanted a duration between 100ms and 1m`,
		"deadline: 2m":                              `:1:11: deadline is "2m"`,
		"deadline: -1s":                             `:1:11: deadline is "-1s"`,
		"verifications: 0":                          `:1:16: verifications is "0"; wanted a number from 1 to 1024`,
		"verifications: 1.5":                        ":1:16: verifications is no text",
		"verifications: 0x10":                       `:1:16: verifications is "0x10"`,
		"verifications: [1]":                        ":1:16: verifications is a list",
		"client_rate: .inf":                         `:1:14: client_rate is ".inf"`,
		"client_rate: -1":                           `:1:14: client_rate is "-1"`,
		"client_rate: 1e3":                          `:1:14: client_rate is "1e3"`,
		"client_rate: 0.001":                        `:1:14: client_rate is "0.001"`,
		"cache_bytes: 64":                           ":1:14: cache_bytes is no text",
		"cache_bytes: 64MB":                         `:1:14: cache_bytes is "64MB"; wanted bytes between 1MiB and 64GiB`,
		"cache_bytes: 9999999999GiB":                `:1:14: cache_bytes is "9999999999GiB"`,
		"cache_bytes: 1KiB":                         `:1:14: cache_bytes is "1KiB"`,
		"tokens: t":                                 `:1:9: tokens is "t"; wanted a list`,
		"tokens: []":                                ":1:9: tokens has 0 elements",
		"tokens: [/t, /t]":                          `:1:14: tokens has "/t" twice`,
		"tokens: [t, /etc/assay/t]":                 `:1:13: tokens has "/etc/assay/t" twice`,
		"redis: redis://:" + secret + "@h":          ":1:8: redis has a password in it",
		"redis: http://h":                           ":1:8: redis is no address",
		"traces: http://u:" + secret + "@h":         ":1:9: traces has a user or a password in it",
		"traces: http://h/?k=" + secret:             ":1:9: traces has a query",
		"traces: otel:4318":                         ":1:9: traces is no address",
		"policies: [p.yaml]":                        `:1:12: an entry of policies is "p.yaml"`,
		"policies: [{namespaces: [a]}]":             ":1:12: an entry of policies has no file",
		"policies: [{file: p, mode: x}]":            `:1:22: found the unknown key "mode"`,
		"policies: [{file: p}, {file: q}]":          ":1:23: policies has two entries without namespaces",
		"policies: [{file: p, namespaces: [A]}]":    `:1:12: policies has the namespace "A"`,
		"policies: [{file: p, namespaces: []}]":     ":1:34: namespaces has 0 elements",
		"policies: [{file: p, namespaces: [a, a]}]": ":1:12: policies has the namespace a twice",
		"policies: [{file: p, namespaces: ['a-*']}, {file: q, namespaces: [a-b]}]": ":1:44: policies has the namespace a-b for /etc/assay/q, which an entry before it takes already",
		"kinds: [{group: e.x, version: v1, kind: W}]":                              ":1:9: kinds has no paths for W",
		"kinds: [{version: V-1, kind: W, paths: [$.a]}]":                           `:1:9: kinds has ""`,
		"kinds: [{group: e.x, version: v1, kind: W, paths: [a]}]":                  ":1:9: kinds has a path that is none",
		"kinds: [{group: e.x, version: v1, kind: W, paths: [$.a, $.a]}]":           ":1:9: kinds has the path $.a twice",
		"audit_log: &a /x":                          ":1:12: found a YAML anchor",
		"drain: &a 1s":                              ":1:8: found a YAML anchor",
		"connections: &a 1":                         ":1:14: found a YAML anchor",
		"probes_tls: true\n---\n{}":                 ":2:1: found a second document",
		"trust_age: \"1h\\u200b\"":                  ":1:12: trust_age has spaces around it",
		"policies: [{file: p}]\nlisten: x\nauth: y": "/etc/assay/serve.yaml:2:9: listen",
		"audit_log: [a]":                            ":1:12: audit_log is a list",
		"kinds: [{group: e.x, version: v1, kind: W, paths: [$.a]}, {group: e.x, version: v1, kind: W, paths: [$.b]}]": ":1:59: kinds has e.x/v1 W twice",
	} {
		_, _, err := Load(fromFile(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error says the secret: %v", text, err)
		}
	}
}

const secret = "hunter2-XYZZY"

// TestRefuseEnvironment shows the same of variables and flags, which say their own name.
func TestRefuseEnvironment(t *testing.T) {
	for env, want := range map[string]string{
		"ASSAY_SERVE_FAIL_OPEN=true":                 "found ASSAY_SERVE_FAIL_OPEN in the environment, which is no setting",
		"ASSAY_SERVE=true":                           "found ASSAY_SERVE in the environment",
		"ASSAY_SERVER_LISTEN=a:1":                    "found ASSAY_SERVER_LISTEN in the environment",
		"ASSAY_LISTEN=a:1":                           "found ASSAY_LISTEN in the environment",
		"ASSAY_SERVE_listen=a:1":                     "found ASSAY_SERVE_listen in the environment",
		"ASSAY_SERVE_LISTEN=":                        "ASSAY_SERVE_LISTEN is empty",
		"ASSAY_SERVE_LISTEN=x":                       `ASSAY_SERVE_LISTEN is "x"; wanted HOST:PORT`,
		"ASSAY_SERVE_TOKENS=/a;":                     "ASSAY_SERVE_TOKENS is empty",
		"ASSAY_SERVE_TOKENS=/a;/a":                   `ASSAY_SERVE_TOKENS has "/a" twice`,
		"ASSAY_SERVE_PROBES_TLS=1":                   `ASSAY_SERVE_PROBES_TLS is "1"; wanted true or false`,
		"ASSAY_SERVE_POLICIES=p=":                    `ASSAY_SERVE_POLICIES has the namespace ""`,
		"ASSAY_SERVE_POLICIES==a":                    "ASSAY_SERVE_POLICIES has a file that is empty",
		"ASSAY_SERVE_KINDS=v1/W=$.a":                 `ASSAY_SERVE_KINDS is "v1/W=$.a"`,
		"ASSAY_SERVE_KINDS=e.x/v1/W=$['a,b']":        "ASSAY_SERVE_KINDS has a path that is none",
		"ASSAY_SERVE_REDIS=redis://:" + secret + "@": "ASSAY_SERVE_REDIS has a password in it",
	} {
		_, _, err := Load(Sources{Environ: []string{env}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q:\ngot  %v\nwant %s", env, err, want)
		}
	}
	for _, env := range []string{
		"ASSAY_SERVER=https://assay.example", "ASSAY_SERVER_TOKEN=x", "ASSAY_CONTAINERD_CONFIG=c", // of other commands
		"ASSAY_SERVE_SERVICE_HOST=10.0.0.1", "ASSAY_SERVE_SERVICE_PORT=443", "ASSAY_SERVE_SERVICE_PORT_WEBHOOK=443", "ASSAY_SERVE_PORT=tcp://10.0.0.1:443",
		"ASSAY_SERVE_PORT_443_TCP=tcp://10.0.0.1:443", "ASSAY_SERVE_PORT_443_TCP_PROTO=tcp", "ASSAY_SERVE_PORT_443_TCP_ADDR=10.0.0.1", "ASSAY_SERVE_PROBES_SERVICE_HOST=10.0.0.2",
	} {
		if _, _, err := Load(Sources{Environ: []string{env}, Flags: map[string][]string{"policies": {"p"}}}); err != nil {
			t.Errorf("%s, which Kubernetes sets for a Service: %v", env, err)
		}
	}
	if _, _, err := Load(Sources{Flags: map[string][]string{"listen": {"127.0.0.1:1", "127.0.0.1:2"}}}); err == nil || !strings.Contains(err.Error(), "--listen is there 2 times") {
		t.Errorf("got %v", err)
	}
	if _, _, err := Load(Sources{File: "/no/such", Open: func(p string) (io.ReadCloser, error) { return os.Open(p) }}); err == nil {
		t.Error("a file that is not there is settings")
	}
}

// TestContradictions: settings that are each in order and not together.
func TestContradictions(t *testing.T) {
	const good = "policies: [{file: p}]\n"
	tls := good + "certificate: c\nkey: k\n"
	for text, want := range map[string]string{
		"listen: 127.0.0.1:1":                                             "policies is not set",
		good + "listen: :8443":                                            "there is no certificate",
		good + "listen: 10.0.0.1:8443":                                    "auth is not set",
		tls + "listen: :8443":                                             "auth is not set, and listen is :8443",
		tls + "listen: localhost.x:1":                                     "auth is not set",
		good + "certificate: c":                                           "certificate and key: found one",
		tls + "auth: mtls\nprobes: :9":                                    "auth is mtls and there is no client_ca",
		tls + "auth: mtls\nclient_ca: c":                                  "auth is mtls and probes is not set",
		good + "auth: mtls\nclient_ca: c\nprobes: :9":                     "auth is mtls and there is no certificate",
		good + "auth: bearer":                                             "auth is bearer and there are no tokens",
		good + "auth: bearer\ntokens: [t]\nlisten: :1":                    "there is no certificate",
		good + "tokens: [t]":                                              "tokens is set and auth is not bearer",
		tls + "client_ca: c":                                              "client_ca is set and auth is not mtls",
		tls + "client_names: [c]":                                         "client_names is set and auth is not mtls",
		good + "metrics_auth: true":                                       "metrics_auth is set and auth demands nothing",
		good + "probes_tls: true":                                         "probes_tls is set without probes",
		good + "probes_tls: true\nprobes: :9":                             "probes_tls is set and there is no certificate",
		good + "probes: 127.0.0.1:8443":                                   "probes and listen are one address",
		tls + "auth: mtls\nclient_ca: c\nprobes: :9\nmetrics_auth: true":  "metrics_auth wants client certificates and probes is plain HTTP",
		tls + "auth: bearer\ntokens: [t]\nprobes: :9\nmetrics_auth: true": "metrics_auth would send tokens to probes over plain HTTP",
		good + "redis_password: p":                                        "redis_password is set without redis",
		good + "redis_ca: p":                                              "redis_ca is set without redis",
		good + "store_keys: [p]":                                          "store_keys is set without redis",
		good + "share_floor: true":                                        "share_floor is set without redis",
		good + "redis: redis://r":                                         "redis is set without store_keys",
	} {
		if _, _, err := Load(fromFile(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
	for _, text := range []string{
		good, tls + "listen: :8443\nauth: none", tls + "auth: mtls\nclient_ca: c\nprobes: :9", good + "auth: bearer\ntokens: [t]",
		tls + "auth: bearer\ntokens: [t]\nprobes: :9\nprobes_tls: true\nmetrics_auth: true\nlisten: :1", good + "listen: '[::1]:1'", good + "listen: localhost:1",
		good + "listen: 127.0.0.1:0\nprobes: 127.0.0.1:0",
	} {
		if s, _, err := Load(fromFile(text)); err != nil || s.Auth == "" {
			t.Errorf("%q: got %q, %v", text, s.Auth, err)
		}
	}
}

// TestPaths: those of the file start at its folder, others at the working folder.
func TestPaths(t *testing.T) {
	s, _, err := read(fromFile("policies: [{file: p}]\nexceptions: e\naudit_log: a\ntokens: [t]\nredis_ca: ../r"))
	want := Settings{Policies: []Policy{{File: "/etc/assay/p"}}, Exceptions: "/etc/assay/e", AuditLog: "/etc/assay/a", Tokens: []string{"/etc/assay/t"}, RedisCA: "/etc/r"}
	if err != nil || !reflect.DeepEqual([]any{s.Policies, s.Exceptions, s.AuditLog, s.Tokens, s.RedisCA}, []any{want.Policies, want.Exceptions, want.AuditLog, want.Tokens, want.RedisCA}) {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, _, err = read(Sources{Environ: []string{"ASSAY_SERVE_EXCEPTIONS=e", "ASSAY_SERVE_AUDIT_LOG=off"}}); err != nil || s.Exceptions != "e" || s.AuditLog != "off" {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, _, err = read(fromFile("audit_log: stdout")); err != nil || s.AuditLog != "" {
		t.Errorf("got %q, %v", s.AuditLog, err)
	}
	if got := Find("f", func(string) string { return "e" }) + Find("", func(n string) string { return n }); got != "fASSAY_SERVE_CONFIG" {
		t.Errorf("got %s", got)
	}
}

// TestWriteReadsBack: what --print-settings writes is a file of the same settings.
func TestWriteReadsBack(t *testing.T) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		text.WriteString(name + ": " + samples[name].yaml + "\n")
	}
	text.WriteString("")
	s, said, err := read(fromFile(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Settings{s, Defaults()} {
		var written strings.Builder
		if err := s.Write(&written, said); err != nil {
			t.Fatal(err)
		}
		again, _, err := read(fromFile(written.String()))
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("got %+v, %v\nwant %+v\nin\n%s", again, err, s, written.String())
		}
	}
}

func TestFor(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a", "", false}, {"a-*", "a-b", true}, {"a-*", "a-", true}, {"a-*", "a", false}, {"*", "x", true},
		{"*-prod", "a-prod", true}, {"*-prod", "a-prod-b", false}, {"a*b*c", "axbybc", true}, {"a*b*c", "acb", false}, {"a*a", "a", false}, {"a*ab*b", "aab", false}, {"**", "x", true},
	} {
		if got := (Policy{Namespaces: []string{"none", c.pattern}}).For(c.name); got != c.want {
			t.Errorf("%s for %s: got %v", c.pattern, c.name, got)
		}
	}
	if (Policy{}).For("x") {
		t.Error("a policy without namespaces names one")
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range samples {
		f.Add("listen: "+s.yaml, "policies", strings.Join(s.texts, ";"))
	}
	f.Fuzz(func(t *testing.T, text, name, value string) {
		from := fromFile(text)
		from.Environ = []string{Prefix + strings.ToUpper(name) + "=" + value}
		s, _, err := Load(from)
		if err == nil && (len(s.Policies) == 0 || s.Auth == "" || s.Deadline <= 0 || s.Verifications <= 0 || s.Auth == "mtls" && s.ClientCA == "") {
			t.Fatalf("%q, %s=%q: %+v", text, name, value, s)
		}
		if err != nil && !reflect.DeepEqual(s, Settings{}) {
			t.Fatalf("settings beside an error: %+v", s)
		}
	})
}
