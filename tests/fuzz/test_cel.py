"""Conditions in CEL: the SQL of a filter and the evaluator select the same records. Both protocols reject invalid conditions
alike."""

import random
import urllib.parse

from fuzz.fuzzing import SEED, mutated, oracle

EXPRESSIONS, NONSENSE, RECORDS = 100, 120, 24
COMMIT = "groundplan.records.v1.RecordsService/Commit"
PIECES = [b"(", b")", b"&&", b"||", b"!", b".", b",", b"[", b"]", b"{", b"}", b"'", b'"', b"\\", b"0x", b"1e999", b"9" * 25, b"null", b"true", b"in", b"has(", b"size(",
          b".exists(x, ", b".all(x, ", b"search(", b"now", b"timestamp(", b"duration(", b"?", b":", b"`", b"\xff", b"\0", b"//", b"==", b"-", b"%", b"this."]


def things(server):
    """Records of every shape, without authors: a condition has no relations."""
    filler = oracle.Filler(random.Random(SEED))
    made = []
    for _ in range(RECORDS):
        request = server.message("oracle.v1.CreateThingRequest")
        request.thing.SetInParent()
        filler.fill(request.thing)
        answer = server.call("oracle.v1.ThingService/CreateThing", request)
        assert answer.ok, answer
        made.append(type(request.thing).FromString(answer.body))
    return made


def expression(server, chance):
    """Returns an expression without relations."""
    thing, author = (server.stub.message(f"oracle.v1.{name}").DESCRIPTOR for name in ("Thing", "Author"))
    while True:
        writer = oracle.Author(chance, thing, author)
        marked = writer.condition(chance.randrange(4))
        if "author." not in marked:
            return oracle.for_the_product(marked, chance)


def listed(server, condition, of):
    """Returns those of the ids that a list selects, by SQL."""
    request = server.message("oracle.v1.ListThingsRequest", filter=condition, page_size=1000, allow_scan=True)
    request.read_mask.paths.append("id")
    answer = server.call("oracle.v1.ThingService/ListThings", request)
    if not answer.ok:
        return answer, None
    page = server.stub.message("oracle.v1.ListThingsResponse").FromString(answer.body)
    return answer, {thing.id for thing in page.things} & of


def holds(server, condition, ids):
    """Whether the evaluator reports that the condition holds for all these records."""
    request = server.message("groundplan.records.v1.CommitRequest", validate_only=True)
    for id in ids:
        write = request.writes.add(condition=condition)
        write.verify.model, write.verify.id = "oracle.v1.Thing", id
    return server.call(COMMIT, request)


def test_sql_and_the_evaluator_agree(server):
    ids = sorted(thing.id for thing in things(server))
    found_in_all = 0
    for chance in server.cases("cel", EXPRESSIONS):
        condition = expression(server, chance)
        answer, found = listed(server, condition, set(ids))
        assert found is not None, f"{server.case}: {condition}: {answer}"
        found_in_all += len(found)
        if found:
            said = holds(server, condition, sorted(found))
            assert said.ok, f"{server.case}: SQL selects\n  {sorted(found)}\nby\n  {condition}\nbut the evaluator returns {said}"
        others = sorted(set(ids) - found)
        for id in chance.sample(others, min(4, len(others))):
            said = holds(server, condition, [id])
            assert not said.ok and said.reason == "CONDITION_NOT_MET", f"{server.case}: SQL does not select {id} by\n  {condition}\nbut the evaluator returns {said}"
    assert found_in_all > 0


def test_invalid_expressions_are_rejected_alike(server):
    """Mutated expressions: a filter over both protocols and a condition accept the same ones."""
    [some, *_] = things(server)
    for chance in server.cases("cel, nonsense", NONSENSE):
        condition = mutated(chance, expression(server, chance).encode(), PIECES).decode(errors="replace")
        by_grpc, _ = listed(server, condition, set())
        query = urllib.parse.urlencode({"filter": condition, "pageSize": 1, "allowScan": "true", "readMask": "id"})
        by_rest = server.rest("GET", f"/api/v1/oracle-things?{query}")
        where = f"{server.case}: {condition!r}\ngRPC: {by_grpc}\nREST: {by_rest}"
        assert (by_grpc.ok, by_grpc.reason) == (by_rest.ok, by_rest.reason), where
        said = holds(server, condition, [some.id])
        if by_grpc.ok and condition.strip():
            assert said.ok or said.reason == "CONDITION_NOT_MET" or "now" in condition, f"{where}\nas a condition: {said}"
