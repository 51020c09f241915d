"""What the demo says when it is ready."""

from kjournal.kinds.model import GROUP_VERSION


def welcome(port: int, bulk_port: int) -> str:
    """Return what to type next, in a terminal's width."""
    server = f"http://127.0.0.1:{port}"
    path = f"{server}/apis/{GROUP_VERSION}/namespaces/shop/containerlogs"
    bulk = f"\nShippers may write to http://127.0.0.1:{bulk_port} as to Elasticsearch.\n"
    return f"""
kjournal is ready: a small imaginary cluster writes, with two hours of past.
In another terminal:

  kubectl -s {server} get containerlogs -n shop -w
  kubectl -s {server} get containerlogs,events.core.kjournal,auditevents,logs -A
  kubectl -s {server} get containerlogs -n shop -l app=web --field-selector payload.level=error
  kubectl -s {server} get auditevents --field-selector verb=delete -o wide

Without kubectl:

  curl -sN '{path}?watch=true'
{bulk if bulk_port else ""}
Ctrl-C ends it.
"""
