package main

import (
	"context"
	"encoding/base64"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"
)

// page reads a list page after page. With --name=expired the second page is asked for with a token
// that the server no longer knows.
func page(ctx context.Context, on *asked) error {
	client, err := on.dynamic()
	if err != nil {
		return err
	}
	sizes, versions, answers := []int{}, []string{}, []map[string]any{}
	reader := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		if options.Continue != "" && on.name == "expired" {
			options.Continue = ofAnotherServer(options.Continue)
		}
		list, err := client.List(ctx, options)
		if err != nil {
			answers = append(answers, shapeOf(err))
			return nil, err
		}
		sizes = append(sizes, len(list.Items))
		versions = append(versions, list.GetResourceVersion())
		return list, nil
	})
	reader.PageSize = on.limit
	found, _, err := reader.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	names := []string{}
	err = meta.EachListItem(found, func(item runtime.Object) error {
		object, err := meta.Accessor(item)
		if err == nil {
			names = append(names, object.GetName())
		}
		return err
	})
	if err != nil {
		return err
	}
	tell(map[string]any{
		"names": names, "sizes": sizes, "versions": versions, "errors": answers,
	})
	return nil
}

// ofAnotherServer returns a token as one with another key would have made it: a server tells it
// from a broken one, and says 410.
func ofAnotherServer(token string) string {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		panic(err)
	}
	raw[4] ^= 1
	return base64.RawURLEncoding.EncodeToString(raw)
}
