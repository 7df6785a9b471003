"""Files of records: an export can be imported unchanged, in each format; in mutated files every row is counted, and named if
it is invalid."""

import math

from fuzz.fuzzing import SEED, mutated, shapes

ROUND_TRIPS, MUTATIONS, ROWS = 2, 60, 40
FORMATS = {"NDJSON": 1, "CSV": 2, "DELIMITED": 3}
IMPORT, EXPORT = "groundplan.records.v1.RecordsService/Import", "groundplan.records.v1.RecordsService/Export"
MODEL = "store.v1.Row"
ABORT, SKIP = 1, 2
REPLACE = 3
PIECES = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"1e999", b"\0", b"\xff", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b";", b"\t", b"=1+1",
          b'"id":', b"id", b"x" * 300, b"\x80" * 11, b"\xff" * 9 + b"\x01"]


def rows(server, chance, count=ROWS):
    """Returns random records, as a file of messages preceded by their lengths."""
    filler, out = shapes.Filler(chance), b""
    for at in range(count):
        row = server.message(MODEL)
        filler.fill(row)
        row.id = f"row-{at:05}"
        if row.HasField("created_at"):
            row.created_at.nanos = 0
        if math.isnan(row.weight):
            row.weight = 0
        raw = row.SerializeToString()
        out += length(len(raw)) + raw
    return out


def length(value):
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes(found) + bytes([value])


def load(server, format, raw, chance, **header):
    """Runs one import, in chunks that end anywhere."""
    def requests():
        yield server.message("groundplan.records.v1.ImportRequest", header={"model": MODEL, "format": FORMATS[format], **header})
        at = 0
        while at < len(raw):
            size = chance.choice([1, 7, 100, 1000, 100_000])
            yield server.message("groundplan.records.v1.ImportRequest", chunk=raw[at:at + size])
            at += size
    answer = server.upload(IMPORT, requests())
    return answer, server.stub.message("groundplan.records.v1.ImportResponse").FromString(answer.body) if answer.ok else None


def export(server, format):
    answer = server.stream(EXPORT, server.message("groundplan.records.v1.ExportRequest", model=MODEL, format=FORMATS[format]))
    assert answer.ok, answer
    parts = list(map(server.stub.message("groundplan.records.v1.ExportResponse").FromString, answer.body))
    assert parts[-1].HasField("summary"), "an export without its summary is not complete"
    return b"".join(part.chunk for part in parts), parts[-1].summary.records


def clear(server):
    server.suite.psql("DELETE FROM store_v1.row")


def test_an_export_can_be_imported(server):
    """Each format has the same records, before and after."""
    for chance in server.cases("transfers, there and back", ROUND_TRIPS):
        clear(server)
        answer, report = load(server, "DELIMITED", rows(server, chance), chance)
        assert report and report.created == ROWS, f"{server.case}: {answer} {report}"
        before = {format: export(server, format) for format in FORMATS}
        assert {count for _, count in before.values()} == {ROWS}, server.case
        for format, (raw, _) in before.items():
            clear(server)
            answer, report = load(server, format, raw, chance)
            assert report and (report.read, report.created) == (ROWS, ROWS), f"{server.case}: {format}: {answer} {report}"
            after = {other: export(server, other) for other in FORMATS}
            assert after == before, f"{server.case}: by {format}: {difference(before, after)}"


def difference(before, after):
    for format in before:
        for one, other in zip(before[format][0].split(b"\n"), after[format][0].split(b"\n")):
            if one != other:
                return f"{format}: {one!r} became {other!r}"
    return "their lengths differ"


def test_mutated_rows_are_counted(server):
    clear(server)
    chance = None
    files, bad = {}, 0
    for chance in server.cases("transfers, mutated", MUTATIONS):
        if not files:
            _, report = load(server, "DELIMITED", rows(server, chance, 12), chance)
            assert report and report.created == 12
            files = {format: export(server, format)[0] for format in FORMATS}
        format = chance.choice(list(FORMATS))
        raw = mutated(chance, files[format], PIECES)
        on_error = chance.choice([ABORT, SKIP])
        answer, report = load(server, format, raw, chance, on_error=on_error, on_conflict=REPLACE, validate_only=chance.random() < 0.7)
        where = f"{server.case}: {format}: {raw!r}\n{answer}\n{report}"
        if report is None:
            assert answer.code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "ALREADY_EXISTS"), where
            assert answer.text, where
            continue
        assert report.read == report.created + report.replaced + report.skipped + report.failed, where
        assert bool(report.failed) == bool(report.errors), where
        assert not report.failed or on_error == SKIP, where
        assert all(error.message and error.line > 0 for error in report.errors), where
        bad += report.failed
    print(f"{bad} bad rows; the seed is {SEED}")
