package main

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// inform runs a dynamic informer until ctx ends.
func inform(ctx context.Context, client dynamic.Interface, namespace string) error {
	informer := dynamicinformer.NewFilteredDynamicInformer(
		client, containerlogs, namespace, 0, cache.Indexers{}, nil,
	).Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc:    func(object any, _ bool) { tellObject("ADDED", object) },
		UpdateFunc: func(_, object any) { tellObject("MODIFIED", object) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			tellObject("DELETED", object)
		},
	})
	if err != nil {
		return err
	}
	informer.RunWithContext(ctx)
	return nil
}

func tellObject(kind string, object any) {
	if object, ok := object.(*unstructured.Unstructured); ok {
		tell(lineOf(kind, object))
	}
}
