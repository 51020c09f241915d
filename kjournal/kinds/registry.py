"""All kinds, by their plural."""

from kjournal.kinds.auditevents import AUDITEVENTS
from kjournal.kinds.containerlogs import CONTAINERLOGS
from kjournal.kinds.events import EVENTS
from kjournal.kinds.logs import LOGS
from kjournal.kinds.model import Kind

KINDS: dict[str, Kind] = {kind.plural: kind for kind in (CONTAINERLOGS, EVENTS, AUDITEVENTS, LOGS)}
