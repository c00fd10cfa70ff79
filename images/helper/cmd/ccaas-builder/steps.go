package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	packageType    = "ccaas"
	connectionFile = "connection.json"
	indexDir       = "META-INF/statedb"
)

// detect says whether the peer should give this package to us.
func detect(metadataDir string) error {
	content, err := readFile(metadataDir, "metadata.json")
	if err != nil {
		return err
	}
	var metadata struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(content, &metadata); err != nil {
		return fmt.Errorf("metadata.json: %w", err)
	}
	if !strings.EqualFold(metadata.Type, packageType) {
		return fmt.Errorf("metadata.json: chaincode type is %q, this builder takes %q", metadata.Type, packageType)
	}
	return nil
}

// build writes the filled-in connection.json and the state database's index definitions to outputDir.
func build(sourceDir, metadataDir, outputDir, config string, log io.Writer) error {
	if err := detect(metadataDir); err != nil {
		return err
	}
	content, err := readFile(sourceDir, connectionFile)
	if err != nil {
		return err
	}
	filled, warnings, err := fillConnection(content, config)
	if err != nil {
		return fmt.Errorf("%s: %w", connectionFile, err)
	}
	for _, warning := range warnings {
		fmt.Fprintf(log, "ccaas-builder build: warning: %s: %s\n", connectionFile, warning)
	}
	if err := copyIndexes(sourceDir, indexDir, outputDir, indexDir); err != nil {
		return err
	}
	return writeFile(outputDir, connectionFile, filled)
}

// release lays out what the peer looks for: chaincode/server/connection.json, and statedb/ for indexes.
func release(outputDir, releaseDir string) error {
	content, err := readFile(outputDir, connectionFile)
	if err != nil {
		return err
	}
	if err := copyIndexes(outputDir, indexDir, releaseDir, "statedb"); err != nil {
		return err
	}
	return writeFile(releaseDir, "chaincode/server/"+connectionFile, content)
}

// copyIndexes copies a tree of index definitions, when there is one. A definition that is not JSON is refused here:
// the peer would only find out when the chaincode is committed, on every channel.
func copyIndexes(fromDir, from, toDir, to string) error {
	source, err := os.OpenRoot(fromDir)
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := source.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fs.WalkDir(source.FS(), from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s: is neither a file nor a directory", path)
		}
		content, err := fs.ReadFile(source.FS(), path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".json") && !json.Valid(content) {
			return fmt.Errorf("%s: is not valid JSON", path)
		}
		return writeFile(toDir, to+strings.TrimPrefix(path, from), content)
	})
}
