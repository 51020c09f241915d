// Command conformance-old asks a kjournal gateway by the client-go of Kubernetes 1.26, which knows
// neither WatchList nor the aggregated discovery of later releases, and prints what it was given.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	longest = 30 * time.Second
	often   = 10 * time.Millisecond
)

var (
	group      = schema.GroupVersion{Group: "core.kjournal", Version: "v1alpha1"}
	kubeconfig = flag.String("kubeconfig", "", "kubeconfig of the user who asks")
	namespace  = flag.String("namespace", "", "namespace to ask in")
	live       = flag.Int64("live", 0, "objects to wait for after the first")
)

func main() {
	flag.Parse()
	ctx, stop := context.WithTimeout(context.Background(), longest)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err == nil {
		err = run(ctx, config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config *rest.Config) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	switch flag.Arg(0) {
	case "discovery":
		return discover(config)
	case "events":
		return events(ctx, config)
	case "informer":
		return inform(ctx, client)
	case "watch":
		return follow(ctx, client.Resource(group.WithResource("containerlogs")))
	}
	return fmt.Errorf("no check %q", flag.Arg(0))
}

func tell(found map[string]any) {
	text, err := json.Marshal(found)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

func discover(config *rest.Config) error {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	for _, list := range lists {
		if list.GroupVersion == group.String() {
			tell(map[string]any{"resources": list.APIResources})
			return nil
		}
	}
	return errors.New("the group is not there")
}

// follow lists, and watches from there.
func follow(ctx context.Context, resource dynamic.NamespaceableResourceInterface) error {
	client := resource.Namespace(*namespace)
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	tell(map[string]any{"step": "listed", "logs": logsOf(list.Items)})
	stream, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		return err
	}
	defer stream.Stop()
	events := []map[string]any{}
	for event := range stream.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("%s: %v", event.Type, event.Object)
		}
		events = append(events, map[string]any{"type": event.Type, "log": logOf(object)})
		if int64(len(events)) == *live {
			tell(map[string]any{"step": "ended", "events": events})
			return nil
		}
	}
	return errors.New("the stream ended")
}

// inform runs an informer: it tells what its cache holds once it has synced, and again when --live
// objects more have come.
func inform(ctx context.Context, client dynamic.Interface) error {
	informer := dynamicinformer.NewFilteredDynamicInformer(
		client, group.WithResource("containerlogs"), *namespace, 0, cache.Indexers{}, nil,
	).Informer()
	var added, other atomic.Int64
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		UpdateFunc: func(any, any) { other.Add(1) },
		DeleteFunc: func(any) { other.Add(1) },
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go informer.Run(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("it never synced")
	}
	synced := held(informer.GetStore())
	tell(map[string]any{"step": "synced", "logs": synced})
	wanted := int64(len(synced)) + *live
	err = wait.PollImmediateUntilWithContext(ctx, often, func(context.Context) (bool, error) {
		return added.Load() >= wanted, nil
	})
	if err != nil {
		return err
	}
	tell(map[string]any{
		"step": "live", "logs": held(informer.GetStore()), "added": added.Load(),
		"other": other.Load(),
	})
	return nil
}

// events lists and watches into the Go types of events.k8s.io/v1.
func events(ctx context.Context, config *rest.Config) error {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(group, &eventsv1.Event{}, &eventsv1.EventList{})
	metav1.AddToGroupVersion(scheme, group)
	config.APIPath, config.GroupVersion = "/apis", &group
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return err
	}
	list, names := &eventsv1.EventList{}, []string{}
	request := client.Get().Namespace(*namespace).Resource("events")
	if err := request.Do(ctx).Into(list); err != nil {
		return err
	}
	stream, err := client.Get().Namespace(*namespace).Resource("events").
		Param("watch", "true").Watch(ctx)
	if err != nil {
		return err
	}
	defer stream.Stop()
	for len(names) < len(list.Items) {
		event, goesOn := <-stream.ResultChan()
		object, ok := event.Object.(*eventsv1.Event)
		if !goesOn || event.Type != watch.Added || !ok {
			return fmt.Errorf("%s: %v", event.Type, event.Object)
		}
		names = append(names, object.Name)
	}
	tell(map[string]any{"list": list, "watched": names})
	return nil
}

func held(store cache.Store) []string {
	logs := []string{}
	for _, one := range store.List() {
		if object, ok := one.(*unstructured.Unstructured); ok {
			logs = append(logs, logOf(object))
		}
	}
	return logs
}

func logsOf(items []unstructured.Unstructured) []string {
	logs := []string{}
	for i := range items {
		logs = append(logs, logOf(&items[i]))
	}
	return logs
}

func logOf(object *unstructured.Unstructured) string {
	log, _, _ := unstructured.NestedString(object.Object, "payload", "log")
	return strings.TrimSpace(log)
}
