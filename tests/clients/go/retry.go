package main

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

const pause = time.Second

// retry lists and follows with a RetryWatcher; where that ends (410), it lists again.
func retry(ctx context.Context, client dynamic.ResourceInterface) error {
	follow := &cache.ListWatch{
		WatchFuncWithContext: func(
			ctx context.Context, options metav1.ListOptions,
		) (watch.Interface, error) {
			return client.Watch(ctx, options)
		},
	}
	for ctx.Err() == nil {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			wait(ctx)
			continue
		}
		for i := range list.Items {
			tellObject("ADDED", &list.Items[i])
		}
		watcher, err := watchtools.NewRetryWatcherWithContext(
			ctx, list.GetResourceVersion(), follow,
		)
		if err != nil {
			return err
		}
		for event := range watcher.ResultChan() {
			tellObject(string(event.Type), event.Object)
		}
	}
	return nil
}

func wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
