package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// An unwell Fabric node says in its body which check failed; more than this belongs in its own log.
const bodyLimit = 200

// check does what the URL's scheme asks for and returns what it saw.
func check(ctx context.Context, text string, opts options) (string, error) {
	target, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("not a URL: %w", err)
	}
	if target.Host == "" {
		return "", errors.New("the URL names no host")
	}
	switch target.Scheme {
	case "https", "http":
		return checkHTTP(ctx, target, opts)
	case "tls":
		return checkTLS(ctx, target.Host, opts)
	case "tcp":
		return checkTCP(ctx, target.Host)
	}
	return "", fmt.Errorf("scheme %q is not one of https, http, tls, tcp", target.Scheme)
}

// checkHTTP expects one status, and of a Fabric node that it serves the channels that it has. Redirects are answers, not
// invitations: a health endpoint has none.
func checkHTTP(ctx context.Context, target *url.URL, opts options) (string, error) {
	config, err := tlsConfig(opts)
	if err != nil {
		return "", err
	}
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: config},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	defer client.CloseIdleConnections()
	body, err := get(ctx, client, target, opts.status)
	if err != nil {
		return "", err
	}
	message := fmt.Sprintf("status %d", opts.status)
	// The body is drained, so that the second request has the first one's connection.
	if _, err := io.Copy(io.Discard, body); err != nil {
		return "", err
	}
	body.Close()
	if opts.ledgers == "" || target.String() != opts.targets[0] {
		return message, nil
	}
	metrics, err := get(ctx, client, target.JoinPath("..", "metrics"), http.StatusOK)
	if err != nil {
		return "", fmt.Errorf("/metrics: %w", err)
	}
	defer metrics.Close()
	served, err := checkChannels(opts.ledgers, metrics)
	if err != nil {
		return "", err
	}
	return message + ", " + served, nil
}

// get returns the body of an answer with the wanted status.
func get(ctx context.Context, client *http.Client, target *url.URL, status int) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, unwrapURL(err)
	}
	if response.StatusCode != status {
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
		return nil, fmt.Errorf("status %d, expected %d%s", response.StatusCode, status, oneLine(body))
	}
	return response.Body, nil
}

// checkTCP is content with a listener.
func checkTCP(ctx context.Context, address string) (string, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	return "connected", connection.Close()
}

// checkTLS completes a handshake; where the server chooses HTTP/2 (every gRPC server does) it also waits for its
// SETTINGS. In TLS 1.3 a server judges our certificate only after our side of the handshake is done: without
// reading something, a refused client would look healthy.
func checkTLS(ctx context.Context, address string, opts options) (string, error) {
	config, err := tlsConfig(opts)
	if err != nil {
		return "", err
	}
	config.NextProtos = []string{"h2"}
	connection, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := connection.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	state := connection.(*tls.Conn).ConnectionState()
	version := tls.VersionName(state.Version)
	if state.NegotiatedProtocol != "h2" {
		return version + " handshake", nil
	}
	if err := greetHTTP2(connection); err != nil {
		return "", fmt.Errorf("%s handshake done, but no HTTP/2 answer: %w", version, err)
	}
	return version + " handshake, HTTP/2 settings received", nil
}

// greetHTTP2 sends the client preface with an empty SETTINGS frame and reads the head of the first frame, which
// RFC 9113, section 3.4 says is the server's SETTINGS.
func greetHTTP2(connection io.ReadWriter) error {
	const settings = 0x4
	greeting := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 0, settings, 0, 0, 0, 0, 0)
	if _, err := connection.Write(greeting); err != nil {
		return err
	}
	var head [9]byte
	if _, err := io.ReadFull(connection, head[:]); err != nil {
		return err
	}
	if head[3] != settings {
		return fmt.Errorf("first frame has type %d, not SETTINGS", head[3])
	}
	return nil
}

// tlsConfig reads the PEM files at every check: certificates are renewed under a running container.
func tlsConfig(opts options) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: opts.serverName}
	if opts.caFile != "" {
		pem, err := os.ReadFile(opts.caFile)
		if err != nil {
			return nil, fmt.Errorf("-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("-ca: no certificate in %s", opts.caFile)
		}
	}
	if opts.certFile != "" {
		pair, err := tls.LoadX509KeyPair(opts.certFile, opts.keyFile)
		if err != nil {
			return nil, fmt.Errorf("-cert, -key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// unwrapURL drops the client's `Get "URL":`; run names the URL already.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// oneLine folds a body into the one line that `docker inspect` shows.
func oneLine(body []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " ")
	if text == "" {
		return ""
	}
	return ": " + text
}
