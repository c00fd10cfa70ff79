// Command couchdb-keeper runs CouchDB with a password from a file, and shows its metrics to whom the CA knows.
//
// CouchDB takes its administrator from its configuration, and writes there: the password's hash in the place of the
// password. So the file is made at each start, in memory. And CouchDB's metrics are open to everybody or to the
// administrator; here a client certificate is enough, and opens nothing else:
//
//	couchdb-keeper -user selvedge -password /run/secrets/couchdb/password -local /tmp/local.ini -listen :9446
//	    -cert tls.crt -key tls.key -ca ca.crt -metrics http://127.0.0.1:17986/_node/_local/_prometheus -- couchdb
//
// Without -listen nobody is shown anything.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"

	"selvedge.invalid/helper/internal/child"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code, which is CouchDB's.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("couchdb-keeper", flag.ContinueOnError)
	flags.SetOutput(stderr)
	user := flags.String("user", "", "the administrator's `name`")
	password := flags.String("password", "", "`file` with the administrator's password")
	local := flags.String("local", "", "`file` to make, which CouchDB reads last and writes to")
	listen := flags.String("listen", "", "`address` where the metrics are shown")
	var shown window
	flags.StringVar(&shown.cert, "cert", "", "PEM `file` of the certificate to show")
	flags.StringVar(&shown.key, "key", "", "PEM `file` of its key")
	flags.StringVar(&shown.ca, "ca", "", "PEM `file` of the authorities whose clients are answered")
	flags.StringVar(&shown.metrics, "metrics", "", "`URL` where CouchDB has its metrics")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	command := flags.Args()
	if *user == "" || *password == "" || *local == "" || len(command) == 0 {
		fmt.Fprintln(stderr, "couchdb-keeper: -user, -password, -local and CouchDB's command line have to be given")
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintf(stderr, "couchdb-keeper: %v\n", err)
		return 1
	}
	if err := administrator(*user, *password, *local); err != nil {
		return fail(err)
	}
	if *listen != "" {
		server, err := shown.server()
		if err != nil {
			return fail(err)
		}
		listener, err := net.Listen("tcp", *listen)
		if err != nil {
			return fail(err)
		}
		defer server.Close()
		go func() { _ = server.ServeTLS(listener, "", "") }()
	}
	couchdb := exec.Command(command[0], command[1:]...)
	couchdb.Stdout, couchdb.Stderr = stdout, stderr
	code, err := child.Accompany(couchdb, nil, nil)
	if err != nil {
		return fail(err)
	}
	return code
}

// administrator writes the file that makes the user one.
func administrator(user, password, local string) error {
	content, err := os.ReadFile(password)
	if err != nil {
		return err
	}
	secret := strings.TrimRight(string(content), "\r\n")
	if secret == "" || strings.HasPrefix(secret, "-pbkdf2") || strings.HasPrefix(secret, "-hashed-") || strings.ContainsAny(secret, "\r\n; ") {
		return errors.New(password + ": is no password that can stand in CouchDB's configuration")
	}
	// Of a former start, with another password maybe.
	if err := os.Remove(local); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(local, fmt.Appendf(nil, "[admins]\n%s = %s\n", user, secret), 0o600)
}
