package metadata_test

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func TestWorkflow(t *testing.T) {
	r := basic(t)
	trusted := mustRun(t, r, metadata.Options{})
	for _, name := range []string{"root", "timestamp", "snapshot", "targets"} {
		role, ok := trusted.Role(name)
		if !ok || role.Name != name || role.Version != 1 || len(role.SHA256) != 64 || role.Expires.Format(time.RFC3339) != later {
			t.Errorf("the role %s is %+v, %t", name, role, ok)
		}
		if len(role.Authorizations) != 1 || role.Authorizations[0].By != "root" || len(role.Authorizations[0].Signed) != 1 {
			t.Errorf("the role %s was authorised by %+v", name, role.Authorizations)
		}
	}
	if !trusted.ConsistentSnapshot() {
		t.Error("the repository is not one of consistent snapshots")
	}
	if v, length, ok := trusted.Meta("targets"); v != 1 || length != 0 || !ok {
		t.Errorf("the snapshot lists targets %d, %d bytes, %t", v, length, ok)
	}
	if _, _, ok := trusted.Meta("other"); ok {
		t.Error("the snapshot lists a role that it does not")
	}
	found, need, err := trusted.Find("one")
	if err != nil || need != nil || found.Length != 3 || len(found.Roles) != 1 {
		t.Fatalf("found %+v, needs %v, error %v", found, need, err)
	}
	if err := found.Verify([]byte("one")); err != nil {
		t.Error(err)
	}
	want(t, found.Verify([]byte("two")), metadata.HashMismatch, "targets", "5.7.3")
	want(t, found.Verify([]byte("three")), metadata.LengthMismatch, "targets", "5.7.3")
	found.Hashes = map[string]string{"md5": "00"}
	want(t, found.Verify([]byte("one")), metadata.HashMismatch, "targets", "5.7.3")
}

