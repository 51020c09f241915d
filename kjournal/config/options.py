"""The flags of `twistd kjournal`, and what they and the file come to."""

from collections.abc import Mapping

from twisted.python import usage

from kjournal.config import parameters
from kjournal.config.audit_log import audit_log_of
from kjournal.config.backend import backend_of, chosen_by
from kjournal.config.element import shown
from kjournal.config.flags import Files, Flags, Read, read_file
from kjournal.config.load import FileSettings, load_config
from kjournal.config.mistakes import Mistakes
from kjournal.config.model import APISettings, EmbeddedSettings, ServingSettings, Settings
from kjournal.config.presets import DEFAULT_PRESETS, PRESETS, preset_text
from kjournal.config.serving import serving_of
from kjournal.config.units import is_loopback, parse_address, parse_port
from kjournal.config.watch import watch_of


class KjournalOptions(usage.Options):
    """The command line; `settings_of` says what it comes to."""

    longdesc = "Long-term Kubernetes logs, events and audit events, by the Kubernetes API."

    optFlags = [  # noqa: RUF012 - twisted reads the class attribute
        ["demo", None, "Feed the embedded store from an imaginary cluster."],
        [
            "es-insecure-skip-tls-verify",
            None,
            "Do not verify the certificate of Elasticsearch.",
        ],
        [
            "authentication-skip-lookup",
            None,
            "Believe the CAs of the flags only, and read none from the cluster.",
        ],
    ]
    optParameters = [  # noqa: RUF012 - twisted reads the class attribute
        *parameters.STORE,
        *parameters.STREAM,
        *parameters.PORTS,
        *parameters.IDENTITY,
        *parameters.PROTECTION,
        *parameters.AUDIT_LOG,
    ]

    def opt_es_url(self, url: str) -> None:
        """URL of an Elasticsearch node; may be repeated."""
        self.setdefault("es-url", []).append(url)

    def opt_tls_sni_cert_key(self, pair: str) -> None:
        """CERTIFICATE,KEY[:name,*.name] for clients that ask for such a name; may be repeated."""
        self.setdefault("tls-sni-cert-key", []).append(pair)

    def opt_authorization_always_allow_paths(self, paths: str) -> None:
        """Paths that anybody may ask for, by commas (default: /healthz,/readyz,/livez)."""
        self._add("authorization-always-allow-paths", paths)

    def opt_requestheader_allowed_names(self, names: str) -> None:
        """Common names that the front proxy may have, by commas; none: any."""
        self._add("requestheader-allowed-names", names)

    def opt_requestheader_username_headers(self, names: str) -> None:
        """Headers with the user's name, by commas (default: X-Remote-User)."""
        self._add("requestheader-username-headers", names)

    def opt_requestheader_uid_headers(self, names: str) -> None:
        """Headers with the user's uid, by commas (default: X-Remote-Uid)."""
        self._add("requestheader-uid-headers", names)

    def opt_requestheader_group_headers(self, names: str) -> None:
        """Headers with the user's groups, by commas (default: X-Remote-Group)."""
        self._add("requestheader-group-headers", names)

    def opt_requestheader_extra_headers_prefix(self, prefixes: str) -> None:
        """Prefixes of headers with extra values, by commas (default: X-Remote-Extra-)."""
        self._add("requestheader-extra-headers-prefix", prefixes)

    def _add(self, name: str, values: str) -> None:
        self.setdefault(name, []).extend(value.strip() for value in values.split(","))


def settings_of(
    options: Mapping[str, object], environ: Mapping[str, str], read: Read = read_file
) -> Settings:
    """Return everything that flags, file, preset and environment say; flags count first.

    Raises: ConfigError with all mistakes at once; none of them shows a secret.
    """
    mistakes = Mistakes()
    flags = Flags(options, Files(read, mistakes), mistakes)
    flags.refuse_empty()
    file = _file_settings(flags, environ)
    warnings = list(file.warnings)
    backend = backend_of(flags, file, flags.text("config"), warnings)
    serving = serving_of(flags, warnings)
    embedded = isinstance(backend, EmbeddedSettings)
    if flags.given("demo") and not embedded:
        flags.refuse("demo", "Elasticsearch", "the embedded store")
    settings = Settings(
        backend=backend,
        apis=file.apis or _preset_apis(flags, "embedded" if embedded else "elasticsearch"),
        serving=serving,
        watch=watch_of(flags),
        audit_log=audit_log_of(flags, warnings),
        bulk_address=flags.parsed("bulk-bind-address", parse_address) or parameters.BULK_ADDRESS,
        bulk_port=flags.parsed("bulk-port", parse_port) or 0,
        bulk_api_key=flags.secret("bulk-api-key-file"),
        demo=bool(flags.given("demo")),
        warnings=tuple(warnings + _bulk_warnings(flags)),
    )
    _check_bulk(flags, settings, serving)
    mistakes.raise_any()
    return settings


def _file_settings(flags: Flags, environ: Mapping[str, str]) -> FileSettings:
    """Return what the config says, or nothing where none is named."""
    path = flags.text("config")
    if not path:
        return FileSettings()
    if flags.given("preset"):
        flags.refuse("preset", "--config beside it", "one of the two")
    content = flags.files.content(path, "--config")
    if content is None:
        return FileSettings()
    try:
        text = content.decode("utf-8-sig")
    except ValueError:
        flags.refuse("config", "a file that is not UTF-8", "one YAML document")
        return FileSettings()
    return load_config(text, path, environ, flags.mistakes, chosen_by(flags))


def _preset_apis(flags: Flags, backend: str) -> tuple[APISettings, ...]:
    name = flags.text("preset") or DEFAULT_PRESETS[backend]
    if name not in PRESETS:
        flags.refuse("preset", shown(name), ", ".join(PRESETS))
        return ()
    return load_config(preset_text(name), f"preset {name}", {}, flags.mistakes, backend).apis


def _bulk_warnings(flags: Flags) -> list[str]:
    if flags.parsed("bulk-port", parse_port):
        return []
    names = flags.given("bulk-bind-address", "bulk-api-key-file")
    return [f"--{name} has no effect without --bulk-port" for name in names]


def _check_bulk(flags: Flags, settings: Settings, serving: ServingSettings) -> None:
    port = settings.bulk_port
    if serving.secure_port and serving.secure_port in (serving.insecure_port, port):
        flags.refuse("secure-port", f"{serving.secure_port} twice", "a port of its own")
    if not port:
        return
    if port == serving.insecure_port:
        flags.refuse("bulk-port", f"{port}, the insecure port", "a port of its own")
    if not isinstance(settings.backend, EmbeddedSettings):
        flags.refuse("bulk-port", "Elasticsearch", "the embedded store")
    if not is_loopback(settings.bulk_address) and not flags.given("bulk-api-key-file"):
        allowed = "a loopback address, or --bulk-api-key-file"
        flags.refuse("bulk-bind-address", settings.bulk_address, allowed)
