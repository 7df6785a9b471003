"""Files are imported and exported by the command line, through Envoy."""

import json
import subprocess
import threading
import uuid

import pytest

from suite import BINARY, ROOT

MODEL = "example.v1.Entity"


@pytest.fixture
def run(suite):
    def run(*arguments, check=True):
        return suite.run(*arguments, check=check, API_KEY=suite.api_key)

    return run


def rows(count, name):
    return [{"id": str(uuid.uuid4()), "field1": name, "field2": at / 4, "createdAt": "2020-01-01T00:00:00Z"} for at in range(count)]


def lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


def test_an_export_can_be_imported(suite, run, tmp_path):
    name = f"there {uuid.uuid4()}"
    given = tmp_path / "given.ndjson"
    given.write_text(lines(rows(2_000, name)))
    done = run("import", MODEL, given)
    assert "2000 created, 0 replaced, 0 skipped, 0 failed" in done.stdout, done.stdout
    names = []
    for ending in ("ndjson", "csv", "binpb"):
        file, again = tmp_path / f"out.{ending}", tmp_path / f"again.{ending}"
        said = run("export", MODEL, file, "--filter", f"field1 == '{name}'").stderr
        assert "2,000 rows" in said and not file.with_name(file.name + ".part").exists()
        assert "2000 replaced" in run("import", MODEL, file, "--on-conflict", "replace").stdout
        run("export", MODEL, again, "--filter", f"field1 == '{name}'")
        assert file.read_bytes() == again.read_bytes()
        names.append(file)
    first = json.loads(names[0].read_text().splitlines()[0])
    assert first["createdAt"] == "2020-01-01T00:00:00Z" and first["field1"] == name
    # To standard output, and from standard input.
    piped = run("export", MODEL, "--filter", f"field1 == '{name}'").stdout
    assert piped == names[0].read_text()
    done = subprocess.run([BINARY, "import", MODEL, "-", "--format", "ndjson", "--on-conflict", "skip"], cwd=ROOT, input=piped,
                          env=suite.environment(API_KEY=suite.api_key), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "2000 skipped" in done.stdout, done


def test_bad_rows_are_named_by_line(run, tmp_path):
    name = f"bad {uuid.uuid4()}"
    file = tmp_path / "rows.csv"
    file.write_text(f"field1,field2\n{name},1\n,2\n{name},x\n\"{name}\n")
    done = run("import", MODEL, file, check=False)
    assert done.returncode == 1 and done.stdout == ""
    said = done.stderr.splitlines()
    assert any(line.startswith("line 3: field1") for line in said), done.stderr
    assert said[-1] == "groundplan: nothing was loaded: 3 of the first 4 rows are invalid; correct them, or skip them with --on-error skip"
    done = json.loads(run("import", MODEL, file, "--output", "json", check=False).stdout)["error"]["message"]
    assert 'first "line 3: field1 ' in done and "--on-error skip" in done and "ON_ERROR" not in done, done
    done = run("import", MODEL, file, "--on-error", "skip", check=False)
    assert done.returncode == 1 and "1 created, 0 replaced, 0 skipped, 3 failed" in done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["line 3", "line 4", "line 5"]
    done = json.loads(run("import", MODEL, file, "--on-error", "skip", "--output", "json", check=False).stdout)
    assert (done["created"], done["failed"], done["errors"][0]["line"]) == (1, 3, 3)
    for arguments in ([MODEL, tmp_path / "nothing.csv"], [MODEL, tmp_path], [MODEL, "-"]):
        assert run("import", *arguments, check=False).returncode == 2
    assert "did you mean" in run("import", "example.v1.Entitee", file, check=False).stderr


def test_too_many_rows_for_one_transaction(run, tmp_path):
    file = tmp_path / "many.csv"
    file.write_text("field1\n" + "x\n" * 100_001)
    for arguments, way_out in (((), "split it up, or load it in parts with --on-error skip"), (("--validate-only",), "split it up")):
        done = run("import", MODEL, file, *arguments, check=False)
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 1 and "can have 100000 rows and 64 MiB" in last and last.endswith("; " + way_out), done.stderr


@pytest.mark.split("the import continues at another process")
def test_a_killed_server_loads_no_row_twice(suite_of_its_own, tmp_path):
    """The server is killed in the middle of an import, and the import is repeated with its id."""
    suite = suite_of_its_own
    suite.start()
    count = 150_000
    file = tmp_path / "many.ndjson"
    file.write_text("".join(f'{{"field1":"n{at}","field2":{at}}}\n' for at in range(count)))
    command = [BINARY, "import", MODEL, file, "--on-error", "skip", "--import-id", "once"]
    environment = suite.environment(API_KEY=suite.api_key)
    importing = subprocess.Popen(list(map(str, command)), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, stdin=subprocess.DEVNULL)
    loaded = threading.Event()

    def watch():
        while importing.poll() is None:
            if suite.psql("SELECT 1 FROM groundplan_records.imports WHERE rows > 0"):
                loaded.set()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert loaded.wait(60)
    suite.kill()
    said = importing.communicate(timeout=60)[1]
    watcher.join()
    assert importing.returncode == 1 and "--import-id once" in said, said
    suite.start()
    done = suite.run("import", MODEL, file, "--on-error", "skip", "--import-id", "once", API_KEY=suite.api_key)
    assert f"{count} created, 0 replaced, 0 skipped, 0 failed" in done.stdout, done.stdout
    assert suite.psql("SELECT count(*), count(DISTINCT field2) FROM example_v1.entity") == [f"{count}|{count}"]
