// Command trillmem is a Trillian log server and signer in one process, over Trillian's in-memory storage: what Rekor v1
// and a CT log write to, without a database. All is lost when it ends. Trillian keeps this storage for tests.
//
//	trillmem -listen ADDRESS -trees N -ids FILE
//
// It makes N logs, serves them over gRPC without TLS, and then writes their ids to FILE, one on each line: once the file
// is there, the logs can be used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where gRPC is served")
	trees := flag.Int("trees", 1, "how many logs are made")
	ids := flag.String("ids", "", "the file to which the ids of the logs are written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *listen, *trees, *ids)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "trillmem:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, address string, n int, file string) error {
	if n < 1 || file == "" {
		return errors.New("found no trees or no file for their ids; wanted -trees N -ids FILE")
	}
	trees := memory.NewTreeStorage()
	parts := extension.Registry{
		AdminStorage:    memory.NewAdminStorage(trees),
		LogStorage:      memory.NewLogStorage(trees, nil),
		ElectionFactory: election2.NoopFactory{},
		QuotaManager:    quota.Noop(),
	}
	logs := server.NewTrillianLogRPCServer(parts, clock.System)
	var made []string
	for range n {
		id, err := newLog(ctx, parts, logs)
		if err != nil {
			return err
		}
		made = append(made, fmt.Sprint(id))
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	service := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianLogServer(service, logs)
	ended := make(chan error, 1)
	go func() { ended <- service.Serve(listener) }()
	go sign(ctx, parts)
	if err := publish(file, strings.Join(made, "\n")+"\n"); err != nil {
		return err
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		service.Stop()
		return nil
	}
}

// newLog makes one log that is ready for entries.
func newLog(ctx context.Context, parts extension.Registry, logs *server.TrillianLogRPCServer) (int64, error) {
	tree, err := storage.CreateTree(ctx, parts.AdminStorage, &trillian.Tree{
		TreeType:        trillian.TreeType_LOG,
		TreeState:       trillian.TreeState_ACTIVE,
		MaxRootDuration: durationpb.New(time.Hour),
	})
	if err != nil {
		return 0, fmt.Errorf("create tree: %w", err)
	}
	if _, err := logs.InitLog(ctx, &trillian.InitLogRequest{LogId: tree.GetTreeId()}); err != nil {
		return 0, fmt.Errorf("initialise log: %w", err)
	}
	return tree.GetTreeId(), nil
}

// sign puts new entries into the trees, ten times a second. There is one signer, so that no election is needed.
func sign(ctx context.Context, parts extension.Registry) {
	log.NewOperationManager(log.OperationInfo{
		Registry:       parts,
		BatchSize:      256,
		NumWorkers:     2,
		RunInterval:    100 * time.Millisecond,
		TimeSource:     clock.System,
		ElectionConfig: election.RunnerConfig{MasterHoldInterval: 24 * time.Hour, TimeSource: clock.System},
	}, log.NewSequencerManager(parts, 0)).OperationLoop(ctx)
}

// publish writes a file that is either whole or not there.
func publish(file, content string) error {
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		return fmt.Errorf("write ids: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("write ids: %w", err)
	}
	return nil
}
