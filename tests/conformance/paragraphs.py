"""The paragraphs of the wire contract, what shows those that this suite does not, and what differs.

The contract is what kube-apiserver's clients and servers do, as read from their sources. Tests name
its paragraphs by `@pytest.mark.paragraph(number, claim)`.
"""

import attrs

SECTIONS = {
    0: "Who asks, over what",
    1: "Discovery, OpenAPI, availability",
    2: "List and get",
    3: "Watch",
    4: "resourceVersions",
    5: "Authentication and authorization",
    6: "Status objects",
    7: "Health, metrics, protection",
    8: "Identity of objects",
    9: "Audit events",
}


@attrs.frozen
class Paragraph:
    """One paragraph. `elsewhere` is a test file outside the suite, or says whose matter it is."""

    number: str
    title: str
    elsewhere: str = ""

    @property
    def section(self) -> int:
        """The number of its section."""
        return int(self.number.split(".")[0])


PARAGRAPHS = (
    Paragraph("0.1", "Users reach the group's own paths only"),
    Paragraph(
        "0.2",
        "The aggregator's own callers ask for discovery and OpenAPI (1.5 to 1.8)",
        "tests/conformance/test_discovery.py",
    ),
    Paragraph("0.3", "Host is an ip:port, the certificate is of the Service's name"),
    Paragraph("0.4", "HTTP/1.1 with kept connections is enough"),
    Paragraph("0.5", "No redirects"),
    Paragraph("0.6", "No HTML, no CORS"),
    Paragraph("0.7", "Only what kube-apiserver knows as a watch may last"),
    Paragraph("0.8", "Streams are chunked, and begin at once"),
    Paragraph("0.9", "Queries come re-encoded; what is unknown is ignored"),
    Paragraph("0.10", "The headers of proxied requests"),
    Paragraph("0.11", "The proxy would unpack a watch"),
    Paragraph("0.12", "The gate of availability"),
    Paragraph("1.1", "Legacy documents"),
    Paragraph("1.2", "Aggregated discovery"),
    Paragraph("1.3", "What the discovery controllers make of it"),
    Paragraph("1.4", "The APIService object", "tests/docs/test_deploy.py"),
    Paragraph("1.5", "The availability probe"),
    Paragraph("1.6", "OpenAPI v2"),
    Paragraph("1.7", "OpenAPI v3"),
    Paragraph("1.8", "What kubectl explain needs"),
    Paragraph("1.9", "/version"),
    Paragraph("1.10", "The root, and unknown paths"),
    Paragraph("2.1", "Paths and verbs"),
    Paragraph("2.2", "Decoding of queries"),
    Paragraph("2.3", "The body of a list"),
    Paragraph("2.4", "limit, continue, remainingItemCount"),
    Paragraph("2.5", "resourceVersion and resourceVersionMatch"),
    Paragraph("2.6", "Selectors"),
    Paragraph("2.7", "Tables"),
    Paragraph("2.8", "Metadata only"),
    Paragraph("2.9", "Get"),
    Paragraph("2.10", "Content negotiation"),
    Paragraph("2.11", "What the first kjournal did otherwise"),
    Paragraph("3.1", "Framing"),
    Paragraph("3.2", "Types of events"),
    Paragraph("3.3", "Where a watch begins"),
    Paragraph("3.4", "WatchList"),
    Paragraph("3.5", "Bookmarks"),
    Paragraph("3.6", "Errors"),
    Paragraph("3.7", "Watches of Tables and of metadata"),
    Paragraph("3.8", "Duration and end"),
    Paragraph("3.9", "Watches over WebSocket"),
    Paragraph("4.1", "Form: a canonical positive decimal"),
    Paragraph("4.2", "One line of numbers for each resource"),
    Paragraph("4.3", "Size: what every client can hold"),
    Paragraph("4.4", "List at a version, watch from it"),
    Paragraph("4.5", "0 is a request's wildcard"),
    Paragraph("5.1", "Where its configuration comes from"),
    Paragraph("5.2", "TLS asks for certificates, and requires none"),
    Paragraph("5.3", "The order of authenticators"),
    Paragraph("5.4", "401"),
    Paragraph("5.5", "system:authenticated is added"),
    Paragraph("5.6", "Authorization by review"),
    Paragraph("6", "Codes, reasons and details"),
    Paragraph("7.1", "healthz, livez, readyz"),
    Paragraph("7.2", "The checks of readyz"),
    Paragraph("7.3", "Metrics"),
    Paragraph("7.4", "Limits"),
    Paragraph("7.5", "Warnings"),
    Paragraph("7.6", "/debug, and audit ids"),
    Paragraph("7.7", "Shutdown"),
    Paragraph("8.1", "Names"),
    Paragraph("8.2", "Identity over indices, replicas and restarts"),
    Paragraph("8.3", "uids"),
    Paragraph("8.4", "Times"),
    Paragraph("8.5", "Labels and annotations"),
    Paragraph("8.6", "Namespaces"),
    Paragraph("8.7", "Nothing twice"),
    Paragraph("9.1", "Audit events have metadata"),
    Paragraph("9.2", "Audit events are objects"),
    Paragraph("9.3", "Their shape"),
    Paragraph("9.4", "Their names"),
    Paragraph("9.5", "Their selectors"),
)


