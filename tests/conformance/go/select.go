package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// selectObjects lists by the dynamic client with selectors.
func selectObjects(ctx context.Context, on *asked) error {
	client, err := on.dynamic()
	if err != nil {
		return err
	}
	list, err := client.List(ctx, metav1.ListOptions{
		LabelSelector: on.label, FieldSelector: on.field,
	})
	if err != nil {
		return err
	}
	tell(map[string]any{"logs": logsOf(list.Items), "version": list.GetResourceVersion()})
	return nil
}

// table asks for a Table as kubectl does.
func table(ctx context.Context, on *asked) error {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, group)
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		return err
	}
	client, err := restClient(on, scheme)
	if err != nil {
		return err
	}
	var found metav1.Table
	err = client.Get().Namespace(on.namespace).Resource(on.resource).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json").
		Do(ctx).Into(&found)
	if err != nil {
		return err
	}
	rows := []metav1.PartialObjectMetadata{}
	cells := [][]any{}
	for _, row := range found.Rows {
		var object metav1.PartialObjectMetadata
		if _, _, err := codecs(scheme).UniversalDeserializer().Decode(
			row.Object.Raw, nil, &object,
		); err != nil {
			return err
		}
		rows, cells = append(rows, object), append(cells, row.Cells)
	}
	tell(map[string]any{
		"columns": found.ColumnDefinitions, "cells": cells, "rows": rows,
		"version": found.ResourceVersion,
	})
	return nil
}

func codecs(scheme *runtime.Scheme) serializer.CodecFactory {
	return serializer.NewCodecFactory(scheme)
}

func restClient(on *asked, scheme *runtime.Scheme) (*rest.RESTClient, error) {
	config := rest.CopyConfig(on.config)
	config.APIPath, config.GroupVersion = "/apis", &group
	config.NegotiatedSerializer = codecs(scheme).WithoutConversion()
	return rest.RESTClientFor(config)
}
