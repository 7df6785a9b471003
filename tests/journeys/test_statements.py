"""The statements that reach PostgreSQL, by its log: no text of a caller in a statement, and the promised number of
statements."""

import os
import random
import re
import time
import uuid

import pytest

from suite import Suite

MARK = "zq7mark"
LITERALS = int(os.environ.get("GROUNDPLAN_NASTY_LITERALS", "2500"))


@pytest.fixture(scope="module")
def logged():
    """A suite whose PostgreSQL logs every statement, without bound values."""
    suite = Suite()
    suite.start()
    for setting in ("log_statement = 'all'", "log_parameter_max_length = 0", "log_parameter_max_length_on_error = 0"):
        suite.psql(f"ALTER SYSTEM SET {setting}")
    suite.psql("SELECT pg_reload_conf()")
    yield suite
    suite.close()


class Log:
    """The statements that are logged between two points."""

    def __init__(self, suite):
        self.suite = suite
        self.path = next(suite.data.rglob("server.log"))
        self.start = self.path.stat().st_size

    def text(self):
        # Another process writes the log: wait for a statement that comes after all the others.
        end = f"end of {uuid.uuid4()}"
        self.suite.psql(f"SELECT '{end}'")
        for _ in range(100):
            text = self.path.read_bytes()[self.start:].decode(errors="replace")
            if end in text:
                return text
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not log")

    def statements(self, word):
        entries = re.split(r"^(?=\d{4}-\d\d-\d\d )", self.text(), flags=re.M)
        return [entry for entry in entries if re.search(r"LOG:  (execute|statement)", entry) and word in entry]


def test_statements_contain_no_text_of_callers(logged):
    suite, chance = logged, random.Random(7)
    log = Log(suite)
    nasty = ["'", "''", '"', "\\", "\\'", "$1", "?", "%", "_", ";--", "/*", "*/", "\n", "\x01", "E'", "$$", "é", "😀", "`", "${", "NULL", "r.id"]

    def literal():
        text = MARK + "".join(chance.choice(nasty) for _ in range(chance.randrange(1, 6))) + MARK
        return '"' + "".join(c if c.isalnum() or c in " _%$;/*?" else f"\\u{ord(c):04x}" if ord(c) < 65536 else f"\\U{ord(c):08x}" for c in text) + '"'

    status, _, answer = suite.curl("POST", "/api/v1/publishers", {"displayName": MARK + "'; DROP TABLE x; --"})
    assert status == 201, answer
    sent = 0
    while sent < LITERALS:
        several = [literal() for _ in range(100)]
        filters = [
            f"display_name in [{', '.join(several)}]",
            f"display_name == {literal()} || homepage != {literal()} && !(country < {literal()})",
            f"display_name.startsWith({literal()}) || display_name.contains({literal()}) || display_name.endsWith({literal()})",
            f"address.locality == {literal()} || address.lines.exists(l, l == {literal()}) || {literal()} in address.lines",
            f"display_name + {literal()} == {literal()} ? true : size({literal()}) > 3",
        ]
        for filter in filters:
            status, answer = listed(suite, "publishers", filter)
            assert status == 200, (filter, answer)
            sent += filter.count(MARK) // 2
    for filter in (f'search(summary, "{MARK} \\"quoted\\" or -not")', f'title.matches("^{MARK}[a-z]+$")', f'"{MARK}" in ["{MARK}", title]', f'author.family_name == "{MARK}"',
                   f'prices["{MARK}"].currency == "{MARK}"'):
        status, answer = listed(suite, "books", filter)
        assert status in (200, 400) and (status == 200 or "FILTER_INVALID" in str(answer)), (filter, answer)
        sent += 1
    for broken in (f"{MARK} == 3", f"record.{MARK}", f'title == "{MARK}', f"`{MARK}\"` == 1", f"title.{MARK}()", f'"{MARK}"'):
        assert listed(suite, "books", broken)[0] == 400, broken
    for name in ("orderBy", "expand", "readMask", "pageToken"):
        for value in (MARK, f'"{MARK}"', f"title; {MARK}", f"{MARK} desc, title"):
            assert suite.curl("GET", f"/api/v1/books?{name}=" + quoted(value))[0] == 400, (name, value)
    status, _, answer = suite.curl("POST", "/api/v1/books:aggregate", {"groupBy": [f'"{MARK}"'], "aggregations": [{"function": "COUNT", "name": MARK}]})
    assert status == 400, answer
    status, _, answer = suite.curl("POST", "/api/v1/books:aggregate", {"groupBy": ["genre"], "aggregations": [{"function": "COUNT", "name": MARK}]})
    assert status == 200, answer
    text = log.text()
    assert "LOG:  execute" in text and "publisher" in text, "PostgreSQL logs no statements"
    assert MARK not in text, next(line for line in text.splitlines() if MARK in line)


def test_an_expand_of_100_books_is_four_statements(logged):
    suite = logged
    authors = [create(suite, "authors", {"familyName": f"Author {at}"}) for at in range(20)]
    publishers = [create(suite, "publishers", {"displayName": f"Publisher {at}"}) for at in range(10)]
    for at in range(100):
        create(suite, "books", {"title": f"Book {at}", "author": authors[at % 20], "publisher": publishers[at % 10]})
    counted = {}
    for size in (2, 20, 65, 100):
        log = Log(suite)
        status, _, page = suite.curl("GET", f"/api/v1/books?pageSize={size}&expand=author,publisher,author.books.publisher")
        assert status == 200 and len(page["data"]) == size, page
        counted[size] = len(log.statements('"library_v1"'))
        if size == 100:
            assert len(page["included"]["library.v1.Author"]) == 20
            assert len(page["included"]["library.v1.Publisher"]) == 10
    # One for each edge (author, publisher, author.books with their publishers), and the page.
    assert set(counted.values()) == {4}, counted


def listed(suite, resource, filter):
    status, _, answer = suite.curl("GET", f"/api/v1/{resource}?filter=" + quoted(filter))
    return status, answer


def quoted(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def create(suite, resource, record):
    status, _, answer = suite.curl("POST", f"/api/v1/{resource}", record)
    assert status == 201, answer
    return answer["data"]["id"]
