// Command healthcheck asks endpoints whether they are well, and exits 0 or 1 with one line that says why.
//
// Our images are built from scratch: no shell, no curl. A container's healthcheck is this program:
//
//	healthcheck https://localhost:9443/healthz -ca ca.crt -cert tls.crt -key tls.key
//	healthcheck tls://localhost:9999 -ca ca.crt     TLS handshake, and HTTP/2 where the server speaks it
//	healthcheck tcp://localhost:5984                a listener, nothing more
//
// Several are asked one after the other, and the first that is not well ends it. For a Fabric node it also compares the
// channels on its disk with those that it serves:
//
//	healthcheck https://localhost:9443/healthz tls://localhost:7051 -ledgers /var/hyperledger/production/orderer/chains
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	targets    []string
	ledgers    string
	caFile     string
	certFile   string
	keyFile    string
	serverName string
	status     int
	timeout    time.Duration
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code, 0 for well and 1 for everything else.
func run(args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stderr, "healthcheck: %v\n", err)
		}
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), opts.timeout)
	defer cancel()
	var seen []string
	for _, target := range opts.targets {
		message, err := check(ctx, target, opts)
		if err != nil {
			fmt.Fprintf(stderr, "unhealthy: %s: %v\n", target, err)
			return 1
		}
		seen = append(seen, fmt.Sprintf("%s: %s", target, message))
	}
	fmt.Fprintf(stdout, "healthy: %s\n", strings.Join(seen, "; "))
	return 0
}

// parse accepts flags before and after the URLs; the flag package alone stops at the first word without a dash.
func parse(args []string, usage io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("healthcheck", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.caFile, "ca", "", "PEM `file` of the authorities that may have signed the server's certificate")
	flags.StringVar(&opts.certFile, "cert", "", "PEM `file` of our client certificate")
	flags.StringVar(&opts.keyFile, "key", "", "PEM `file` of our client key")
	flags.StringVar(&opts.ledgers, "ledgers", "", "`folder` with a folder for each channel that the node must serve, by its /metrics")
	flags.StringVar(&opts.serverName, "server-name", "", "`name` to expect in the server's certificate instead of the URL's host")
	flags.IntVar(&opts.status, "expect-status", 200, "HTTP `status` that means well")
	flags.DurationVar(&opts.timeout, "timeout", 3*time.Second, "`time` for the whole check")

	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprintln(usage, "usage: healthcheck https://|http://|tls://|tcp://HOST:PORT[/PATH] ... [flags]")
				flags.SetOutput(usage)
				flags.PrintDefaults()
			}
			return opts, err
		}
		if flags.NArg() == 0 {
			break
		}
		opts.targets, rest = append(opts.targets, flags.Arg(0)), flags.Args()[1:]
	}

	switch {
	case len(opts.targets) == 0:
		return opts, errors.New("no URL: say what to check, such as https://localhost:9443/healthz")
	case (opts.certFile == "") != (opts.keyFile == ""):
		return opts, errors.New("-cert and -key belong together: give both or neither")
	case opts.ledgers != "" && !strings.HasPrefix(opts.targets[0], "http"):
		return opts, fmt.Errorf("-ledgers asks /metrics where the first URL is, which must be http or https, not %s", opts.targets[0])
	case opts.timeout <= 0:
		return opts, fmt.Errorf("-timeout must be positive, not %s", opts.timeout)
	}
	return opts, nil
}
