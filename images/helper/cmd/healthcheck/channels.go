package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"sort"
	"strings"
)

// Gauges of a Fabric node: the height of each channel that it opened (peers and orderers,
// common/ledger/blkstorage/metrics.go), and what has become of an orderer in it, of which 3 is "failed"
// (orderer/common/multichannel/metrics.go).
var (
	heightLine = regexp.MustCompile(`^ledger_blockchain_height\{channel="([^"]+)"\} `)
	failedLine = regexp.MustCompile(`^participation_status\{channel="([^"]+)"\} 3$`)
)

// checkChannels compares the channels that have a folder in ledgers with those in a node's metrics. A node that could not
// open a channel goes on without it and says so in its log alone. A node without any folder is new, and well.
func checkChannels(ledgers string, metrics io.Reader) (string, error) {
	entries, err := os.ReadDir(ledgers)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("-ledgers: %w", err)
	}
	served, failed, err := channelsIn(metrics)
	if err != nil {
		return "", fmt.Errorf("/metrics: %w", err)
	}
	var missing []string
	count := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		count++
		if !served[entry.Name()] {
			missing = append(missing, entry.Name())
		}
	}
	switch {
	case len(missing) > 0:
		return "", fmt.Errorf("has the ledger of channel %s on its disk, but does not serve it: see its log", strings.Join(missing, ", "))
	case len(failed) > 0:
		return "", fmt.Errorf("has failed in channel %s: see its log", strings.Join(failed, ", "))
	case count == 1:
		return "1 channel", nil
	}
	return fmt.Sprintf("%d channels", count), nil
}

// channelsIn reads which channels a node serves, and in which of them it has failed.
func channelsIn(metrics io.Reader) (map[string]bool, []string, error) {
	served := map[string]bool{}
	var failed []string
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		if found := heightLine.FindStringSubmatch(lines.Text()); found != nil {
			served[found[1]] = true
		}
		if found := failedLine.FindStringSubmatch(lines.Text()); found != nil {
			failed = append(failed, found[1])
		}
	}
	sort.Strings(failed)
	return served, failed, lines.Err()
}
