"""Invalid models: all diagnostics are reported together, with file, line, column and fix, and nothing changes."""

import pytest

HEAD = 'syntax = "proto3";\npackage bad.v1;\nimport "groundplan/model/v1/model.proto";\n'
MODEL = HEAD + "message Thing {\n  option (groundplan.model.v1.model) = {};\n  string id = 1;\n%s\n}\n"

CASES = {
    "does not parse": (HEAD + "message {", "bad.proto:4:"),
    "no id": (HEAD + "message Thing {\n  option (groundplan.model.v1.model) = {};\n  string title = 1;\n}\n", "id"),
    "an unknown import": (HEAD + 'import "nowhere/else.proto";\n', "nowhere/else.proto"),
    "an unknown index field": (MODEL.replace("= {}", '= { indexes: { fields: "titel" } }') % "  string title = 2;", "title"),
    "a field name of 80 bytes": (MODEL % f"  string {'x' * 80} = 2;", "63"),
    "two names equal after 63 bytes": (MODEL % f"  string {'y' * 63}a = 2;\n  string {'y' * 63}b = 3;", "63"),
    "quotes in a name": (MODEL % '  string a"b = 2;', "bad.proto:7:"),
    "proto2": ((MODEL % "").replace("proto3", "proto2").replace("string id", "optional string id"), "proto2"),
    "an edition": ('edition = "2023";\npackage bad.v1;\nmessage A { string id = 1; }\n', "edition"),
    "an unsupported type": (HEAD.replace("import", 'import "google/protobuf/any.proto";\nimport', 1)
                            + "message Thing {\n  option (groundplan.model.v1.model) = {};\n  string id = 1;\n  google.protobuf.Any any = 2;\n}\n", "Any"),
    "a column that PostgreSQL keeps": (MODEL % "  string ctid = 2;", "ctid"),
    "a broken CEL rule": ((MODEL % '  string a = 2 [(buf.validate.field).cel = { id: "x" message: "m" expression: "this <" }];')
                          .replace("import", 'import "buf/validate/validate.proto";\nimport', 1), "bad.proto:"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_explained(suite, tmp_path, case):
    text, words = CASES[case]
    (tmp_path / "bad.proto").write_text(text)
    before = suite.psql("SELECT count(*) FROM groundplan_schema.revisions")
    for command in ("plan", "apply"):
        done = suite.run(command, tmp_path, check=False, API_KEY=suite.api_key)
        said = done.stdout + done.stderr
        assert done.returncode == 2, said
        assert words in said and "bad.proto:" in said, said
    assert suite.psql("SELECT count(*) FROM groundplan_schema.revisions") == before


def test_all_mistakes_are_reported_together(suite, tmp_path):
    (tmp_path / "one.proto").write_text(HEAD + "message One {\n  option (groundplan.model.v1.model) = {};\n  string title = 1;\n}\n")
    (tmp_path / "two.proto").write_text(HEAD.replace("bad.v1", "bad.v2") + "message Two {\n  option (groundplan.model.v1.model) = { indexes: { fields: \"nope\" } };\n  int32 id = 1;\n}\n")
    done = suite.run("plan", tmp_path, check=False, API_KEY=suite.api_key)
    said = done.stdout + done.stderr
    assert "one.proto:4:" in said and "two.proto:" in said and "nope" in said, said


def test_ten_megabytes(suite, tmp_path):
    (tmp_path / "bad.proto").write_text(HEAD + "// " + "x" * 10_000_000)
    done = suite.run("plan", tmp_path, check=False, API_KEY=suite.api_key)
    assert done.returncode in (1, 2) and "bad.proto" in done.stdout + done.stderr and "MiB" in done.stdout + done.stderr


def test_sql_keywords_are_only_names(empty_suite, tmp_path):
    suite = empty_suite
    (tmp_path / "order.proto").write_text(HEAD.replace("bad.v1", "select.v1") + """
message Table {
  option (groundplan.model.v1.model) = { resource: "user" indexes: { fields: "order desc" fields: "group" unique: true reason: "it's; DROP TABLE x; --" } };
  string id = 1;
  // It's a "comment" with 'quotes' and a \\ backslash; DROP SCHEMA public;
  string order = 2;
  string group = 3;
  string user = 4;
  int32 tenant = 5;
  int32 version = 6;
}
""")
    suite.apply(tmp_path)
    made = suite.call("select.v1.TableService/CreateTable", {"table": {"order": "a", "group": "b", "user": "c", "tenant": 7, "version": 8}})
    assert suite.psql('SELECT "order", "group", "user", tenant, version FROM select_v1."table"') == ["a|b|c|7|8"]
    assert suite.curl("GET", f"/api/v1/user/{made['id']}")[2]["data"]["order"] == "a"


def test_an_invalid_descriptor_set_is_a_diagnostic(suite, tmp_path):
    """16 bytes that caused a panic in a library: a file with a present but empty syntax."""
    models = tmp_path / "models.binpb"
    models.write_bytes(bytes.fromhex("0a0e0a0a676f6f642e70726f746f6200"))
    for command in (["plan"], ["apply"], ["generate", "--out", tmp_path / "out"]):
        done = suite.run(*command, models, check=False, API_KEY=suite.api_key)
        said = done.stdout + done.stderr
        assert done.returncode == 2 and "DESCRIPTOR_SET_INVALID" in said and "panicked" not in said, said
