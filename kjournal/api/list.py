"""The verbs get and list."""

from collections.abc import Iterable

import attrs
from twisted.internet.task import deferLater

from kjournal.api.body import Body
from kjournal.api.options import Options
from kjournal.api.reader import ListReader, Placed, checkpoint_from, find
from kjournal.api.request import APIRequest
from kjournal.api.resource import Resource
from kjournal.encoding.bodies import encode, list_encoder
from kjournal.encoding.documents import item_of, list_head, list_metadata
from kjournal.encoding.negotiate import Representation, representation_of
from kjournal.encoding.table import IncludeObject, table_head
from kjournal.errors import CursorExpired, Expired, NotFound
from kjournal.kinds.model import GROUP, Kind, Object
from kjournal.query.model import PageStart, Position
from kjournal.query.token import ContinueToken
from kjournal.tail.journal import Checkpoint


@attrs.frozen
class Form:
    """How a list's items look on the wire."""

    kind: Kind
    representation: Representation
    include: IncludeObject

    @property
    def items_key(self) -> str:
        """The list's key for its items."""
        return "rows" if self.representation.is_table else "items"

    def head(self) -> Object:
        """Return the list without items and metadata."""
        if self.representation.is_table:
            return table_head(self.kind, self.representation.version)
        return list_head(self.kind, self.representation)

    def items(self, placed: Iterable[Placed], now_us: int) -> list[Object]:
        """Return objects as items."""
        form = (self.representation, self.include)
        return [item_of(self.kind, obj, time_us, now_us, form) for obj, time_us in placed]


async def get_object(request: APIRequest, resource: Resource, options: Options) -> None:
    """Answer with the object of the name in the path, as it is now.

    Raises: NotFound, also for a name in another namespace; Timeout for a resourceVersion that does
    not come.
    """
    kind, name = resource.kind, request.info.name
    representation = representation_of(request.accept, "get")
    if options.resource_version:
        await checkpoint_from(resource, options.resource_version)
    placed = await find(resource, name, options.view)
    if placed is None:
        message = f'{kind.plural}.{GROUP} "{name[:253]}" not found'
        raise NotFound(message, group=GROUP, kind=kind.plural, name=name[:253])
    form = Form(kind, representation, options.include)
    (item,) = form.items([placed], resource.now_us())
    if representation.is_table:
        version = placed[0]["metadata"]["resourceVersion"]
        item = {**form.head(), "metadata": list_metadata(int(version)), "rows": [item]}
    pretty = representation.pretty or request.pretty
    body = Body(request, resource.clock, representation.media)
    await body.write(encode(item, representation.media, pretty=pretty))
    await body.end()


async def list_objects(
    request: APIRequest, resource: Resource, options: Options, token_key: bytes
) -> None:
    """Answer with the view at a checkpoint, or with a page of it.

    A long list is streamed; a fault after its first bytes cuts the connection.
    """
    form = Form(resource.kind, representation_of(request.accept, "list"), options.include)
    begun = await _beginning(resource, options, token_key)
    listing = _Listing(resource, options, begun, token_key)
    try:
        await _send(request, form, listing)
        listing.sent = True
    except CursorExpired as error:
        if begun.start is None:
            raise
        raise _inconsistent(begun.start, options, token_key) from error
    finally:
        listing.close()


def _inconsistent(start: PageStart, options: Options, token_key: bytes) -> Expired:
    """Return the error for a snapshot that is gone, with a token for what follows its last page.

    Source: apiserver pkg/registry/generic/registry/store.go and etcd3/errors.go,
    handleExpiredListError.
    """
    token = ContinueToken(
        resource_version=0,
        now_us=options.now_us,
        start=PageStart(snapshot="", after=start.after),
    ).encode(options.view, token_key)
    return Expired(
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results: it is then not one moment's.",
        continue_token=token,
    )


