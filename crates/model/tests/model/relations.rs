//! References, inverse relations and index methods: from options to the catalog, services, SQL and plans.

use crate::support::{assert_golden, catalog, compile_files, file, sql};
use groundplan_model::{
    Catalog, Compiled, Execution, IdFormat, IndexMethod, MethodKind, Model, OnDelete, Plan, SourceFile, StepKind,
    empty_trigger_name, export, load, plan,
};

fn files() -> Vec<SourceFile> {
    vec![
        file("crm/v1/customer.proto", include_str!("../golden/relations/customer.proto")),
        file("shop/v1/order.proto", include_str!("../golden/relations/order.proto")),
    ]
}

fn compiled() -> Compiled {
    compile_files(files()).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"))
}

#[test]
fn derived_relations_match_the_golden_file() {
    let compiled = compiled();
    for file in &compiled.derived {
        assert_golden(&format!("relations/{}", file.path.rsplit('/').next().unwrap()), &file.content);
    }
    assert_golden("relations/plan.sql", &sql(&plan(None, &compiled.catalog).unwrap()));
}

#[test]
fn the_catalog_contains_references_and_referrers() {
    let catalog = compiled().catalog;
    let (order, customer) = (catalog.model("shop.v1.Order").unwrap(), catalog.model("crm.v1.Customer").unwrap());
    let field = |model: &Model, name: &str| model.shape().by_name(name).unwrap();
    let [to_customer, to_warehouse] = &order.references[..] else { panic!("{:#?}", order.references) };
    assert_eq!((to_customer.name.as_str(), to_customer.target.as_str()), ("customer", "crm.v1.Customer"));
    assert_eq!((to_customer.on_delete, to_customer.inverse.as_deref()), (OnDelete::Cascade, Some("orders")));
    assert_eq!((to_warehouse.name.as_str(), to_warehouse.on_delete), ("warehouse", OnDelete::Restrict));
    assert_eq!(order.reference(field(order, "customer_id")), Some(to_customer));
    assert_eq!((to_customer.target_ids, to_warehouse.target_ids), (IdFormat::UuidV7, IdFormat::ClientAssigned));
    assert_eq!(order.column_type(to_customer.field), "uuid");
    assert_eq!(order.column_type(to_warehouse.field), "text COLLATE \"C\"");
    let back: Vec<_> = customer.referrers.iter().map(|it| (it.model.as_str(), it.inverse.as_deref())).collect();
    assert_eq!(back, [("crm.v1.Customer", Some("recommended")), ("shop.v1.Order", Some("orders"))]);
    let method = catalog.method("/crm.v1.CustomerService/ListCustomerOrders").unwrap();
    assert_eq!((method.kind, method.model.name.as_str()), (MethodKind::ListRelated(1), "Customer"));
    assert_eq!(catalog.model("shop.v1.Warehouse").unwrap().method_kinds().count(), 12, "its way back has no name");
    let loaded = load(3, catalog.descriptor_set.clone(), &compiled().storage_names).unwrap();
    for (loaded, model) in loaded.models.iter().zip(&catalog.models) {
        assert_eq!((&loaded.references, &loaded.referrers), (&model.references, &model.referrers));
        assert_eq!(loaded.indexes, model.indexes);
    }
}

#[test]
fn references_imply_an_index() {
    let catalog = compiled().catalog;
    let indexes = |name: &str| {
        let model = catalog.model(name).unwrap();
        let text = |index: &groundplan_model::Index| {
            let fields: Vec<&str> =
                index.fields.iter().map(|part| model.shape().field(part.field).name.as_str()).collect();
            format!("{:?} {}", index.method, fields.join(","))
        };
        model.indexes.iter().map(text).collect::<Vec<String>>()
    };
    assert_eq!(indexes("crm.v1.Customer"), ["Trigram name", "Ordered name", "Ordered recommended_by_id"]);
    assert_eq!(
        indexes("shop.v1.Order"),
        [
            "Ordered warehouse,priority",
            "Search { language: \"german\" } note",
            "Search { language: \"simple\" } note",
            "Elements tags",
            "Ordered customer_id"
        ]
    );
    let order = catalog.model("shop.v1.Order").unwrap();
    assert_eq!(order.indexes[4].reason, "implied by the reference to crm.v1.Customer");
    assert_eq!(order.indexes[0].method, IndexMethod::Ordered);
}

#[test]
fn a_relation_has_its_fields_name_if_the_shorter_one_is_taken() {
    let names = |fields: &str| {
        let text = format!("message M {{ option (groundplan.model.v1.model) = {{}}; string id = 1; {fields} }}");
        let catalog = catalog(&text);
        let model = catalog.model("a.v1.M").unwrap();
        model.references.iter().map(|reference| reference.name.clone()).collect::<Vec<String>>()
    };
    let to = "[(groundplan.model.v1.field).references = { model: \"M\" }]";
    assert_eq!(names(&format!("string up_id = 2 {to};")), ["up"]);
    assert_eq!(names(&format!("string up = 2 {to};")), ["up"]);
    assert_eq!(names(&format!("string up_id = 2 {to}; string up = 3 {to};")), ["up_id", "up"]);
    assert_eq!(names(&format!("string up_id = 2 {to}; int32 other = 3 [json_name = \"up\"];")), ["up_id"]);
    assert_eq!(names(&format!("string go_up_id = 2 {to}; int32 goUp = 3;")), ["go_up_id"]);
}

