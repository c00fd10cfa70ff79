package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// engine is a server on a unix socket that remembers what it was asked.
type engine struct {
	sync.Mutex
	asked      []string
	events     string
	containers string
}

func (e *engine) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	e.Lock()
	e.asked = append(e.asked, request.Method+" "+request.URL.RequestURI())
	e.Unlock()
	if request.URL.Path == "/events" {
		fmt.Fprint(response, e.events)
		return
	}
	fmt.Fprintf(response, "answer to %s", request.URL.Path)
}

func start(t *testing.T, fake *engine, state string) (socket string, out *bytes.Buffer) {
	t.Helper()
	folder, err := os.MkdirTemp("", "engine")
	if err != nil {
		t.Fatal(err)
	}
	behind, socket := filepath.Join(folder, "e"), filepath.Join(folder, "g")
	listener, err := net.Listen("unix", behind)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: fake}
	go server.Serve(listener)
	ctx, cancel := context.WithCancel(context.Background())
	out = new(bytes.Buffer)
	done := make(chan int, 1)
	args := []string{"-engine", behind, "-listen", socket, "-state", state}
	go func() { done <- run(ctx, args, out, io.Discard) }()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("exit code %d", code)
		}
		server.Close()
		os.RemoveAll(folder)
	})
	for deadline := time.Now().Add(10 * time.Second); ask(context.Background(), socket) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("it does not answer")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return socket, out
}

func send(t *testing.T, socket, method, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: transport(socket)}
	path, body, _ := strings.Cut(path, " ")
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	request, err := http.NewRequest(method, "http://engine"+path, content)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(answer)
}

