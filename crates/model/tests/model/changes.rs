//! Plans from one version of models to another.

use crate::support::{catalog, compile_files, file, source};
use groundplan_model::{Catalog, Execution, Plan, StepKind, plan};

const BASE: &str = "// What it is.\nmessage M {\n option (groundplan.model.v1.model) = { indexes: { fields: \"s\" reason: \"why\" } };\n \
    string id = 1;\n // A text.\n string s = 2;\n int32 n = 3;\n E e = 4;\n N inner = 5;\n oneof o { string x = 6; string y = 7; }\n optional bool b = 8;\n}\n\
    // More.\nmessage N { string a = 1; repeated N more = 2; oneof q { bool k = 3; string l = 4; } }\nenum E { E_UNSPECIFIED = 0; E_ONE = 1; }";

/// Returns the steps of replacing text of the base, as `Kind subject`.
fn planned(from: &str, to: &str) -> Result<Plan, Vec<String>> {
    assert!(BASE.contains(from), "{from:?} is not in the base");
    plan_between(&catalog(BASE), &catalog(&BASE.replacen(from, to, 1)))
}

fn plan_between(base: &Catalog, target: &Catalog) -> Result<Plan, Vec<String>> {
    plan(Some(base), target).map_err(|diagnostics| {
        diagnostics.iter().map(|it| format!("{}:{} {}: {}", it.line, it.column, it.code, it.message)).collect()
    })
}

fn kinds(plan: &Plan) -> Vec<(StepKind, &str)> {
    plan.steps.iter().map(|step| (step.kind, step.subject.as_str())).collect()
}

fn sql(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().flat_map(|step| &step.statements).map(|statement| statement.sql.as_str()).collect()
}

#[test]
fn equal_models_need_no_steps() {
    assert_eq!(planned("", "").unwrap().steps, []);
    // Positions in files are ignored.
    assert_eq!(planned(" int32 n = 3;\n", "\n\n   int32   n = 3;\n").unwrap().steps, []);
}

#[test]
fn a_new_field_adds_a_column() {
    let plan = planned("optional bool b = 8;", "optional bool b = 8; // New.\n repeated uint64 u = 9;").unwrap();
    assert_eq!(kinds(&plan), [(StepKind::AddField, "a.v1.M.u"), (StepKind::ChangeDefinition, "a.v1.M")]);
    let plan = planned("optional bool b = 8;", "optional bool b = 8;\n // New.\n repeated uint64 u = 9;").unwrap();
    assert_eq!(kinds(&plan), [(StepKind::AddField, "a.v1.M.u")]);
    assert_eq!(
        sql(&plan),
        [
            "ALTER TABLE \"a_v1\".\"m\" ADD COLUMN IF NOT EXISTS \"u\" numeric(20)[] NOT NULL DEFAULT '{}'",
            "COMMENT ON COLUMN \"a_v1\".\"m\".\"u\" IS 'New.'",
        ]
    );
    let plan = planned("optional bool b = 8;", "optional bool b = 8; string etag = 9;").unwrap();
    assert_eq!((kinds(&plan), sql(&plan)), (vec![(StepKind::AddField, "a.v1.M.etag")], Vec::new()));
    let plan = planned("optional bool b = 8;", "optional bool b = 8; oneof p { int64 z = 9; }").unwrap();
    assert_eq!(sql(&plan), ["ALTER TABLE \"a_v1\".\"m\" ADD COLUMN IF NOT EXISTS \"z\" bigint"]);
}

#[test]
fn a_new_index_is_built_concurrently() {
    let plan =
        planned("reason: \"why\" }", "reason: \"why\" } indexes: { fields: \"n desc\" fields: \"b\" unique: true }")
            .unwrap();
    let [step] = &plan.steps[..] else { panic!("{plan:#?}") };
    assert_eq!(step.kind, StepKind::AddIndex);
    assert_eq!(step.description, "build a unique index for a.v1.M on n desc, b");
    let [statement] = &step.statements[..] else { panic!("{step:#?}") };
    let name = statement.index().unwrap();
    assert_eq!(statement.execution, Execution::OutsideTransaction);
    assert_eq!(
        statement.sql,
        format!(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"{name}\" ON \"a_v1\".\"m\" (\"_tenant\", \"n\" DESC, \"b\")"
        )
    );
}

