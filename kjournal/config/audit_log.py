"""From flags to kjournal's own audit log."""

from typing import Any

from kjournal.config.flags import Flags
from kjournal.config.model import AuditLogSettings
from kjournal.config.units import parse_count

_MIB = 1 << 20
_OTHERS = ("audit-log-maxsize", "audit-log-maxbackup", "audit-log-maxage")


def audit_log_of(flags: Flags, warnings: list[str]) -> AuditLogSettings:
    """Return the settings of the audit log, with mistakes noted in `flags`.

    Source: kubernetes.io/docs/tasks/debug/debug-cluster/audit, Log backend
    """
    path = flags.text("audit-log-path")
    size, backup = (flags.parsed(name, parse_count) for name in _OTHERS[:2])
    flags.parsed("audit-log-maxage", _parse_age)
    if not path:
        warnings += [
            f"--{name} has no effect without --audit-log-path" for name in flags.given(*_OTHERS)
        ]
    values: dict[str, Any] = {
        "path": path or None,
        "max_size_bytes": None if size is None else size * _MIB,
        "max_backup": backup,
    }
    return AuditLogSettings(**{name: value for name, value in values.items() if value is not None})


def _parse_age(text: str) -> int:
    if text != "0":
        raise ValueError("0: rotated files are kept by their number, --audit-log-maxbackup")
    return 0
