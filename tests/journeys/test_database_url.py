"""A wrong, unreachable or read-only DB_URL is explained, without its password."""

import socket
import subprocess

import pytest

from suite import BINARY, ROOT

PASSWORD = "hunter2-canary"


def up(suite, url):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return subprocess.run([BINARY, "up"], cwd=ROOT, env=suite.environment(DB_URL=url, PORT=str(port), API_KEY="test_q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8uE3wYt5M"),
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("url, words", [
    (f"nonsense:{PASSWORD}", "DB_URL"),
    (f"postgres://user:{PASSWORD}@127.0.0.1:1/db", "127.0.0.1"),
    (f"postgres://user:{PASSWORD}@%2Fnowhere%2Fat%2Fall/db", "DB_URL"),
])
def test_wrong_or_down(suite, url, words):
    done = up(suite, url)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert words in said and "DB_URL" in said and PASSWORD not in said, said
    assert "panicked" not in said


def test_read_only(suite):
    folder = str(suite.socket_folder())
    suite.psql("CREATE DATABASE journey_read_only")
    suite.psql("ALTER DATABASE journey_read_only SET default_transaction_read_only = on")
    try:
        done = up(suite, f"host={folder} user=groundplan dbname=journey_read_only")
        said = done.stdout + done.stderr
        assert done.returncode == 1 and "read-only" in said and "DB_URL" in said, said
    finally:
        suite.psql("DROP DATABASE journey_read_only WITH (FORCE)")


def test_config_masks_secrets(suite):
    done = suite.run("config", API_KEY="canary-key-0123456789", DB_URL=f"postgres://user:{PASSWORD}@127.0.0.1/db")
    assert "canary-key" not in done.stdout and PASSWORD not in done.stdout
    assert "API_KEY" in done.stdout and "DB_URL" in done.stdout and "PORT" in done.stdout
