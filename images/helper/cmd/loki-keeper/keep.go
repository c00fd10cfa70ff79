package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tenant is who all lines belong to in a Loki without authentication of its own.
const tenant = "fake"

// keeper knows how much there may be, and how much there is.
type keeper struct {
	data   string
	size   int64
	period time.Duration
	least  time.Duration
	limits string
	log    io.Writer
	said   time.Time
}

// How often it says that less is kept than was asked for.
const sayEvery = 24 * time.Hour

// chunk is a file of compressed lines of one source.
type chunk struct {
	newest time.Time
	bytes  int64
}

// keep looks at the folder and says how long lines are kept from now on.
func (k *keeper) keep(now time.Time) error {
	chunks, other, err := measure(k.data)
	if err != nil {
		return err
	}
	period := k.fitting(chunks, other, now)
	if period < k.period && now.Sub(k.said) >= sayEvery {
		k.said = now
		text := fmt.Sprintf("logs of the last %s fit into %d MB, not of %s: older ones go", period, k.size/1e6, k.period)
		fmt.Fprintf(k.log, "level=warn msg=%q\n", text)
	}
	return k.tell(period)
}

// fitting is how far back the newest chunks go that fit. A quarter of the size is left for what comes before the oldest
// are gone: Loki takes no more than that in the time (plugins/module_utils/monitoring/loki.py).
func (k *keeper) fitting(chunks []chunk, other int64, now time.Time) time.Duration {
	slices.SortFunc(chunks, func(a, b chunk) int { return b.newest.Compare(a.newest) })
	// However large the rest is for a moment, not all lines go for it.
	room := max(k.size/4*3-other, k.size/4)
	for _, found := range chunks {
		if room -= found.bytes; room < 0 {
			return min(k.period, max(k.least, now.Sub(found.newest).Truncate(time.Second)))
		}
	}
	return k.period
}

// tell writes what Loki reads, as a whole.
func (k *keeper) tell(period time.Duration) error {
	text := fmt.Sprintf("overrides:\n  %s:\n    retention_period: %ds\n", tenant, int64(period.Seconds()))
	fresh := k.limits + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, k.limits)
}

// measure finds all chunks, and how much of the disk everything else takes: index, write-ahead log, folders.
func measure(data string) (chunks []chunk, other int64, err error) {
	below := filepath.Join(data, "chunks", tenant) + string(filepath.Separator)
	err = filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = entry.Info()
		}
		if errors.Is(err, fs.ErrNotExist) && path != data {
			// Loki deletes meanwhile.
			return nil
		}
		if err != nil {
			return err
		}
		bytes := info.Size()
		if status, is := info.Sys().(*syscall.Stat_t); is {
			bytes = status.Blocks * 512
		}
		newest, is := newestLine(entry.Name())
		if !entry.Type().IsRegular() || !strings.HasPrefix(path, below) || !is {
			other += bytes
			return nil
		}
		chunks = append(chunks, chunk{newest, bytes})
		return nil
	})
	return chunks, other, err
}

// newestLine is the time of a chunk's newest line. Its file has the name FROM:THROUGH:CHECKSUM in base64, in
// hexadecimal, times in milliseconds. Source: Loki 3.5.0, pkg/storage/config/schema_config.go (newerExternalKey) and
// pkg/storage/chunk/client/object_client.go (FSEncoder).
func newestLine(name string) (time.Time, bool) {
	text, err := base64.StdEncoding.DecodeString(name)
	if err != nil {
		return time.Time{}, false
	}
	parts := strings.Split(string(text), ":")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	millis, err := strconv.ParseInt(parts[1], 16, 64)
	return time.UnixMilli(millis), err == nil
}
