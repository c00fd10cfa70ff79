package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Every path below a directory goes through os.Root: a package comes from somebody else's administrator, and a
// symlink or ".." in it must not make us read or write anywhere else. A connection.json is a page; more is a mistake.
const maxFileSize = 1 << 20

// readFile reads a regular file named relative to dir.
func readFile(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a file", name)
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s: is larger than %d bytes", name, maxFileSize)
	}
	return fs.ReadFile(root.FS(), name)
}

// writeFile writes a file named relative to dir and makes the directories on its way. Only the peer's own user may
// read it: connection.json can hold a client key.
func writeFile(dir, name string, content []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := makeParents(root, name); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	if _, err := file.Write(content); err != nil {
		file.Close()
		return fmt.Errorf("%s: %w", name, err)
	}
	return file.Close()
}

func makeParents(root *os.Root, name string) error {
	parts := strings.Split(path.Dir(name), "/")
	for i := range parts {
		parent := strings.Join(parts[:i+1], "/")
		if err := root.Mkdir(parent, 0o750); err != nil && !os.IsExist(err) {
			return fmt.Errorf("%s: %w", parent, cause(err))
		}
	}
	return nil
}

// cause drops the operation's name (statat, openat) that os.Root puts before the reason.
func cause(err error) error {
	if pathError, ok := err.(*fs.PathError); ok {
		return pathError.Err
	}
	return err
}
