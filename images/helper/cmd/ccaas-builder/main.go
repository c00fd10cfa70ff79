// Command ccaas-builder is the peer's external builder for chaincode as a service.
//
// Nothing is built: such a package says where a chaincode server listens, and the server is started by other means.
// The peer runs three programs of a builder in turn; this binary is all three and decides by the name it is called
// with, so an image holds it once with symlinks:
//
//	bin/detect  SOURCE_DIR METADATA_DIR             is this package ours?
//	bin/build   SOURCE_DIR METADATA_DIR OUTPUT_DIR  fill in and check connection.json, take the index definitions
//	bin/release OUTPUT_DIR RELEASE_DIR              lay them out as the peer reads them
//
// There is no bin/run: the peer connects to what connection.json names. The package format is the one of the
// builder in upstream's peer image, so packages made for one work with the other.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// configVariable holds a JSON object whose fields fill the templates in connection.json. The peer hands it on only
// when the builder's propagateEnvironment in core.yaml names it.
const configVariable = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"

type program struct {
	usage string
	nargs int
	run   func(args []string, log io.Writer) error
}

var programs = map[string]program{
	"detect": {"SOURCE_DIR METADATA_DIR", 2, func(args []string, _ io.Writer) error {
		return detect(args[1])
	}},
	"build": {"SOURCE_DIR METADATA_DIR OUTPUT_DIR", 3, func(args []string, log io.Writer) error {
		return build(args[0], args[1], args[2], os.Getenv(configVariable), log)
	}},
	"release": {"OUTPUT_DIR RELEASE_DIR", 2, func(args []string, _ io.Writer) error {
		return release(args[0], args[1])
	}},
}

func main() {
	os.Exit(run(os.Args, os.Stderr))
}

// run finds the program by argv[0], or by the first argument when a person calls the binary by its own name.
// Everything goes to stderr, which the peer copies line by line into its log.
func run(argv []string, log io.Writer) int {
	name, args := filepath.Base(argv[0]), argv[1:]
	if _, known := programs[name]; !known && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	chosen, known := programs[name]
	if !known {
		fmt.Fprintf(log, "ccaas-builder: %q is not one of detect, build, release\n", name)
		return 2
	}
	if len(args) != chosen.nargs {
		fmt.Fprintf(log, "ccaas-builder %s: usage: %s %s\n", name, name, chosen.usage)
		return 2
	}
	if err := chosen.run(args, log); err != nil {
		fmt.Fprintf(log, "ccaas-builder %s: %v\n", name, err)
		return 1
	}
	return 0
}
