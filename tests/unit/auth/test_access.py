"""Who may do what: asked of the kube-apiserver, kept for ten seconds, closed on failure."""

from typing import Any

import attrs
import pytest
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from kjournal.auth import review
from kjournal.auth.access import Access, Rules
from kjournal.auth.interfaces import Attributes, IAccess
from kjournal.auth.user import ANONYMOUS, User
from kjournal.errors import Forbidden, InternalError
from kjournal.query.selectors import parse_fields, parse_labels
from tests.results import failure, pending, started, success
from tests.unit.client.kube import HELD, FakeKube, unreachable

ALICE = User(
    "alice", uid="7", groups=("team-a", "system:authenticated"), extra=(("k", ("v", "w")),)
)
LIST = Attributes(
    verb="list",
    path="/apis/core.kjournal/v1alpha1/namespaces/shop/containerlogs",
    group="core.kjournal",
    version="v1alpha1",
    resource="containerlogs",
    namespace="shop",
)
METRICS = Attributes(verb="get", path="/metrics")


def decided(allowed: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    return 201, {"kind": "SubjectAccessReview", "status": {"allowed": allowed, **more}}


def kube(allowed: Any = True, **more: Any) -> tuple[FakeKube, Access]:
    fake = FakeKube(lambda _: decided(allowed, **more))
    return fake, Access(fake.connection(), fake.clock)


def test_both_provide_the_interface() -> None:
    verifyObject(IAccess, kube()[1])


def test_a_resource_request_is_asked_for_with_the_whole_user() -> None:
    fake, access = kube()
    success(access.authorize(ALICE, LIST))
    (asked,) = fake.asked
    assert (asked.method, asked.path) == (
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    )
    assert asked.body == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "alice",
            "uid": "7",
            "groups": ["team-a", "system:authenticated"],
            "extra": {"k": ["v", "w"]},
            "resourceAttributes": {
                "verb": "list",
                "group": "core.kjournal",
                "version": "v1alpha1",
                "resource": "containerlogs",
                "namespace": "shop",
            },
        },
    }


def test_another_path_is_asked_for_by_path_and_verb() -> None:
    fake, access = kube()
    success(access.authorize(ANONYMOUS, METRICS))
    assert fake.asked[0].body["spec"] == {
        "user": "system:anonymous",
        "groups": ["system:unauthenticated"],
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


def test_masters_and_probes_are_never_asked_for() -> None:
    fake, access = kube(False)
    success(access.authorize(User("root", groups=("system:masters",)), LIST))
    for path in ("/healthz", "/readyz", "/livez"):
        success(access.authorize(ANONYMOUS, Attributes(verb="get", path=path)))
    assert fake.asked == []


@pytest.mark.parametrize("path", ["/livez/ping", "/healthz/", "/readyz?x", "/metrics", "/"])
def test_other_paths_are_not_public(path: str) -> None:
    _, access = kube(False)
    failure(access.authorize(ANONYMOUS, Attributes(verb="get", path=path)), Forbidden)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (
            LIST,
            'containerlogs.core.kjournal is forbidden: User "alice" cannot list resource '
            '"containerlogs" in API group "core.kjournal" in the namespace "shop"',
        ),
        (
            attrs.evolve(LIST, namespace=""),
            'containerlogs.core.kjournal is forbidden: User "alice" cannot list resource '
            '"containerlogs" in API group "core.kjournal" at the cluster scope',
        ),
        (
            attrs.evolve(LIST, verb="get", name="x", subresource="log"),
            'containerlogs.core.kjournal "x" is forbidden: User "alice" cannot get resource '
            '"containerlogs/log" in API group "core.kjournal" in the namespace "shop"',
        ),
        (METRICS, 'forbidden: User "alice" cannot get path "/metrics"'),
        (
            Attributes(verb="get", path="/<a>&b"),
            'forbidden: User "alice" cannot get path "/&lt;a&gt;&amp;b"',
        ),
    ],
)
def test_the_refusal_is_worded_as_by_kube_apiserver(attributes: Attributes, message: str) -> None:
    _, access = kube(False)
    refusal = failure(access.authorize(ALICE, attributes), Forbidden).value
    assert refusal.message == message
    assert (refusal.group, refusal.kind) == (attributes.group, attributes.resource)


def test_the_reviews_reason_is_told() -> None:
    _, access = kube(False, reason="not on <Sundays>")
    refusal = failure(access.authorize(ALICE, METRICS), Forbidden).value
    assert refusal.message.endswith('"/metrics": not on &lt;Sundays&gt;')


