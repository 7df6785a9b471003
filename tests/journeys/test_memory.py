"""Memory of plans and applies is released.

CI runs few of them; GROUNDPLAN_MEMORY_LARGE, GROUNDPLAN_MEMORY_PLANS and GROUNDPLAN_MEMORY_APPLIES increase the numbers,
as `make torture` does."""

import os
import pathlib
import shutil
import time

from suite import BINARY, ROOT, wait

LARGE = int(os.environ.get("GROUNDPLAN_MEMORY_LARGE", "4"))
PLANS = int(os.environ.get("GROUNDPLAN_MEMORY_PLANS", "30"))
APPLIES = int(os.environ.get("GROUNDPLAN_MEMORY_APPLIES", "10"))
MIB = 1024

HEAD = 'syntax = "proto3";\npackage memory.v1;\nimport "groundplan/model/v1/model.proto";\n'


def server(suite):
    """Returns the process that serves `schema` and `records`."""
    data = f"GROUNDPLAN_DATA={suite.data}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            is_ours = os.readlink(entry / "exe") == str(BINARY.resolve()) and data in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if is_ours and b"up" in words:
            return entry
    raise AssertionError("the server is not among the processes")


def rss(process):
    """Returns the resident memory in KiB."""
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("a process without memory")


def plan(suite, folder, text):
    (folder / "memory.proto").write_text(text)
    done = suite.run("plan", folder, API_KEY=suite.api_key)
    assert "Plan:" in done.stdout, done.stdout + done.stderr


def many_models(at):
    models = (f"message M{number}x{at} {{ option (groundplan.model.v1.model) = {{}}; string id = 1; }}\n" for number in range(499))
    return HEAD + "".join(models)


def rich_model(at):
    fields = "".join(f"  string f{number}x{at} = {number};\n" for number in range(2, 60))
    return HEAD + f"// {at}\nmessage M {{\n  option (groundplan.model.v1.model) = {{}};\n  string id = 1;\n{fields}}}\n"


def test_memory_of_large_plans_is_released(empty_suite, tmp_path):
    process = server(empty_suite)
    for at in range(LARGE):
        plan(empty_suite, tmp_path, many_models(at))
    # It is released within some seconds.
    wait(lambda: rss(process) < 200 * MIB, f"less than 200 MiB after {LARGE} plans of 499 models; now {rss(process)} KiB")


def test_different_plans_leak_no_memory(empty_suite, tmp_path):
    process = server(empty_suite)
    for at in range(20):
        plan(empty_suite, tmp_path, rich_model(at))
    time.sleep(15)
    before = rss(process)
    for at in range(20, 20 + PLANS):
        plan(empty_suite, tmp_path, rich_model(at))
    wait(lambda: rss(process) < before + 20 * MIB, f"no more than 20 MiB above {before} KiB after {PLANS} plans; now {rss(process)}")


def test_different_applies_leak_no_memory(empty_suite, tmp_path):
    """Each apply changes a rule of the library, so all rules are compiled again."""
    process = server(empty_suite)
    models = shutil.copytree(ROOT / "examples" / "library", tmp_path / "library")
    author = models / "v1" / "author.proto"
    text = author.read_text()
    assert text.count("string.max_len = 100]") == 1

    def apply(at):
        author.write_text(text.replace("string.max_len = 100]", f"string.max_len = {100 + at}]"))
        done = empty_suite.apply(models)
        assert "is live now" in done.stdout, done.stdout + done.stderr

    for at in range(10):
        apply(at)
    time.sleep(15)
    before = rss(process)
    for at in range(10, 10 + APPLIES):
        apply(at)
    wait(lambda: rss(process) < before + 20 * MIB, f"no more than 20 MiB above {before} KiB after {APPLIES} applies; now {rss(process)}")
