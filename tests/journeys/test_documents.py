"""The documents match the program."""

import json
import re

from suite import BINARY, ROOT

README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


def test_the_settings_table(suite):
    rows = json.loads(suite.tool("env", "-i", BINARY, "config", "--output", "json").stdout)
    said = {cells[1].strip(" `"): cells for cells in (line.split(" | ") for line in CONFIGURATION.splitlines() if line.startswith("| `"))
            for cells in [["", *[cell.strip("| ") for cell in cells]]] if re.fullmatch(r"`[A-Z_]+`", cells[1])}
    assert set(said) == {row["setting"] for row in rows}
    for row in rows:
        cells = said[row["setting"]]
        assert cells[2] == f"`{row['flag']}`" and cells[5] == row["meaning"], row
        if row["value"] is not None and row["setting"] != "GROUNDPLAN_DATA":
            assert cells[4] == f"`{row['value']}`", row


def test_the_limits(suite):
    """The table equals the output of `groundplan limits --output json`."""
    limits = json.loads(suite.tool(BINARY, "limits", "--output", "json").stdout)
    rows = [f"| {limit['area']} | {limit['what']} | {limit['limit']} | {limit['note']} |" for limit in limits]
    said = [line for line in (ROOT / "docs" / "limits.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert [line for line in said if not line.startswith("| ---")] == rows


def test_the_calls_of_the_readme(suite):
    """Runs each `$ curl` and `$ grpcurl` of the README as written, except the port and the key's file."""
    text = re.search(r"```console\n(\$ export API_KEY.*?)```", README, re.S).group(1)
    blocks = re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.M)[1:]
    ran = 0
    for block in blocks:
        command, _, shown = block.partition("\n")
        if command.startswith("export"):
            continue
        command = command.replace("localhost:3000", suite.address)
        done = suite.tool("bash", "-euo", "pipefail", "-c", f'export API_KEY={suite.api_key} PATH="{ROOT}/.tools/bin:$PATH"\n{command}')
        ran += 1
        for line in filter(None, shown.splitlines()):
            pattern = re.escape(line).replace("…", ".*")
            pattern = re.sub(r"\d{4}\\-\d\d\\-\d\dT[\d:]+\\?\.\d+Z", r"[0-9T:.Z-]+", pattern)
            pattern = re.sub(r"019ab0c1\\-", "", pattern)
            assert line == "…" or re.search(pattern, done.stdout), (line, done.stdout)
    assert ran >= 4


def test_the_specification_has_every_heading():
    text = (ROOT / "docs" / "specification.md").read_text()
    for heading in ("Technology stack", "System architecture", "Data models", "API contracts", "External dependencies",
                    "Configuration", "Security", "Performance", "Deployment", "Rollback"):
        body = re.search(rf"^## \d+\. {heading}\n(.+?)(?=^## |\Z)", text, re.S | re.M)
        assert body and len(body.group(1).split()) > 20, heading


def test_every_dependency_has_its_line():
    manifest = (ROOT / "Cargo.toml").read_text().split("[workspace.dependencies]")[1].split("\n[")[0]
    names = [match for match in re.findall(r"^([a-z0-9_-]+) = ", manifest, re.M) if not match.startswith("groundplan-")]
    text = (ROOT / "docs" / "dependencies.md").read_text()
    missing = [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]
    assert not missing, missing
    lists = [*(ROOT / "deploy" / "python").glob("*.in"), ROOT / "tests" / "requirements.in"]
    for line in [line for one in lists for line in one.read_text().splitlines()]:
        if line and not line.startswith("#"):
            version = line.split("==")[1].split()[0]
            assert any(version.startswith(found) for found in re.findall(r"\d+(?:\.\d+)*", text)), line


def test_links_exist():
    """Each link leads to a file and, if it names one, to a heading of it."""
    for document in DOCUMENTS:
        for path, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", document.read_text()):
            target = (document.parent / path) if path else document
            assert target.exists(), f"{document.name}: {path}"
            assert not anchor or anchor in anchors(target), f"{document.name}: {path}#{anchor}"


def test_the_contents_list_every_page():
    text = (ROOT / "docs" / "README.md").read_text()
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md" and f"({page.name})" not in text]
    assert not missing, missing


def anchors(document):
    """The anchors of a document's headings, as GitHub derives them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.S | re.M)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)}
