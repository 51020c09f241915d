from tests.conformance.records import samples, lines
from tests.integration.stories import path_of, KINDS
def test_a(served, capsys):
    served.write([*samples(served), *lines(served,5)])
    with capsys.disabled():
        for k in KINDS:
            for ns in ("shop",""):
                p=path_of(k,ns)
                a=served.ask(p+"?limit=1")
                print(k,ns,a.status,a.json["metadata"].get("remainingItemCount") if a.status==200 else "", len(served.json(p)["items"]) if a.status==200 else "")
