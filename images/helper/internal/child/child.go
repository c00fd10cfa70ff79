// Package child runs the program that a container is for, from a parent that has something else to do beside it.
package child

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// Accompany runs the command, hands on what it is told by signals, and does something at every tick until it ends.
// It returns the exit code, the command's own. Without ticks it only waits.
func Accompany(command *exec.Cmd, ticks <-chan time.Time, do func(now time.Time)) (int, error) {
	told := make(chan os.Signal, 4)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(told)
	if err := command.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case what := <-told:
			_ = command.Process.Signal(what)
		case now := <-ticks:
			do(now)
		case err := <-ended:
			return exitCode(err)
		}
	}
}

// exitCode is as a shell gives it.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 1, err
	}
	if status, is := exit.Sys().(syscall.WaitStatus); is && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
