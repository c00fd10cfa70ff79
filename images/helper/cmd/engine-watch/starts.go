package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// ours is a label that every container of Selvedge has, and no other.
const ours = "selvedge.config"

const (
	metric     = "selvedge_container_starts_total"
	metricLine = metric + "{container=%q} %d\n"
	running    = "selvedge_container_running"
)

// starts counts how often each of our containers was started since it was made, and knows which run, in a file for the
// node exporter.
//
// Events are the one way to it that misses none: a container that ends at once is away whenever those that run are
// measured, and the engine's own count leaves out what systemd or a person started.
type starts struct {
	// Empty to count nothing.
	path   string
	counts map[string]uint64
	runs   map[string]bool
}

// begin takes the containers that are there, with what was known of them. It is done before each stream of events.
func (s *starts) begin(ctx context.Context, engine http.RoundTripper) error {
	if s.path == "" {
		return nil
	}
	if s.counts == nil {
		if err := s.read(); err != nil {
			return err
		}
	}
	filters := url.QueryEscape(`{"label":["` + ours + `"]}`)
	body, err := question(ctx, engine, "/containers/json?all=1&filters="+filters)
	if err != nil {
		return err
	}
	defer body.Close()
	var found []struct {
		Names []string
		State string
	}
	if err := json.NewDecoder(body).Decode(&found); err != nil {
		return err
	}
	there, runs := make(map[string]uint64, len(found)), make(map[string]bool, len(found))
	for _, container := range found {
		for _, name := range container.Names {
			name = strings.TrimPrefix(name, "/")
			there[name] = s.counts[name]
			// One that is paused does not do its work, and is not to be started.
			runs[name] = container.State == "running" || container.State == "paused"
		}
	}
	s.counts, s.runs = there, runs
	return s.write()
}

// see takes note of an event. A container that is made anew begins at 0, for an update is no restart.
func (s *starts) see(found event) error {
	name := found.Actor.Attributes["name"]
	if _, is := found.Actor.Attributes[ours]; s.path == "" || !is || name == "" || found.Type != "container" {
		return nil
	}
	switch found.Action {
	case "start":
		s.counts[name]++
		s.runs[name] = true
	case "die":
		s.runs[name] = false
	case "destroy":
		delete(s.counts, name)
		delete(s.runs, name)
	default:
		return nil
	}
	return s.write()
}

// read takes up the counts of a process that was ended.
func (s *starts) read() error {
	s.counts = map[string]uint64{}
	content, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for text := range strings.Lines(string(content)) {
		var name string
		var count uint64
		if _, err := fmt.Sscanf(text, metricLine, &name, &count); err == nil {
			s.counts[name] = count
		}
	}
	return nil
}

// write replaces the file as a whole, readable for the node exporter's user.
func (s *starts) write() error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "# HELP %s Starts of a container since it was made, by the engine's events.\n", metric)
	fmt.Fprintf(&text, "# TYPE %s counter\n", metric)
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		fmt.Fprintf(&text, metricLine, name, s.counts[name])
	}
	fmt.Fprintf(&text, "# HELP %s Whether a container runs.\n# TYPE %s gauge\n", running, running)
	for _, name := range slices.Sorted(maps.Keys(s.runs)) {
		value := 0
		if s.runs[name] {
			value = 1
		}
		fmt.Fprintf(&text, "%s{container=%q} %d\n", running, name, value)
	}
	// The exporter reads files that end with .prom.
	fresh := s.path + ".new"
	if err := os.WriteFile(fresh, text.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, s.path)
}
