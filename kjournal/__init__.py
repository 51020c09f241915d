"""kjournal: the Kubernetes API of what a cluster has forgotten."""
