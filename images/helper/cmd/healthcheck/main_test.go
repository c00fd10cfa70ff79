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

// pki is one authority with a server's and a client's certificate, as files.
type pki struct {
	ca, cert, key string
	pool          *x509.CertPool
	server        tls.Certificate
}

func newPKI(t *testing.T, serverName string) pki {
	t.Helper()
	dir := t.TempDir()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour),
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(t, err)
	ca, err = x509.ParseCertificate(caDER)
	must(t, err)

	issue := func(name string) (tls.Certificate, []byte, []byte) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			NotAfter: time.Now().Add(time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
		must(t, err)
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		must(t, err)
		return pair, certPEM, keyPEM
	}
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, content, 0o600))
		return path
	}
	result := pki{pool: x509.NewCertPool()}
	result.pool.AddCert(ca)
	result.server, _, _ = issue(serverName)
	_, certPEM, keyPEM := issue("client")
	result.ca = write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}))
	result.cert, result.key = write("cert.pem", certPEM), write("key.pem", keyPEM)
	return result
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve answers like a Fabric operations endpoint and asks for client certificates.
func serve(t *testing.T, keys pki, http2 bool) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/unwell", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "{\"failed_checks\":\n [\"couchdb\"]}")
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/healthz", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = nil
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{keys.server},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: keys.pool,
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestCheck(t *testing.T) {
	keys, strangers := newPKI(t, "peer0"), newPKI(t, "peer0")
	operations, grpc := serve(t, keys, false), serve(t, keys, true)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)

	https := operations.URL
	tlsURL := func(server *httptest.Server) string { return "tls://" + server.Listener.Addr().String() }
	ours := []string{"-ca", keys.ca, "-cert", keys.cert, "-key", keys.key, "-server-name", "peer0"}
	stranger := []string{"-ca", keys.ca, "-cert", strangers.cert, "-key", strangers.key, "-server-name", "peer0"}
	with := func(url string, flags []string, more ...string) []string {
		return append(append([]string{url}, flags...), more...)
	}

	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"mutual TLS":              {with(https+"/healthz", ours), 0, "healthy: " + https + "/healthz: status 200"},
		"flags first":             {append(ours[:len(ours):len(ours)], https+"/healthz"), 0, "status 200"},
		"expected status":         {with(https+"/unwell", ours, "-expect-status", "503"), 0, "status 503"},
		"plain HTTP":              {[]string{plain.URL, "-expect-status", "404"}, 0, "status 404"},
		"other status, with body": {with(https+"/unwell", ours), 1, `status 503, expected 200: {"failed_checks": ["couchdb"]}`},
		"redirect is no health":   {with(https+"/away", ours), 1, "status 302, expected 200"},
		"no client certificate":   {with(https+"/healthz", []string{"-ca", keys.ca, "-server-name", "peer0"}), 1, "certificate required"},
		"foreign client":          {with(https+"/healthz", stranger), 1, "unknown certificate authority"},
		"foreign server": {
			with(https+"/healthz", []string{"-ca", strangers.ca, "-server-name", "peer0"}), 1, "unknown authority",
		},
		"another server's name":  {with(https+"/healthz", ours, "-server-name", "peer1"), 1, "not peer1"},
		"no answer in time":      {with(https+"/slow", ours, "-timeout", "100ms"), 1, "deadline exceeded"},
		"TLS, HTTP/2":            {with(tlsURL(grpc), ours), 0, "TLS 1.3 handshake, HTTP/2 settings received"},
		"TLS, foreign client":    {with(tlsURL(grpc), stranger), 1, "unknown certificate authority"},
		"TLS, no certificate":    {with(tlsURL(grpc), []string{"-ca", keys.ca, "-server-name", "peer0"}), 1, "certificate required"},
		"TLS to plain text":      {with(tlsURL(plain), ours), 1, "first record does not look like a TLS handshake"},
		"TCP":                    {[]string{"tcp://" + plain.Listener.Addr().String()}, 0, "connected"},
		"nobody listens":         {[]string{"tcp://" + closedAddress(t)}, 1, "connection refused"},
		"key without cert":       {[]string{https, "-key", keys.key}, 1, "belong together"},
		"no such CA file":        {[]string{https, "-ca", "/nonexistent"}, 1, "-ca: open /nonexistent"},
		"CA file is a key":       {[]string{https, "-ca", keys.key}, 1, "-ca: no certificate in"},
		"cert and key differ":    {[]string{https, "-cert", strangers.cert, "-key", keys.key}, 1, "-cert, -key"},
		"no URL":                 {nil, 1, "no URL"},
		"two URLs":               {with(https+"/healthz", ours, tlsURL(grpc)), 0, "/healthz: status 200; " + tlsURL(grpc) + ": TLS 1.3"},
		"the second is not well": {with(https+"/healthz", ours, https+"/unwell"), 1, "unhealthy: " + https + "/unwell: status 503"},
		"channels without HTTP":  {with(tlsURL(grpc), ours, "-ledgers", "/x"), 1, "must be http or https"},
		"no host":                {[]string{"localhost:80"}, 1, "names no host"},
		"unknown scheme":         {[]string{"ftp://localhost"}, 1, `scheme "ftp"`},
		"unknown flag":           {[]string{https, "-insecure"}, 1, "not defined: -insecure"},
		"timeout zero":           {[]string{https, "-timeout", "0s"}, 1, "must be positive"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			code := run(row.args, &out, &out)
			if code != row.code || !strings.Contains(out.String(), row.want) {
				t.Fatalf("exit %d, %q; want %d, %q", code, out.String(), row.code, row.want)
			}
			if strings.Count(out.String(), "\n") != 1 {
				t.Errorf("not one line: %q", out.String())
			}
		})
	}
}

// A server that completes the handshake as HTTP/2 and then says nothing, or nonsense, is not well.
func TestHandshakeAloneIsNotEnough(t *testing.T) {
	keys := newPKI(t, "cc")
	for name, row := range map[string]struct{ answer, want string }{
		"silence":       {"", "no HTTP/2 answer"},
		"another frame": {"\x00\x00\x00\x07\x00\x00\x00\x00\x00", "first frame has type 7"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
				Certificates: []tls.Certificate{keys.server}, NextProtos: []string{"h2"},
			})
			must(t, err)
			t.Cleanup(func() { listener.Close() })
			go func() {
				for {
					connection, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(connection, row.answer)
					_, _ = io.Copy(io.Discard, connection)
				}
			}()
			var out bytes.Buffer
			args := []string{"tls://" + listener.Addr().String(), "-ca", keys.ca, "-server-name", "cc", "-timeout", "300ms"}
			if code := run(args, &out, &out); code != 1 || !strings.Contains(out.String(), row.want) {
				t.Fatalf("exit %d, %q; want 1, %q", code, out.String(), row.want)
			}
		})
	}
}

// closedAddress is where nobody listens, most likely: a port that was free a moment ago.
func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