#[test]
fn exported_files_import_everything_that_they_use() {
    let compiled = compiled();
    let exported = export(&compiled, &files());
    let service = exported.iter().find(|file| file.path == "crm/v1/customer_service.proto").unwrap();
    assert!(service.content.contains("import \"shop/v1/order.proto\";"));
    assert!(service.content.contains("repeated .shop.v1.Order orders = 1;"));
    assert!(exported.iter().any(|file| file.path == "groundplan/query/v1/query.proto"));
}

const BASE: &str = "message Shelf { option (groundplan.model.v1.model) = { id_format: ID_FORMAT_CLIENT_ASSIGNED }; string id = 1; }\n\
    message Author { option (groundplan.model.v1.model) = {}; string id = 1; }\n\
    message Book {\n option (groundplan.model.v1.model) = {};\n string id = 1;\n string shelf = 2;\n optional string spare = 3;\n \
    string author = 4;\n string other = 5 [(groundplan.model.v1.field).references = { model: \"Shelf\" }];\n}";

fn planned(from: &str, to: &str) -> Result<Plan, Vec<String>> {
    assert!(BASE.contains(from), "{from:?} is not in the base");
    between(&catalog(BASE), &catalog(&BASE.replacen(from, to, 1)))
}

fn between(base: &Catalog, target: &Catalog) -> Result<Plan, Vec<String>> {
    plan(Some(base), target).map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect())
}

fn kinds(plan: &Plan) -> Vec<(StepKind, &str)> {
    plan.steps.iter().map(|step| (step.kind, step.subject.as_str())).collect()
}

#[test]
fn a_new_field_can_be_a_reference() {
    let plan = planned(
        "string author = 4;",
        "string author = 4; string writer = 9 [(groundplan.model.v1.field).references = { model: \"Author\" inverse: \"books\" }];",
    )
    .unwrap();
    let [field, index, reference] = &plan.steps[..] else { panic!("{plan:#?}") };
    assert_eq!(
        (field.kind, index.kind, reference.kind),
        (StepKind::AddField, StepKind::AddIndex, StepKind::AddReference)
    );
    assert_eq!(field.statements[0].sql, "ALTER TABLE \"a_v1\".\"book\" ADD COLUMN IF NOT EXISTS \"writer\" uuid");
    let runs: Vec<Execution> = reference.statements.iter().map(|statement| statement.execution).collect();
    assert_eq!(
        runs,
        [Execution::InOwnTransaction, Execution::InOwnTransaction],
        "the table is not locked while it is looked at"
    );
    assert!(reference.statements[0].sql.ends_with(" ON DELETE NO ACTION DEFERRABLE INITIALLY IMMEDIATE NOT VALID"));
    assert!(reference.statements[1].sql.contains(" VALIDATE CONSTRAINT "));
}

#[test]
fn texts_become_references_while_the_previous_revision_writes() {
    let plan = planned(
        "string shelf = 2;",
        "string shelf = 2 [(groundplan.model.v1.field).references = { model: \"Shelf\" inverse: \"books\" }];",
    )
    .unwrap();
    assert_eq!(kinds(&plan)[1], (StepKind::AddReference, "a.v1.Book.shelf"));
    assert_eq!(plan.steps.len(), 2, "an index and the reference: {plan:#?}");
    let table = groundplan_model::Table { schema: "a_v1".to_owned(), name: "book".to_owned() };
    let trigger = empty_trigger_name(&table, "shelf");
    let sql: Vec<&str> = plan.steps[1].statements.iter().map(|statement| statement.sql.as_str()).collect();
    assert_eq!(
        sql[..4],
        [
            "ALTER TABLE \"a_v1\".\"book\" ALTER COLUMN \"shelf\" DROP NOT NULL, ALTER COLUMN \"shelf\" DROP DEFAULT",
            &format!(
                "CREATE OR REPLACE FUNCTION \"a_v1\".\"{trigger}\"() RETURNS trigger LANGUAGE plpgsql \
                 AS 'BEGIN NEW.\"shelf\" := NULL; RETURN NEW; END'"
            ),
            &format!(
                "CREATE OR REPLACE TRIGGER \"{trigger}\" BEFORE INSERT OR UPDATE ON \"a_v1\".\"book\" \
                 FOR EACH ROW WHEN (NEW.\"shelf\" = '') EXECUTE FUNCTION \"a_v1\".\"{trigger}\"()"
            ),
            "UPDATE \"a_v1\".\"book\" SET \"shelf\" = NULL WHERE \"shelf\" = ''",
        ]
    );
    assert!(plan.steps[1].undo.last().unwrap().sql.ends_with("SET NOT NULL"));
    let optional = planned(
        "optional string spare = 3;",
        "optional string spare = 3 [(groundplan.model.v1.field).references = { model: \"Shelf\" }];",
    )
    .unwrap();
    assert!(
        optional.steps.iter().flat_map(|step| &step.statements).all(|statement| !statement.sql.contains("NOT NULL"))
    );
}

