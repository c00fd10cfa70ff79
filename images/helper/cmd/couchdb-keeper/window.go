package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// Prometheus waits ten seconds.
const patience = 8 * time.Second

// window is where CouchDB's metrics are seen through, and nothing else of it.
type window struct {
	cert, key, ca, metrics string
}

// server answers clients with a certificate of the authority.
func (w window) server() (*http.Server, error) {
	pem, err := os.ReadFile(w.ca)
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, errors.New(w.ca + ": has no certificate")
	}
	// At each handshake, so that a renewed certificate is shown without a restart.
	load := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(w.cert, w.key)
		return &pair, err
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	handler := http.NewServeMux()
	handler.HandleFunc("GET /metrics", w.show)
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: patience,
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			ClientAuth:     tls.RequireAndVerifyClientCert,
			ClientCAs:      authorities,
			GetCertificate: load,
		},
	}, nil
}

func (w window) show(out http.ResponseWriter, asked *http.Request) {
	ctx, cancel := context.WithTimeout(asked.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.metrics, nil)
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(out, "CouchDB does not answer: "+err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	out.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	out.WriteHeader(response.StatusCode)
	_, _ = io.Copy(out, response.Body)
}
