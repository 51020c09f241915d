// Command clients follows the containerlogs of a namespace with client-go, and prints what it is
// told and what it asks, one JSON document a line.
//
// KUBE_FEATURE_WatchListClient=true or false is client-go's own switch for how an informer begins.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

var containerlogs = schema.GroupVersionResource{
	Group: "core.kjournal", Version: "v1alpha1", Resource: "containerlogs",
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the user who asks")
	namespace := flag.String("namespace", "", "namespace to follow")
	mode := flag.String("mode", "informer", "informer or retrywatcher")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.Wrap(tellRequests)
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	switch *mode {
	case "informer":
		err = inform(ctx, client, *namespace)
	case "retrywatcher":
		err = retry(ctx, client.Resource(containerlogs).Namespace(*namespace))
	default:
		log.Fatalf("no mode %q", *mode)
	}
	if err != nil {
		log.Fatal(err)
	}
}
