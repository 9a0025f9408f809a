package process

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/releaseassay/assay/e2e/internal/exit"
)

// Enter runs this program again, with these arguments, in a network namespace of its own: it has a loopback interface
// and no other, so that whatever listens there cannot be reached from outside, and nothing inside can reach out.
// Mounts that it makes are its own, too. It returns the exit code.
func Enter(ctx context.Context, args []string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	runtime.LockOSThread() // the kernel takes the end of the thread that started a child for that of the parent
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 0, exit.CannotRun{Reason: fmt.Errorf("make a network namespace: %w", err)}
	}
	err = cmd.Wait()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() >= 0 {
		return ended.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("run in the network namespace: %w", err)
	}
	return exit.Good, nil
}

// Cover puts an empty folder of this namespace's own, in memory, over one that is there. Nobody outside sees it.
func Cover(folder string) error {
	// What is mounted here must not appear where the namespace comes from.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0755"); err != nil {
		return fmt.Errorf("cover %s: %w", folder, err)
	}
	return nil
}

// DieWithUs ends a child when this process ends, however that happens.
func DieWithUs(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// RaiseLoopback switches the loopback interface on, which a new namespace has switched off. This is what
// `ip link set lo up` does: one RTM_NEWLINK message (rtnetlink(7)), of a header and a struct ifinfomsg.
func RaiseLoopback() error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink socket: %w", err)
	}
	defer func() { _ = syscall.Close(fd) }()
	const index = 1 // of the loopback interface, the first of every namespace
	h := binary.NativeEndian
	m := h.AppendUint32(nil, syscall.SizeofNlMsghdr+syscall.SizeofIfInfomsg)
	m = h.AppendUint16(m, syscall.RTM_NEWLINK)
	m = h.AppendUint16(m, syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	m = append(m, make([]byte, 8)...) // sequence number and sender
	m = append(m, make([]byte, 4)...) // family and type
	m = h.AppendUint32(m, index)
	m = h.AppendUint32(m, syscall.IFF_UP)
	m = h.AppendUint32(m, syscall.IFF_UP) // the flags to change
	if err := syscall.Sendto(fd, m, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return fmt.Errorf("switch loopback on: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("switch loopback on: %w", err)
	}
	if n < syscall.SizeofNlMsghdr+4 || h.Uint16(answer[4:]) != syscall.NLMSG_ERROR {
		return fmt.Errorf("switch loopback on: found an answer of %d bytes; wanted an acknowledgement", n)
	}
	if code := int32(h.Uint32(answer[syscall.SizeofNlMsghdr:])); code != 0 {
		return fmt.Errorf("switch loopback on: %w", syscall.Errno(-code))
	}
	return nil
}
