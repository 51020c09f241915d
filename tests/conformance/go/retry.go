package main

import (
	"context"
	"errors"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// retry lists, and follows with a RetryWatcher, whose streams end after a second, until an object
// named "last" by its log, or until it gives up. With --version it begins there, without a list.
func retry(ctx context.Context, on *asked) error {
	client, err := on.dynamic()
	if err != nil {
		return err
	}
	version := on.version
	if version == "" {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		version = list.GetResourceVersion()
		tell(map[string]any{"step": "listed", "logs": logsOf(list.Items)})
	}
	var watches atomic.Int64
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, version, &cache.ListWatch{
		WatchFuncWithContext: func(
			ctx context.Context, options metav1.ListOptions,
		) (watch.Interface, error) {
			second := int64(1)
			options.TimeoutSeconds = &second
			tell(map[string]any{"step": "watch", "number": watches.Add(1)})
			return client.Watch(ctx, options)
		},
	})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	events := []map[string]any{}
	for event := range watcher.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			shape := shapeOf(apierrors.FromObject(event.Object))
			events = append(events, map[string]any{"type": event.Type, "error": shape})
			continue
		}
		log := logOf(object)
		events = append(events, map[string]any{"type": event.Type, "log": log})
		if log == "last" {
			break
		}
	}
	if ctx.Err() != nil {
		return errors.New("it neither ended nor saw the last")
	}
	tell(map[string]any{"step": "ended", "events": events, "watches": watches.Load()})
	return nil
}

func logOf(object *unstructured.Unstructured) string {
	log, _, _ := unstructured.NestedString(object.Object, "payload", "log")
	return log
}

func logsOf(items []unstructured.Unstructured) []string {
	logs := []string{}
	for i := range items {
		logs = append(logs, logOf(&items[i]))
	}
	return logs
}
