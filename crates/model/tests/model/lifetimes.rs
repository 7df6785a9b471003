//! Soft deletion, expiry, defaults and computed fields: from the options to the catalog, services, SQL and plans.

use crate::support::{assert_golden, catalog, compile_files, file, source, sql};
use groundplan_model::{
    Catalog, Compiled, Expiry, IndexMethod, MethodKind, Model, Plan, SoftDelete, SourceFile, StepKind, load, plan,
};

fn compiled() -> Compiled {
    let files: Vec<SourceFile> = vec![file("clinic/v1/visit.proto", include_str!("../golden/lifetimes/visit.proto"))];
    compile_files(files).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
}

fn name(model: &Model, field: groundplan_model::FieldId) -> &str {
    &model.shape().field(field).name
}

/// Returns a model with an option and both time fields.
fn model(option: &str, more: &str) -> String {
    format!(
        "message Thing {{ option (groundplan.model.v1.model) = {{ {option} }}; string id = 1; string s = 2; \
         google.protobuf.Timestamp deleted_at = 3; google.protobuf.Timestamp expire_time = 4; {more} }}"
    )
}

#[test]
fn derived_lifetimes_match_the_golden_file() {
    let compiled = compiled();
    for file in &compiled.derived {
        assert_golden(&format!("lifetimes/{}", file.path.rsplit('/').next().unwrap()), &file.content);
    }
    assert_golden("lifetimes/plan.sql", &sql(&plan(None, &compiled.catalog).unwrap()));
}

#[test]
fn the_catalog_contains_lifetimes() {
    let compiled = compiled();
    let loaded = load(2, compiled.catalog.descriptor_set.clone(), &compiled.storage_names).unwrap();
    for catalog in [&compiled.catalog, &loaded] {
        let (patient, visit) = (catalog.model("clinic.v1.Patient").unwrap(), catalog.model("clinic.v1.Visit").unwrap());
        assert_eq!((patient.soft_delete, patient.expiry), (Some(SoftDelete { retention_days: 30 }), None));
        assert_eq!(visit.soft_delete, Some(SoftDelete { retention_days: 90 }));
        assert_eq!(
            visit.expiry,
            Some(Expiry { ttl: Some(3_600_000_001) }),
            "what is finer than microseconds is dropped"
        );
        assert_eq!(patient.roles.deleted_at.map(|field| name(patient, field)), Some("delete_time"));
        assert_eq!(visit.roles.deleted_at.map(|field| name(visit, field)), Some("deleted_at"));
        assert_eq!(visit.roles.expires_at.map(|field| name(visit, field)), Some("until"));
        let [default] = &visit.defaults[..] else { panic!("{:#?}", visit.defaults) };
        assert_eq!((name(visit, default.field), default.source.as_str()), ("code", "'visit-' + id"));
        let [computed] = &visit.computed[..] else { panic!("{:#?}", visit.computed) };
        assert_eq!((name(visit, computed.field), computed.source.as_str()), ("hours", "double(minutes) / 60.0"));
        let output_only: Vec<&str> =
            visit.shape().fields.iter().filter(|it| it.behavior.output_only).map(|it| it.name.as_str()).collect();
        assert_eq!(output_only, ["hours", "deleted_at"]);
    }
}

#[test]
fn names_imply_roles_only_with_the_options() {
    let catalog = catalog(&model("", ""));
    let thing = &catalog.models[0];
    assert_eq!((thing.soft_delete, thing.expiry), (None, None));
    assert_eq!((thing.roles.deleted_at, thing.roles.expires_at), (None, None));
    assert!(thing.indexes.is_empty() && thing.defaults.is_empty() && thing.computed.is_empty());
    assert!(thing.shape().fields.iter().all(|field| !field.behavior.output_only));
    assert!(thing.method_kinds().eq(MethodKind::ALL));
}

