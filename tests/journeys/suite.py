"""The whole suite as a user runs it: `deploy/run.sh` with the real binary, a private PostgreSQL and Envoy in front.

With GROUNDPLAN_SUITE=split it is as an operator runs it: `deploy/run-split.sh`, each service in its own processes,
`records` in three and `schema` in two. Journeys cannot distinguish the two, except those about the split suite."""

import fcntl
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools" / "bin"
BINARY = pathlib.Path(os.environ.get("GROUNDPLAN_BIN", ROOT / "target" / "debug" / "groundplan"))

SPLIT = os.environ.get("GROUNDPLAN_SUITE") == "split"
SCRIPT = ROOT / "deploy" / ("run-split.sh" if SPLIT else "run.sh")
# The addresses of the processes of the split suite.
RECORDS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
SCHEMAS = ("127.0.0.4", "127.0.0.5")
# How long a test waits for a certain event, in seconds: no machine is this slow, even under load.
PATIENCE = 180
# Reserved ports, each with the lock on its file, so that concurrent test runs use other ports.
RESERVED = {}


def free_port():
    """Returns a free port whose derived ports are free too. All are below the system's range for outgoing connections."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"groundplan-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    while True:
        port = 10_000 + secrets.randbelow(10_000)
        if port in RESERVED:
            continue
        lock = (folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for derived in (port, port + 10000, port + 10001, port + 10002):
                with socket.socket() as probe:
                    probe.bind(("", derived))
        except OSError:
            lock.close()
            continue
        RESERVED[port] = lock
        return port


class Suite:
    """One running suite. Its folder contains the data, the log and the key; `close` removes all of it."""

    def __init__(self, apply_examples=True):
        # Not below a private folder: for root, PostgreSQL runs as another user.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="groundplan-journey-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.apply_examples = apply_examples
        self.process = None

    def environment(self, **more):
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith(("GROUNDPLAN_", "DB_", "API_KEY", "PORT")) or name == "GROUNDPLAN_PG_BIN"}
        return clean | {
            "PORT": str(self.port),
            "GROUNDPLAN_DATA": str(self.data),
            "GROUNDPLAN_BIN": str(BINARY),
            "GROUNDPLAN_MODELS": str(ROOT / "examples") if self.apply_examples else "",
            "GROUNDPLAN_ADDRESS": self.url,
        } | more

    def start(self, timeout=PATIENCE):
        """Starts the suite, and waits until it reports that it is ready. Returns its output, and the seconds that it took."""
        began = time.monotonic()
        self.log = self.folder / f"run-{int(time.time() * 1000)}.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen([SCRIPT], cwd=ROOT, env=self.environment(), stdout=out,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        while time.monotonic() - began < timeout:
            text = self.log.read_text()
            if "is ready" in text:
                return text, time.monotonic() - began
            if self.process.poll() is not None:
                raise AssertionError(f"{SCRIPT.name} ended with {self.process.returncode}:\n{text}")
            time.sleep(0.05)
        raise AssertionError(f"{SCRIPT.name} was not ready within {timeout} s:\n{self.log.read_text()}")

    @property
    def logs(self):
        return self.data / "log" / (f"split-{self.port}" if SPLIT else str(self.port))

    def render_envoy(self, out, port, log, *more):
        """Renders the suite's configuration of Envoy for another Envoy in front of the same servers, with more arguments of
        render.py."""
        schema = records = f"127.0.0.1:{self.port + 10000}"
        if SPLIT:
            records = ",".join(f"{address}:{self.port + 10002}" for address in RECORDS)
            schema = ",".join(f"{address}:{self.port + 10000}" for address in SCHEMAS)
        tls = ["--tls", self.data / "certificates"] if SPLIT else []
        self.tool(ROOT / "deploy/envoy/render.py", "--out", out, "--port", port, "--admin-port", port + 10001, "--log", log,
                  "--schema", schema, "--records", records, *tls, *more)
        return pathlib.Path(out) / "envoy.yaml"

    @property
    def api_key(self):
        return (self.data / "api-key").read_text().strip()

    def stop(self):
        """Stops the suite like Ctrl-C, but by SIGTERM: a shell that was started with SIGINT ignored, as in some CI, cannot
        trap SIGINT."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=PATIENCE)

    def kill(self):
        """Kills everything at the same time without cleanup, like a power failure."""
        for pid in processes_of(self.folder) + processes_in_session(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=PATIENCE)

    def close(self):
        try:
            self.stop()
        finally:
            for pid in processes_of(self.folder):
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments, check=True, **more):
        """Runs the `groundplan` command against this suite."""
        return subprocess.run([BINARY, *map(str, arguments)], cwd=ROOT, env=self.environment(**more), check=check,
                              capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)

    def apply(self, models, check=True):
        return self.run("apply", models, check=check, API_KEY=self.api_key)

    def tool(self, *arguments, check=True, stdin=None):
        """Runs a client from .tools, or curl."""
        name, *rest = map(str, arguments)
        program = TOOLS / name if (TOOLS / name).exists() else name
        return subprocess.run([program, *rest], cwd=ROOT, check=check, capture_output=True, text=True, timeout=PATIENCE, input=stdin)

    def curl(self, method, path, body=None, headers=(), authorized=True, raw=None):
        """Sends one REST call by curl, and returns the status, the headers and the decoded body."""
        answer, head = self.folder / "curl.body", self.folder / "curl.head"
        answer.unlink(missing_ok=True)
        arguments = ["curl", "-sS", "-X", method, "-o", answer, "-D", head, "-w", "%{http_code}", self.url + path]
        if method == "HEAD":
            arguments += ["--head"]
        if authorized:
            arguments += ["-H", f"authorization: Bearer {self.api_key}"]
        for header in headers:
            arguments += ["-H", header]
        if body is not None:
            raw = json.dumps(body)
        if raw is not None:
            arguments += ["--data-binary", "@-", "-H", "expect:"]
            if not any(header.lower().startswith("content-type") for header in headers):
                arguments += ["-H", "content-type: application/json"]
        if isinstance(raw, str):
            raw = raw.encode("utf-8", "surrogatepass")
        done = subprocess.run(list(map(str, arguments)), capture_output=True, timeout=PATIENCE, input=raw)
        assert done.returncode == 0, done.stderr
        fields = {}
        for line in head.read_text().splitlines():
            name, colon, value = line.partition(":")
            if colon:
                fields[name.lower()] = value.strip()
        text = answer.read_bytes() if answer.exists() and method != "HEAD" else b""
        return int(done.stdout), fields, json.loads(text) if text else None

    def grpcurl(self, *arguments, check=True, authorized=True, data=None):
        """Sends one gRPC call by grpcurl, which loads the types by reflection (v1alpha)."""
        key = ["-H", f"authorization: Bearer {self.api_key}"] if authorized else []
        payload = ["-d", "@"] if data is not None else []
        return self.tool("grpcurl", "-plaintext", *key, *payload, *arguments, check=check,
                         stdin=None if data is None else json.dumps(data))

    def call(self, method, data=None):
        return json.loads(self.grpcurl(self.address, method, data={} if data is None else data).stdout or "{}")

    def psql(self, sql):
        """Runs psql on the private PostgreSQL, and returns rows of unaligned text."""
        done = self.tool("psql", "-X", "-h", str(self.socket_folder()), "-U", "groundplan", "-d", "groundplan", "-AtF", "|",
                         "-v", "ON_ERROR_STOP=1", "-c", sql)
        return done.stdout.rstrip("\n").split("\n") if done.stdout.strip("\n") else []

    def socket_folder(self):
        sockets = list(self.data.rglob(".s.PGSQL.*[0-9]"))
        assert sockets, f"no PostgreSQL socket below {self.data}"
        return sockets[0].parent


def start_envoy(suite, configuration, ask):
    """Starts another Envoy, and waits until `ask` gets a response from it."""
    program = suite.tool(ROOT / "deploy/envoy/find.sh").stdout.strip()
    process = subprocess.Popen([program, "-c", configuration, "--log-level", "error", "--disable-hot-restart"])
    until = time.monotonic() + PATIENCE
    while True:
        try:
            ask()
            return process
        except OSError:
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.1)


def wait(condition, what):
    """Waits until a condition holds, which must happen, and returns its value."""
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < until, f"this does not happen: {what}"
        time.sleep(0.05)
    return found


def processes_of(folder):
    """Returns the processes that name a folder on their command line or run in it."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            where = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(folder) in words or where.startswith(str(folder)):
            found.append(int(entry.name))
    return found


def programs_in_session(session):
    """Returns the process of each program of a session, by the name of the program."""
    found = {}
    for pid in processes_in_session(session):
        try:
            found[os.path.basename(os.readlink(f"/proc/{pid}/exe"))] = pid
        except FileNotFoundError:
            pass  # a process of the script that has just ended
    return found


def processes_in_session(session):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
