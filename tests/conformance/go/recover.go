package main

import (
	"context"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// recoverFromExpired runs a reflector whose first stream ends after a second, and whose second
// begins at a resourceVersion of long ago. It tells when it was told so, and what the store holds
// when it has begun again and --live objects are there.
func recoverFromExpired(ctx context.Context, on *asked) error {
	client, err := dynamic.NewForConfig(on.config)
	if err != nil {
		return err
	}
	objects := client.Resource(on.gvr()).Namespace(on.namespace)
	var watches, expired atomic.Int64
	source := &cache.ListWatch{
		ListWithContextFunc: func(
			ctx context.Context, options metav1.ListOptions,
		) (runtime.Object, error) {
			return objects.List(ctx, options)
		},
		WatchFuncWithContext: func(
			ctx context.Context, options metav1.ListOptions,
		) (watch.Interface, error) {
			switch watches.Add(1) {
			case 1:
				second := int64(1)
				options.TimeoutSeconds = &second
			case 2:
				options.ResourceVersion = "1"
			}
			stream, err := objects.Watch(ctx, options)
			if err != nil {
				return nil, err
			}
			return watch.Filter(stream, func(event watch.Event) (watch.Event, bool) {
				if apierrors.IsResourceExpired(apierrors.FromObject(event.Object)) {
					expired.Add(1)
				}
				return event, true
			}), nil
		},
	}
	store := cache.NewStore(cache.MetaNamespaceKeyFunc)
	reflector := cache.NewReflectorWithOptions(
		cache.ToListWatcherWithWatchListSemantics(source, client), &unstructured.Unstructured{},
		store, cache.ReflectorOptions{},
	)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go reflector.RunWithContext(ctx)
	if err := until(ctx, func() bool { return expired.Load() > 0 }); err != nil {
		return err
	}
	tell(map[string]any{"step": "expired"})
	if err := until(ctx, func() bool { return int64(len(store.List())) >= on.live }); err != nil {
		return err
	}
	tell(map[string]any{
		"step": "recovered", "items": contents(store), "expired": expired.Load(),
		"requests": on.requests.all(),
	})
	return nil
}
