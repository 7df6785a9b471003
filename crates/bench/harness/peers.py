"""The peers: services written by hand, which Groundplan is compared with."""

import os
import pathlib
import shutil
import subprocess

from processes import BINARIES, ROOT, Server, say

# Where the reference peer's sources are, if they are.
REFERENCE = pathlib.Path(os.environ.get("BENCH_REFERENCE", ROOT.parent / "shared/reference/peer"))


class Peers:
    """Our peer with its log and without, and the reference peer where its sources exist."""

    def __init__(self, database, folder, reference=None):
        self.servers, url = [], database.url
        for name, flags in (("peer", ["--log"]), ("peer_without_log", [])):
            self.start(name, [BINARIES / "groundplan-peer", "--listen", "127.0.0.1:{port}", "--db-url", url, *flags], folder)
        if reference:
            self.start("reference", [reference], folder, LISTEN="127.0.0.1:{port}", DATABASE_URL=f"{url} options='-c search_path=reference'", POOL_SIZE="16", CACHED="1",
                       OUTBOX="1")

    def start(self, name, command, folder, **environment):
        with (folder / f"{name}.log").open("w") as log:
            server = Server(name, command, log, **environment)
        self.servers.append(server)

    def address(self, name):
        return next((server.address for server in self.servers if server.name == name), None)

    def pids(self):
        return {server.name: server.process.pid for server in self.servers}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()


def build_reference():
    """Builds the reference peer as it is; returns its program, or None where there are no sources."""
    if os.environ.get("BENCH_REFERENCE") == "" or not (REFERENCE / "Cargo.toml").exists():
        return None
    say(f"== building the reference peer from {REFERENCE}")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "reference-peer"
    sources = target / "sources"
    shutil.copytree(REFERENCE, sources, dirs_exist_ok=True, copy_function=shutil.copyfile)
    subprocess.run(["cargo", "build", "--release", "--package", "handwritten"], cwd=sources, check=True, env=os.environ | {"CARGO_TARGET_DIR": str(target / "target")})
    return target / "target/release/handwritten"
