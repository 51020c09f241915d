package main

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
)

// compare compares the resourceVersions of a list, of its objects, of a watch's initial objects and
// bookmark, and of --live objects that come later.
func compare(ctx context.Context, on *asked) error {
	client, err := on.dynamic()
	if err != nil {
		return err
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		if err := ordered(&list.Items[i], list.GetResourceVersion(), "the list"); err != nil {
			return err
		}
	}
	yes := true
	stream, err := client.Watch(ctx, metav1.ListOptions{
		AllowWatchBookmarks: true, SendInitialEvents: &yes,
		ResourceVersion:      list.GetResourceVersion(),
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return err
	}
	defer stream.Stop()
	initial, bookmark, last := []*unstructured.Unstructured{}, "", ""
	live := int64(0)
	for event := range stream.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("%s: %v", event.Type, event.Object)
		}
		version := object.GetResourceVersion()
		switch {
		case event.Type == watch.Bookmark && bookmark == "":
			if object.GetAnnotations()[metav1.InitialEventsAnnotationKey] != "true" {
				return errors.New("the first bookmark does not end the initial events")
			}
			bookmark, last = version, version
			for _, one := range initial {
				if err := ordered(one, bookmark, "the bookmark"); err != nil {
					return err
				}
			}
			if err := ordered(list, bookmark, "the bookmark"); err != nil {
				return err
			}
			tell(map[string]any{"step": "bookmark", "initial": len(initial)})
		case bookmark == "":
			initial = append(initial, object)
		default:
			order, err := resourceversion.CompareResourceVersion(last, version)
			if err != nil {
				return err
			}
			if order >= 0 {
				return fmt.Errorf("%s came after %s", version, last)
			}
			if last, live = version, live+1; live == on.live {
				tell(map[string]any{"step": "live", "live": live})
				return nil
			}
		}
	}
	return errors.New("the stream ended")
}

func ordered(one versioned, limit, whose string) error {
	order, err := resourceversion.CompareResourceVersion(one.GetResourceVersion(), limit)
	if err != nil {
		return err
	}
	if order > 0 {
		return fmt.Errorf("%s is above %s's %s", one.GetResourceVersion(), whose, limit)
	}
	return nil
}

type versioned interface{ GetResourceVersion() string }
