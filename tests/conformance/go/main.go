// Command conformance asks a kjournal gateway by the libraries that Go programs use, and prints
// what they were given: one JSON document a line. It exits with 1 and a reason where they fail.
//
// KUBE_FEATURE_WatchListClient=true or false is client-go's own switch for how an informer begins.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const longest = 30 * time.Second

var group = schema.GroupVersion{Group: "core.kjournal", Version: "v1alpha1"}

// checks are what a first argument may name.
var checks = map[string]func(context.Context, *asked) error{
	"controller": controller,
	"discovery":  discover,
	"errors":     provoke,
	"informer":   inform,
	"metadata":   describe,
	"pager":      page,
	"recover":    recoverFromExpired,
	"retry":      retry,
	"select":     selectObjects,
	"table":      table,
	"typed":      decode,
	"versions":   compare,
}

// asked is what the command line says.
type asked struct {
	config                      *rest.Config
	namespace, resource         string
	label, field, version, name string
	limit, live                 int64
	requests                    requests
}

func (on *asked) gvr() schema.GroupVersionResource {
	return group.WithResource(on.resource)
}

func (on *asked) dynamic() (dynamic.ResourceInterface, error) {
	client, err := dynamic.NewForConfig(on.config)
	if err != nil {
		return nil, err
	}
	return client.Resource(on.gvr()).Namespace(on.namespace), nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 || checks[os.Args[1]] == nil {
		return fmt.Errorf("the first argument is one of %v", slices.Sorted(maps.Keys(checks)))
	}
	on := &asked{}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the user who asks")
	flags.StringVar(&on.namespace, "namespace", "", "namespace to ask in; empty is all")
	flags.StringVar(&on.resource, "resource", "containerlogs", "plural name of the kind")
	flags.StringVar(&on.label, "label", "", "label selector")
	flags.StringVar(&on.field, "field", "", "field selector")
	flags.StringVar(&on.version, "version", "", "resourceVersion to begin at")
	flags.StringVar(&on.name, "name", "", "name of an object")
	flags.Int64Var(&on.limit, "limit", 0, "objects of a page")
	flags.Int64Var(&on.live, "live", 0, "objects to wait for after the first")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	config.Wrap(on.requests.record)
	on.config = config
	ctx, stop := context.WithTimeout(context.Background(), longest)
	defer stop()
	return checks[os.Args[1]](ctx, on)
}

var output sync.Mutex

// tell prints one line.
func tell(found map[string]any) {
	text, err := json.Marshal(found)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	_, _ = os.Stdout.Write(append(text, '\n'))
}
