"""The verbs get and list."""

from collections.abc import Callable, Iterable

import attrs

from kjournal.api.options import Options
from kjournal.api.reader import ListReader, Placed, checkpoint_from, find
from kjournal.api.request import APIRequest
from kjournal.api.resource import Resource
from kjournal.api.writer import StreamWriter
from kjournal.codec import dump_json
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
    """Answer with the object of the name in the path.

    Raises: NotFound, also for a name in another namespace.
    """
    kind, name = resource.kind, request.info.name
    representation = representation_of(request.accept, "get")
    placed = await find(resource, name, options.view)
    if placed is None:
        message = f'{kind.plural}.{GROUP} "{name[:253]}" not found'
        raise NotFound(message, group=GROUP, kind=kind.plural, name=name[:253])
    form = Form(kind, representation, options.include)
    (item,) = form.items([placed], resource.now_us())
    if representation.is_table:
        version = placed[0]["metadata"]["resourceVersion"]
        item = {**form.head(), "metadata": list_metadata(int(version)), "rows": [item]}
    request.send_json(item)


async def list_objects(
    request: APIRequest, resource: Resource, options: Options, token_key: bytes
) -> None:
    """Answer with the view at a checkpoint, or with a page of it.

    A list without a limit is streamed; a fault after its first bytes cuts the connection.
    """
    form = Form(resource.kind, representation_of(request.accept, "list"), options.include)
    if options.view.name is not None:
        await _list_one(request, resource, options, form)
        return
    begun = await _beginning(resource, options, token_key)
    query = resource.query(options.view, options.now_us)
    reader = ListReader(
        resource,
        (options.view, query),
        begun.version,
        at=begun.at,
        limit=options.limit,
        start=begun.start,
    )

    def metadata() -> Object:
        token = ""
        if reader.next_start is not None:
            token = ContinueToken(
                resource_version=begun.version, now_us=options.now_us, start=reader.next_start
            ).encode(options.view, token_key)
        return list_metadata(begun.version, token)

    goes_on = False
    try:
        first = await reader.next_slice()
        second = await reader.next_slice() if first else None
        request.warn((*reader.warnings, *resource.tail.warnings))
        if second is None:
            items = form.items(first or (), resource.now_us())
            request.send_json({**form.head(), "metadata": metadata(), form.items_key: items})
        else:
            await _stream(request, form, resource, (reader, [*(first or ()), *second], metadata))
        goes_on = reader.next_start is not None
    except CursorExpired as error:
        if begun.start is None:
            raise
        raise _inconsistent(begun.start, options, token_key) from error
    finally:
        # A page that fails may be asked for again: what earlier ones began is kept.
        if not goes_on and (begun.start is None or reader.ended):
            reader.release()


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


async def _list_one(request: APIRequest, resource: Resource, options: Options, form: Form) -> None:
    checkpoint = await resource.tail.checkpoint()
    placed = await find(resource, options.view.name or "", options.view)
    items = form.items([placed] if placed else [], resource.now_us())
    metadata = list_metadata(checkpoint.resource_version)
    request.send_json({**form.head(), "metadata": metadata, form.items_key: items})


@attrs.frozen
class _Begun:
    """A list's resourceVersion, and where it begins or goes on."""

    version: int
    at: Position | None
    start: PageStart | None = None


async def _beginning(resource: Resource, options: Options, token_key: bytes) -> _Begun:
    if options.continue_token:
        token = ContinueToken.decode(options.continue_token, options.view, token_key)
        if token.start.snapshot:
            return _Begun(token.resource_version, None, token.start)
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


async def _stream(
    request: APIRequest,
    form: Form,
    resource: Resource,
    body: tuple[ListReader, list[Placed], Callable[[], Object]],
) -> None:
    reader, placed, metadata = body
    writer = StreamWriter(request, resource.clock)
    head = dump_json(form.head())[:-1] + b',"%s":[' % form.items_key.encode()
    slice_: list[Placed] | None = placed
    while slice_:
        items = form.items(slice_, resource.now_us())
        await writer.write(head + dump_json(items)[1:-1])
        head, slice_ = b",", await reader.next_slice()
    await writer.write(b'],"metadata":%s}' % dump_json(metadata()))
    writer.release()
    request.finish()