#[test]
fn options_have_defaults_and_ranges() {
    let expiry = |option: &str| catalog(&model(option, "")).models[0].expiry.map(|expiry| expiry.ttl);
    assert_eq!(expiry("expiry: {}"), Some(None));
    assert_eq!(expiry("expiry: { ttl: { nanos: 1000 } }"), Some(Some(1)));
    assert_eq!(expiry("expiry: { ttl: { seconds: 3153600000 } }"), Some(Some(3_153_600_000_000_000)));
    let days =
        |option: &str| catalog(&model(option, "")).models[0].soft_delete.map(|soft_delete| soft_delete.retention_days);
    assert_eq!(days("soft_delete: {}"), Some(30));
    assert_eq!(days("soft_delete: { retention_days: 1 }"), Some(1));
    assert_eq!(days("soft_delete: { retention_days: 3650 }"), Some(3_650));
    let diagnostics = |option: &str| -> Vec<&str> {
        let diagnostics =
            compile_files(vec![file("a/v1/a.proto", source(&model(option, "")))]).err().unwrap_or_default();
        diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
    };
    for days in ["-1", "3651", "65537", "2147483647"] {
        let option = format!("soft_delete: {{ retention_days: {days} }}");
        assert_eq!(diagnostics(&option), ["SOFT_DELETE_RETENTION_INVALID"], "{days}");
    }
    for ttl in [
        "",
        "seconds: 0",
        "nanos: 999",
        "seconds: -1",
        "seconds: 1 nanos: -1",
        "seconds: 3153600001",
        "nanos: 1000000000",
        "seconds: 9223372036854775807",
    ] {
        assert_eq!(diagnostics(&format!("expiry: {{ ttl: {{ {ttl} }} }}")), ["EXPIRY_TTL_INVALID"], "{ttl}");
    }
}

#[test]
fn a_missing_field_is_suggested() {
    let helps = |text: &str| -> Vec<String> {
        let diagnostics = compile_files(vec![file("a/v1/a.proto", source(text))]).err().unwrap_or_default();
        diagnostics.iter().map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.help)).collect()
    };
    let text = "message M { option (groundplan.model.v1.model) = { soft_delete: {} expiry: {} }; string id = 1; reserved 5 to 7; }";
    assert_eq!(
        helps(text),
        [
            "DELETE_TIME_MISSING: add `google.protobuf.Timestamp deleted_at = 8;`",
            "EXPIRE_TIME_MISSING: add `google.protobuf.Timestamp expires_at = 8;`",
        ]
    );
    let text =
        "message M { option (groundplan.model.v1.model) = { soft_delete: {} }; string id = 1; string deleted_at = 2; }";
    assert!(helps(text)[0].starts_with("DELETE_TIME_MISSING: make `deleted_at` a single google.protobuf.Timestamp"));
}

#[test]
fn unique_indexes_exclude_deleted_records() {
    let index = "indexes: { fields: \"s\" unique: true } indexes: { fields: \"s\" }";
    let indexes = |option: &str| {
        let catalog = catalog(&model(&format!("{index} {option}"), ""));
        catalog.models[0].indexes.clone()
    };
    let (plain, living) = (indexes(""), indexes("soft_delete: {} expiry: {}"));
    assert!(plain.iter().all(|index| !index.excludes_deleted));
    assert_eq!(living.iter().map(|index| index.excludes_deleted).collect::<Vec<_>>(), [true, false, false, false]);
    assert_ne!(living[0].name, plain[0].name, "another index has another name");
    assert_eq!(living[1].name, plain[1].name, "and what stays the same stays");
    let purge: Vec<(&IndexMethod, &str)> =
        living[2..].iter().map(|index| (&index.method, index.reason.as_str())).collect();
    assert_eq!(purge, [(&IndexMethod::Purge, "implied by soft_delete"), (&IndexMethod::Purge, "implied by expiry")]);
}

