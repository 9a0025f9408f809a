package cache

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/releaseassay/assay/internal/serve/observe"
)

const (
	// patience is how long one question waits for the store, floorPatience how long a
	// floor is waited for, which cannot be done without.
	patience      = 40 * time.Millisecond
	floorPatience = time.Second
	// connections is how many are open at once.
	connections = 32
	// maxValue is the size of one value in bytes, maxLife the longest that one is kept.
	maxValue = 1 << 20
	maxLife  = 24 * time.Hour
	// skew is how far the clock of another replica may be ahead.
	skew = time.Minute
	// maxPassword is the size of a password file in bytes.
	maxPassword = 4 << 10
)

// RedisOptions say where the store is and who shares it.
type RedisOptions struct {
	// URL is redis://[user@]host[:port][/db], rediss:// for TLS, or unix:///path?db=n. It
	// holds no password; ?cleartext=allowed lets one be sent without TLS to another machine.
	URL string
	// PasswordFile is read anew for each connection; CAFile too, "" means the system's CAs.
	PasswordFile, CAFile string
	// Keys are what [ReadKeys] returns: the first one writes, all read.
	Keys [][]byte
	// Namespace keeps apart those who share one store and one key. Default: "default".
	Namespace string
	Metrics   *observe.Metrics
	Log       *slog.Logger
	// Now is a clock that every replica agrees with to a minute.
	Now func() time.Time
}

// Redis is a store in Redis or Valkey. It is safe for concurrent use.
type Redis struct {
	client  *redis.Client
	sealer  sealer
	prefix  string
	clock   clock
	breaker breaker
	// count counts what came of a look into "shared" or "floor".
	count func(cache, result string)
	log   *slog.Logger
}

var _ Store = (*Redis)(nil)

var plainNamespace = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// quiet keeps the library from writing to stderr in its own form: what it says there is
// in the errors too.
var quiet = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

// Printf implements the library's logger.
func (silent) Printf(context.Context, string, ...any) {}

// NewRedis makes a store. It opens no connection, so that a store that is down keeps
// nobody from starting: its errors are of configuration.
func NewRedis(o RedisOptions) (*Redis, error) {
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if !plainNamespace.MatchString(o.Namespace) {
		return nil, fmt.Errorf("use the store: wanted a namespace of letters, digits, '.', '_' and '-', found %q", o.Namespace)
	}
	if o.Now == nil {
		return nil, errors.New("use the store: wanted a clock, found none")
	}
	a, err := parseAddress(o.URL, o.PasswordFile != "", o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("use the store: %w", err)
	}
	a.limit = sealing + maxFloor + 1
	r := &Redis{sealer: sealer{namespace: o.Namespace}, prefix: "assay:1:" + o.Namespace + ":", count: o.Metrics.Cached, log: o.Log}
	r.clock.now = o.Now
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if len(o.Keys) == 0 {
		return nil, errors.New("use the store: wanted a key that authenticates entries, found none")
	}
	for i, key := range o.Keys {
		k, err := newStoreKey(key)
		if err != nil {
			return nil, fmt.Errorf("use the store: key %d: %w", i+1, err)
		}
		r.sealer.keys = append(r.sealer.keys, k)
	}
	credentials := credentials{user: a.user, file: o.PasswordFile}
	if _, _, err := credentials.read(context.Background()); err != nil {
		return nil, fmt.Errorf("use the store: %w", err)
	}
	quiet()
	r.client = redis.NewClient(&redis.Options{
		Network: a.network, Addr: a.addr, DB: a.db, Dialer: a.dial, Protocol: 2,
		CredentialsProviderContext: credentials.read,
		MaxRetries:                 -1, DialerRetries: 1, DialTimeout: floorPatience, ReadTimeout: floorPatience, WriteTimeout: floorPatience,
		ContextTimeoutEnabled: true, PoolTimeout: floorPatience, PoolSize: connections, MaxActiveConns: connections,
		ConnMaxIdleTime: 5 * time.Minute, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	return r, nil
}

// Close ends the use of the store.
func (r *Redis) Close() error { return r.client.Close() }

// Get implements [Store]. It waits some tens of milliseconds at most, and not at all
// while the store does not answer.
func (r *Redis) Get(ctx context.Context, key Key) (value []byte, ok bool) {
	var b []byte
	err := r.ask(ctx, func(ctx context.Context) (err error) {
		// No more than is read of what a stranger may have put there.
		b, err = r.client.GetRange(ctx, r.name(kindValue, key), 0, sealing+maxValue).Bytes()
		return err
	})
	switch {
	case isWrongType(err):
		r.count("shared", "forged")
		return nil, false
	case err != nil:
		r.count("shared", "error")
		return nil, false
	case len(b) == 0:
		r.count("shared", "miss")
		return nil, false
	}
	e, err := r.sealer.open(kindValue, key, b)
	if err != nil {
		r.count("shared", "forged")
		return nil, false
	}
	if !current(e, r.clock.read()) {
		r.count("shared", "stale")
		return nil, false
	}
	r.count("shared", "hit")
	return e.value, true
}

// current reports whether an authentic entry still holds. One that was written after
// now, or before this replica's clock was set back, says nothing certain of its age.
func current(e sealed, now moment) bool {
	return now.wall.Before(e.until) && !e.written.After(now.wall.Add(skew)) &&
		e.until.Sub(e.written) <= maxLife && !e.written.Before(now.since)
}

// Set implements [Store]. It writes even if the context has ended, as whoever asked may
// have gone: it takes no longer for that.
func (r *Redis) Set(ctx context.Context, key Key, value []byte, until time.Time) {
	now := r.clock.read().wall
	if until = until.Round(0); until.Sub(now) > maxLife {
		until = now.Add(maxLife)
	}
	left := until.Sub(now)
	if left < time.Millisecond {
		return
	}
	if len(value) > maxValue {
		r.count("shared", "error")
		r.log.Debug("a verdict is too large for the store", "bytes", len(value), "max", maxValue)
		return
	}
	b, err := r.sealer.seal(kindValue, key, value, now, until)
	if err == nil {
		err = r.ask(context.WithoutCancel(ctx), func(ctx context.Context) error {
			return r.client.Set(ctx, r.name(kindValue, key), b, left).Err()
		})
	}
	if err != nil {
		r.count("shared", "error")
	}
}

// Ready implements [Store].
func (r *Redis) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, floorPatience)
	defer cancel()
	err := r.client.Ping(ctx).Err()
	if err != nil {
		return fmt.Errorf("ask the store: %w", plain(err))
	}
	r.breaker.done(answered, r.clock.now())
	return nil
}

