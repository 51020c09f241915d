package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

const often = 10 * time.Millisecond

// inform runs a dynamic informer: it tells what the cache holds once it has synced, and again when
// --live objects more have come.
func inform(ctx context.Context, on *asked) error {
	client, err := dynamic.NewForConfig(on.config)
	if err != nil {
		return err
	}
	return follow(ctx, on, dynamicinformer.NewFilteredDynamicInformer(
		client, on.gvr(), on.namespace, 0, cache.Indexers{}, nil,
	).Informer())
}

func follow(ctx context.Context, on *asked, informer cache.SharedIndexInformer) error {
	var initial, live, other atomic.Int64
	registered, err := informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(_ any, isInInitialList bool) {
			if isInInitialList {
				initial.Add(1)
			} else {
				live.Add(1)
			}
		},
		UpdateFunc: func(any, any) { other.Add(1) },
		DeleteFunc: func(any) { other.Add(1) },
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced, registered.HasSynced) {
		return errors.New("it never synced")
	}
	tell(map[string]any{"step": "synced", "items": contents(informer.GetStore())})
	if err := until(ctx, func() bool { return live.Load() >= on.live }); err != nil {
		return err
	}
	tell(map[string]any{
		"step": "live", "items": contents(informer.GetStore()), "requests": on.requests.all(),
		"initial": initial.Load(), "live": live.Load(), "other": other.Load(),
		"version": informer.LastSyncResourceVersion(),
	})
	return nil
}

func until(ctx context.Context, condition func() bool) error {
	return wait.PollUntilContextCancel(ctx, often, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
}

// contents are the objects of a store, without their resourceVersions: those of a watch are of the
// moment when an object came.
func contents(store cache.Store) []map[string]any {
	found := []map[string]any{}
	for _, one := range store.List() {
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(one)
		if err != nil {
			panic(err)
		}
		object = runtime.DeepCopyJSON(object)
		unstructured.RemoveNestedField(object, "metadata", "resourceVersion")
		found = append(found, object)
	}
	return found
}
