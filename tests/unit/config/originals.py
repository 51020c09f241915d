"""Configs with the keys and values of the first kjournal's three presets."""

_HEAD = """
apiVersion: config.kjournal/v1alpha1
kind: APIServerConfig
backend:
  elasticsearch:
    url:
    - ${ELASTICSEARCH_URI}
apis:
"""

_REST = """
- resource: events
  backend: {elasticsearch: {index: "*", timestampFields: [metadata.creationTimestamp]}}
- resource: auditevents
  backend: {elasticsearch: {index: "*", timestampFields: [stageTimestamp]}}
- resource: logs
  fieldMap:
    metadata.creationTimestamp: ["@timestamp", "metadata.creationTimestamp", "stageTimestamp"]
    payload: ["."]
  backend:
    elasticsearch:
      timestampFields: ["@timestamp", "metadata.creationTimestamp", "stageTimestamp"]
      index: "*"
"""

STRUCTURED = f"""{_HEAD}
- resource: containerlogs
  fieldMap:
    metadata.uid: [metadata.uid.keyword]
    metadata.namespace: [metadata.namespace.keyword]
  backend:
    elasticsearch:
      index: "*"
      timestampFields: ["metadata.creationTimestamp"]
      uidFields: [metadata.uid.keyword]
{_REST}"""

FLUENTBIT = f"""{_HEAD}
- resource: containerlogs
  fieldMap:
    metadata.namespace: [kubernetes.namespace_name]
    metadata.creationTimestamp: ["@timestamp"]
    pod: [kubernetes.pod_name]
    container: [kubernetes.container_name]
    payload: ["."]
    metadata.labels: [kubernetes.labels]
    metadata.annotations.docker_id: [kubernetes.docker_id]
    metadata.annotations.host: [kubernetes.host]
    metadata.annotations.pod_id: [kubernetes.pod_id]
  dropFields:
  - payload.@timestamp
  - payload.kubernetes
  backend: {{elasticsearch: {{index: "*", timestampFields: ["@timestamp"]}}}}
{_REST}"""

FILEBEAT = f"""{_HEAD}
- resource: containerlogs
  fieldMap:
    metadata.namespace: [kubernetes.namespace.keyword]
    metadata.creationTimestamp: ["@timestamp"]
    pod: [kubernetes.pod.name]
    container: [kubernetes.container.name]
    payload: ["."]
    metadata.labels: [kubernetes.labels]
    metadata.annotations.host: [kubernetes.node.name]
    metadata.annotations.pod_id: [kubernetes.pod.uid]
  dropFields: [payload.@timestamp, payload.kubernetes]
  backend: {{elasticsearch: {{index: "*", timestampFields: ["@timestamp"]}}}}
{_REST}"""
