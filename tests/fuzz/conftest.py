"""One suite for all fuzzers, with models of every shape. After each fuzzer the server must be alive, without a panic."""

import random

import pytest

from fuzz import store
from fuzz.fuzzing import PACKAGES, SEED, Server, journeys, oracle, shapes


def models():
    """Returns the files of each revision: there are two, so that a list of them has pages."""
    chance = random.Random(SEED)
    first = {"store.v1": store.MODELS} | {package: shapes.Author(chance).file(package) for package in PACKAGES}
    return first, {"oracle.v1": oracle.MODELS}


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    suite = journeys.Suite(apply_examples=False)
    try:
        suite.start()
        folder = suite.folder / "models"
        for files in models():
            for package, text in files.items():
                (folder / package.replace(".", "/")).mkdir(parents=True)
                (folder / package.replace(".", "/") / "models.proto").write_text(text)
            applied = suite.apply(folder, check=False)
            assert applied.returncode == 0, applied.stdout + applied.stderr
        yield suite
    finally:
        suite.close()


@pytest.fixture
def server(running):
    server = Server(running)
    before = len(server.log())
    yield server
    server.close()
    print(f"the last case: {server.case}")
    log = server.log()[before:]
    at = log.find("panicked")
    assert at < 0, f"{server.case}: the server's log:\n{log[max(0, at - 1000):at + 3000]}"
    assert running.process.poll() is None, "the suite has ended"