// errOpen is a store that did not answer lately, and is not asked.
var errOpen = errors.New("the store did not answer lately")

// ask makes one request for a question, if the store has answered lately.
func (r *Redis) ask(ctx context.Context, request func(context.Context) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !r.breaker.allow(r.clock.now()) {
		return errOpen
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	what := failed
	defer func() { r.breaker.done(what, r.clock.now()) }()
	err = request(short)
	switch {
	case err == nil, errors.Is(err, redis.Nil), isWrongType(err):
		what = answered
	case ctx.Err() != nil, isTimeout(err) && leaves(ctx, short):
		what = abandoned
	default:
		r.log.Debug("the store did not answer", "error", plain(err))
	}
	return err
}

// leaves reports whether whoever asks waits no longer than the store may take.
func leaves(ctx, short context.Context) bool {
	end, ends := ctx.Deadline()
	last, _ := short.Deadline()
	return ends && !last.Before(end)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// isWrongType reports that there is something under a key that this package puts
// nowhere: a list, say.
func isWrongType(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) && strings.HasPrefix(reply.Error(), "WRONGTYPE")
}

// name is that of an entry in the store.
func (r *Redis) name(kind kind, key Key) string {
	return r.prefix + string(rune(kind)) + ":" + hex.EncodeToString(key[:])
}

// plain makes an error of the store fit for a log: a server's words are foreign text.
func plain(err error) error {
	var reply redis.Error
	if errors.As(err, &reply) {
		code, _, _ := strings.Cut(reply.Error(), " ")
		return fmt.Errorf("the store answers %.40q", code)
	}
	return err
}

// credentials are those of one connection.
type credentials struct{ user, file string }

func (c credentials) read(context.Context) (user, password string, err error) {
	if c.file == "" {
		return c.user, "", nil
	}
	b, err := os.ReadFile(c.file)
	if err != nil {
		return "", "", fmt.Errorf("read the store's password: %w", err)
	}
	b = bytes.TrimRight(b, "\r\n")
	if len(b) == 0 || len(b) > maxPassword {
		return "", "", fmt.Errorf("read the store's password: wanted 1 to %d bytes in %s, found %d", maxPassword, c.file, len(b))
	}
	return c.user, string(b), nil
}
