package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ContainerLog is a line of a container, as a program would write the type for itself.
type ContainerLog struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Pod       string               `json:"pod,omitempty"`
	Container string               `json:"container,omitempty"`
	Payload   runtime.RawExtension `json:"payload,omitempty"`
}

// ContainerLogList is a list of them.
type ContainerLogList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ContainerLog `json:"items"`
}

// DeepCopyObject is what runtime.Object asks for.
func (log *ContainerLog) DeepCopyObject() runtime.Object {
	out := *log
	log.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	log.Payload.DeepCopyInto(&out.Payload)
	return &out
}

// DeepCopyObject is what runtime.Object asks for.
func (logs *ContainerLogList) DeepCopyObject() runtime.Object {
	out := *logs
	out.Items = nil
	for i := range logs.Items {
		if one, ok := logs.Items[i].DeepCopyObject().(*ContainerLog); ok {
			out.Items = append(out.Items, *one)
		}
	}
	return &out
}
