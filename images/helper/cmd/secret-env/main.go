// Command secret-env runs a program with secrets in its environment that lie in files.
//
// Some programs take a password from their environment alone. But what a container's definition says of its
// environment lies on the host's disk, and is shown to everybody who may ask the engine. So the definition names a
// file in memory, and this program, which then becomes the other one, reads it:
//
//	secret-env CORE_LEDGER_STATE_COUCHDBCONFIG_PASSWORD=/run/secrets/couchdb/password -- peer node start
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "secret-env: %v\n", err)
		os.Exit(1)
	}
}

// run returns only when it fails.
func run(args []string) error {
	wanted, command, err := parse(args)
	if err != nil {
		return err
	}
	environment, err := read(wanted)
	if err != nil {
		return err
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	// The first of two with one name counts for a program in Go, the last for others: there is to be one.
	others := slices.DeleteFunc(os.Environ(), func(item string) bool {
		name, _, _ := strings.Cut(item, "=")
		return slices.ContainsFunc(environment, func(secret string) bool { return strings.HasPrefix(secret, name+"=") })
	})
	environment = append(others, environment...)
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, command, environment))
}

// parse splits the command line into variables with their files, and the command.
func parse(args []string) (wanted, command []string, err error) {
	end := slices.Index(args, "--")
	if end < 1 || end == len(args)-1 {
		return nil, nil, errors.New("give NAME=FILE, for each secret, then -- and a command")
	}
	return args[:end], args[end+1:], nil
}

// read replaces each file by what is in it. A line's end is none of the secret.
func read(wanted []string) ([]string, error) {
	var environment []string
	for _, item := range wanted {
		name, file, is := strings.Cut(item, "=")
		if !is || name == "" {
			return nil, fmt.Errorf("%q is not NAME=FILE", item)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		secret := strings.TrimRight(string(content), "\r\n")
		if secret == "" {
			return nil, fmt.Errorf("%s: is empty, it should have the value of %s", file, name)
		}
		environment = append(environment, name+"="+secret)
	}
	return environment, nil
}
