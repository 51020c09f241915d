package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// line is one line of output: an object that the client was given, or a request that it made.
type line struct {
	Type            string `json:"type"`
	Name            string `json:"name,omitempty"`
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
	Number          int64  `json:"number,omitempty"`
	Code            int    `json:"code,omitempty"`
	Reason          string `json:"reason,omitempty"`
}

var output sync.Mutex

func tell(said line) {
	text, err := json.Marshal(said)
	if err != nil {
		log.Fatal(err)
	}
	output.Lock()
	defer output.Unlock()
	if _, err := os.Stdout.Write(append(text, '\n')); err != nil {
		log.Fatal(err)
	}
}

func lineOf(kind string, object *unstructured.Unstructured) line {
	number, _, _ := unstructured.NestedInt64(object.Object, "payload", "number")
	return line{
		Type: kind, Name: object.GetName(), UID: string(object.GetUID()),
		ResourceVersion: object.GetResourceVersion(), Number: number,
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (trip roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	return trip(request)
}

// tellRequests prints each request for containerlogs as it is answered, and each ERROR of a watch.
func tellRequests(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		query := request.URL.Query()
		if err != nil || !strings.HasSuffix(request.URL.Path, "/"+containerlogs.Resource) ||
			query.Has("continue") {
			return response, err
		}
		kind := "LIST"
		if query.Get("watch") == "true" {
			kind = "WATCH"
			if query.Get("sendInitialEvents") == "true" {
				kind = "WATCHLIST"
			}
			response.Body = &errorFinder{ReadCloser: response.Body}
		}
		version := query.Get("resourceVersion")
		tell(line{Type: kind, ResourceVersion: version, Code: response.StatusCode})
		return response, nil
	})
}

// errorFinder passes the body of a watch on, and prints its ERROR events.
type errorFinder struct {
	io.ReadCloser
	begun []byte
}

func (finder *errorFinder) Read(into []byte) (int, error) {
	count, err := finder.ReadCloser.Read(into)
	finder.begun = append(finder.begun, into[:count]...)
	for {
		text, rest, whole := bytes.Cut(finder.begun, []byte{'\n'})
		if !whole {
			return count, err
		}
		finder.begun = rest
		if bytes.Contains(text, []byte(`"type":"ERROR"`)) {
			tellError(text)
		}
	}
}

func tellError(text []byte) {
	var event struct {
		Object struct {
			Code   int    `json:"code"`
			Reason string `json:"reason"`
		} `json:"object"`
	}
	if err := json.Unmarshal(text, &event); err != nil {
		log.Print(err)
	}
	tell(line{Type: "ERROR", Code: event.Object.Code, Reason: event.Object.Reason})
}