#[test]
fn an_index_without_deleted_records_does_not_serve_a_reference() {
    let reference = "string up = 5 [(groundplan.model.v1.field).references = { model: \"Thing\" }];";
    let unique = "indexes: { fields: \"up\" unique: true }";
    let of = |option: &str| {
        let catalog = catalog(&model(option, reference));
        let reasons: Vec<String> = catalog.models[0].indexes.iter().map(|index| index.reason.clone()).collect();
        reasons
    };
    assert_eq!(of(unique), [""]);
    let implied = ["", "implied by the reference to a.v1.Thing", "implied by soft_delete"];
    assert_eq!(of(&format!("{unique} soft_delete: {{}}")), implied);
}

#[test]
fn undelete_requires_soft_delete() {
    let kinds = |option: &str| {
        let catalog = catalog(&model(option, ""));
        let thing = &catalog.models[0];
        let service = catalog.pool.get_service_by_name("a.v1.ThingService").unwrap();
        let written: Vec<String> = service.methods().map(|method| method.name().to_owned()).collect();
        let known: Vec<String> = thing.method_kinds().map(|kind| thing.method_name(kind)).collect();
        assert_eq!(written, known);
        assert!(known.iter().all(|name| catalog.method(&format!("/a.v1.ThingService/{name}")).is_some()));
        let answer = |name: &str| {
            let method = service.methods().find(|method| method.name() == name).unwrap();
            method.output().full_name().to_owned()
        };
        (known, answer("DeleteThing"), answer("BatchDeleteThings"))
    };
    let (plain, one, several) = kinds("expiry: {}");
    assert_eq!((one.as_str(), several.as_str()), ("google.protobuf.Empty", "google.protobuf.Empty"));
    let (soft, one, several) = kinds("soft_delete: {}");
    assert_eq!((one.as_str(), several.as_str()), ("a.v1.Thing", "a.v1.BatchDeleteThingsResponse"));
    assert_eq!(soft[4..6], ["DeleteThing", "UndeleteThing"]);
    assert_eq!([&soft[..5], &soft[6..]].concat(), plain);
}

#[test]
fn derived_names_of_soft_delete_are_checked_for_conflicts() {
    for name in ["UndeleteThingRequest", "BatchDeleteThingsResponse"] {
        let codes = |option: &str| -> Vec<&str> {
            let text = format!("{}\nmessage {name} {{}}", model(option, ""));
            let diagnostics = compile_files(vec![file("a/v1/a.proto", source(&text))]).err().unwrap_or_default();
            diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
        };
        assert!(codes("").is_empty(), "{name} is free");
        assert_eq!(codes("soft_delete: {}"), ["DERIVED_NAME_CLASH"], "{name}");
    }
}

#[test]
fn an_expression_is_reported_at_its_location() {
    let text = "message M { option (groundplan.model.v1.model) = {}; string id = 1;\n\
                string a = 2 [\n  (groundplan.model.v1.field).default = \"'x'\"];\n\
                string b = 3 [deprecated = true,\n    (groundplan.model.v1.field) = { computed: \"a\" }];\n}";
    let catalog = catalog(text);
    let model = &catalog.models[0];
    let report = |formula| catalog.formula_diagnostic(model, formula, "A_CODE", "what", "way out").to_string();
    assert_eq!(report(&model.defaults[0]), "a/v1/a.proto:4:3: A_CODE: what (way out)");
    assert_eq!(report(&model.computed[0]), "a/v1/a.proto:6:5: A_CODE: what (way out)");
}

fn between(base: &str, target: &str) -> Result<Plan, Vec<String>> {
    let (base, target): (Catalog, Catalog) = (catalog(base), catalog(target));
    plan(Some(&base), &target).map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect())
}

/// The model of the plans, without time fields.
fn bare(option: &str, more: &str) -> String {
    format!("message M {{ option (groundplan.model.v1.model) = {{ {option} }}; string id = 1; string s = 2; {more} }}")
}