@attrs.frozen
class _Begun:
    """A list's resourceVersion, and where it begins or goes on.

    `remaining` is how many objects are left, if an earlier page knew.
    """

    version: int
    at: Position | None
    start: PageStart | None = None
    remaining: int | None = None


async def _beginning(resource: Resource, options: Options, token_key: bytes) -> _Begun:
    if options.continue_token:
        token = ContinueToken.decode(options.continue_token, options.view, token_key)
        if token.start.snapshot:
            return _Begun(token.resource_version, None, token.start, token.remaining)
        checkpoint = await checkpoint_from(resource, 0)
        return _Begun(checkpoint.resource_version, checkpoint.position, token.start)
    checkpoint = await _checkpoint(resource, options)
    return _Begun(checkpoint.resource_version, checkpoint.position)


async def _checkpoint(resource: Resource, options: Options) -> Checkpoint:
    wanted = options.resource_version or 0
    if wanted and (options.match == "Exact" or (options.limit and not options.match)):
        try:
            return resource.tail.checkpoint_at(wanted)
        except Expired:
            if options.match == "Exact" or wanted <= resource.tail.hub.resource_version:
                message = f"The resourceVersion for the provided list is too old: {wanted}"
                raise Expired(message) from None
    return await checkpoint_from(resource, wanted)


class _Listing:
    """One list, or one page of it: what it reads, and what its metadata say in the end."""

    def __init__(
        self, resource: Resource, options: Options, begun: _Begun, token_key: bytes
    ) -> None:
        self.resource = resource
        self._options, self._begun, self._token_key = options, begun, token_key
        query = resource.query(options.view, options.now_us)
        # Only where no selector leaves out what the store counts, as in Go's servers.
        counted = bool(options.limit and not options.view.labels and not options.view.fields)
        self.reader = ListReader(
            resource,
            (options.view, attrs.evolve(query, counted=counted and begun.start is None)),
            begun.version,
            at=begun.at,
            limit=options.limit,
            start=begun.start,
        )
        self.sent = False
        self._given = 0

    async def next_slice(self) -> list[Placed] | None:
        """Return 1..n more objects, or None at the end. Raises: StoreError."""
        found = await self.reader.next_slice()
        self._given += len(found or ())
        return found

    def metadata(self) -> Object:
        """Return the list's metadata, with a token if another page follows. Call it at the end."""
        start, version = self.reader.next_start, self._begun.version
        if start is None:
            return list_metadata(version)
        before = self._begun.remaining if self._begun.start else self.reader.total
        remaining = None if before is None or before <= self._given else before - self._given
        token = ContinueToken(
            resource_version=version, now_us=self._options.now_us, start=start, remaining=remaining
        ).encode(self._options.view, self._token_key)
        return list_metadata(version, token, remaining)

    def close(self) -> None:
        """Give the snapshot up, unless a page follows, or this one may be asked for again."""
        goes_on = self.sent and self.reader.next_start is not None
        start = self._begun.start
        if not goes_on and (start is None or not start.snapshot or self.reader.ended):
            self.reader.release()


async def _send(request: APIRequest, form: Form, listing: _Listing) -> None:
    media = form.representation.media
    pretty = form.representation.pretty or request.pretty
    encoder = list_encoder(media, pretty=pretty)
    body = Body(request, listing.resource.clock, media)
    await body.write(encoder.head(form.head(), form.items_key))
    slice_ = await listing.next_slice()
    # Headers: they are known with the first page, and can only be said before its first bytes.
    request.warn((*listing.reader.warnings, *listing.resource.tail.warnings))
    while slice_:
        for at in range(0, len(slice_), encoder.step):
            items = form.items(slice_[at : at + encoder.step], listing.resource.now_us())
            await body.write(encoder.items(items))
            if at + encoder.step < len(slice_):
                await deferLater(listing.resource.clock, 0)
        slice_ = await listing.next_slice()
    await body.write(encoder.end(listing.metadata()))
    await body.end()
