"""All settings as frozen values: every default and unit is here, nothing is decided elsewhere.

`metadata={"doc": ...}` of a field is the sentence that the settings reference prints.
"""

from typing import Any

import attrs

RESOURCES = ("containerlogs", "events", "auditevents", "logs")


def _setting(doc: str, default: Any = attrs.NOTHING) -> Any:
    return attrs.field(default=default, metadata={"doc": doc})


@attrs.frozen(kw_only=True)
class ElasticsearchSettings:
    """How to reach Elasticsearch."""

    urls: tuple[str, ...] = _setting("Nodes, tried in turn; a credential may stand in the URL.")
    username: str = _setting("User for basic authentication.", "")
    password: str = attrs.field(
        default="", repr=False, metadata={"doc": "Password for basic authentication."}
    )
    api_key: str = attrs.field(
        default="", repr=False, metadata={"doc": "Encoded API key, sent as `ApiKey`."}
    )
    bearer_token: str = attrs.field(
        default="", repr=False, metadata={"doc": "Token, sent as `Bearer`."}
    )
    ca_cert: str = _setting("PEM file of CAs trusted beside the system's.", "")
    allow_insecure: bool = _setting("Do not verify the server's certificate.", False)
    server_name: str = _setting("Name to verify instead of the URL's host.", "")
    client_cert: str = _setting("PEM file of a client certificate.", "")
    client_key: str = _setting("PEM file of its key.", "")
    request_timeout_s: float = _setting("Deadline of one request to a node.", 10.0)
    max_retries: int = _setting("Further nodes tried when one fails.", 2)
    time_overlap_s: float = _setting(
        "How late lines may come in indices that can only be followed by time.", 60.0
    )


@attrs.frozen(kw_only=True)
class EmbeddedSettings:
    """The SQLite file."""

    path: str = _setting("File of the store; it is made if missing.", "kjournal.db")
    max_bytes: int = _setting("Oldest records are deleted above this size.", 1 << 30)
    max_age_s: float = _setting("Records older than this are deleted.", 7 * 86400.0)


@attrs.frozen(kw_only=True)
class APISettings:
    """How one kind is served."""

    resource: str = _setting("containerlogs, events, auditevents or logs.")
    field_map: dict[str, tuple[str, ...]] = attrs.field(
        factory=dict,
        metadata={"doc": "API field to stored paths, first found wins; `.` is the whole document."},
    )
    drop_fields: tuple[str, ...] = _setting("API fields removed after mapping.", ())
    filter: str = _setting("Label-selector grammar over stored fields, always applied.", "")
    default_time_range: str = _setting(
        "Lists begin here unless a selector names a time.", "now-24h"
    )
    index: str = _setting("Index, pattern, or several joined by commas.", "*")
    refresh_rate_s: float = _setting("How often the tail polls.", 0.5)
    timestamp_fields: tuple[str, ...] = _setting("Stored paths of the event time.", ("@timestamp",))
    bulk_size: int = _setting("Records asked of the store at once.", 1000)
    omit_bodies: str = _setting(
        "Of auditevents: withhold bodies Always, of Sensitive resources, or Never.", "Sensitive"
    )
    omit_local_bodies: str = _setting(
        "The same of localauditevents: Always, or of Sensitive resources.", "Always"
    )
    sensitive_resources: tuple[str, ...] = _setting(
        "Resources that are sensitive beside secrets, configmaps, tokens and kjournal's own.", ()
    )


