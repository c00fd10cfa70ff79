package main

import (
	"net/http"
	"net/http/httputil"
	"regexp"
)

// Questions that change nothing and give nothing away but what containers are and what they use. Not among them: logs,
// files, and everything about images, volumes and secrets.
// Source: Docker Engine API, https://docs.docker.com/reference/api/engine/.
var allowed = regexp.MustCompile(
	`^(/v1\.[0-9]+)?/(_ping|version|events|containers/json|containers/[A-Za-z0-9][A-Za-z0-9_.-]*/(json|stats))$`)

// guard hands on what is allowed, and refuses the rest without asking the engine.
func guard(engine http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.Out.URL.Scheme = "http"
			request.Out.URL.Host = "engine"
		},
		Transport: engine,
		// Events come one by one.
		FlushInterval: -1,
	}
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		looks := request.Method == http.MethodGet || request.Method == http.MethodHead
		// A question has no body, and does not turn the connection into another one.
		looks = looks && request.ContentLength == 0 && request.Header.Get("Upgrade") == ""
		if !looks || request.URL.RawPath != "" || !allowed.MatchString(request.URL.Path) {
			http.Error(response, "not allowed: this socket is for looking at containers", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(response, request)
	})
}
