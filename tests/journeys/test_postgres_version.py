"""The suite uses the expected PostgreSQL: the system's, or that of GROUNDPLAN_PG_BIN. `make test` runs this on both."""

import json
import os
import pathlib
import re
import subprocess

from suite import BINARY


def test_the_suite_runs_on_the_postgresql_that_doctor_names(suite):
    done = suite.run("doctor", "--output", "json", check=False, API_KEY=suite.api_key)
    [finding] = [finding for finding in map(json.loads, done.stdout.splitlines()) if finding["check"] == "PostgreSQL"]
    version, folder = re.fullmatch(r"the programs of PostgreSQL (\d+) are in (\S+)", finding["found"]).groups()
    assert suite.psql("SHOW server_version")[0].split(".")[0] == version
    asked = os.environ.get("GROUNDPLAN_PG_BIN")
    assert asked is None or pathlib.Path(asked).resolve() == pathlib.Path(folder)


def test_a_relative_folder_of_programs_is_found(tmp_path):
    """The programs run in another working directory."""
    done = subprocess.run([BINARY, "doctor", "--output", "json"], capture_output=True, text=True, timeout=60)
    [folder] = re.findall(r"the programs of PostgreSQL \d+ are in ([^\"]+)", done.stdout)
    (tmp_path / "programs").symlink_to(folder)
    environment = os.environ | {"GROUNDPLAN_PG_BIN": "programs"}
    done = subprocess.run([BINARY, "doctor", "--output", "json"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert f"are in {pathlib.Path(folder).resolve()}" in done.stdout, done