#[test]
fn a_new_model_creates_its_indexes() {
    let target = catalog(&format!(
        "{BASE}\nmessage Z {{ option (groundplan.model.v1.model) = {{ indexes: {{ fields: \"id desc\" }} }}; string id = 1; }}"
    ));
    let plan = plan_between(&catalog(BASE), &target).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::AddModel, StepKind::AddIndex]);
    assert!(
        plan.steps
            .iter()
            .flat_map(|step| &step.statements)
            .all(|statement| statement.execution == Execution::InSharedTransaction)
    );
    assert!(sql(&plan).last().unwrap().ends_with("(\"_tenant\", \"id\" DESC)"));
}

#[test]
fn options_and_comments_can_change() {
    for (from, to, aspect, statement) in [
        ("// What it is.", "// What it's.", "comment", "COMMENT ON TABLE \"a_v1\".\"m\" IS 'What it''s.'"),
        ("// A text.", "", "s comment", "COMMENT ON COLUMN \"a_v1\".\"m\".\"s\" IS NULL"),
        ("string s = 2;", "string s = 2 [(buf.validate.field).string.min_len = 1];", "s options", ""),
        ("string s = 2;", "string s = 2 [json_name = \"t\"];", "s JSON name", ""),
        ("E_ONE = 1;", "E_ONE = 1; E_TWO = 2;", "a.v1.E E_TWO", ""),
        ("string a = 1;", "string a = 1; int64 z = 9;", "a.v1.N z", ""),
        ("string a = 1;", "string a = 1; oneof r { int64 z = 9; }", "a.v1.N z", ""),
        ("// More.", "// Even more.", "a.v1.N comment", ""),
    ] {
        let plan = planned(from, to).unwrap();
        assert_eq!(kinds(&plan), [(StepKind::ChangeDefinition, "a.v1.M")], "{to}");
        assert!(plan.steps[0].description.contains(aspect), "{}", plan.steps[0].description);
        assert_eq!(sql(&plan).first().copied().unwrap_or_default(), statement, "{to}");
    }
    let plan = planned("reason: \"why\"", "reason: \"because\"").unwrap();
    assert!(sql(&plan)[0].starts_with("COMMENT ON INDEX \"a_v1\".\"m_s_") && sql(&plan)[0].ends_with(" IS 'because'"));
}

#[test]
fn history_can_be_enabled_changed_and_disabled() {
    let with = |history: &str| BASE.replacen("reason: \"why\" } }", &format!("reason: \"why\" }} {history} }}"), 1);
    let [none, default, long] = ["", "history: {}", "history: { retention_days: 90 }"].map(with);
    assert_ne!(none, default);
    for (from, to) in [(&none, &default), (&none, &long), (&default, &long), (&long, &default), (&long, &none)] {
        let plan = plan_between(&catalog(from), &catalog(to)).unwrap();
        assert_eq!(kinds(&plan), [(StepKind::ChangeDefinition, "a.v1.M")], "{to}");
        assert_eq!(plan.steps[0].description, "change options or comments of a.v1.M: history");
        assert!(sql(&plan).is_empty());
    }
    assert!(plan_between(&catalog(&long), &catalog(&long)).unwrap().steps.is_empty());
}

#[test]
fn file_parts_outside_models_can_change() {
    let target = catalog(&format!("{BASE}\nmessage Unused {{ string a = 1; }}"));
    let plan = plan_between(&catalog(BASE), &target).unwrap();
    assert_eq!(kinds(&plan), [(StepKind::ChangeDefinition, "a/v1/a.proto")]);
    assert_eq!(plan_between(&target, &target).unwrap().steps, []);
}