@attrs.frozen(kw_only=True)
class SNICertificate:
    """A certificate for the names that clients ask for; no patterns: for those it holds."""

    chain_file: str
    key_file: str
    patterns: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ServingSettings:
    """Ports, certificates and whom to believe; names follow kube-apiserver's flags."""

    bind_address: str = _setting("Address of the secure port.", "0.0.0.0")  # noqa: S104 - kube-apiserver's default
    secure_port: int = _setting("HTTPS port with authentication; 0 is off.", 0)
    insecure_port: int = _setting(
        "Plain HTTP port on the loopback, without identity; 0 is off.", 8080
    )
    tls_cert_file: str = _setting("PEM file of the serving certificate.", "")
    tls_private_key_file: str = _setting("PEM file of its key.", "")
    cert_dir: str = _setting("Folder for a self-made certificate, where no file is named.", "")
    sni_certificates: tuple[SNICertificate, ...] = _setting(
        "Further certificates, by the name that a client asks for.", ()
    )
    max_requests_inflight: int = _setting(
        "Requests at once that are no watches; 0 is any number.", 400
    )
    max_requests_inflight_per_user: int = _setting("The same of each user.", 100)
    max_watches: int = _setting("Watches that are open at once; 0 is any number.", 10_000)
    max_watches_per_user: int = _setting("The same of each user.", 1000)
    shutdown_delay_s: float = _setting(
        "How long requests are still served after a signal to end, while endpoints drain.", 0.0
    )
    client_ca_file: str = _setting("CAs of client certificates (CN is the user).", "")
    requestheader_client_ca_file: str = _setting("CAs of the front proxy's certificate.", "")
    requestheader_allowed_names: tuple[str, ...] = _setting(
        "Common names that a front proxy may have; empty: any.", ()
    )
    requestheader_username_headers: tuple[str, ...] = _setting(
        "Headers with the user's name.", ("X-Remote-User",)
    )
    requestheader_uid_headers: tuple[str, ...] = _setting(
        "Headers with the user's uid.", ("X-Remote-Uid",)
    )
    requestheader_group_headers: tuple[str, ...] = _setting(
        "Headers with the user's groups.", ("X-Remote-Group",)
    )
    requestheader_extra_headers_prefix: tuple[str, ...] = _setting(
        "Prefixes of headers with extra values.", ("X-Remote-Extra-",)
    )
    kubeconfig: str = _setting("kubeconfig for both delegations.", "")
    authentication_kubeconfig: str = _setting(
        "kubeconfig to read the front proxy's CA from the cluster.", ""
    )
    authorization_kubeconfig: str = _setting("kubeconfig to ask SubjectAccessReviews with.", "")
    authentication_skip_lookup: bool = _setting(
        "Believe the CAs of the flags only, and read none from the cluster.", False
    )
    token_cache_ttl_s: float = _setting("How long a TokenReview holds; 0 is not at all.", 10.0)
    authorization_mode: str = _setting(
        "Webhook: SubjectAccessReviews decide. AlwaysDeny: nothing but probes is answered.",
        "Webhook",
    )
    authorization_always_allow_paths: tuple[str, ...] = _setting(
        "Paths that anybody may ask for; a trailing * stands for all that begin so.",
        ("/healthz", "/readyz", "/livez"),
    )
    authorized_ttl_s: float = _setting("How long a review holds that allows.", 10.0)
    unauthorized_ttl_s: float = _setting("How long a review holds that does not allow.", 10.0)


@attrs.frozen(kw_only=True)
class AuditLogSettings:
    """kjournal's own audit log."""

    path: str = _setting("File of audit events, one a line; - is standard output.", "")
    max_size_bytes: int = _setting("A file that grows so large is rotated; 0 is never.", 100 << 20)
    max_backup: int = _setting("Rotated files that are kept; 0 is all.", 0)


@attrs.frozen(kw_only=True)
class WatchSettings:
    """How far back lists and watches go on."""

    resume_window_s: float = _setting(
        "Watches resume from resourceVersions that are not older.", 15 * 60.0
    )
    resume_overlap_s: float = _setting(
        "What another process published so shortly before is sent again.", 10.0
    )
    cache_bytes: int = _setting(
        "Bytes of events kept for watches, for each kind (estimated).", 256 * 1024 * 1024
    )
    state_dir: str = _setting(
        "Folder in which positions are kept, for watches that resume after a restart.", ""
    )
    continue_token_key: str = attrs.field(
        default="",
        repr=False,
        metadata={"doc": "Secret that replicas share, so that each takes the others' tokens."},
    )


@attrs.frozen(kw_only=True)
class Settings:
    """Everything that a gateway is told."""

    backend: ElasticsearchSettings | EmbeddedSettings
    apis: tuple[APISettings, ...]
    serving: ServingSettings = attrs.field(factory=ServingSettings)
    watch: WatchSettings = attrs.field(factory=WatchSettings)
    audit_log: AuditLogSettings = attrs.field(factory=AuditLogSettings)
    bulk_address: str = _setting("Address of the bulk port.", "127.0.0.1")
    bulk_port: int = _setting("Port of the bulk protocol into the embedded store; 0 is off.", 0)
    bulk_api_key: str = attrs.field(
        default="", repr=False, metadata={"doc": "API key that the bulk port asks for."}
    )
    demo: bool = _setting("Feed the embedded store from an imaginary cluster.", False)
    warnings: tuple[str, ...] = _setting("What was accepted and has no effect, or is unwise.", ())
