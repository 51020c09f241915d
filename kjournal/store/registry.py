"""From a backend's settings to the backend; a backend's code is imported only where it is used."""

from twisted.internet.interfaces import IReactorTime

from kjournal.config.model import ElasticsearchSettings, EmbeddedSettings
from kjournal.store.interfaces import IBackend


def open_backend(
    settings: ElasticsearchSettings | EmbeddedSettings, reactor: IReactorTime
) -> IBackend:
    """Return the backend that the settings name.

    Raises: StoreError if it cannot be opened at all (a file that cannot be written). A server that
    does not answer yet is no error here.
    """
    if isinstance(settings, EmbeddedSettings):
        from kjournal.store.embedded.backend import EmbeddedBackend

        return EmbeddedBackend(settings, reactor)
    from kjournal.store.elasticsearch.backend import ElasticsearchBackend

    return ElasticsearchBackend(settings, reactor)
