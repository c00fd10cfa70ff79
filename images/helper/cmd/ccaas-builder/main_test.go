package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packageDirs are the directories that a peer prepares for a builder.
type packageDirs struct{ source, metadata, output, release string }

func newPackage(t *testing.T, files map[string]string) packageDirs {
	t.Helper()
	base := t.TempDir()
	dirs := packageDirs{
		filepath.Join(base, "src"), filepath.Join(base, "metadata"),
		filepath.Join(base, "bld"), filepath.Join(base, "release"),
	}
	for _, dir := range []string{dirs.source, dirs.metadata, dirs.output, dirs.release} {
		must(t, os.Mkdir(dir, 0o700))
	}
	for name, content := range files {
		path := filepath.Join(base, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dirs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	must(t, err)
	return string(content)
}

// wantError says whether err is as a table row wants it; an empty row wants none.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Fatalf("unexpected error: %v", err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error is %v, want one with %q", err, want)
	}
}

// newPair makes a self-signed certificate and its key, PEM.
func newPair(t *testing.T) (string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	content, err := json.Marshal(value)
	must(t, err)
	return string(content)
}

func TestDetect(t *testing.T) {
	for name, row := range map[string]struct{ metadata, want string }{
		"ours":             {`{"type":"ccaas","label":"assets_1"}`, ""},
		"ours, upper case": {`{"type":"CCAAS"}`, ""},
		"another type":     {`{"type":"golang"}`, `chaincode type is "golang"`},
		"no type":          {`{}`, `chaincode type is ""`},
		"not JSON":         {`type: ccaas`, "metadata.json: invalid character"},
		"wrong kind":       {`{"type":7}`, "cannot unmarshal number"},
		"empty file":       {``, "unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			dirs := newPackage(t, map[string]string{"metadata/metadata.json": row.metadata})
			wantError(t, detect(dirs.metadata), row.want)
		})
	}
	t.Run("no file", func(t *testing.T) {
		wantError(t, detect(newPackage(t, nil).metadata), "metadata.json: no such file")
	})
}

