"""A backup by pg_dump is restored into another database, whose suite has every record: `groundplan doctor --deep` proves it."""

import json
import subprocess

from suite import BINARY, ROOT, free_port


def deep(suite, **more):
    done = suite.run("doctor", "--deep", "--output", "json", check=False, API_KEY=suite.api_key, **more)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {finding["found"]: finding["level"] for finding in findings if finding["check"] == "records"}


def test_a_restored_backup_has_everything(suite_of_its_own):
    suite = suite_of_its_own
    suite.start()
    for at in range(50):
        assert suite.curl("POST", "/api/v1/resource", {"field1": f"kept {at}"})[0] == 201
    code, found = deep(suite)
    assert found["all 50 of example.v1.Entity can be read"] == "ok", found
    folder = suite.socket_folder()
    dump = suite.folder / "all.dump"
    connection = ["-h", folder, "-U", "groundplan"]
    suite.tool("pg_dump", *connection, "-d", "groundplan", "--format=custom", "--file", dump)
    suite.psql("CREATE DATABASE restored")
    suite.tool("pg_restore", *connection, "-d", "restored", "--exit-on-error", "--no-owner", dump)
    port = free_port()
    environment = suite.environment(PORT=str(port), API_KEY=suite.api_key, DB_URL=f"host={folder} user=groundplan dbname=restored")
    with (suite.folder / "restored.log").open("w") as log:
        server = subprocess.Popen([BINARY, "up"], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        suite.tool("curl", "-sf", "--retry", "60", "--retry-delay", "1", "--retry-all-errors", f"http://127.0.0.1:{port}/readyz")
        restored = {"GROUNDPLAN_ADDRESS": f"http://127.0.0.1:{port}"}
        _, found = deep(suite, **restored)
        assert found["all 50 of example.v1.Entity can be read"] == "ok" and set(found.values()) == {"ok"}, found
        # An unreadable record is found: the text is not a number, but the model has a double.
        suite.tool("psql", "-X", *connection, "-d", "restored", "-c", "ALTER TABLE example_v1.entity ALTER COLUMN field2 TYPE text USING 'no number at all'")
        code, found = deep(suite, **restored)
        assert code == 1 and "fail" in found.values(), found
    finally:
        server.terminate()
        server.wait(timeout=40)
