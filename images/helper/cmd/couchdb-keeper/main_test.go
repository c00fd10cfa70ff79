package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for 127.0.0.1, and leaves files behind.
type authority struct {
	t      *testing.T
	folder string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{t: t, folder: t.TempDir()}
	a.key, a.cert = a.issue("ca", true)
	return a
}

func (a authority) path(name string) string { return filepath.Join(a.folder, name) }

func (a authority) issue(name string, ca bool) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
		IsCA:                  ca,
	}
	parent, signer := a.cert, a.key
	if ca {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", secret)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, cert
}

func (a authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// client knows the authority, and shows the certificate of this name where there is one.
func (a authority) client(name string) *http.Client {
	a.t.Helper()
	known := x509.NewCertPool()
	known.AddCert(a.cert)
	config := &tls.Config{RootCAs: known}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.path(name+".crt"), a.path(name+".key"))
		if err != nil {
			a.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
}

// open shows what is at the URL, and says where.
func open(t *testing.T, a authority, metrics string) string {
	t.Helper()
	server, err := window{cert: a.path("server.crt"), key: a.path("server.key"), ca: a.path("ca.crt"), metrics: metrics}.server()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	return "https://" + listener.Addr().String()
}

func ask(t *testing.T, client *http.Client, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestOnlyMetricsAreShownAndOnlyToWhomTheAuthorityKnows(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, asked *http.Request) {
		fmt.Fprintf(out, "%s %s", asked.Method, asked.URL.Path)
	}))
	defer behind.Close()
	ours, others := newAuthority(t), newAuthority(t)
	ours.issue("server", false)
	ours.issue("prometheus", false)
	others.issue("stranger", false)
	address := open(t, ours, behind.URL+"/_node/_local/_prometheus")
	client := ours.client("prometheus")
	if code, body := ask(t, client, http.MethodGet, address+"/metrics?also=/_all_dbs"); code != 200 || body != "GET /_node/_local/_prometheus" {
		t.Errorf("it shows %d %q", code, body)
	}
	for _, path := range []string{"/", "/_all_dbs", "/metrics/../_all_dbs", "/metrics/_all_dbs"} {
		if code, body := ask(t, client, http.MethodGet, address+path); code != 404 {
			t.Errorf("%s is shown: %d %q", path, code, body)
		}
	}
	if code, _ := ask(t, client, http.MethodPost, address+"/metrics"); code != 405 {
		t.Errorf("a POST is answered with %d", code)
	}
	stranger := others.client("stranger")
	stranger.Transport.(*http.Transport).TLSClientConfig.RootCAs = client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, refused := range []*http.Client{ours.client(""), stranger} {
		if code, body := ask(t, refused, http.MethodGet, address+"/metrics"); code != 0 || !strings.Contains(body, "tls: ") {
			t.Errorf("somebody whom the authority does not know is shown %d %q", code, body)
		}
	}
	behind.Close()
	if code, body := ask(t, client, http.MethodGet, address+"/metrics"); code != 502 || !strings.Contains(body, "CouchDB does not answer") {
		t.Errorf("of a CouchDB that is away it is said %d %q", code, body)
	}
}

func TestARenewedCertificateIsShown(t *testing.T) {
	a := newAuthority(t)
	a.issue("client", false)
	_, former := a.issue("server", false)
	address := open(t, a, "http://127.0.0.1:1")
	_, renewed := a.issue("server", false)
	response, err := a.client("client").Get(address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	shown := response.TLS.PeerCertificates[0]
	if shown.Equal(former) || !shown.Equal(renewed) {
		t.Errorf("it shows number %v, not the newest", shown.SerialNumber)
	}
}

func TestCouchDBRunsWithItsAdministrator(t *testing.T) {
	folder := t.TempDir()
	password, local := filepath.Join(folder, "password"), filepath.Join(folder, "local.ini")
	for file, content := range map[string]string{password: "-ab_c\n", local: "[admins]\nselvedge = -pbkdf2-of-a-former-start\n"} {
		if err := os.WriteFile(file, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	var out, problems bytes.Buffer
	code := run([]string{"-user", "selvedge", "-password", password, "-local", local, "--", "sh", "-c", "cat " + local + "; stat -c %a " + local + "; exit 7"}, &out, &problems)
	if code != 7 || out.String() != "[admins]\nselvedge = -ab_c\n600\n" {
		t.Errorf("code %d, it read %q, %s", code, out.String(), problems.String())
	}
}

func TestWhatCannotBeIsRefusedBeforeCouchDBStarts(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, local := file("good", "a"), filepath.Join(folder, "local.ini")
	for want, args := range map[string][]string{
		"have to be given":                   {"-user", "a", "-password", good, "-local", local},
		"empty: is no password":              {"-user", "a", "-password", file("empty", "\n"), "-local", local, "--", "true"},
		"hash: is no password":               {"-user", "a", "-password", file("hash", "-pbkdf2-x"), "-local", local, "--", "true"},
		"lines: is no password":              {"-user", "a", "-password", file("lines", "a\nb = c"), "-local", local, "--", "true"},
		"absent: no such file":               {"-user", "a", "-password", filepath.Join(folder, "absent"), "-local", local, "--", "true"},
		"open ca: no such file":              {"-user", "a", "-password", good, "-local", local, "-listen", "127.0.0.1:0", "-ca", "ca", "--", "true"},
		"good: has no certificate":           {"-user", "a", "-password", good, "-local", local, "-listen", "127.0.0.1:0", "-ca", good, "--", "true"},
		"executable file not found in $PATH": {"-user", "a", "-password", good, "-local", local, "--", "no-such-program"},
	} {
		var problems bytes.Buffer
		if code := run(args, io.Discard, &problems); code == 0 || !strings.Contains(problems.String(), want) {
			t.Errorf("%v: code %d, it says %q, not %q", args, code, problems.String(), want)
		}
	}
}