func TestFillConnection(t *testing.T) {
	cert, key := newPair(t)
	otherCert, _ := newPair(t)
	peer := toJSON(t, map[string]any{"peername": "org1peer0", "port": 9999, "root": cert})
	tls := func(more map[string]any) string {
		fields := map[string]any{"address": "cc:9999", "tls_required": true, "root_cert": cert}
		for name, value := range more {
			fields[name] = value
		}
		return toJSON(t, fields)
	}

	for name, row := range map[string]struct {
		connection, config string
		want               connection
		wantError          string
	}{
		"plain": {
			`{"address":"cc:9999","dial_timeout":"10s","tls_required":false}`, "",
			connection{Address: "cc:9999", DialTimeout: "10s"}, "",
		},
		"template": {
			`{"address":"{{.peername}}_assets:{{.port}}"}`, peer,
			connection{Address: "org1peer0_assets:9999"}, "",
		},
		"template in a TLS field": {
			tls(map[string]any{"root_cert": "{{.root}}"}), peer,
			connection{Address: "cc:9999", TLSRequired: true, RootCert: cert}, "",
		},
		"mutual TLS": {
			tls(map[string]any{"client_auth_required": true, "client_cert": cert, "client_key": key}), "",
			connection{
				Address: "cc:9999", TLSRequired: true, ClientAuthRequired: true,
				RootCert: cert, ClientCert: cert, ClientKey: key,
			}, "",
		},
		"without TLS, TLS fields are dropped": {
			toJSON(t, map[string]any{"address": "cc:1", "client_auth_required": true, "root_cert": "{{.nothing}}"}), "",
			connection{Address: "cc:1"}, "",
		},
		"resolver in the address": {`{"address":"dns:///cc:9999"}`, "", connection{Address: "dns:///cc:9999"}, ""},
		"IPv6":                    {`{"address":"[::1]:9999"}`, "", connection{Address: "[::1]:9999"}, ""},

		"unknown template field": {
			`{"address":"{{.peer}}:9999"}`, peer, connection{},
			"address: map has no entry for key \"peer\" (" + configVariable + " defines: peername, port, root)",
		},
		"template without config": {`{"address":"{{.peername}}:9999"}`, "", connection{}, "defines: nothing)"},
		"malformed template":      {`{"address":"{{.peername:9999"}`, peer, connection{}, "address: malformed template"},
		"config is not JSON":      {`{"address":"cc:1"}`, "peername=x", connection{}, "is not a JSON object"},
		"config is a list":        {`{"address":"cc:1"}`, "[]", connection{}, "is not a JSON object"},
		"not JSON":                {`address: cc`, "", connection{}, "invalid character"},
		"flag as text":            {`{"address":"cc:1","tls_required":"true"}`, "", connection{}, "tls_required of type bool"},
		"no address":              {`{}`, "", connection{}, "address: is missing"},
		"no port":                 {`{"address":"cc"}`, "", connection{}, `address: "cc" is not HOST:PORT`},
		"port not a number":       {`{"address":"cc:http"}`, "", connection{}, "port must be a number"},
		"port zero":               {`{"address":"cc:0"}`, "", connection{}, "port must be a number"},
		"port too large":          {`{"address":"cc:65536"}`, "", connection{}, "port must be a number"},
		"no host":                 {`{"address":":9999"}`, "", connection{}, "host must be a name"},
		"blank in the host":       {`{"address":"c c:9999"}`, "", connection{}, "host must be a name"},
		"timeout without unit":    {`{"address":"cc:1","dial_timeout":"10"}`, "", connection{}, "dial_timeout"},
		"negative timeout":        {`{"address":"cc:1","dial_timeout":"-1s"}`, "", connection{}, "dial_timeout"},
		"no root":                 {tls(map[string]any{"root_cert": ""}), "", connection{}, "root_cert: is missing"},
		"root is not PEM":         {tls(map[string]any{"root_cert": "no"}), "", connection{}, "no PEM certificate"},
		"root is a key":           {tls(map[string]any{"root_cert": key}), "", connection{}, "holds a PRIVATE KEY"},
		"client key missing": {
			tls(map[string]any{"client_auth_required": true, "client_cert": cert}), "", connection{},
			"client_cert and client_key must both be given",
		},
		"client key of another certificate": {
			tls(map[string]any{"client_auth_required": true, "client_cert": otherCert, "client_key": key}), "",
			connection{}, "client_cert, client_key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			filled, _, err := fillConnection([]byte(row.connection), row.config)
			wantError(t, err, row.wantError)
			if err != nil {
				if strings.Contains(err.Error(), "BEGIN PRIVATE KEY") {
					t.Fatal("the message repeats a key")
				}
				return
			}
			var got connection
			must(t, json.Unmarshal(filled, &got))
			if got != row.want {
				t.Fatalf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// The peer's own parser fails on an empty duration, so a package without one must come out without one.
func TestMissingTimeoutStaysMissing(t *testing.T) {
	filled, _, err := fillConnection([]byte(`{"address":"cc:1","dial_timeout":""}`), "")
	must(t, err)
	if strings.Contains(string(filled), "dial_timeout") {
		t.Fatalf("dial_timeout in %s", filled)
	}
}

func TestWarnings(t *testing.T) {
	for name, row := range map[string]struct{ connection, want string }{
		"typing mistake":    {`{"address":"cc:1","tls_require":true}`, `field "tls_require" is unknown`},
		"roots without TLS": {`{"address":"cc:1","root_cert":"x"}`, "tls_required is false"},
		"nothing to say":    {`{"address":"cc:1"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, warnings, err := fillConnection([]byte(row.connection), "")
			must(t, err)
			got := strings.Join(warnings, "\n")
			if (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
				t.Fatalf("warnings are %q, want %q", got, row.want)
			}
		})
	}
}

// A package goes through build and release as the peer does it, and ends where the peer looks.
func TestBuildAndRelease(t *testing.T) {
	const index = "statedb/couchdb/indexes/owner.json"
	const private = "statedb/couchdb/collections/secrets/indexes/price.json"
	dirs := newPackage(t, map[string]string{
		"metadata/metadata.json":       `{"type":"ccaas","label":"assets_1"}`,
		"src/connection.json":          `{"address":"{{.peername}}:9999"}`,
		"src/META-INF/" + index:        `{"index":{"fields":["owner"]}}`,
		"src/META-INF/" + private:      `{"index":{"fields":["price"]}}`,
		"src/META-INF/other/notes.txt": "not for the peer",
	})
	t.Setenv(configVariable, `{"peername":"org1peer0"}`)
	var log bytes.Buffer
	if code := run([]string{"/x/bin/build", dirs.source, dirs.metadata, dirs.output}, &log); code != 0 {
		t.Fatalf("build: %d %s", code, log.String())
	}
	if code := run([]string{"/x/bin/release", dirs.output, dirs.release}, &log); code != 0 {
		t.Fatalf("release: %d %s", code, log.String())
	}

	want := `{"address":"org1peer0:9999","tls_required":false,"client_auth_required":false}`
	if got := read(t, dirs.release, "chaincode/server/connection.json"); got != want {
		t.Errorf("connection.json is %s, want %s", got, want)
	}
	if got := read(t, dirs.release, index); !strings.Contains(got, "owner") {
		t.Errorf("index is %s", got)
	}
	if got := read(t, dirs.release, private); !strings.Contains(got, "price") {
		t.Errorf("collection index is %s", got)
	}
	if _, err := os.Stat(filepath.Join(dirs.output, "META-INF/other")); !os.IsNotExist(err) {
		t.Error("META-INF/other went along")
	}
	info, err := os.Stat(filepath.Join(dirs.release, "chaincode/server/connection.json"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("connection.json has mode %o", info.Mode().Perm())
	}
}

func TestBuildRefuses(t *testing.T) {
	const metadata = `{"type":"ccaas"}`
	for name, row := range map[string]struct {
		files     map[string]string
		wantError string
	}{
		"no connection.json": {nil, "connection.json: no such file"},
		"connection.json is a directory": {
			map[string]string{"src/connection.json/x": ""}, "connection.json: is not a file",
		},
		"huge connection.json": {
			map[string]string{"src/connection.json": strings.Repeat(" ", maxFileSize+1)}, "is larger than",
		},
		"index is not JSON": {
			map[string]string{
				"src/connection.json":                         `{"address":"cc:1"}`,
				"src/META-INF/statedb/couchdb/indexes/a.json": `{"index":`,
			},
			"META-INF/statedb/couchdb/indexes/a.json: is not valid JSON",
		},
		"another type": {map[string]string{"metadata/metadata.json": `{"type":"node"}`}, `type is "node"`},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"metadata/metadata.json": metadata}
			for path, content := range row.files {
				files[path] = content
			}
			dirs := newPackage(t, files)
			err := build(dirs.source, dirs.metadata, dirs.output, "", &bytes.Buffer{})
			wantError(t, err, row.wantError)
			if _, err := os.Stat(filepath.Join(dirs.output, connectionFile)); !os.IsNotExist(err) {
				t.Error("a refused package left a connection.json")
			}
		})
	}
}

// Nothing in a package leads out of the directories that the peer gave us.
func TestPathEscape(t *testing.T) {
	const good = `{"address":"cc:1"}`
	outside := filepath.Join(t.TempDir(), "outside.json")
	must(t, os.WriteFile(outside, []byte(good), 0o600))
	for name, row := range map[string]struct{ link, target string }{
		"connection.json leads out":   {"connection.json", outside},
		"META-INF leads out":          {"META-INF", filepath.Dir(outside)},
		"index leads out":             {"META-INF/statedb/couchdb/indexes/a.json", outside},
		"index is a link even inside": {"META-INF/statedb/couchdb/indexes/a.json", "../../../../connection.json"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"metadata/metadata.json": `{"type":"ccaas"}`}
			if row.link != connectionFile {
				files["src/connection.json"] = good
			}
			dirs := newPackage(t, files)
			link := filepath.Join(dirs.source, row.link)
			must(t, os.MkdirAll(filepath.Dir(link), 0o700))
			must(t, os.Symlink(row.target, link))
			if err := build(dirs.source, dirs.metadata, dirs.output, "", &bytes.Buffer{}); err == nil {
				t.Fatal("the link was followed")
			}
		})
	}
	t.Run("output leads out", func(t *testing.T) {
		dirs := newPackage(t, map[string]string{"bld/connection.json": good})
		away := t.TempDir()
		must(t, os.Symlink(away, filepath.Join(dirs.release, "chaincode")))
		if err := release(dirs.output, dirs.release); err == nil {
			t.Fatal("written through the link")
		}
		if left, _ := os.ReadDir(away); len(left) != 0 {
			t.Fatalf("written outside: %v", left)
		}
	})
}

func TestRunChoosesByName(t *testing.T) {
	dirs := newPackage(t, map[string]string{"metadata/metadata.json": `{"type":"ccaas"}`})
	for name, row := range map[string]struct {
		argv []string
		code int
		log  string
	}{
		"symlink":              {[]string{"/opt/b/bin/detect", dirs.source, dirs.metadata}, 0, ""},
		"own name":             {[]string{"ccaas-builder", "detect", dirs.source, dirs.metadata}, 0, ""},
		"not ours":             {[]string{"detect", dirs.source, dirs.source}, 1, "ccaas-builder detect: metadata.json"},
		"too few":              {[]string{"bin/detect", dirs.source}, 2, "usage: detect SOURCE_DIR METADATA_DIR"},
		"too many":             {[]string{"bin/release", "a", "b", "c"}, 2, "usage: release"},
		"unknown":              {[]string{"ccaas-builder", "run"}, 2, `"run" is not one of`},
		"nothing":              {[]string{"ccaas-builder"}, 2, "is not one of"},
		"directory is missing": {[]string{"detect", "x", filepath.Join(dirs.source, "no")}, 1, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			if code := run(row.argv, &log); code != row.code || !strings.Contains(log.String(), row.log) {
				t.Fatalf("exit %d, log %q; want %d, %q", code, log.String(), row.code, row.log)
			}
		})
	}
}

func TestValuesFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.crt")
	must(t, os.WriteFile(path, []byte("a certificate\n"), 0o600))
	values, err := parseConfig(toJSON(t, map[string]string{"peername": "p0", "root_cert_file": path}))
	wantError(t, err, "")
	if values["root_cert"] != "a certificate\n" || values["peername"] != "p0" {
		t.Fatalf("values are %v", values)
	}
	_, err = parseConfig(`{"root_cert_file":"/does/not/exist"}`)
	wantError(t, err, "root_cert_file: open /does/not/exist")
	values, err = parseConfig(toJSON(t, map[string]string{"root_cert": "given", "root_cert_file": path}))
	wantError(t, err, "")
	if values["root_cert"] != "given" {
		t.Fatalf("a given value was replaced: %v", values)
	}
}