#[test]
fn an_inverse_relation_can_be_named_later() {
    let plan = planned("model: \"Shelf\" }", "model: \"Shelf\" inverse: \"books\" }").unwrap();
    assert_eq!(kinds(&plan), [(StepKind::ChangeDefinition, "a.v1.Book")]);
    assert!(plan.steps[0].description.ends_with(": other inverse"), "{}", plan.steps[0].description);
}

#[test]
fn a_wider_index_can_replace_an_implied_one() {
    let wider = BASE.replacen(
        "(groundplan.model.v1.model) = {};\n",
        "(groundplan.model.v1.model) = { indexes: { fields: \"other\" fields: \"author\" } };\n",
        1,
    );
    let plan = between(&catalog(BASE), &catalog(&wider)).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::AddIndex]);
    let diagnostics = between(&catalog(&wider), &catalog(BASE)).unwrap_err();
    assert!(diagnostics[0].contains("STEP_NOT_SUPPORTED_DROP_INDEX"), "{diagnostics:#?}");
}

#[test]
fn unsupported_changes_of_references_are_named() {
    for (from, to, expected) in [
        (
            "string author = 4;",
            "string author = 4 [(groundplan.model.v1.field).references = { model: \"Author\" }];",
            "STEP_NOT_SUPPORTED_ADD_REFERENCE: making field `author` of a.v1.Book a reference to a.v1.Author, whose ids are UUIDs, needs",
        ),
        (
            " [(groundplan.model.v1.field).references = { model: \"Shelf\" }]",
            "",
            "STEP_NOT_SUPPORTED_DROP_REFERENCE: removing the reference of field `other` of a.v1.Book to a.v1.Shelf",
        ),
        (
            "model: \"Shelf\" }",
            "model: \"Shelf\" on_delete: ON_DELETE_CASCADE }",
            "STEP_NOT_SUPPORTED_CHANGE_REFERENCE: changing on_delete from ON_DELETE_RESTRICT to ON_DELETE_CASCADE of field `other`",
        ),
        ("model: \"Shelf\" }", "model: \"Author\" }", "changing the model from a.v1.Shelf to a.v1.Author"),
    ] {
        let diagnostics = planned(from, to).unwrap_err();
        assert!(diagnostics.iter().any(|diagnostic| diagnostic.contains(expected)), "{to}: {diagnostics:#?}");
        let of_index = diagnostics.iter().find(|diagnostic| diagnostic.contains("DROP_INDEX"));
        assert_eq!(of_index, None, "nobody declared an index");
    }
    let named = BASE.replacen("model: \"Shelf\" }", "model: \"Shelf\" inverse: \"books\" }", 1);
    for other in ["model: \"Shelf\" }", "model: \"Shelf\" inverse: \"volumes\" }"] {
        let changed = BASE.replacen("model: \"Shelf\" }", other, 1);
        let diagnostics = between(&catalog(&named), &catalog(&changed)).unwrap_err();
        assert!(diagnostics[0].contains("changing the inverse from books to "), "{diagnostics:#?}");
    }
    let by_id = BASE.replacen("string other = 5", "string other_id = 5", 1);
    let taken = by_id.replacen("string id = 1;\n", "string id = 1; int32 other = 6;\n", 1);
    let diagnostics = between(&catalog(&by_id), &catalog(&taken)).unwrap_err();
    assert!(diagnostics[0].contains("the relation's name from other to other_id"), "{diagnostics:#?}");
}

#[test]
fn another_method_creates_another_index() {
    let with = |index: &str| {
        catalog(&format!(
            "message M {{ option (groundplan.model.v1.model) = {{ indexes: {{ fields: \"s\" {index} }} }}; string id = 1; string s = 2; }}"
        ))
    };
    let name = |catalog: &Catalog| catalog.models[0].indexes[0].name.clone();
    let methods = [
        "",
        "method: INDEX_METHOD_TRIGRAM",
        "method: INDEX_METHOD_SEARCH",
        "method: INDEX_METHOD_SEARCH language: \"dutch\"",
    ];
    for (at, one) in methods.iter().enumerate() {
        for other in &methods[at + 1..] {
            assert_ne!(name(&with(one)), name(&with(other)));
            let diagnostics = between(&with(one), &with(other)).unwrap_err();
            assert!(diagnostics[0].contains("STEP_NOT_SUPPORTED_DROP_INDEX"), "{diagnostics:#?}");
        }
    }
    assert_eq!(name(&with("")), name(&with("method: INDEX_METHOD_ORDERED")), "as it was before there were methods");
    assert_eq!(
        name(&with("method: INDEX_METHOD_SEARCH")),
        name(&with("method: INDEX_METHOD_SEARCH language: \"simple\""))
    );
}
