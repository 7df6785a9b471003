"""Generated clients of the OpenAPI document compile, and create, get, list, patch and delete records of both examples. Those
of openapi-generator also commit, which tests the alternatives in the document."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from suite import ROOT

CLIENTS = ROOT / "tests" / "clients"
TOOLS = pathlib.Path(sys.executable).parent
# Warnings of openapi-generator about every document with an object.
USUAL = ("OpenAPI 3.1 support is still in beta", "Failed to get the schema name: null")


@pytest.fixture(scope="module")
def document(suite, tmp_path_factory):
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    file.write_text(json.dumps(suite.curl("GET", "/api/openapi.json")[2]))
    return file


@pytest.fixture(scope="module")
def node_modules():
    """`make setup` installs the generators and compilers of TypeScript clients into .tools/clients."""
    modules = ROOT / ".tools" / "clients" / "node_modules"
    assert modules.is_dir(), "run 'make setup'"
    return modules


def run(*arguments, cwd, suite, **more):
    environment = {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}", "ADDRESS": suite.url, "API_KEY": suite.api_key, **more}
    done = subprocess.run(list(map(str, arguments)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def test_openapi_python_client(suite, document, tmp_path):
    """The generator warns about every schema that it cannot express; there must be none."""
    run(TOOLS / "openapi-python-client", "generate", "--path", document, "--meta", "none", "--output-path", tmp_path / "groundplan_client",
        "--fail-on-warning", cwd=tmp_path, suite=suite)
    shutil.copy(CLIENTS / "client.py", tmp_path)
    run(sys.executable, "-m", "compileall", "-q", "groundplan_client", cwd=tmp_path, suite=suite)
    run(sys.executable, "client.py", cwd=tmp_path, suite=suite)


def test_openapi_typescript_and_openapi_fetch(suite, document, node_modules, tmp_path):
    run("node", node_modules / "openapi-typescript/bin/cli.js", document, "-o", "schema.d.ts", cwd=tmp_path, suite=suite)
    compile_and_run("client", node_modules, tmp_path, suite)


def test_openapi_generator_for_python(suite, document, tmp_path):
    openapi_generator("python", document, tmp_path, suite, "--package-name", "groundplan_client")
    shutil.copy(CLIENTS / "generated.py", tmp_path)
    run(sys.executable, "-m", "compileall", "-q", "groundplan_client", cwd=tmp_path, suite=suite)
    run(sys.executable, "generated.py", cwd=tmp_path, suite=suite)


def test_openapi_generator_for_typescript_fetch(suite, document, node_modules, tmp_path):
    openapi_generator("typescript-fetch", document, tmp_path / "groundplan_client", suite)
    compile_and_run("generated", node_modules, tmp_path, suite)


def openapi_generator(name, document, folder, suite, *more):
    """The generator prints a warning about what it cannot express, and does not fail; so no warning is allowed."""
    # These options speed up Java for programs that run for seconds.
    said = run(TOOLS / "openapi-generator-cli", "generate", "-g", name, "-i", document, "-o", folder, *more, cwd=document.parent, suite=suite,
               JAVA_TOOL_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    complaints = [line for line in said.splitlines() if re.search(r"\] (WARN|ERROR) ", line) and not any(usual in line for usual in USUAL)]
    assert not complaints, complaints


def compile_and_run(program, node_modules, folder, suite):
    """Compiles a program of tests/clients with the generated client, and runs it."""
    (folder / "node_modules").symlink_to(node_modules)
    (folder / "package.json").write_text('{"type": "commonjs"}')
    shutil.copy(CLIENTS / f"{program}.ts", folder)
    run("node", node_modules / "typescript/bin/tsc", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom",
        "--skipLibCheck", f"{program}.ts", cwd=folder, suite=suite)
    assert "done" in run("node", f"{program}.js", cwd=folder, suite=suite)
