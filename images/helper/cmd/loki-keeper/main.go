// Command loki-keeper runs Loki, and keeps its folder within a size: the oldest lines go first.
//
// Loki itself bounds logs by time alone. But it takes a new retention period from its runtime configuration while it
// runs, and by that it deletes chunks as it always does, with their index. So a look at the folder every few minutes
// is all that is needed: the chunks' names say how old they are, their files how large, and the period is the one in
// which as many of them as fit were written.
//
//	loki-keeper -data /var/lib/loki -size 10000000000 -period 336h -limits /var/lib/loki/limits.yml -- loki -config.file=...
//
// It is Loki's parent, not beside it, because Loki does not start without the file.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"selvedge.invalid/helper/internal/child"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process: it returns the exit code, which is Loki's.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("loki-keeper", flag.ContinueOnError)
	flags.SetOutput(stderr)
	k := keeper{log: stderr}
	flags.StringVar(&k.data, "data", "/var/lib/loki", "Loki's `folder`")
	flags.Int64Var(&k.size, "size", 0, "how many `bytes` of the disk it may take")
	flags.DurationVar(&k.period, "period", 0, "how long lines are kept if they fit")
	// An index that is younger may be asked for chunks that are gone, and then answers with less than there is. As fast as
	// Loki takes lines, an hour of them always fits.
	flags.DurationVar(&k.least, "least", time.Hour, "how long lines are kept whether they fit or not")
	flags.StringVar(&k.limits, "limits", "/var/lib/loki/limits.yml", "`file` that Loki reads as its runtime configuration")
	every := flags.Duration("every", 5*time.Minute, "how often to look")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	command := flags.Args()
	if k.size <= 0 || k.period < time.Second || k.least < time.Second || *every <= 0 || len(command) == 0 {
		fmt.Fprintln(stderr, "loki-keeper: -size, -period and Loki's command line have to be given")
		return 2
	}
	if err := k.keep(time.Now()); err != nil {
		fmt.Fprintf(stderr, "loki-keeper: %v\n", err)
		return 1
	}
	code, err := k.accompany(command, *every, stdout)
	if err != nil {
		fmt.Fprintf(stderr, "loki-keeper: %v\n", err)
	}
	return code
}

// accompany runs the command, and looks at the folder until it ends.
func (k *keeper) accompany(command []string, every time.Duration, stdout io.Writer) (int, error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	loki := exec.Command(command[0], command[1:]...)
	loki.Stdout, loki.Stderr = stdout, k.log
	return child.Accompany(loki, ticker.C, func(now time.Time) {
		// The period that it has still holds.
		if err := k.keep(now); err != nil {
			fmt.Fprintf(k.log, "level=error msg=%q\n", "the size of the logs is not kept: "+err.Error())
		}
	})
}
