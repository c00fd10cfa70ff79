package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// connection is connection.json as the peer reads it (core/container/externalbuilder, ChaincodeServerUserData).
// An empty dial_timeout is left out: the peer takes 3 s when there is none, and fails on an empty string.
type connection struct {
	Address            string `json:"address"`
	DialTimeout        string `json:"dial_timeout,omitempty"`
	TLSRequired        bool   `json:"tls_required"`
	ClientAuthRequired bool   `json:"client_auth_required"`
	ClientKey          string `json:"client_key,omitempty"`
	ClientCert         string `json:"client_cert,omitempty"`
	RootCert           string `json:"root_cert,omitempty"`
}

var knownFields = []string{
	"address", "dial_timeout", "tls_required", "client_auth_required", "client_key", "client_cert", "root_cert",
}

// fillConnection expands the templates in a package's connection.json and checks the result. One package is
// installed on every peer and has one id, so what differs by peer (an address, above all) is a template.
// Messages name fields and never repeat values: one of them is a private key.
func fillConnection(content []byte, config string) ([]byte, []string, error) {
	var conn connection
	if err := json.Unmarshal(content, &conn); err != nil {
		return nil, nil, err
	}
	warnings, err := unknownFields(content)
	if err != nil {
		return nil, nil, err
	}
	values, err := parseConfig(config)
	if err != nil {
		return nil, nil, err
	}
	if !conn.TLSRequired {
		if conn.RootCert != "" || conn.ClientCert != "" || conn.ClientKey != "" {
			warnings = append(warnings, "tls_required is false: root_cert, client_cert and client_key are dropped")
		}
		conn.ClientAuthRequired = false
		conn.RootCert, conn.ClientCert, conn.ClientKey = "", "", ""
	}
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"address", &conn.Address},
		{"dial_timeout", &conn.DialTimeout},
		{"root_cert", &conn.RootCert},
		{"client_cert", &conn.ClientCert},
		{"client_key", &conn.ClientKey},
	} {
		if *field.value, err = expand(*field.value, values); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", field.name, err)
		}
	}
	if err := conn.validate(); err != nil {
		return nil, nil, err
	}
	filled, err := json.Marshal(conn)
	return filled, warnings, err
}

// unknownFields warns and does not refuse: the same package is accepted by upstream's builder on other peers.
func unknownFields(content []byte) ([]string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(content, &fields); err != nil {
		return nil, err
	}
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		known := slices.ContainsFunc(knownFields, func(field string) bool { return strings.EqualFold(field, name) })
		if !known {
			warnings = append(warnings, fmt.Sprintf("field %q is unknown and ignored", name))
		}
	}
	return warnings, nil
}

func parseConfig(config string) (map[string]any, error) {
	values := map[string]any{}
	if config == "" {
		return values, nil
	}
	if err := json.Unmarshal([]byte(config), &values); err != nil {
		return nil, fmt.Errorf("%s is not a JSON object: %w", configVariable, err)
	}
	return values, readFiles(values)
}

// readFiles gives each value "x_file" a sister "x" with the content of the file that it names. So a package says
// {{.root_cert}}, each peer fills in the certificate that lies among its own secrets, and one package id serves
// every organisation. Upstream's builder has no such thing and would refuse the template by its name.
func readFiles(values map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name, isFile := strings.CutSuffix(key, "_file")
		path, isString := values[key].(string)
		if !isFile || !isString || values[name] != nil {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", configVariable, key, err)
		}
		values[name] = string(content)
	}
	return nil
}

func expand(text string, values map[string]any) (string, error) {
	parsed, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("malformed template: %s", templateReason(err))
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, values); err != nil {
		known := strings.Join(slices.Sorted(maps.Keys(values)), ", ")
		if known == "" {
			known = "nothing"
		}
		return "", fmt.Errorf("%s (%s defines: %s)", templateReason(err), configVariable, known)
	}
	return out.String(), nil
}

// templateReason takes the reason from the template package's messages, whose first half quotes our nameless template.
func templateReason(err error) string {
	text := err.Error()
	if _, reason, found := strings.Cut(text, ">: "); found {
		return reason
	}
	return strings.TrimPrefix(text, "template: ")
}

func (c connection) validate() error {
	if err := validateAddress(c.Address); err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if c.DialTimeout != "" {
		timeout, err := time.ParseDuration(c.DialTimeout)
		if err != nil || timeout <= 0 {
			return fmt.Errorf("dial_timeout: %q is not a positive duration such as 10s", c.DialTimeout)
		}
	}
	if !c.TLSRequired {
		return nil
	}
	if err := validateRoots(c.RootCert); err != nil {
		return fmt.Errorf("root_cert: %w", err)
	}
	if !c.ClientAuthRequired {
		return nil
	}
	if c.ClientCert == "" || c.ClientKey == "" {
		return errors.New("client_auth_required is true: client_cert and client_key must both be given")
	}
	if _, err := tls.X509KeyPair([]byte(c.ClientCert), []byte(c.ClientKey)); err != nil {
		return fmt.Errorf("client_cert, client_key: %w", err)
	}
	return nil
}

// validateAddress wants HOST:PORT, with or without a gRPC resolver in front (dns:///HOST:PORT).
func validateAddress(address string) error {
	if address == "" {
		return errors.New("is missing: give the chaincode server's HOST:PORT")
	}
	target := address[strings.LastIndex(address, "/")+1:]
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return fmt.Errorf("%q is not HOST:PORT", address)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return fmt.Errorf("%q: port must be a number from 1 to 65535", address)
	}
	if host == "" || strings.ContainsAny(host, " \t\r\n") {
		return fmt.Errorf("%q: host must be a name or an address", address)
	}
	return nil
}

func validateRoots(text string) error {
	if text == "" {
		return errors.New("is missing: tls_required is true")
	}
	found := false
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("holds a %s, only certificates belong there", block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return errors.New("holds no PEM certificate")
	}
	return nil
}