// TestRefused changes one thing of a good repository, each time, and demands the kind.
func TestRefused(t *testing.T) {
	ts := func(o object) func(*repository) {
		return func(r *repository) { r.timestamp = sign(t, o, timestampKey) }
	}
	sn := func(o object) func(*repository) {
		return func(r *repository) { r.snapshot = sign(t, o, snapshotKey) }
	}
	tg := func(o object) func(*repository) {
		return func(r *repository) { r.targets = sign(t, o, targetsKey) }
	}
	with := func(o object, name string, v any) object { o[name] = v; return o }
	without := func(o object, name string) object { delete(o, name); return o }
	expired := func(o object) object { return with(o, "expires", earlier) }
	meta := func(o object, file string, m object) object { o["meta"].(object)[file] = m; return o }
	targets := map[string]int{"targets": 1}
	two := func(second object, by ...signer) func(*repository) {
		return func(r *repository) { r.roots = append(r.roots, sign(t, second, by...)) }
	}
	for name, c := range map[string]struct {
		change func(*repository)
		o      metadata.Options
		kind   metadata.Kind
		role   string
		step   string
	}{
		"root is no JSON":          {change: func(r *repository) { r.roots[0] = []byte("{") }, kind: metadata.Malformed, role: "root", step: "4.3"},
		"root of another type":     {change: func(r *repository) { r.roots[0] = r.targets }, kind: metadata.WrongType, role: "root", step: "4.3"},
		"root signed by another":   {change: func(r *repository) { r.roots[0] = sign(t, rootDoc(1), targetsKey) }, kind: metadata.Threshold, role: "root", step: "5.2"},
		"root not signed":          {change: func(r *repository) { r.roots[0] = sign(t, rootDoc(1)) }, kind: metadata.Threshold, role: "root", step: "5.2"},
		"root threshold of none":   {change: func(r *repository) { r.roots[0] = sign(t, withRole(rootDoc(1), "root", 0)) }, kind: metadata.Threshold, role: "root", step: "5.2"},
		"root threshold below one": {change: func(r *repository) { r.roots[0] = sign(t, withRole(rootDoc(1), "root", -3, rootKey), rootKey) }, kind: metadata.Threshold, role: "root", step: "5.2"},
		"root expired":             {change: func(r *repository) { r.roots[0] = sign(t, expired(rootDoc(1)), rootKey) }, kind: metadata.Expired, role: "root", step: "5.3.10"},
		"root too large":           {change: func(*repository) {}, o: metadata.Options{Limits: metadata.Limits{RootBytes: 100}}, kind: metadata.TooLarge, role: "root", step: "4.3"},
		"root expired long since":  {change: func(*repository) {}, o: metadata.Options{Time: time.Unix(1<<40, 0)}, kind: metadata.Expired, role: "root", step: "5.3.10"},

		"second root by itself alone":        {change: two(withRole(rootDoc(2), "root", 1, aKey), aKey), kind: metadata.Threshold, role: "root", step: "5.3.4"},
		"second root by its predecessor":     {change: two(withRole(rootDoc(2), "root", 1, aKey), rootKey), kind: metadata.Threshold, role: "root", step: "5.3.4"},
		"second root skips one":              {change: two(rootDoc(3), rootKey), kind: metadata.SkippedRoot, role: "root", step: "5.3.5"},
		"second root is the first":           {change: two(rootDoc(1), rootKey), kind: metadata.SkippedRoot, role: "root", step: "5.3.5"},
		"second root expired":                {change: two(expired(rootDoc(2)), rootKey), kind: metadata.Expired, role: "root", step: "5.3.10"},
		"root below the floor":               {change: two(rootDoc(2), rootKey), o: metadata.Options{Floor: metadata.Floor{Root: 3}}, kind: metadata.Rollback, role: "root", step: "5.3.5"},
		"root below the policy's":            {change: two(rootDoc(2), rootKey), o: metadata.Options{Min: map[string]int64{"root": 3}}, kind: metadata.BelowMinimum, role: "root", step: "5.3.5"},
		"too many roots":                     {change: func(r *repository) { two(rootDoc(2), rootKey)(r); two(rootDoc(3), rootKey)(r) }, o: metadata.Options{Limits: metadata.Limits{Roots: 1}}, kind: metadata.TooLarge, role: "root", step: "5.3.3"},
		"timestamp by another":               {change: func(r *repository) { r.timestamp = sign(t, timestampDoc(1, 1), snapshotKey) }, kind: metadata.Threshold, role: "timestamp", step: "5.4.2"},
		"timestamp of another type":          {change: func(r *repository) { r.timestamp = r.snapshot }, kind: metadata.WrongType, role: "timestamp", step: "4.6"},
		"timestamp without a snapshot":       {change: ts(head("timestamp", 1, object{"meta": object{}})), kind: metadata.Malformed, role: "timestamp", step: "4.6"},
		"timestamp expired":                  {change: ts(expired(timestampDoc(1, 1))), kind: metadata.Expired, role: "timestamp", step: "5.4.4"},
		"timestamp below the floor":          {change: ts(timestampDoc(6, 1)), o: metadata.Options{Floor: metadata.Floor{Timestamp: 7}}, kind: metadata.Rollback, role: "timestamp", step: "5.4.3.1"},
		"timestamp lists below the floor":    {change: ts(timestampDoc(7, 1)), o: metadata.Options{Floor: metadata.Floor{Timestamp: 7, Snapshot: 2}}, kind: metadata.Rollback, role: "timestamp", step: "5.4.3.2"},
		"timestamp below the policy's":       {change: ts(timestampDoc(6, 1)), o: metadata.Options{Min: map[string]int64{"timestamp": 7}}, kind: metadata.BelowMinimum, role: "timestamp", step: "5.4.3.1"},
		"timestamp too large":                {change: func(*repository) {}, o: metadata.Options{Limits: metadata.Limits{TimestampBytes: 100}}, kind: metadata.TooLarge, role: "timestamp", step: "4.6"},
		"timestamp with a member twice":      {change: raw("timestamp", `"version": 1`, `"version": 1, "version": 1`), kind: metadata.Malformed, role: "timestamp", step: "4.6"},
		"timestamp of other capitals":        {change: raw("timestamp", `"signed"`, `"Signed"`), kind: metadata.Malformed, role: "timestamp", step: "4.6"},
		"timestamp with another after it":    {change: func(r *repository) { r.timestamp = append(r.timestamp, r.timestamp...) }, kind: metadata.Malformed, role: "timestamp", step: "4.6"},
		"timestamp without signatures":       {change: raw("timestamp", `"signatures"`, `"signature"`), kind: metadata.Malformed, role: "timestamp", step: "4.6"},
		"timestamp changed":                  {change: raw("timestamp", `"version": 1`, `"version": 2`), kind: metadata.Threshold, role: "timestamp", step: "5.4.2"},
		"timestamp with more":                {change: raw("timestamp", `"version": 1`, `"version": 1, "x": null`), kind: metadata.Threshold, role: "timestamp", step: "5.4.2"},
		"timestamp with too many signatures": {change: func(r *repository) { r.timestamp = sign(t, timestampDoc(1, 1), timestampKey, aKey, bKey) }, o: metadata.Options{Limits: metadata.Limits{Signatures: 2}}, kind: metadata.TooLarge, role: "timestamp", step: "4.6"},
		"timestamp nested too deeply":        {change: ts(with(timestampDoc(1, 1), "x", []any{[]any{[]any{[]any{[]any{}}}}})), o: metadata.Options{Limits: metadata.Limits{Depth: 6}}, kind: metadata.TooLarge, role: "timestamp", step: "4.6"},
		"timestamp signed twice by one id":   {change: func(r *repository) { r.timestamp = sign(t, timestampDoc(1, 1), timestampKey, timestampKey) }, kind: metadata.Malformed, role: "timestamp", step: "4.6"},

		"snapshot by another":           {change: func(r *repository) { r.snapshot = sign(t, snapshotDoc(1, targets), timestampKey) }, kind: metadata.Threshold, role: "snapshot", step: "5.5.3"},
		"snapshot of another version":   {change: sn(snapshotDoc(2, targets)), kind: metadata.MixAndMatch, role: "snapshot", step: "5.5.4"},
		"snapshot expired":              {change: sn(expired(snapshotDoc(1, targets))), kind: metadata.Expired, role: "snapshot", step: "5.5.6"},
		"snapshot of another hash":      {change: ts(meta(timestampDoc(1, 1), "snapshot.json", object{"version": 1, "hashes": object{"sha256": strings.Repeat("0", 64)}})), kind: metadata.HashMismatch, role: "snapshot", step: "5.5.2"},
		"snapshot of an unknown hash":   {change: ts(meta(timestampDoc(1, 1), "snapshot.json", object{"version": 1, "hashes": object{"crc32": "00000000"}})), kind: metadata.HashMismatch, role: "snapshot", step: "5.5.2"},
		"snapshot of another length":    {change: ts(meta(timestampDoc(1, 1), "snapshot.json", object{"version": 1, "length": 7})), kind: metadata.LengthMismatch, role: "snapshot", step: "5.5.2"},
		"snapshot rolls a role back":    {change: func(*repository) {}, o: metadata.Options{Floor: metadata.Floor{Roles: map[string]int64{"targets": 2}}}, kind: metadata.Rollback, role: "snapshot", step: "5.5.5"},
		"snapshot drops a role":         {change: func(*repository) {}, o: metadata.Options{Floor: metadata.Floor{Roles: map[string]int64{"a": 1}}}, kind: metadata.Rollback, role: "snapshot", step: "5.5.5"},
		"snapshot below the policy's":   {change: func(*repository) {}, o: metadata.Options{Min: map[string]int64{"snapshot": 2}}, kind: metadata.BelowMinimum, role: "snapshot", step: "5.5.5"},
		"snapshot too large":            {change: func(*repository) {}, o: metadata.Options{Limits: metadata.Limits{SnapshotBytes: 100}}, kind: metadata.TooLarge, role: "snapshot", step: "4.4"},
		"snapshot with a bad entry":     {change: sn(meta(snapshotDoc(1, targets), "x.json", object{"version": 0})), kind: metadata.Malformed, role: "snapshot", step: "4.4"},
		"snapshot without targets":      {change: sn(snapshotDoc(1, map[string]int{"a": 1})), kind: metadata.NotDelegated, role: "targets", step: "5.6.4"},
		"targets by another":            {change: func(r *repository) { r.targets = sign(t, targetsDoc(1), snapshotKey) }, kind: metadata.Threshold, role: "targets", step: "5.6.3"},
		"targets of another version":    {change: tg(targetsDoc(2)), kind: metadata.MixAndMatch, role: "targets", step: "5.6.4"},
		"targets expired":               {change: tg(expired(targetsDoc(1))), kind: metadata.Expired, role: "targets", step: "5.6.5"},
		"targets of another hash":       {change: sn(meta(snapshotDoc(1, nil), "targets.json", object{"version": 1, "hashes": object{"sha512": strings.Repeat("0", 128)}})), kind: metadata.HashMismatch, role: "targets", step: "5.6.2"},
		"targets of another length":     {change: sn(meta(snapshotDoc(1, nil), "targets.json", object{"version": 1, "length": 1})), kind: metadata.LengthMismatch, role: "targets", step: "5.6.2"},
		"targets below the policy's":    {change: func(*repository) {}, o: metadata.Options{Min: map[string]int64{"targets": 2}}, kind: metadata.BelowMinimum, role: "targets", step: "5.6.4"},
		"targets too large":             {change: func(*repository) {}, o: metadata.Options{Limits: metadata.Limits{TargetsBytes: 100}}, kind: metadata.TooLarge, role: "targets", step: "4.5"},
		"targets are a delegated role":  {change: tg(head("snapshot", 1, nil)), kind: metadata.WrongType, role: "targets", step: "4.5"},
		"targets with a fraction":       {change: raw("targets", `"version": 1`, `"version": 1, "x": 1.5`), kind: metadata.Malformed, role: "targets", step: "4.5"},
		"targets without a version":     {change: tg(without(targetsDoc(1), "version")), kind: metadata.Malformed, role: "targets", step: "4.5"},
		"targets of another format":     {change: tg(with(targetsDoc(1), "spec_version", "2.0.0")), kind: metadata.Malformed, role: "targets", step: "4.5"},
		"targets expire in another way": {change: tg(with(targetsDoc(1), "expires", "2026-06-01T00:00:00+00:00")), kind: metadata.Malformed, role: "targets", step: "4.5"},
	} {
		t.Run(name, func(t *testing.T) {
			r := basic(t)
			c.change(&r)
			_, err := r.run(c.o)
			want(t, err, c.kind, c.role, c.step)
		})
	}
}

