// Command engine-watch stands between the container engine's socket and what only wants to look at it.
//
// Who may write to the engine's socket owns the host. The collector reads what anybody logs, and should own nothing:
// it gets this socket instead, on which containers can be listed, inspected and measured, and nothing else.
//
//	engine-watch -engine /var/run/docker.sock -listen /run/engine/engine.sock -state /run/engine/last -starts /textfiles/engine.prom
//	engine-watch -listen /run/engine/engine.sock -check     is it there, and the engine behind it?
//
// What happens to containers it writes to its standard output, a line an event, from where it comes along with all logs.
// How often our containers were started it writes to a file for the node exporter.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const checkTimeout = 3 * time.Second

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("engine-watch", flag.ContinueOnError)
	flags.SetOutput(stderr)
	engine := flags.String("engine", "/var/run/docker.sock", "the engine's `socket`")
	listen := flags.String("listen", "/run/engine/engine.sock", "the `socket` to be looked at through")
	state := flags.String("state", "", "`file` that remembers the last event over a restart")
	counts := flags.String("starts", "", "`file` for the node exporter that says how often containers were started")
	check := flags.Bool("check", false, "only ask whether all is well")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	var err error
	if *check {
		err = ask(ctx, *listen)
	} else {
		err = serve(ctx, *engine, *listen, &journal{path: *state, out: stdout, starts: &starts{path: *counts}}, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "engine-watch: %v\n", err)
		return 1
	}
	return 0
}

// serve answers on the socket and follows events until the context ends.
func serve(ctx context.Context, engine, listen string, events *journal, stderr io.Writer) error {
	// Of a process that was killed.
	if err := os.Remove(listen); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: guard(transport(engine)), ReadHeaderTimeout: 5 * time.Second}
	go events.follow(ctx, transport(engine), stderr)
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// transport speaks HTTP over a unix socket, whatever the URL's host.
func transport(socket string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
		DisableCompression: true,
	}
}

// ask is the healthcheck.
func ask(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/_ping", nil)
	if err != nil {
		return err
	}
	response, err := transport(socket).RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the engine answers %s", response.Status)
	}
	return nil
}