func TestLookingIsAllowed(t *testing.T) {
	socket, _ := start(t, &engine{}, "")
	for _, path := range []string{
		"/_ping", "/version", "/v1.41/version", "/v1.41/containers/json?all=1", "/containers/abc123/stats?stream=false",
		"/v1.41/containers/peer0.org1.example/json", "/v1.41/events?since=1",
	} {
		if status, body := send(t, socket, http.MethodGet, path); status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
}

func TestEverythingElseIsRefusedWithoutAskingTheEngine(t *testing.T) {
	fake := &engine{}
	socket, _ := start(t, fake, "")
	for _, asked := range []string{
		"POST /containers/create", "POST /v1.41/containers/abc/kill", "DELETE /containers/abc", "POST /_ping",
		"PUT /containers/abc/archive?path=/", "GET /containers/abc/archive?path=/etc", "GET /containers/abc/logs",
		"GET /containers/abc/export", "GET /images/json", "GET /secrets", "GET /info", "GET /containers/../info",
		"GET /containers/a%2Fb/json", "GET /v1.41/containers/abc/attach/ws", "GET /", "GET /containers//json",
		"GET /_ping/../containers/abc/logs", "GET /containers/json with-a-body", "POST /containers/create with-a-body",
	} {
		method, path, _ := strings.Cut(asked, " ")
		if status, _ := send(t, socket, method, path); status != http.StatusForbidden {
			t.Errorf("%s: %d", asked, status)
		}
	}
	fake.Lock()
	defer fake.Unlock()
	for _, asked := range fake.asked {
		if asked != "GET /_ping" && !strings.HasPrefix(asked, "GET /events?") {
			t.Errorf("the engine was asked %s", asked)
		}
	}
}

const events = `{"Type":"container","Action":"die","Actor":{"ID":"1","Attributes":{"name":"peer0.org1.example","exitCode":"137"}},"timeNano":3000000001}
{"Type":"container","Action":"exec_start: healthcheck","Actor":{"ID":"1","Attributes":{"name":"x"}},"timeNano":3000000002}
{"Type":"container","Action":"health_status: unhealthy","Actor":{"ID":"1","Attributes":{"name":"y","image":"z"}},"timeNano":3000000003}
{"Type":"network","Action":"disconnect","Actor":{"ID":"n1","Attributes":{}},"timeNano":3000000004}
`

const written = `{"event":"container die","node":"peer0.org1.example","level":"warn","exit":"137","time":"1970-01-01T00:00:03.000000001Z"}
{"event":"container health_status: unhealthy","node":"y","level":"warn","image":"z","time":"1970-01-01T00:00:03.000000003Z"}
{"event":"network disconnect","node":"n1","level":"info","time":"1970-01-01T00:00:03.000000004Z"}
`

func TestEventsAreWrittenOnceAndNotAgainAfterARestart(t *testing.T) {
	state := filepath.Join(t.TempDir(), "last")
	if err := os.WriteFile(state, []byte("2000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fake := &engine{events: events}
	for index, expected := range []string{written, ""} {
		out := new(bytes.Buffer)
		log := &journal{path: state, out: out, starts: &starts{}}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		log.follow(ctx, roundTripper{fake}, io.Discard)
		cancel()
		if out.String() != expected {
			t.Errorf("run %d wrote\n%s", index, out)
		}
	}
	if fake.asked[0] != "GET /events?since=2.000000000" || fake.asked[1] != "GET /events?since=3.000000004" {
		t.Errorf("asked %v", fake.asked)
	}
}

// roundTripper answers from a handler.
type roundTripper struct{ handler *engine }

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	r.handler.asked = append(r.handler.asked, request.Method+" "+request.URL.RequestURI())
	answer := r.handler.events
	if request.URL.Path == "/containers/json" {
		answer = r.handler.containers
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func TestCheckFailsWhereNobodyListens(t *testing.T) {
	stderr := new(bytes.Buffer)
	code := run(context.Background(), []string{"-check", "-listen", filepath.Join(t.TempDir(), "s")}, io.Discard, stderr)
	if code != 1 || !strings.Contains(stderr.String(), "engine-watch: ") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

const lives = `{"Type":"container","Action":"start","Actor":{"ID":"1","Attributes":{"name":"assets.peer0.org1.example","selvedge.config":"-"}},"timeNano":3000000001}
{"Type":"container","Action":"die","Actor":{"ID":"1","Attributes":{"name":"assets.peer0.org1.example","selvedge.config":"-","exitCode":"1"}},"timeNano":3000000002}
{"Type":"container","Action":"start","Actor":{"ID":"1","Attributes":{"name":"assets.peer0.org1.example","selvedge.config":"-"}},"timeNano":3000000003}
{"Type":"container","Action":"start","Actor":{"ID":"2","Attributes":{"name":"somebody-elses"}},"timeNano":3000000004}
{"Type":"container","Action":"start","Actor":{"ID":"3","Attributes":{"name":"peer0.org1.example","selvedge.config":"a1"}},"timeNano":3000000005}
{"Type":"container","Action":"destroy","Actor":{"ID":"3","Attributes":{"name":"peer0.org1.example","selvedge.config":"a1"}},"timeNano":3000000006}
`

// counted runs a journal for a second, as a process of its own would, and returns what it left for the node exporter.
func counted(t *testing.T, folder string, fake *engine) string {
	t.Helper()
	path := filepath.Join(folder, "engine.prom")
	log := &journal{path: filepath.Join(folder, "last"), out: io.Discard, starts: &starts{path: path}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	log.follow(ctx, roundTripper{fake}, io.Discard)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var series strings.Builder
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "#") {
			series.WriteString(line)
		}
	}
	return series.String()
}

func TestStartsOfOurContainersAreCounted(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "last"), []byte("2000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fake := &engine{
		events:     lives,
		containers: `[{"Names":["/assets.peer0.org1.example"],"State":"exited"},{"Names":["/store.example"],"State":"running"}]`,
	}
	series := func(chaincode, store, chaincodeRuns int) string {
		return fmt.Sprintf("selvedge_container_starts_total{container=\"assets.peer0.org1.example\"} %d\n", chaincode) +
			fmt.Sprintf("selvedge_container_starts_total{container=\"store.example\"} %d\n", store) +
			fmt.Sprintf("selvedge_container_running{container=\"assets.peer0.org1.example\"} %d\n", chaincodeRuns) +
			"selvedge_container_running{container=\"store.example\"} 1\n"
	}
	if found := counted(t, folder, fake); found != series(2, 0, 1) {
		t.Errorf("first\n%s", found)
	}
	// Somebody who begins again knows what was counted, and counts nothing twice. What runs he asks for.
	if found := counted(t, folder, fake); found != series(2, 0, 0) {
		t.Errorf("after a restart\n%s", found)
	}
	fake.events = strings.ReplaceAll(lives, "30000", "40000")
	if found := counted(t, folder, fake); found != series(4, 0, 1) {
		t.Errorf("after more starts\n%s", found)
	}
	// It ended, and nobody started it.
	last := `"nofile","exitCode":"1"}},"timeNano":5000000001}` + "\n"
	fake.events = `{"Type":"container","Action":"die","Actor":{"ID":"1","Attributes":{"name":"store.example","selvedge.config":` + last
	if found := counted(t, folder, fake); !strings.Contains(found, "selvedge_container_running{container=\"store.example\"} 0\n") {
		t.Errorf("after it ended\n%s", found)
	}
	// What is gone is not told of any more.
	fake.containers = `[{"Names":["/store.example"]}]`
	if found := counted(t, folder, fake); strings.Contains(found, "assets") {
		t.Errorf("after it was removed\n%s", found)
	}
	if !strings.Contains(fake.asked[0], "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22selvedge.config%22%5D%7D") {
		t.Errorf("asked %v", fake.asked)
	}
	if info, err := os.Stat(filepath.Join(folder, "engine.prom")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the node exporter cannot read it: %v %v", info, err)
	}
}
