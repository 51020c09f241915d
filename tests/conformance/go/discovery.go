package main

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/restmapper"
)

// discover asks what there is: aggregated, in the old way, by a mapper, and as OpenAPI.
func discover(_ context.Context, on *asked) error {
	client, err := discovery.NewDiscoveryClientForConfig(on.config)
	if err != nil {
		return err
	}
	told := map[string]any{}
	for name, way := range map[string]discovery.DiscoveryInterface{
		"aggregated": client, "legacy": client.WithLegacy(),
	} {
		_, lists, err := way.ServerGroupsAndResources()
		if err != nil {
			return err
		}
		told[name] = ours(lists)
	}
	preferred, err := client.ServerPreferredResources()
	if err != nil {
		return err
	}
	told["preferred"] = ours(preferred)
	if told["mapped"], err = mapped(client); err != nil {
		return err
	}
	version, err := client.ServerVersion()
	if err != nil {
		return err
	}
	told["version"] = version
	spec, err := openapi3.NewRoot(client.OpenAPIV3()).GVSpec(group)
	if err != nil {
		return err
	}
	schemas := map[string]any{}
	for _, one := range spec.Components.Schemas {
		if kinds, ok := one.Extensions["x-kubernetes-group-version-kind"].([]any); ok {
			for _, kind := range kinds {
				if named, ok := kind.(map[string]any); ok && named["group"] == group.Group {
					schemas[named["kind"].(string)] = one.Description
				}
			}
		}
	}
	told["schemas"] = schemas
	tell(told)
	return nil
}

func ours(lists []*metav1.APIResourceList) []metav1.APIResource {
	for _, list := range lists {
		if list.GroupVersion == group.String() {
			return list.APIResources
		}
	}
	return nil
}

// mapped finds the resource of each kind, and the kind of each resource and its singular.
func mapped(client *discovery.DiscoveryClient) (map[string]any, error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	found := map[string]any{}
	for _, kind := range []string{"ContainerLog", "Event", "AuditEvent", "LocalAuditEvent", "Log"} {
		mapping, err := mapper.RESTMapping(schema.GroupKind{Group: group.Group, Kind: kind})
		if err != nil {
			return nil, err
		}
		singular, err := mapper.ResourceFor(group.WithResource(strings.ToLower(kind)))
		if err != nil {
			return nil, err
		}
		back, err := mapper.KindFor(mapping.Resource)
		if err != nil {
			return nil, err
		}
		found[kind] = map[string]any{
			"plural": mapping.Resource.Resource, "bySingular": singular.Resource,
			"back": back.Kind, "namespaced": mapping.Scope.Name() == meta.RESTScopeNameNamespace,
		}
	}
	return found, nil
}