@pytest.mark.parametrize(
    "status",
    [
        {"allowed": False},
        {"allowed": True, "denied": True},
        {"allowed": "true"},
        {"allowed": 1},
        {},
        {"evaluationError": "x"},
    ],
)
def test_anything_but_a_clear_yes_is_forbidden(status: dict[str, Any]) -> None:
    fake = FakeKube(lambda _: (201, {"status": status}))
    access = Access(fake.connection(), fake.clock)
    failure(access.authorize(ALICE, LIST), Forbidden)


@pytest.mark.parametrize(
    "answer", [(201, {}), (201, {"status": None}), (201, []), (200, b"<html>")]
)
def test_an_answer_that_is_no_review_is_an_internal_error(answer: tuple[int, Any]) -> None:
    fake = FakeKube(lambda _: answer)
    failed = started(Access(fake.connection(), fake.clock).authorize(ALICE, LIST))
    fake.clock.pump([0.5] * 20)
    failure(failed, InternalError)


@pytest.mark.parametrize("allowed", [True, False])
def test_an_answer_is_kept_for_ten_seconds(allowed: bool) -> None:
    fake, access = kube(allowed)

    def ask() -> None:
        work = access.authorize(ALICE, LIST)
        success(work) if allowed else failure(work, Forbidden)

    ask()
    fake.clock.advance(9.9)
    ask()
    assert len(fake.asked) == 1
    fake.clock.advance(0.1)
    ask()
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    ("user", "attributes"),
    [
        (attrs.evolve(ALICE, name="bob"), LIST),
        (attrs.evolve(ALICE, uid="8"), LIST),
        (attrs.evolve(ALICE, groups=("team-b",)), LIST),
        (attrs.evolve(ALICE, extra=()), LIST),
        (ALICE, attrs.evolve(LIST, verb="watch")),
        (ALICE, attrs.evolve(LIST, namespace="")),
        (ALICE, attrs.evolve(LIST, namespace="shop-eu")),
        (ALICE, attrs.evolve(LIST, resource="events")),
        (ALICE, attrs.evolve(LIST, name="x")),
        (ALICE, attrs.evolve(LIST, subresource="x")),
    ],
)
def test_a_kept_answer_is_for_the_very_same_question(user: User, attributes: Attributes) -> None:
    answers = iter([decided(True), decided(False)])
    fake = FakeKube(lambda _: next(answers))
    access = Access(fake.connection(), fake.clock)
    success(access.authorize(ALICE, LIST))
    failure(access.authorize(user, attributes), Forbidden)


def test_very_long_questions_are_not_kept() -> None:
    fake, access = kube()
    for _ in range(2):
        success(access.authorize(ALICE, attrs.evolve(LIST, name="x" * 10_001)))
    assert len(fake.asked) == 2


def test_the_memory_is_bounded_and_forgets_the_longest_unused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(review, "MAX_ANSWERS", 2)
    fake, access = kube()
    for name in ("a", "b", "a", "c", "a"):
        success(access.authorize(User(name), LIST))
    assert [each.body["spec"]["user"] for each in fake.asked] == ["a", "b", "c"]
    success(access.authorize(User("b"), LIST))
    assert len(fake.asked) == 4


def test_equal_questions_at_once_are_one_review() -> None:
    fake = FakeKube(lambda _: HELD)
    access = Access(fake.connection(), fake.clock)
    first, second = (started(access.authorize(ALICE, LIST)) for _ in range(2))
    other = started(access.authorize(User("bob"), LIST))
    assert len(fake.asked) == 2
    pending(first)
    fake.release(*decided(True))
    for waiter in (first, second, other):
        success(waiter)


def test_who_leaves_does_not_cancel_the_review_for_others() -> None:
    fake = FakeKube(lambda _: HELD)
    access = Access(fake.connection(), fake.clock)
    first, second = (started(access.authorize(ALICE, LIST)) for _ in range(2))
    first.addErrback(lambda _: None)
    first.cancel()
    fake.release(*decided(True))
    success(second)


def test_a_review_is_tried_five_times_and_then_nothing_is_served() -> None:
    clock = Clock()
    connection, tried = unreachable(Refused("down"), clock)
    asked = started(Access(connection, clock).authorize(ALICE, LIST))
    for wait_s, tries in ((0.5, 2), (0.75, 3), (1.125, 4)):
        clock.advance(wait_s)
        assert len(tried) == tries
        pending(asked)
    clock.advance(1.6875)
    assert len(tried) == 5
    error = failure(asked, InternalError).value
    assert error.code == 500
    assert "down" not in error.message
    assert "10.0.0.1" not in error.message


