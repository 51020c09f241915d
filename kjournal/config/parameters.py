"""The flags with a value, by what they are about: name, short form, default, and the help text."""

from kjournal.config.presets import PRESETS

BULK_ADDRESS = "127.0.0.1"
Parameter = list[str | None]

STORE: list[Parameter] = [
    ["config", None, None, "File with an APIServerConfig (backend and apis)."],
    [
        "preset",
        None,
        None,
        f"Built-in apis, in place of a config: {', '.join(PRESETS)} (default: by backend).",
    ],
    [
        "store",
        None,
        None,
        "File of the embedded store, made if missing (default: kjournal.db).",
    ],
    [
        "es-ca-file",
        None,
        None,
        "PEM file of CAs trusted for Elasticsearch beside the system's.",
    ],
    ["es-client-cert-file", None, None, "PEM file of the client certificate for it."],
    ["es-client-key-file", None, None, "PEM file of the key of --es-client-cert-file."],
    ["es-username", None, None, "User for basic authentication."],
    ["es-password-file", None, None, "File with the password of --es-username."],
    ["es-api-key-file", None, None, "File with an encoded API key."],
    ["es-bearer-token-file", None, None, "File with a bearer token."],
    [
        "es-request-timeout",
        None,
        None,
        "Deadline of one request to a node, in seconds (default: 10).",
    ],
    [
        "es-time-overlap",
        None,
        None,
        "How late lines may come in indices that can only be followed by time, in seconds "
        "(default: 60).",
    ],
    [
        "bulk-port",
        None,
        None,
        "Port of the _bulk protocol into the embedded store; 0 is off (default: 0).",
    ],
    [
        "bulk-bind-address",
        None,
        None,
        "IP address of the bulk port; other than the loopback needs --bulk-api-key-file "
        f"(default: {BULK_ADDRESS}).",
    ],
    ["bulk-api-key-file", None, None, "File with the API key that the bulk port asks for."],
]
STREAM: list[Parameter] = [
    [
        "resume-window",
        None,
        None,
        "How far back watches resume, such as 15m (default: 15m).",
    ],
    [
        "resume-overlap",
        None,
        None,
        "What another process published so shortly before is sent again, in seconds (default: 10).",
    ],
    [
        "watch-cache-size",
        None,
        None,
        "Bytes of events kept for watches of each kind, such as 256Mi (default: 256Mi).",
    ],
    [
        "state-dir",
        None,
        None,
        "Folder in which positions are kept, so that watches resume after a restart from where "
        "they were; replicas may share it.",
    ],
    [
        "continue-token-key-file",
        None,
        None,
        "File with a secret that replicas share, so that a list can go on at another one "
        "(default: a random secret of this process).",
    ],
]
PORTS: list[Parameter] = [
    ["bind-address", None, None, "IP address of the secure port (default: 0.0.0.0)."],
    [
        "insecure-port",
        None,
        None,
        "Port of plain HTTP on 127.0.0.1, where everybody may read everything; 0 is off "
        "(default: 8080, or 0 beside a secure port).",
    ],
    ["secure-port", None, None, "Port of HTTPS with authentication; 0 is off (default: 0)."],
    ["tls-cert-file", None, None, "PEM file of the serving certificate, followed by CAs."],
    ["tls-private-key-file", None, None, "PEM file of the key of --tls-cert-file."],
    ["cert-dir", None, None, "Folder for a self-made certificate, if no file is named."],
    [
        "shutdown-delay-duration",
        None,
        None,
        "How long requests are still served after SIGTERM, with /readyz red, so that nothing "
        "new is sent here before the port closes, such as 10s (default: 0s).",
    ],
]
IDENTITY: list[Parameter] = [
    ["kubeconfig", None, None, "kubeconfig for authentication and authorization alike."],
    [
        "authentication-kubeconfig",
        None,
        None,
        "kubeconfig to read the front proxy's CA from the cluster with.",
    ],
    [
        "authorization-kubeconfig",
        None,
        None,
        "kubeconfig to ask with whether a user may (SubjectAccessReview).",
    ],
    ["client-ca-file", None, None, "PEM file of CAs of client certificates (CN is the user)."],
    [
        "requestheader-client-ca-file",
        None,
        None,
        "PEM file of CAs of the front proxy, in place of the cluster's own.",
    ],
    [
        "authentication-token-webhook-cache-ttl",
        None,
        None,
        "How long it is remembered whose a token is, such as 10s; 0s is not at all (default: 10s).",
    ],
    [
        "authorization-mode",
        None,
        None,
        "Webhook (SubjectAccessReviews decide) or AlwaysDeny (default: Webhook).",
    ],
    [
        "authorization-webhook-cache-authorized-ttl",
        None,
        None,
        "How long it is remembered that a user may (default: 10s).",
    ],
    [
        "authorization-webhook-cache-unauthorized-ttl",
        None,
        None,
        "How long it is remembered that a user may not (default: 10s).",
    ],
]
PROTECTION: list[Parameter] = [
    [
        "max-requests-inflight",
        None,
        None,
        "Requests at once that are no watches; more are answered 429; 0 is any number "
        "(default: 400).",
    ],
    [
        "max-requests-inflight-per-user",
        None,
        None,
        "The same of each user; the anonymous are told apart by address (default: 100).",
    ],
    [
        "max-watches",
        None,
        None,
        "Watches at once; more are answered 429; 0 is any number (default: 10000).",
    ],
    ["max-watches-per-user", None, None, "The same of each user (default: 1000)."],
]
AUDIT_LOG: list[Parameter] = [
    [
        "audit-log-path",
        None,
        None,
        "File to which each request is written as an audit event; - is standard output.",
    ],
    ["audit-log-maxsize", None, None, "Megabytes after which it is rotated (default: 100)."],
    ["audit-log-maxbackup", None, None, "Rotated files that are kept; 0 is all (default: 0)."],
    ["audit-log-maxage", None, None, "0, as other apiservers take it: files do not age."],
]
