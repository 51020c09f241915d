"""Tell twistd that there is a `kjournal` to run; see kjournal/tap.py."""

from twisted.application.service import ServiceMaker

kjournal = ServiceMaker(
    "kjournal",
    "kjournal.tap",
    "Serve long-term Kubernetes logs, events and audit events by the Kubernetes API.",
    "kjournal",
)
