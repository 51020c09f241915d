"""All kinds, by their plural."""

from kjournal.kinds.auditevents import AUDITEVENTS, LOCALAUDITEVENTS
from kjournal.kinds.containerlogs import CONTAINERLOGS
from kjournal.kinds.events import EVENTS
from kjournal.kinds.logs import LOGS
from kjournal.kinds.model import Kind

_ALL = (CONTAINERLOGS, EVENTS, AUDITEVENTS, LOCALAUDITEVENTS, LOGS)
KINDS: dict[str, Kind] = {kind.plural: kind for kind in _ALL}
