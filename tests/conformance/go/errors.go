package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

var predicates = map[string]func(error) bool{
	"BadRequest":         apierrors.IsBadRequest,
	"Forbidden":          apierrors.IsForbidden,
	"Invalid":            apierrors.IsInvalid,
	"MethodNotSupported": apierrors.IsMethodNotSupported,
	"NotFound":           apierrors.IsNotFound,
	"ResourceExpired":    apierrors.IsResourceExpired,
	"Timeout":            apierrors.IsTimeout,
	"TooLarge":           apierrors.IsRequestEntityTooLargeError,
	"Unauthorized":       apierrors.IsUnauthorized,
}

// shapeOf says what client-go takes an error for.
func shapeOf(err error) map[string]any {
	is := []string{}
	for _, name := range slices.Sorted(maps.Keys(predicates)) {
		if predicates[name](err) {
			is = append(is, name)
		}
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		text := "nothing"
		if err != nil {
			text = err.Error()
		}
		return map[string]any{"is": is, "text": text}
	}
	return map[string]any{"is": is, "status": status.Status()}
}

// provoke makes the mistakes that a program makes, and tells what it is told.
func provoke(ctx context.Context, on *asked) error {
	client, err := dynamic.NewForConfig(on.config)
	if err != nil {
		return err
	}
	objects := client.Resource(on.gvr()).Namespace(on.namespace)
	list := func(options metav1.ListOptions) error {
		_, err := objects.List(ctx, options)
		return err
	}
	nobody := &unstructured.Unstructured{Object: map[string]any{
		"kind": "ContainerLog", "apiVersion": group.String(),
		"metadata": map[string]any{"name": "nobody", "namespace": on.namespace},
	}}
	found := map[string]error{}
	_, found["get"] = objects.Get(ctx, "nobody", metav1.GetOptions{})
	_, found["resource"] = client.Resource(group.WithResource("nothings")).
		Namespace(on.namespace).List(ctx, metav1.ListOptions{})
	found["list"] = list(metav1.ListOptions{})
	_, found["watch"] = objects.Watch(ctx, metav1.ListOptions{FieldSelector: "nothing=1"})
	found["field"] = list(metav1.ListOptions{FieldSelector: "nothing=1"})
	found["label"] = list(metav1.ListOptions{LabelSelector: "a in b"})
	found["continue"] = list(metav1.ListOptions{Continue: "nothing", Limit: 1})
	found["version"] = list(metav1.ListOptions{ResourceVersion: "x"})
	found["exact"] = list(metav1.ListOptions{
		ResourceVersion: "1", ResourceVersionMatch: metav1.ResourceVersionMatchExact,
	})
	found["match"] = list(metav1.ListOptions{
		ResourceVersion: "1", ResourceVersionMatch: "Nearly",
	})
	yes := true
	_, found["initial"] = objects.Watch(ctx, metav1.ListOptions{SendInitialEvents: &yes})
	_, found["create"] = objects.Create(ctx, nobody, metav1.CreateOptions{})
	_, found["update"] = objects.Update(ctx, nobody, metav1.UpdateOptions{})
	_, found["patch"] = objects.Patch(
		ctx, "nobody", types.MergePatchType, []byte("{}"), metav1.PatchOptions{},
	)
	_, found["apply"] = objects.Apply(ctx, "nobody", nobody, metav1.ApplyOptions{FieldManager: "me"})
	found["delete"] = objects.Delete(ctx, "nobody", metav1.DeleteOptions{})
	found["deletecollection"] = objects.DeleteCollection(
		ctx, metav1.DeleteOptions{}, metav1.ListOptions{},
	)
	told := map[string]any{}
	for name, err := range found {
		told[name] = shapeOf(err)
	}
	tell(told)
	return nil
}