def test_a_failure_is_not_kept() -> None:
    answers = iter([(403, {}), decided(True)])
    fake = FakeKube(lambda _: next(answers))
    access = Access(fake.connection(), fake.clock)
    failure(access.authorize(ALICE, LIST), InternalError)
    success(access.authorize(ALICE, LIST))


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_passing_fault_is_tried_again(code: int) -> None:
    answers = iter([(code, {}), decided(True)])
    fake = FakeKube(lambda _: next(answers))
    asked = started(Access(fake.connection(), fake.clock).authorize(ALICE, LIST))
    pending(asked)
    fake.clock.advance(0.5)
    success(asked)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 302])
def test_a_lasting_fault_is_an_internal_error_at_once(code: int) -> None:
    """Above all a 403: kjournal may not ask, so nobody may do anything."""
    fake = FakeKube(lambda _: (code, {"status": {"allowed": True}}))
    failure(Access(fake.connection(), fake.clock).authorize(ALICE, LIST), InternalError)
    assert len(fake.asked) == 1


def test_a_silent_kube_apiserver_is_given_ten_seconds() -> None:
    fake = FakeKube(lambda _: HELD)
    waiting = [started(Access(fake.connection(), fake.clock).authorize(ALICE, LIST))]
    fake.clock.advance(9.9)
    pending(waiting[0])
    fake.clock.advance(0.1)
    failure(waiting[0], InternalError)


def test_without_a_kube_apiserver_only_masters_and_probes_pass() -> None:
    access = Access(None, Clock())
    success(access.authorize(User("root", groups=("system:masters",)), LIST))
    success(access.authorize(ANONYMOUS, Attributes(verb="get", path="/livez")))
    refusal = failure(access.authorize(ALICE, LIST), Forbidden).value
    assert "--authorization-kubeconfig" in refusal.message


SELECTING = attrs.evolve(
    LIST,
    field_requirements=parse_fields("a=b,c!=d,e>f"),
    label_requirements=parse_labels("app in (x,y),tier!=z,on,!off,n>1"),
)


def test_selectors_are_asked_for_as_far_as_a_review_can_say_them() -> None:
    """What it cannot say would only narrow, so that it is left out."""
    fake, access = kube()
    success(access.authorize(ALICE, SELECTING))
    asked = fake.asked[0].body["spec"]["resourceAttributes"]
    assert asked["fieldSelector"]["requirements"] == [
        {"key": "a", "operator": "In", "values": ["b"]},
        {"key": "c", "operator": "NotIn", "values": ["d"]},
    ]
    assert asked["labelSelector"]["requirements"] == [
        {"key": "app", "operator": "In", "values": ["x", "y"]},
        {"key": "tier", "operator": "NotIn", "values": ["z"]},
        {"key": "on", "operator": "Exists"},
        {"key": "off", "operator": "DoesNotExist"},
    ]


def test_a_decision_about_one_selector_is_none_about_another() -> None:
    fake, access = kube()
    for asked in (SELECTING, LIST, attrs.evolve(SELECTING, label_requirements=())):
        success(access.authorize(ALICE, asked))
    assert len(fake.asked) == 3


def test_set_to_deny_only_public_paths_pass() -> None:
    fake = FakeKube(lambda _: decided(True))
    rules = Rules(always_deny=True)
    access = Access(fake.connection(), fake.clock, rules=rules)
    masters = User("root", groups=("system:masters",))
    for user in (ALICE, masters):
        failure(access.authorize(user, LIST), Forbidden)
        success(access.authorize(user, Attributes(verb="get", path="/readyz")))
    assert fake.asked == []


@pytest.mark.parametrize(
    ("path", "public"),
    [("/open", True), ("/open/x", False), ("/all/", True), ("/all/x/y", True), ("/al", False)],
)
def test_public_paths_are_exact_or_begin_so(path: str, public: bool) -> None:
    rules = Rules(public_paths=("/open", "/all/*"))
    assert rules.is_public(Attributes(verb="get", path=path)) is public
    assert not rules.is_public(attrs.evolve(LIST, path=path))


def test_how_long_decisions_hold_is_a_setting() -> None:
    allowed = {"yes": True}
    fake = FakeKube(lambda _: decided(allowed["yes"]))
    rules = Rules(authorized_ttl_s=3, unauthorized_ttl_s=0)
    access = Access(fake.connection(), fake.clock, rules=rules)
    for wait_s, count in ((0, 1), (2.9, 1), (0.2, 2)):
        fake.clock.advance(wait_s)
        success(access.authorize(ALICE, LIST))
        assert len(fake.asked) == count
    allowed["yes"] = False
    for count in (3, 4):
        fake.clock.advance(3)
        failure(access.authorize(ALICE, LIST), Forbidden)
        assert len(fake.asked) == count