// raw replaces text in a file, whose signatures are then wrong.
func raw(name, old, replacement string) func(*repository) {
	return func(r *repository) {
		b := map[string]*[]byte{"timestamp": &r.timestamp, "snapshot": &r.snapshot, "targets": &r.targets}[name]
		changed := strings.Replace(string(*b), old, replacement, 1)
		if changed == string(*b) {
			panic("nothing was replaced")
		}
		*b = []byte(changed)
	}
}

func TestOutOfTurn(t *testing.T) {
	r := basic(t)
	_, err := metadata.New(r.roots[0], metadata.Options{})
	want(t, err, metadata.Order, "root", "5.1")
	trusted, err := metadata.New(r.roots[0], metadata.Options{Time: now})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = trusted.Find("one")
	want(t, err, metadata.Order, "targets", "5.6.7")
	_, _, err = trusted.List(nil, nil, nil)
	want(t, err, metadata.Order, "targets", "5.6.7")
	want(t, trusted.UpdateSnapshot(r.snapshot, false), metadata.Order, "snapshot", "5.5")
	want(t, trusted.UpdateTargets(r.targets), metadata.Order, "targets", "5.6")
	if err := trusted.UpdateTimestamp(r.timestamp); err != nil {
		t.Fatal(err)
	}
	want(t, trusted.UpdateRoot(sign(t, rootDoc(2), rootKey)), metadata.Order, "root", "5.3")
	want(t, trusted.UpdateTargets(r.targets), metadata.Order, "targets", "5.6")
	if err := trusted.UpdateSnapshot(r.snapshot, false); err != nil {
		t.Fatal(err)
	}
	want(t, trusted.UpdateTimestamp(r.timestamp), metadata.Order, "timestamp", "5.4")
	want(t, trusted.UpdateDelegated(r.targets, "a", "targets"), metadata.Order, "a", "5.6.7")
	if err := trusted.UpdateTargets(r.targets); err != nil {
		t.Fatal(err)
	}
	want(t, trusted.UpdateSnapshot(r.snapshot, false), metadata.Order, "snapshot", "5.5")
	want(t, trusted.UpdateDelegated(r.targets, "a", "targets"), metadata.NotDelegated, "a", "5.6.7.2")
}