#[test]
fn unsupported_steps_are_named() {
    for (from, to, expected) in [
        (
            " int32 n = 3;\n",
            "",
            "3:1 STEP_NOT_SUPPORTED_DROP_FIELD: dropping field `n` of a.v1.M needs the step DROP FIELD, which is not supported yet",
        ),
        (
            "int32 n = 3;",
            "int32 m = 3;",
            "8:2 STEP_NOT_SUPPORTED_RENAME_FIELD: renaming field `n` of a.v1.M to `m` needs the step RENAME FIELD",
        ),
        (
            "int32 n = 3;",
            "int32 n = 9;",
            "3:1 STEP_NOT_SUPPORTED_RENUMBER_FIELD: renumbering field `n` of a.v1.M from 3 to 9",
        ),
        (
            "int32 n = 3;",
            "int64 n = 3;",
            "8:2 STEP_NOT_SUPPORTED_CHANGE_FIELD_TYPE: changing the type of field `n` of a.v1.M from int32 to int64",
        ),
        ("int32 n = 3;", "optional int32 n = 3;", "from int32 to optional int32"),
        ("int32 n = 3;", "repeated int32 n = 3;", "from int32 to repeated int32"),
        ("int32 n = 3;", "map<string, int32> n = 3;", "from int32 to map<string, int32>"),
        ("E e = 4;", "int32 e = 4;", "from a.v1.E to int32"),
        ("optional bool b = 8;", "oneof p { bool b = 8; }", "STEP_NOT_SUPPORTED_CHANGE_ONEOF"),
        (
            "string y = 7;",
            "string y = 7; int64 z = 9;",
            "11:40 STEP_NOT_SUPPORTED_ADD_ONEOF_MEMBER: adding field `z` to the oneof `o` of a.v1.M needs the step ADD ONEOF MEMBER",
        ),
        ("string l = 4;", "string l = 4; bool z = 9;", "adding field `z` to the oneof `q` of a.v1.N"),
        (
            "string a = 1;",
            "int32 a = 1;",
            "15:13 STEP_NOT_SUPPORTED_CHANGE_FIELD_TYPE: changing the type of field `a` of a.v1.N",
        ),
        ("string a = 1;", "string b = 1;", "renaming field `a` of a.v1.N to `b`"),
        ("string a = 1;", "", "dropping field `a` of a.v1.N"),
        ("E_ONE = 1;", "", "STEP_NOT_SUPPORTED_DROP_ENUM_VALUE: dropping value `E_ONE` of a.v1.E"),
        (
            "E_ONE = 1;",
            "E_TWO = 1;",
            "STEP_NOT_SUPPORTED_RENAME_ENUM_VALUE: renaming value `E_ONE` of a.v1.E to `E_TWO`",
        ),
        ("E_ONE = 1;", "E_ONE = 2;", "renumbering value `E_ONE` of a.v1.E from 1 to 2"),
        (
            "fields: \"s\"",
            "fields: \"n\"",
            "STEP_NOT_SUPPORTED_DROP_INDEX: dropping (or changing) the index of a.v1.M on s",
        ),
        ("reason: \"why\"", "unique: true", "STEP_NOT_SUPPORTED_DROP_INDEX"),
        (
            "{ indexes:",
            "{ resource: \"things\" indexes:",
            "STEP_NOT_SUPPORTED_CHANGE_MODEL: changing the resource of a.v1.M from ms to things",
        ),
        ("{ indexes:", "{ plural: \"Things\" resource: \"ms\" indexes:", "changing the plural"),
        (
            "{ indexes:",
            "{ id_format: ID_FORMAT_CLIENT_ASSIGNED indexes:",
            "changing the id format of a.v1.M from ID_FORMAT_UUID_V7 to ID_FORMAT_CLIENT_ASSIGNED",
        ),
        (
            "string s = 2;",
            "string s = 2 [(groundplan.model.v1.field).role = ROLE_ETAG];",
            "STEP_NOT_SUPPORTED_CHANGE_ROLE",
        ),
    ] {
        // An etag cannot be indexed, so the index is removed first.
        let base =
            if to.contains("ROLE_ETAG") { BASE.replace("fields: \"s\"", "fields: \"n\"") } else { BASE.to_owned() };
        assert!(base.contains(from), "{from}");
        let diagnostics = plan_between(&catalog(&base), &catalog(&base.replacen(from, to, 1))).unwrap_err();
        assert!(diagnostics.iter().any(|diagnostic| diagnostic.contains(expected)), "{to}: {diagnostics:#?}");
    }
}

#[test]
fn removing_a_model_is_unsupported() {
    let other = compile_files(vec![file(
        "b/v1/b.proto",
        source("message Q { option (groundplan.model.v1.model) = {}; string id = 1; }").replace("a.v1", "b.v1"),
    )]);
    let diagnostics = plan(Some(&catalog(BASE)), &other.unwrap().catalog).unwrap_err();
    assert_eq!(diagnostics[0].code, "STEP_NOT_SUPPORTED_DROP_MODEL");
    assert_eq!(diagnostics[0].file, "a/v1/a.proto");
}
