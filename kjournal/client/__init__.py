"""What kjournal asks of a kube-apiserver."""
