package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a peer of Fabric 2.5.9 with two channels measures, shortened; and an orderer in the same two.
const (
	peerMetrics = `# HELP ledger_blockchain_height Height of the chain in blocks.
# TYPE ledger_blockchain_height gauge
ledger_blockchain_height{channel="demo"} 4
ledger_blockchain_height{channel="trade.2"} 1
ledger_blockstorage_commit_time_bucket{channel="lost",le="0.005"} 3
logging_entries_checked{level="debug"} 64093
`
	ordererMetrics = peerMetrics + `participation_consensus_relation{channel="demo"} 1
participation_status{channel="demo"} 1
participation_status{channel="trade.2"} 2
`
)

func TestChannels(t *testing.T) {
	for name, row := range map[string]struct {
		folders []string
		metrics string
		code    int
		want    string
	}{
		"all are served":            {[]string{"demo", "trade.2"}, peerMetrics, 0, "status 200, 2 channels"},
		"an orderer's, one is late": {[]string{"demo", "trade.2"}, ordererMetrics, 0, "status 200, 2 channels"},
		"a fresh node":              {nil, "", 0, "status 200, 0 channels"},
		"one is joining":            {[]string{"demo"}, peerMetrics, 0, "status 200, 1 channel"},
		"one is lost":               {[]string{"demo", "lost"}, peerMetrics, 1, "has the ledger of channel lost on its disk, but does not serve it"},
		"none is served":            {[]string{"a", "b"}, "", 1, "channel a, b on its disk"},
		"one has failed": {
			[]string{"demo"}, strings.Replace(ordererMetrics, `{channel="demo"} 1`+"\nparticipation_status{channel=\"trade.2\"} 2",
				`{channel="demo"} 3`, 1), 1, "has failed in channel demo",
		},
		"no metrics": {[]string{"demo"}, "404", 1, "/metrics: status 404, expected 200"},
	} {
		t.Run(name, func(t *testing.T) {
			ledgers := filepath.Join(t.TempDir(), "chains")
			for _, folder := range row.folders {
				must(t, os.MkdirAll(filepath.Join(ledgers, folder), 0o700))
			}
			if row.folders != nil {
				must(t, os.WriteFile(filepath.Join(ledgers, "a-file"), nil, 0o600))
			}
			connections := 0
			mux := http.NewServeMux()
			mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"status":"OK"}`))
			})
			mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
				if row.metrics == "404" {
					w.WriteHeader(http.StatusNotFound)
				}
				_, _ = w.Write([]byte(row.metrics))
			})
			server := httptest.NewUnstartedServer(mux)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections++
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			var out bytes.Buffer
			code := run([]string{server.URL + "/healthz", "-ledgers", ledgers}, &out, &out)
			if code != row.code || !strings.Contains(out.String(), row.want) {
				t.Fatalf("exit %d, %q; want %d, %q", code, out.String(), row.code, row.want)
			}
			if connections != 1 {
				t.Errorf("%d connections for one check", connections)
			}
		})
	}
}

func TestLedgersThatCannotBeRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if _, err := checkChannels(file, strings.NewReader(peerMetrics)); err == nil || !strings.Contains(err.Error(), "-ledgers: ") {
		t.Fatalf("got %v", err)
	}
}
