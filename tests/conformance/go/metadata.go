package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
)

// describe asks by the metadata client, and then runs a metadata informer.
func describe(ctx context.Context, on *asked) error {
	client, err := metadata.NewForConfig(on.config)
	if err != nil {
		return err
	}
	objects := client.Resource(on.gvr()).Namespace(on.namespace)
	list, err := objects.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	got := []*metav1.PartialObjectMetadata{}
	for _, item := range list.Items {
		one, err := objects.Get(ctx, item.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		got = append(got, one)
	}
	tell(map[string]any{
		"step": "listed", "version": list.ResourceVersion, "items": list.Items, "got": got,
	})
	factory := metadatainformer.NewFilteredSharedInformerFactory(client, 0, on.namespace, nil)
	return follow(ctx, on, factory.ForResource(on.gvr()).Informer())
}
