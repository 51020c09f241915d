package main

import (
	"context"
	"errors"
	"fmt"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/rest"
)

// goTypes are the Go types whose JSON the kinds have.
var goTypes = map[string]struct {
	kind         string
	object, list runtime.Object
}{
	"events":        {"Event", &eventsv1.Event{}, &eventsv1.EventList{}},
	"auditevents":   {"AuditEvent", &auditv1.Event{}, &auditv1.EventList{}},
	"containerlogs": {"ContainerLog", &ContainerLog{}, &ContainerLogList{}},
}

// decode lists and watches into Go types, and tells what arrived in them.
func decode(ctx context.Context, on *asked) error {
	known := goTypes[on.resource]
	scheme := runtime.NewScheme()
	scheme.AddKnownTypeWithName(group.WithKind(known.kind), known.object)
	scheme.AddKnownTypeWithName(group.WithKind(known.kind+"List"), known.list)
	metav1.AddToGroupVersion(scheme, group)
	client, err := restClient(on, scheme)
	if err != nil {
		return err
	}
	ask := func(options metav1.ListOptions) *rest.Request {
		options.FieldSelector = on.field
		return client.Get().Namespace(on.namespace).Resource(on.resource).
			VersionedParams(&options, runtime.NewParameterCodec(scheme))
	}
	list := known.list.DeepCopyObject()
	if err := ask(metav1.ListOptions{}).Do(ctx).Into(list); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	yes := true
	stream, err := ask(metav1.ListOptions{
		Watch: true, AllowWatchBookmarks: true, SendInitialEvents: &yes,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	}).Watch(ctx)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer stream.Stop()
	watched := []runtime.Object{}
	for event := range stream.ResultChan() {
		switch event.Type {
		case watch.Added:
			watched = append(watched, event.Object)
		case watch.Bookmark:
			tell(map[string]any{"list": list, "watched": watched})
			return nil
		default:
			return fmt.Errorf("%s: %v", event.Type, event.Object)
		}
	}
	return errors.New("the stream ended")
}
