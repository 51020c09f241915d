package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// requests remembers what a client asked.
type requests struct {
	lock sync.Mutex
	made []request
}

type request struct {
	Verb            string `json:"verb"`
	ResourceVersion string `json:"resourceVersion"`
	Match           string `json:"match"`
	Code            int    `json:"code"`
}

type roundTripper func(*http.Request) (*http.Response, error)

func (trip roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	return trip(request)
}

func (made *requests) record(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(asked *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(asked)
		if err == nil && strings.Contains(asked.URL.Path, group.String()+"/") {
			query := asked.URL.Query()
			verb := "LIST"
			if query.Has("watch") {
				verb = "WATCH"
			}
			if query.Has("sendInitialEvents") {
				verb = "WATCHLIST"
			}
			made.add(request{
				Verb: verb, ResourceVersion: query.Get("resourceVersion"),
				Match: query.Get("resourceVersionMatch"), Code: response.StatusCode,
			})
		}
		return response, err
	})
}

func (made *requests) add(one request) {
	made.lock.Lock()
	defer made.lock.Unlock()
	made.made = append(made.made, one)
}

func (made *requests) all() []request {
	made.lock.Lock()
	defer made.lock.Unlock()
	return slices.Clone(made.made)
}