// TestExpiryIsExclusive holds the moment of expiry itself to be before it.
func TestExpiryIsExclusive(t *testing.T) {
	at, err := time.Parse(time.RFC3339, later)
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, basic(t), metadata.Options{Time: at})
	_, err = basic(t).run(metadata.Options{Time: at.Add(1)})
	want(t, err, metadata.Expired, "root", "5.3.10")
	mustRun(t, basic(t), metadata.Options{Time: at.Add(1), DeferExpiryUnsafe: true})
}

func TestRootChain(t *testing.T) {
	r := basic(t)
	old := rootDoc(2)
	old["expires"] = earlier // intermediate: its expiry does not matter
	r.roots = append(r.roots,
		sign(t, withRole(old, "root", 2, aKey, bKey), rootKey, aKey, bKey, strangerKey),
		sign(t, withRole(rootDoc(3), "root", 1, bKey), aKey, bKey))
	trusted := mustRun(t, r, metadata.Options{Floor: metadata.Floor{Root: 3}})
	roots := trusted.Roots()
	if len(roots) != 3 {
		t.Fatalf("%d roots", len(roots))
	}
	for i, wanted := range [][]struct {
		by int64
		n  int
	}{{{1, 1}}, {{1, 1}, {2, 2}}, {{2, 2}, {3, 1}}} {
		for j, a := range roots[i].Authorizations {
			if a.By != "root" || a.ByVersion != wanted[j].by || len(a.Signed) != wanted[j].n || len(a.Keys) != wanted[j].n {
				t.Errorf("root %d, authorisation %d: %+v", i+1, j, a)
			}
		}
		if len(roots[i].Authorizations) != len(wanted) {
			t.Errorf("root %d has %d authorisations", i+1, len(roots[i].Authorizations))
		}
	}
}

// TestRollbackOfRoot gives a root whose version is below, signed by the newest keys.
func TestRollbackOfRoot(t *testing.T) {
	r := basic(t)
	r.roots = append(r.roots, sign(t, rootDoc(2), rootKey), sign(t, rootDoc(1), rootKey))
	_, err := r.run(metadata.Options{})
	want(t, err, metadata.Rollback, "root", "5.3.5")
}
