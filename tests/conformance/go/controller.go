package main

import (
	"context"
	"errors"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const byPod = "pod"

// reconciler gets each object that it is told of, as a controller does.
type reconciler struct {
	client.Client
	lock sync.Mutex
	logs map[string]string
	gone int
}

// Reconcile is what controller-runtime calls.
func (all *reconciler) Reconcile(
	ctx context.Context, request reconcile.Request,
) (reconcile.Result, error) {
	var log ContainerLog
	err := all.Get(ctx, request.NamespacedName, &log)
	all.lock.Lock()
	defer all.lock.Unlock()
	if apierrors.IsNotFound(err) {
		all.gone++
		return reconcile.Result{}, nil
	}
	all.logs[request.Name] = string(log.Payload.Raw)
	return reconcile.Result{}, err
}

func (all *reconciler) count() int {
	all.lock.Lock()
	defer all.lock.Unlock()
	return len(all.logs)
}

// controller runs a manager with a controller of containerlogs until it has reconciled --live of
// them; --name is a pod that some of them are of.
func controller(ctx context.Context, on *asked) error {
	ctrl.SetLogger(klog.Background())
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(group, &ContainerLog{}, &ContainerLogList{})
	metav1.AddToGroupVersion(scheme, group)
	manager, err := ctrl.NewManager(on.config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{on.namespace: {}}},
	})
	if err != nil {
		return err
	}
	err = manager.GetFieldIndexer().IndexField(ctx, &ContainerLog{}, byPod, podOf)
	if err != nil {
		return err
	}
	all := &reconciler{Client: manager.GetClient(), logs: map[string]string{}}
	err = ctrl.NewControllerManagedBy(manager).For(&ContainerLog{}).Complete(all)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	if !manager.GetCache().WaitForCacheSync(ctx) {
		return errors.New("the cache never synced")
	}
	tell(map[string]any{"step": "synced"})
	if err := until(ctx, func() bool { return int64(all.count()) >= on.live }); err != nil {
		return err
	}
	told, err := readBack(ctx, on, manager)
	if err != nil {
		return err
	}
	stop()
	if err := <-ended; err != nil {
		return err
	}
	told["step"], told["reconciled"], told["gone"] = "reconciled", all.logs, all.gone
	tell(told)
	return nil
}

func podOf(object client.Object) []string {
	if log, ok := object.(*ContainerLog); ok {
		return []string{log.Pod}
	}
	return nil
}

// readBack reads out of the cache and past it, and tries to write.
func readBack(ctx context.Context, on *asked, manager ctrl.Manager) (map[string]any, error) {
	cached, direct := manager.GetClient(), manager.GetAPIReader()
	here := client.InNamespace(on.namespace)
	var indexed, paged ContainerLogList
	if err := cached.List(ctx, &indexed, here, client.MatchingFields{byPod: on.name}); err != nil {
		return nil, err
	}
	err := direct.List(ctx, &paged, here, client.Limit(1), client.MatchingFields{byPod: on.name})
	if err != nil {
		return nil, err
	}
	loose := &unstructured.UnstructuredList{}
	loose.SetGroupVersionKind(group.WithKind("ContainerLogList"))
	if err := cached.List(ctx, loose, here); err != nil {
		return nil, err
	}
	if len(indexed.Items) == 0 {
		return nil, errors.New("the index is empty")
	}
	one := indexed.Items[0]
	got, err := getBoth(ctx, cached, direct, &one)
	if err != nil {
		return nil, err
	}
	nobody := client.ObjectKey{Namespace: on.namespace, Name: "nobody"}
	fresh := &ContainerLog{ObjectMeta: metav1.ObjectMeta{Name: "nobody", Namespace: on.namespace}}
	return map[string]any{
		"indexed": namesOf(indexed.Items), "paged": namesOf(paged.Items),
		"continues": paged.Continue != "", "loose": len(loose.Items), "got": got,
		"errors": map[string]any{
			"get cached": shapeOf(cached.Get(ctx, nobody, &ContainerLog{})),
			"get direct": shapeOf(direct.Get(ctx, nobody, &ContainerLog{})),
			"create":     shapeOf(cached.Create(ctx, fresh)),
			"update":     shapeOf(cached.Update(ctx, &one)),
			"patch":      shapeOf(cached.Patch(ctx, &one, client.MergeFrom(&ContainerLog{}))),
			"delete":     shapeOf(cached.Delete(ctx, &one)),
		},
	}, nil
}

func getBoth(
	ctx context.Context, cached, direct client.Reader, one *ContainerLog,
) ([]string, error) {
	names := []string{}
	for _, reader := range []client.Reader{cached, direct} {
		var found ContainerLog
		if err := reader.Get(ctx, client.ObjectKeyFromObject(one), &found); err != nil {
			return nil, err
		}
		names = append(names, found.Name)
	}
	return names, nil
}

func namesOf(items []ContainerLog) []string {
	names := []string{}
	for i := range items {
		names = append(names, items[i].Name)
	}
	return names
}