#[test]
fn soft_delete_and_expiry_can_be_enabled_and_changed() {
    let deleted_at = "google.protobuf.Timestamp deleted_at = 3;";
    let soft = bare("soft_delete: {}", deleted_at);
    let planned = between(&bare("", ""), &soft).unwrap();
    let kinds: Vec<StepKind> = planned.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::AddField, StepKind::AddIndex, StepKind::ChangeDefinition]);
    let statement = &planned.steps[1].statements[0].sql;
    assert!(statement.starts_with("CREATE INDEX CONCURRENTLY IF NOT EXISTS \"m_deleted_at_purge_"), "{statement}");
    assert!(statement.ends_with(" ON \"a_v1\".\"m\" (\"deleted_at\") WHERE \"deleted_at\" IS NOT NULL"), "{statement}");
    assert_eq!(planned.steps[2].description, "change options or comments of a.v1.M: soft_delete");
    let longer = between(&soft, &bare("soft_delete: { retention_days: 60 }", deleted_at)).unwrap();
    assert_eq!(longer.steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::ChangeDefinition]);
    let expires_at = "google.protobuf.Timestamp expires_at = 4;";
    let planned = between(&bare("", ""), &bare("expiry: {}", expires_at)).unwrap();
    assert_eq!(planned.steps[2].description, "change options or comments of a.v1.M: expiry");
    let shorter =
        between(&bare("expiry: {}", expires_at), &bare("expiry: { ttl: { seconds: 1 } }", expires_at)).unwrap();
    assert_eq!(shorter.steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::ChangeDefinition]);
}

#[test]
fn changes_that_would_restore_or_expire_records_are_unsupported() {
    let (deleted_at, expires_at) =
        ("google.protobuf.Timestamp deleted_at = 3;", "google.protobuf.Timestamp expires_at = 4;");
    let unique = "indexes: { fields: \"s\" unique: true }";
    let soft = |option: &str| bare(&format!("soft_delete: {{}} {option}"), deleted_at);
    for (base, target, expected) in [
        (soft(""), bare("", deleted_at), "STEP_NOT_SUPPORTED_CHANGE_MODEL: removing `soft_delete` from a.v1.M"),
        (soft(unique), bare(unique, deleted_at), "STEP_NOT_SUPPORTED_CHANGE_MODEL: removing `soft_delete` from a.v1.M"),
        (bare(unique, ""), soft(unique), "STEP_NOT_SUPPORTED_DROP_INDEX: adding `soft_delete` to a.v1.M"),
        (soft(unique), soft(""), "STEP_NOT_SUPPORTED_DROP_INDEX: dropping (or changing) the index"),
        (
            bare("expiry: {}", expires_at),
            bare("", expires_at),
            "STEP_NOT_SUPPORTED_CHANGE_MODEL: removing `expiry` from a.v1.M",
        ),
        (
            bare("", deleted_at),
            soft(""),
            "STEP_NOT_SUPPORTED_CHANGE_ROLE: giving ROLE_DELETE_TIME to field `deleted_at`",
        ),
        (
            bare("", expires_at),
            bare("expiry: {}", expires_at),
            "STEP_NOT_SUPPORTED_CHANGE_ROLE: giving ROLE_EXPIRE_TIME to field `expires_at`",
        ),
        (
            bare("expiry: {}", expires_at),
            bare(
                "expiry: {}",
                "google.protobuf.Timestamp expires_at = 4 [(groundplan.model.v1.field).role = ROLE_NONE]; \
                 google.protobuf.Timestamp expire_time = 5;",
            ),
            "STEP_NOT_SUPPORTED_CHANGE_ROLE: giving ROLE_EXPIRE_TIME to field `expire_time`",
        ),
    ] {
        let diagnostics = between(&base, &target).unwrap_err();
        assert!(diagnostics.len() == 1 && diagnostics[0].contains(expected), "{expected}: {diagnostics:#?}");
    }
}
