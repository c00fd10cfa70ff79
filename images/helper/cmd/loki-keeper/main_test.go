package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var now = time.UnixMilli(1_800_000_000_000)

// put makes a chunk of so many bytes whose newest line is so old.
func put(t *testing.T, data string, age time.Duration, size int) string {
	t.Helper()
	through := now.Add(-age)
	name := fmt.Sprintf("%x:%x:%x", through.Add(-time.Hour).UnixMilli(), through.UnixMilli(), size)
	return write(t, size, data, "chunks", tenant, "ff874299c273f0d9", base64.StdEncoding.EncodeToString([]byte(name)))
}

func write(t *testing.T, size int, elements ...string) string {
	t.Helper()
	path := filepath.Join(elements...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKeeper(t *testing.T, size int64) (*keeper, *bytes.Buffer) {
	t.Helper()
	folder, log := t.TempDir(), new(bytes.Buffer)
	data := filepath.Join(folder, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	return &keeper{data: data, size: size, period: 336 * time.Hour, least: time.Hour, limits: filepath.Join(data, "limits.yml"), log: log}, log
}

// told is the period, in seconds, that Loki reads.
func told(t *testing.T, k *keeper) string {
	t.Helper()
	if err := k.keep(now); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(k.limits)
	if err != nil {
		t.Fatal(err)
	}
	period, found := strings.CutPrefix(string(content), "overrides:\n  fake:\n    retention_period: ")
	if !found {
		t.Fatalf("it reads %s", content)
	}
	return strings.TrimSpace(period)
}

func TestAsMuchIsKeptAsFits(t *testing.T) {
	for name, row := range map[string]struct {
		ages  []time.Duration
		other int
		want  string
	}{
		"nothing":                        {nil, 0, "1209600s"},
		"all of it":                      {[]time.Duration{1 * time.Hour, 2 * time.Hour, 3 * time.Hour}, 0, "1209600s"},
		"the oldest does not":            {[]time.Duration{4 * time.Hour, 1 * time.Hour, 3 * time.Hour, 2 * time.Hour}, 0, "14400s"},
		"beside the index and the log":   {[]time.Duration{1 * time.Hour, 2 * time.Hour, 3 * time.Hour}, 100_000, "10800s"},
		"the newest, whatever the rest":  {[]time.Duration{90 * time.Minute, 2 * time.Hour}, 900_000, "7200s"},
		"an hour in any case":            {[]time.Duration{0, time.Millisecond}, 900_000, "3600s"},
		"with a clock that is ahead":     {[]time.Duration{-time.Hour, -2 * time.Hour}, 900_000, "3600s"},
		"what is to go by its age, too":  {[]time.Duration{1 * time.Hour, 400 * time.Hour, 500 * time.Hour, 600 * time.Hour}, 0, "1209600s"},
		"lines that came late are older": {[]time.Duration{9 * time.Hour, 5 * time.Hour, 7 * time.Hour, 1 * time.Hour}, 0, "32400s"},
	} {
		t.Run(name, func(t *testing.T) {
			// Three quarters of it: three chunks and some folders, and no fourth.
			k, _ := newKeeper(t, 480_000)
			for _, age := range row.ages {
				put(t, k.data, age, 100_000)
			}
			if row.other > 0 {
				write(t, row.other, k.data, "wal", "00000001")
			}
			if found := told(t, k); found != row.want {
				t.Errorf("%s, not %s", found, row.want)
			}
		})
	}
}

func TestItSaysOnceADayThatLessIsKept(t *testing.T) {
	k, log := newKeeper(t, 200_000)
	put(t, k.data, time.Hour, 100_000)
	told(t, k)
	if log.Len() > 0 {
		t.Errorf("it said %s", log)
	}
	put(t, k.data, 50*time.Hour, 100_000)
	for _, later := range []time.Duration{0, time.Hour, 25 * time.Hour} {
		if err := k.keep(now.Add(later)); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "level=warn") || !strings.Contains(lines[1], "level=warn") ||
		!strings.Contains(lines[0], "last 50h0m0s fit into 0 MB, not of 336h") {
		t.Errorf("it said\n%s", log)
	}
}

func TestWhatIsNoChunkIsNotTakenForOne(t *testing.T) {
	for _, name := range []string{"x", "limits.yml", "MWEyMTBhMDcyY2U=", base64.StdEncoding.EncodeToString([]byte("1:zz:3"))} {
		if _, is := newestLine(name); is {
			t.Error(name)
		}
	}
	// Of a real Loki.
	if newest, is := newestLine("MWEyMTBhMDcyY2U6MWEyMTBhMDc4NGE6YTdlMWNlMTk="); !is || newest.UnixMilli() != 0x1a210a0784a {
		t.Error(newest)
	}
}

func TestLokiFindsTheFileAndItsExitCodeIsOurs(t *testing.T) {
	k, _ := newKeeper(t, 0)
	arguments := func(command ...string) []string {
		return append([]string{"-data", k.data, "-limits", k.limits, "-size", "1000000", "-period", "24h", "--"}, command...)
	}
	out := new(bytes.Buffer)
	if code := run(arguments("/bin/sh", "-c", "cat "+k.limits+"; exit 3"), out, io.Discard); code != 3 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(out.String(), "retention_period: 86400s") {
		t.Errorf("it found %s", out)
	}
	if code := run(arguments("/bin/sh", "-c", "kill -9 $$"), io.Discard, io.Discard); code != 137 {
		t.Errorf("killed: exit code %d", code)
	}
	if code := run(arguments("/no/such/loki"), io.Discard, io.Discard); code != 1 {
		t.Errorf("no such program: exit code %d", code)
	}
	for _, wrong := range [][]string{{"-size", "1", "-period", "1h"}, {"-period", "1h", "--", "true"}, {"-what"}} {
		if code := run(wrong, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v: exit code %d", wrong, code)
		}
	}
	if code := run([]string{"-data", "/no/such/folder", "-size", "1", "-period", "1h", "true"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("no folder: exit code %d", code)
	}
}

// Whoever stops the container asks us; Loki writes what it has in hand and ends by itself.
func TestLokiIsAskedToEnd(t *testing.T) {
	k, _ := newKeeper(t, 1_000_000)
	ready := filepath.Join(t.TempDir(), "ready")
	script := "trap 'exit 7' TERM; touch " + ready + "; while true; do sleep 0.05; done"
	done := make(chan int, 1)
	go func() {
		code, _ := k.accompany([]string{"/bin/sh", "-c", script}, 10*time.Millisecond, io.Discard)
		done <- code
	}()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it was not started")
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-done:
		if code != 7 {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it was not asked")
	}
	// It looked meanwhile.
	if _, err := os.Stat(k.limits); err != nil {
		t.Error(err)
	}
}
