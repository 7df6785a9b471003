"""The database fails under load, and comes back: meanwhile calls return immediately, afterwards they succeed again, and no
connection leaks."""

import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import pwd
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import pytest

from suite import BINARY, PATIENCE, ROOT, free_port

KEY = "test_q7mUe0yDk4pXr2vT9aLsWc6nHjZbF1gOxI8uE3wYt5M"
CALLERS = 8


class Database:
    """A private PostgreSQL that the test can stop and start. It cannot run as root."""

    def __init__(self, folder):
        self.folder, self.port = folder / "pg", free_port()
        self.programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.folder.mkdir()
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.run("initdb", "-D", self.folder / "data", "-U", "groundplan", "-A", "trust", "--no-sync")
        self.url = f"postgres://groundplan@127.0.0.1:{self.port}/postgres"

    def run(self, name, *arguments):
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        done = subprocess.run([*user, self.programs / name, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o", options, "start")

    def stop(self, how):
        self.run("pg_ctl", "-D", self.folder / "data", "-m", how, "-w", "stop")

    def connections(self):
        """Returns the number of connections of the services."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return int(self.run("psql", "-X", "-At", "-h", "127.0.0.1", "-p", self.port, "-U", "groundplan", "-d", "postgres", "-c", sql))


class Server:
    def __init__(self, database):
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDPLAN_", "DB_", "API_KEY", "PORT"))}
        self.environment = clean | {"PORT": str(self.port), "API_KEY": KEY, "DB_URL": database.url, "GROUNDPLAN_ADDRESS": f"http://127.0.0.1:{self.port}"}
        self.log = (database.folder.parent / "server.log").open("w+")
        self.process = subprocess.Popen([BINARY, "serve", "schema", "records"], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)

    def ask(self, method, path, body=None):
        """Returns the status, the body, and the time that the call took."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"authorization": f"Bearer {KEY}", "content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read(), time.monotonic() - began
        finally:
            connection.close()

    def until(self, path, status):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if self.ask("GET", path)[0] == status:
                    return
            except OSError:
                pass
            assert time.monotonic() < end and self.process.poll() is None, f"{path} is not {status}"
            time.sleep(0.05)


class Load:
    """Callers that write and read continuously; records the time, response and duration of each call."""

    def __init__(self, server):
        self.server, self.stop, self.told = server, threading.Event(), []
        self.threads = concurrent.futures.ThreadPoolExecutor(CALLERS)
        self.running = [self.threads.submit(self.run, number) for number in range(CALLERS)]

    def run(self, number):
        at = 0
        while not self.stop.is_set():
            at += 1
            method, path, body = ("POST", "/api/v1/resource", {"field1": f"{number}-{at}"}) if at % 2 else ("GET", "/api/v1/resource?pageSize=1", None)
            began = time.monotonic()
            status, text, took = self.server.ask(method, path, body)
            self.told.append((began, status, text, took))
            time.sleep(0.01)

    def end(self):
        self.stop.set()
        for running in self.running:
            running.result()

    def since(self, moment):
        return [one for one in self.told if one[0] > moment]

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"{what}: {collections.Counter(one[1] for one in self.told[-100:])}"
            time.sleep(0.05)


@pytest.fixture
def running():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="groundplan-outage-", dir="/tmp"))
    folder.chmod(0o755)
    database = Database(folder)
    database.start()
    server = Server(database)
    try:
        server.until("/readyz", 200)
        subprocess.run([BINARY, "apply", ROOT / "examples"], cwd=ROOT, check=True, capture_output=True, env=server.environment | {"API_KEY": KEY}, timeout=PATIENCE)
        yield database, server
    finally:
        server.process.terminate()
        try:
            server.process.wait(timeout=PATIENCE)
        finally:
            server.process.kill()
            try:
                database.stop("immediate")
            except AssertionError:
                pass
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_calls_recover_after_an_outage(running, how):
    database, server = running
    load = Load(server)
    load.until(lambda: len(load.told) > 100, "calls succeed")
    before = database.connections()
    database.stop(how)
    stopped = time.monotonic()
    services = {"groundplan.schema.v1.SchemaService", "groundplan.records.v1.RecordsService"}
    # Each service detects it independently.
    load.until(lambda: services <= set(json.loads(server.ask("GET", "/readyz")[1]).get("notReady", ())), "both report that they are not ready")
    load.until(lambda: len(load.since(stopped)) > 300, "calls are rejected")
    away = load.since(stopped)
    assert {status for _, status, _, _ in away} == {503}, collections.Counter(one[1] for one in away)
    assert all(b"DATABASE_UNAVAILABLE" in text for _, _, text, _ in away), away[0]
    took = sorted(one[3] for one in away)
    print(f"{len(away)} calls while it was away: median {statistics.median(took) * 1000:.1f} ms, longest {took[-1] * 1000:.0f} ms; "
          f"{[(round(one[0] - stopped, 2), round(one[3] * 1000)) for one in away if one[3] > 0.05]} took more than 50 ms")
    # No call waits for a connection, which takes 2 seconds.
    assert took[len(took) * 99 // 100] < 5
    assert server.ask("GET", "/livez")[0] == 200
    database.start()
    server.until("/api/v1/resource?pageSize=1", 200)
    server.until("/readyz", 200)
    load.until(lambda: {status for _, status, _, _ in load.told[-300:]} <= {200, 201}, "all calls succeed again")
    load.end()
    assert server.process.poll() is None
    # At most as many as before: a pool that leaks connections would open more each time.
    assert database.connections() <= before + 2, (before, database.connections())