@attrs.frozen(kw_only=True)
class Difference:
    """What kjournal does otherwise, on purpose. `test` shows what it does: file::function."""

    number: str
    kubernetes: str
    kjournal: str
    why: str
    test: str


DIFFERENCES = (
    Difference(
        number="0.3",
        kubernetes="Any Host is served.",
        kjournal="The plain port on the loopback serves the loopback's names only, others are 403.",
        why="It asks nobody who they are, so a page in a browser could read everything by a name "
        "of its own that resolves to the loopback.",
        test="test_transport.py::test_the_plain_port_refuses_other_hosts",
    ),
    Difference(
        number="3.9",
        kubernetes="Origin says nothing.",
        kjournal="The plain port on the loopback refuses pages of other origins with 403.",
        why="It asks nobody who they are, and browsers let any page open a WebSocket to it.",
        test="test_websocket.py::test_any_origin",
    ),
    Difference(
        number="1.2",
        kubernetes="Aggregated discovery v2beta1 is gone since 1.33.",
        kjournal="It is served, to who asks for it.",
        why="The aggregators of 1.26 to 1.29 ask for nothing else.",
        test="test_discovery.py::test_the_beta_of_aggregated_discovery",
    ),
    Difference(
        number="1.7",
        kubernetes="A hash that is not the document's is redirected to the one that is.",
        kjournal="The document is served, without leave to keep it.",
        why="The aggregator turns a redirect into 502.",
        test="test_discovery.py::test_openapi_v3_of_another_hash",
    ),
    Difference(
        number="2.3",
        kubernetes="Items are ordered by namespace and name.",
        kjournal="Items are ordered by their times.",
        why="They are logs.",
        test="test_list.py::test_the_order_of_items",
    ),
    Difference(
        number="2.4",
        kubernetes="A limit beside resourceVersion=0 is ignored.",
        kjournal="It is honoured.",
        why="Who limits a list of logs means it.",
        test="test_list_versions.py::test_a_limit_at_any_version",
    ),
    Difference(
        number="2.4",
        kubernetes="Without selectors the rest of a list is always counted.",
        kjournal="remainingItemCount is absent beyond ten thousand objects, and where the store "
        "can only count about.",
        why="The field may be absent, but not wrong, and to count exactly is to read everything.",
        test="test_list.py::test_what_is_not_counted",
    ),
    Difference(
        number="2.5",
        kubernetes="A list at exactly N is served by every replica while N is not compacted.",
        kjournal="Only by the process that gave N, and within the resume window; elsewhere, and "
        "for a number that is to come, it is 410 Expired.",
        why="A store of logs has no order that replicas could share. Clients list anew.",
        test="test_list_versions.py::test_what_was_never_a_moment",
    ),
    Difference(
        number="2.5",
        kubernetes="A get or a watch at what is no number fails with 500, without a reason.",
        kjournal="It is 400 BadRequest, as in lists.",
        why="That is what it is.",
        test="test_list_versions.py::test_what_is_no_version",
    ),
    Difference(
        number="2.6",
        kubernetes="Field selectors know =, == and !=, and a few fields.",
        kjournal="They know >, <, in and notin as well, and most fields.",
        why="The first kjournal's users write them. What Kubernetes takes means the same.",
        test="test_selectors.py::test_more_of_fields",
    ),
    Difference(
        number="3.2",
        kubernetes="What is deleted is DELETED.",
        kjournal="What is deleted in the store, by its retention or by hand, is told to nobody; "
        "DELETED says that a new version has left the view.",
        why="A store of logs does not say what it forgets; clients see it when they list again.",
        test="test_watch.py::test_transitions",
    ),
    Difference(
        number="3.3",
        kubernetes="A watch from a number that is to come waits for it.",
        kjournal="It begins a little before now: what comes is sent at least once.",
        why="The number may be another replica's, whose clock is ahead.",
        test="test_watch.py::test_a_future_version",
    ),
    Difference(
        number="3.7",
        kubernetes="Columns come with the first Table of a watch only.",
        kjournal="They come with every Table.",
        why="All watchers share the bytes of an event. kubectl leaves repeats out.",
        test="test_watch_forms.py::test_a_watch_of_tables",
    ),
    Difference(
        number="4.4",
        kubernetes="An object has one resourceVersion wherever it is shown.",
        kjournal="In lists, gets, Tables and initial events it is the event time; in live events "
        "it is the number of the publication.",
        why="The first is the same from every replica, the second can be resumed from. A store "
        "that has no order offers no number that is both.",
        test="test_resource_version.py::test_the_version_of_a_live_event",
    ),
    Difference(
        number="6",
        kubernetes="A backend that is out of reach is 500 with a retry.",
        kjournal="It is 503 without one.",
        why="client-go would repeat the call ten times in silence before it shows the message.",
        test="test_status.py::test_a_store_out_of_reach",
    ),
    Difference(
        number="9.4",
        kubernetes="The advice is a name of auditID, stage and digest.",
        kjournal="The name packs the record's id and index, as for every kind.",
        why="A get then is one keyed read of the store.",
        test="test_identity_of_objects.py::test_names_of_audit_events",
    ),
)
