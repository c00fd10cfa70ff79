package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// How long to wait before an engine that is away is asked again.
const pause = 2 * time.Second

// event is one of the engine's.
type event struct {
	Type   string
	Action string
	Actor  struct {
		ID         string
		Attributes map[string]string
	}
	TimeNano int64 `json:"timeNano"`
}

// line is what we write of it. The collector looks for the first two fields in this order.
type line struct {
	Event string `json:"event"`
	Node  string `json:"node"`
	Level string `json:"level"`
	Exit  string `json:"exit,omitempty"`
	Image string `json:"image,omitempty"`
	Time  string `json:"time"`
}

// journal writes events, counts starts, and remembers the last event.
type journal struct {
	path   string
	out    io.Writer
	starts *starts
	last   int64
}

// follow asks for events until the context ends. The engine has the last 256 of them: those since the last that we saw
// come first.
func (j *journal) follow(ctx context.Context, engine http.RoundTripper, stderr io.Writer) {
	if text, err := os.ReadFile(j.path); err == nil {
		j.last, _ = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	}
	if j.last == 0 {
		j.last = time.Now().UnixNano()
	}
	for ctx.Err() == nil {
		if err := j.stream(ctx, engine); err != nil && ctx.Err() == nil {
			fmt.Fprintf(stderr, `{"level":"warn","msg":"no events: %s"}`+"\n", strings.ReplaceAll(err.Error(), `"`, `'`))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (j *journal) stream(ctx context.Context, engine http.RoundTripper) error {
	if err := j.starts.begin(ctx, engine); err != nil {
		return err
	}
	since := fmt.Sprintf("%d.%09d", j.last/int64(time.Second), j.last%int64(time.Second))
	body, err := question(ctx, engine, "/events?since="+since)
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var found event
		if err := decoder.Decode(&found); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := j.write(found); err != nil {
			return err
		}
	}
}

// question asks the engine for something, and returns the body of its answer.
func question(ctx context.Context, engine http.RoundTripper, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := engine.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("the engine answers %s", response.Status)
	}
	return response.Body, nil
}

// write is silent about what it wrote before, and about healthchecks, which are execs four times a minute.
func (j *journal) write(found event) error {
	if found.TimeNano <= j.last || strings.HasPrefix(found.Action, "exec_") || found.Action == "top" {
		return nil
	}
	attributes := found.Actor.Attributes
	name := attributes["name"]
	if name == "" {
		name = found.Actor.ID
	}
	text, err := json.Marshal(line{
		Event: found.Type + " " + found.Action,
		Node:  name,
		Level: level(found),
		Exit:  attributes["exitCode"],
		Image: attributes["image"],
		Time:  time.Unix(0, found.TimeNano).UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(j.out, "%s\n", text); err != nil {
		return err
	}
	if err := j.starts.see(found); err != nil {
		return err
	}
	j.last = found.TimeNano
	if j.path == "" {
		return nil
	}
	return os.WriteFile(j.path, []byte(strconv.FormatInt(j.last, 10)+"\n"), 0o600)
}

// level of an event: somebody may have to look at what was killed or is unwell.
func level(found event) string {
	exit := found.Actor.Attributes["exitCode"]
	switch {
	case found.Action == "oom":
		return "error"
	case found.Action == "die" && exit != "0", found.Action == "health_status: unhealthy":
		return "warn"
	}
	return "info"
}
