//! Diagnostics of invalid models, with codes and locations.

use crate::support::{compile_files, file, source};

/// Returns the diagnostics of one file as `line:column CODE`. Line 1 is what [`source`] puts before the text.
fn found(text: &str) -> Vec<String> {
    all_found(vec![file("a/v1/a.proto", source(text))])
}

fn all_found(files: Vec<groundplan_model::SourceFile>) -> Vec<String> {
    let Err(found) = compile_files(files) else { return Vec::new() };
    for diagnostic in &found {
        assert!(!diagnostic.message.is_empty() && !diagnostic.help.is_empty(), "{diagnostic}");
    }
    found.iter().map(|it| format!("{}:{} {}", it.line, it.column, it.code)).collect()
}

/// Returns a model `M` with an id on line 2, and `rest` from line 3.
fn model(rest: &str) -> String {
    format!("message M {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{rest}\n}}")
}

fn with_option(option: &str) -> String {
    format!(
        "message M {{\n  option (groundplan.model.v1.model) = {{\n{option}\n  }};\n  string id = 1; string s = 2; repeated string r = 3; \
             map<string, string> m = 4; google.protobuf.Struct j = 5; string etag = 6; google.protobuf.Timestamp t = 7;\n}}"
    )
}

/// Returns a model `M` with an option and an id on line 2, and `rest` from line 3.
fn lasting(option: &str, rest: &str) -> String {
    model(rest).replacen(
        "(groundplan.model.v1.model) = {}",
        &format!("(groundplan.model.v1.model) = {{ {option} }}"),
        1,
    )
}

/// Returns a field with an expression.
fn formula(field: &str, kind: &str) -> String {
    format!("{field} [(groundplan.model.v1.field).{kind} = \"s\"];")
}

/// Returns a field with `references`.
fn refers(field: &str, references: &str) -> String {
    format!("{field} [(groundplan.model.v1.field).references = {{ {references} }}];")
}

macro_rules! cases {
    ($($name:ident: $text:expr => [$($expected:literal),*];)*) => {
        $(#[test]
        fn $name() {
            let expected: &[&str] = &[$($expected),*];
            assert_eq!(found(&$text), expected);
        })*
    };
}

cases! {
    a_model_with_only_an_id_is_valid: model("") => [];
    sql_keywords_are_valid: model("string select = 2; string table = 3; string user = 4; string order = 5;") => [];
    a_field_of_63_bytes_is_valid: model(&format!("string {} = 2;", "a".repeat(63))) => [];
    recursion_is_valid: model("repeated N n = 2; message N { N n = 1; M m = 2; }") => [];

    // The language.
    an_unexpected_token: "message M {{ }" => ["2:12 PROTO_SYNTAX"];
    an_unknown_type: model("Missing x = 2;") => ["3:1 PROTO_LINK"];
    two_unknown_types: model("Missing x = 2;\nGone y = 3;") => ["3:1 PROTO_LINK", "4:1 PROTO_LINK"];
    an_unknown_type_of_a_map: model("map<string, Missing> x = 2;") => ["3:1 PROTO_LINK"];
    unknown_types_of_maps_among_others: model("Missing x = 2;\n N n = 3; message N {\n map<string, Missing> y = 1;\n map<int32, Gone> z = 2; }")
        => ["3:1 PROTO_LINK", "5:2 PROTO_LINK", "6:2 PROTO_LINK"];
    a_duplicate_number: model("string x = 1;") => ["3:12 PROTO_LINK"];
    json_names_that_protobuf_rejects: model("string foo_bar = 2; string fooBar = 3;") => ["3:28 PROTO_LINK"];
    an_unknown_option: model("string x = 2 [(no.such) = 1];") => ["3:15 PROTO_LINK"];
    brackets_nested_too_deep: "{".repeat(65) => ["2:65 NESTING_TOO_DEEP"];

    // Ids and roles.
    no_id: "message M { option (groundplan.model.v1.model) = {}; string x = 1; }" => ["2:1 ID_MISSING"];
    an_id_that_is_a_number: "message M { option (groundplan.model.v1.model) = {};\n int64 id = 1; }" => ["3:2 ID_NOT_STRING"];
    an_id_that_is_repeated: "message M { option (groundplan.model.v1.model) = {};\n repeated string id = 1; }"
        => ["3:2 ID_NOT_STRING"];
    an_id_without_its_role: "message M { option (groundplan.model.v1.model) = {};\n string id = 1 [(groundplan.model.v1.field).role = ROLE_NONE]; }"
        => ["2:1 ID_MISSING"];
    an_id_by_role: "message M { option (groundplan.model.v1.model) = {}; string key = 1 [(groundplan.model.v1.field).role = ROLE_ID]; }"
        => [];
    a_role_of_the_wrong_type: model("int32 x = 2 [(groundplan.model.v1.field).role = ROLE_ETAG];") => ["3:1 ROLE_TYPE"];
    an_id_role_of_the_wrong_type: "message M { option (groundplan.model.v1.model) = {};\n int32 x = 2 [(groundplan.model.v1.field).role = ROLE_ID]; }"
        => ["3:2 ROLE_TYPE"];
    a_duplicate_role: model("google.protobuf.Timestamp created_at = 2;\ngoogle.protobuf.Timestamp create_time = 3;") => ["4:1 ROLE_TWICE"];
    two_ids: model("string key = 2 [(groundplan.model.v1.field).role = ROLE_ID];") => ["3:1 ROLE_TWICE"];
    a_created_at_of_another_type_has_no_role: model("string created_at = 2;") => [];

    // Lifetimes.
    a_soft_delete_retention_of_a_century: with_option("soft_delete: { retention_days: 36500 }") => ["3:3 DELETE_TIME_MISSING", "3:3 SOFT_DELETE_RETENTION_INVALID"];
    an_empty_ttl: with_option("expiry: { ttl: {} }") => ["3:3 EXPIRE_TIME_MISSING", "3:3 EXPIRY_TTL_INVALID"];
    a_delete_time_of_the_wrong_type: lasting("soft_delete: {}", "string deleted_at = 2;") => ["2:13 DELETE_TIME_MISSING"];
    a_delete_time_by_role_of_the_wrong_type: lasting("soft_delete: {}", "string x = 2 [(groundplan.model.v1.field).role = ROLE_DELETE_TIME];")
        => ["3:1 ROLE_TYPE"];
    two_delete_times: lasting("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2;\ngoogle.protobuf.Timestamp delete_time = 3;")
        => ["4:1 ROLE_TWICE"];
    roles_without_their_options: model("google.protobuf.Timestamp x = 2 [(groundplan.model.v1.field).role = ROLE_DELETE_TIME];\n\
        google.protobuf.Timestamp y = 3 [(groundplan.model.v1.field).role = ROLE_EXPIRE_TIME];") => ["3:1 ROLE_WITHOUT_OPTION", "4:1 ROLE_WITHOUT_OPTION"];
    a_required_delete_time: lasting("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2 [(google.api.field_behavior) = REQUIRED];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];
    a_required_expire_time_is_valid: lasting("expiry: {}", "google.protobuf.Timestamp expires_at = 2 [(google.api.field_behavior) = REQUIRED];") => [];
    an_index_on_a_delete_time_is_valid: lasting("soft_delete: {} indexes: { fields: \"deleted_at\" }", "google.protobuf.Timestamp deleted_at = 2;") => [];
    a_cascade_that_could_not_be_undone: format!("{}\nmessage N {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{} }}",
        lasting("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2;"), refers("string m = 2", "model: \"M\" on_delete: ON_DELETE_CASCADE"))
        => ["6:1 REFERENCE_ON_DELETE_CONFLICT"];
    other_references_to_a_model_with_soft_delete: format!("{}\nmessage N {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{} {} }}",
        lasting("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2;"), refers("string m = 2", "model: \"M\" on_delete: ON_DELETE_SET_NULL"),
        refers("string n = 3", "model: \"M\"")) => [];

    // Defaults and computed fields.
    formulas_of_ordinary_fields: model(&format!("{} {} {}", formula("string x = 2", "default"), formula("repeated string y = 3", "computed"),
        "string z = 4 [(groundplan.model.v1.field).default = \"\"];")) => [];
    a_field_with_default_and_computed: model("string x = 2 [\n(groundplan.model.v1.field).default = \"s\",\n (groundplan.model.v1.field).computed = \"s\"];")
        => ["5:2 FORMULA_CONFLICT"];
    formulas_of_fields_that_the_server_sets: lasting("soft_delete: {}", &[formula("string etag = 2", "default"),
        formula("google.protobuf.Timestamp created_at = 3", "computed"), formula("google.protobuf.Timestamp updated_at = 4", "default"),
        formula("google.protobuf.Timestamp deleted_at = 5", "computed")].join("\n"))
        => ["3:18 FORMULA_ROLE", "4:43 FORMULA_ROLE", "5:43 FORMULA_ROLE", "6:43 FORMULA_ROLE"];
    a_computed_id: format!("message M {{ option (groundplan.model.v1.model) = {{}};\n{} }}", formula("string id = 1", "computed")) => ["3:16 FORMULA_ROLE"];
    a_computed_expire_time: lasting("expiry: {}", &formula("google.protobuf.Timestamp expires_at = 2", "computed")) => ["3:43 FORMULA_ROLE"];
    an_expire_time_with_a_default_is_valid: lasting("expiry: {}", &formula("google.protobuf.Timestamp expires_at = 2", "default")) => [];
    an_expire_time_with_a_default_and_a_ttl: lasting("expiry: { ttl: { seconds: 1 } }", &formula("google.protobuf.Timestamp expires_at = 2", "default"))
        => ["3:43 FORMULA_CONFLICT"];
    a_computed_reference: model("string up = 2 [(groundplan.model.v1.field) = { computed: \"s\" references: { model: \"M\" } }];") => ["3:16 FORMULA_ROLE"];
    a_reference_with_a_default_is_valid: model("string up = 2 [(groundplan.model.v1.field) = { default: \"s\" references: { model: \"M\" } }];") => [];
    a_default_in_a_oneof: model(&format!("oneof o {{\n{} string y = 3; }}", formula("string x = 2", "default"))) => ["4:15 FORMULA_IN_ONEOF"];
    a_formula_in_a_nested_message: model(&format!("N n = 2; message N {{\n{} }}", formula("string x = 1", "computed"))) => ["4:15 FORMULA_NOT_IN_MODEL"];
    a_required_computed_field: model("string x = 2 [(groundplan.model.v1.field).computed = \"s\", (google.api.field_behavior) = REQUIRED];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];
    an_immutable_computed_field: model("string x = 2 [(groundplan.model.v1.field).computed = \"s\", (google.api.field_behavior) = IMMUTABLE];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];

    // Types.
    any: model("google.protobuf.Any x = 2;") => ["3:1 TYPE_NOT_SUPPORTED"];
    any_in_a_map: model("map<string, google.protobuf.Any> x = 2;") => ["3:1 TYPE_NOT_SUPPORTED"];
    any_in_a_nested_message: model("N n = 2; message N {\n repeated google.protobuf.Any x = 1; }") => ["4:2 TYPE_NOT_SUPPORTED"];
    api: model("google.protobuf.Api x = 2;") => ["3:1 TYPE_NOT_SUPPORTED"];
    null_value: model("google.protobuf.NullValue x = 2;") => ["3:1 TYPE_NOT_SUPPORTED"];
    every_supported_type_is_valid: model("google.protobuf.Timestamp a = 2; google.protobuf.Duration b = 3; google.protobuf.Struct c = 4; \
        google.protobuf.Value d = 5; google.protobuf.ListValue e = 6; google.protobuf.FieldMask f = 7; google.protobuf.Empty g = 8; \
        google.protobuf.BytesValue h = 9; repeated google.protobuf.Timestamp i = 10; map<sint64, google.protobuf.Value> j = 11; \
        oneof k { bytes l = 12; M m = 13; } optional fixed64 n = 14; repeated E o = 15; } enum E { E_UNSPECIFIED = 0;") => [];
    invalid_json_names: model("string a = 2 [json_name = \"@type\"];\nstring b = 3 [json_name = \"$ref\"];\nstring c = 4 [json_name = \"a,b\"];\n\
        string d = 5 [json_name = \"*\"];\nstring e = 6 [json_name = \"\"];\nstring f = 7 [json_name = \"a.b\"];\nstring g = 8 [json_name = \"1a\"];\n\
        string h = 9 [json_name = \"a b\"];\nstring i = 10 [json_name = \"a/b\"];\nN n = 11; message N { string j = 1 [json_name = \"`\"]; }")
        => ["3:1 JSON_NAME_INVALID", "4:1 JSON_NAME_INVALID", "5:1 JSON_NAME_INVALID", "6:1 JSON_NAME_INVALID", "7:1 JSON_NAME_INVALID",
            "8:1 JSON_NAME_INVALID", "9:1 JSON_NAME_INVALID", "10:1 JSON_NAME_INVALID", "11:1 JSON_NAME_INVALID", "12:23 JSON_NAME_INVALID"];
    valid_json_names: model("string a = 2 [json_name = \"A_b-c9\"]; string b = 3 [json_name = \"_x\"];") => [];
    conflicting_json_names: model("string a = 2 [json_name = \"c\"];\nstring b = 3 [json_name = \"a\"];") => ["3:1 JSON_NAME_CLASH"];

    // Behavior.
    required_and_output_only: model("string x = 2 [(google.api.field_behavior) = REQUIRED, (google.api.field_behavior) = OUTPUT_ONLY];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];
    a_required_created_at: model("google.protobuf.Timestamp created_at = 2 [(google.api.field_behavior) = REQUIRED];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];
    a_rule_that_requires_an_etag: model("string etag = 2 [(buf.validate.field).required = true];") => ["3:1 FIELD_BEHAVIOR_CONFLICT"];
    input_only_and_output_only: model("string x = 2 [(google.api.field_behavior) = INPUT_ONLY, (google.api.field_behavior) = OUTPUT_ONLY];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];

    // Names.
    a_field_of_80_bytes: model(&format!("string {} = 2;", "a".repeat(80))) => ["3:1 NAME_TOO_LONG"];
    fields_that_are_equal_after_63_bytes: model(&format!("string {0}_x = 2;\nstring {0}_y = 3;", "a".repeat(63)))
        => ["3:1 NAME_TOO_LONG", "4:1 NAME_TOO_LONG"];
    a_system_column: model("int64 xmin = 2;\nint64 ctid = 3;") => ["3:1 NAME_RESERVED", "4:1 NAME_RESERVED"];
    a_system_column_in_a_nested_message_is_valid: model("N n = 2; message N { int64 xmin = 1; string _x = 2; }") => [];
    a_leading_underscore: model("string _tenant = 2;") => ["3:1 NAME_RESERVED"];
    a_message_of_80_bytes: format!("message {} {{ option (groundplan.model.v1.model) = {{ resource: \"a\" }}; string id = 1; }}", "A".repeat(80))
        => ["2:1 NAME_TOO_LONG"];
    a_message_named_like_a_request_field: "message Etag { option (groundplan.model.v1.model) = {}; string id = 1; }"
        => ["2:1 MODEL_NAME_RESERVED"];

    // The option.
    an_invalid_resource: with_option("resource: \"a/b\"") => ["3:3 RESOURCE_INVALID"];
    a_long_resource: with_option(&format!("resource: \"{}\"", "a".repeat(64))) => ["3:3 RESOURCE_INVALID"];
    an_invalid_plural: with_option("plural: \"some things\" resource: \"things\"") => ["3:3 PLURAL_INVALID"];
    a_history_retention_of_a_century: with_option("history: { retention_days: 36500 }") => ["3:3 HISTORY_RETENTION_INVALID"];
    a_nested_model: "message N {\n  message M { option (groundplan.model.v1.model) = {}; string id = 1; }\n}" => ["3:15 MODEL_NESTED"];
    no_models: "message M { string id = 1; }" => ["0:0 NO_MODELS"];

    // Indexes.
    an_unknown_index_field: with_option("indexes: { fields: \"s\" }\nindexes: { fields: \"tt\" }") => ["5:1 INDEX_FIELD_UNKNOWN"];
    other_notations_of_indexes: with_option("indexes { fields: [\"s desc\", \"id\"] } indexes { fields: \"t asc\" }") => [];
    an_index_on_a_list: with_option("indexes: { fields: \"r\" }") => ["4:1 INDEX_FIELD_TYPE"];
    an_index_on_a_map: with_option("indexes: { fields: \"m\" }") => ["4:1 INDEX_FIELD_TYPE"];
    an_index_on_a_message: with_option("indexes: { fields: \"j\" }") => ["4:1 INDEX_FIELD_TYPE"];
    an_index_on_the_etag: with_option("indexes: { fields: \"etag\" }") => ["4:1 INDEX_FIELD_TYPE"];
    a_duplicate_index: with_option("indexes: { fields: \"s\" }\nindexes: { fields: \"s\" reason: \"again\" }") => ["5:1 INDEX_TWICE"];
    a_duplicate_field_in_an_index: with_option("indexes: { fields: \"s\" fields: \"s desc\" }") => ["4:1 INDEX_FIELD_TWICE"];
    an_empty_index: with_option("indexes: {}") => ["4:1 INDEX_EMPTY"];
    an_index_with_nine_fields: format!("message M {{ option (groundplan.model.v1.model) = {{ indexes: {{ {} }} }}; string id = 1; {} }}",
        (0..9).map(|at| format!("fields: \"f{at}\" ")).collect::<String>(),
        (0..9).map(|at| format!("string f{at} = {}; ", at + 2)).collect::<String>()) => ["2:52 INDEX_FIELDS_TOO_MANY"];
    an_index_with_a_condition: with_option("indexes: { fields: \"s\" where: \"s != ''\" }") => ["4:1 INDEX_WHERE_NOT_SUPPORTED"];

    an_index_of_each_method: with_option("indexes: { fields: \"s\" method: INDEX_METHOD_TRIGRAM } indexes: { fields: \"s\" method: INDEX_METHOD_SEARCH } \
        indexes: { fields: \"s\" method: INDEX_METHOD_SEARCH language: \"english\" } indexes: { fields: \"r\" method: INDEX_METHOD_ELEMENTS } \
        indexes: { fields: \"s\" method: INDEX_METHOD_ORDERED }") => [];
    a_duplicate_index_with_an_explicit_method: with_option("indexes: { fields: \"s\" }\nindexes: { fields: \"s\" method: INDEX_METHOD_ORDERED }") => ["5:1 INDEX_TWICE"];
    an_unknown_method: with_option("indexes: { fields: \"s\" method: 9 }") => ["4:1 INDEX_METHOD_UNKNOWN"];
    a_unique_trigram_index: with_option("indexes: { fields: \"s\" method: INDEX_METHOD_TRIGRAM unique: true }") => ["4:1 INDEX_METHOD_CONFLICT"];
    a_search_index_with_a_direction: with_option("indexes: { fields: \"s desc\" method: INDEX_METHOD_SEARCH }") => ["4:1 INDEX_METHOD_CONFLICT"];
    a_language_without_a_search_index: with_option("indexes: { fields: \"s\" language: \"english\" }") => ["4:1 INDEX_METHOD_CONFLICT"];
    an_unknown_language: with_option("indexes: { fields: \"s\" method: INDEX_METHOD_SEARCH language: \"klingon\" }") => ["4:1 INDEX_LANGUAGE_UNKNOWN"];
    a_trigram_index_on_two_fields: with_option("indexes: { fields: \"s\" fields: \"id\" method: INDEX_METHOD_TRIGRAM }") => ["4:1 INDEX_METHOD_FIELDS"];
    a_trigram_index_on_an_id: with_option("indexes: { fields: \"id\" method: INDEX_METHOD_TRIGRAM }") => ["4:1 INDEX_METHOD_FIELDS"];
    a_trigram_index_on_a_list: with_option("indexes: { fields: \"r\" method: INDEX_METHOD_TRIGRAM }") => ["4:1 INDEX_METHOD_FIELDS"];
    a_search_index_on_a_time: with_option("indexes: { fields: \"t\" method: INDEX_METHOD_SEARCH }") => ["4:1 INDEX_METHOD_FIELDS"];
    an_element_index_on_a_string: with_option("indexes: { fields: \"s\" method: INDEX_METHOD_ELEMENTS }") => ["4:1 INDEX_METHOD_FIELDS"];
    an_element_index_on_a_map: with_option("indexes: { fields: \"m\" method: INDEX_METHOD_ELEMENTS }") => ["4:1 INDEX_METHOD_FIELDS"];
    an_unknown_field_with_a_method: with_option("indexes: { fields: \"x\" method: INDEX_METHOD_ELEMENTS }") => ["4:1 INDEX_FIELD_UNKNOWN"];

    // References.
    a_reference_to_itself: model(&refers("string up = 2", "model: \"M\" inverse: \"down\"")) => [];
    a_reference_by_its_full_name: model(&refers("optional string up = 2", "model: \"a.v1.M\" on_delete: ON_DELETE_SET_NULL")) => [];
    a_reference_to_an_unknown_model: model(&refers("string up = 2", "model: \"N\"")) => ["3:1 REFERENCE_MODEL_UNKNOWN"];
    a_reference_without_a_model: model(&refers("string up = 2", "")) => ["3:1 REFERENCE_MODEL_UNKNOWN"];
    a_reference_to_a_message_that_is_not_a_model: format!("{}\nmessage N {{}}", model(&refers("string up = 2", "model: \"N\""))) => ["3:1 REFERENCE_MODEL_UNKNOWN"];
    an_integer_reference: model(&refers("int64 up = 2", "model: \"M\"")) => ["3:1 REFERENCE_FIELD_TYPE"];
    a_repeated_reference: model(&refers("repeated string up = 2", "model: \"M\"")) => ["3:1 REFERENCE_FIELD_TYPE"];
    a_reference_in_a_oneof: model(&format!("oneof o {{\n{} }}", refers("string up = 2", "model: \"M\""))) => ["4:1 REFERENCE_FIELD_TYPE"];
    an_etag_reference: model(&refers("string etag = 2", "model: \"M\"")) => ["3:1 REFERENCE_ROLE"];
    a_reference_in_a_nested_message: model(&format!("N n = 2; message N {{\n{} }}", refers("string up = 1", "model: \"M\""))) => ["4:1 REFERENCE_NOT_IN_MODEL"];
    a_required_reference_that_would_be_cleared: model(
        "string up = 2 [(google.api.field_behavior) = REQUIRED, (groundplan.model.v1.field).references = { model: \"M\" on_delete: ON_DELETE_SET_NULL }];\n\
         string down = 3 [(buf.validate.field).required = true, (groundplan.model.v1.field).references = { model: \"M\" on_delete: ON_DELETE_SET_NULL }];")
        => ["3:1 REFERENCE_ON_DELETE_CONFLICT", "4:1 REFERENCE_ON_DELETE_CONFLICT"];
    an_immutable_reference_that_would_be_cleared: model(
        "string up = 2 [(google.api.field_behavior) = IMMUTABLE, (groundplan.model.v1.field).references = { model: \"M\" on_delete: ON_DELETE_SET_NULL }];")
        => ["3:1 REFERENCE_ON_DELETE_CONFLICT"];
    too_many_references: format!("message M {{ option (groundplan.model.v1.model) = {{}}; string id = 1; {} }}",
        (2..67).map(|at| refers(&format!("string f{at} = {at}"), "model: \"M\"")).collect::<String>()) => ["2:1 REFERENCES_TOO_MANY"];
    an_invalid_inverse_name: model(&refers("string up = 2", "model: \"M\" inverse: \"Down-wards\"")) => ["3:1 INVERSE_INVALID"];
    an_inverse_of_an_input_only_field: model(
        "string up = 2 [(google.api.field_behavior) = INPUT_ONLY, (groundplan.model.v1.field).references = { model: \"M\" inverse: \"down\" }];")
        => ["3:1 INVERSE_INPUT_ONLY"];
    an_inverse_named_like_a_field: model(&refers("string up = 2", "model: \"M\" inverse: \"up\"")) => ["3:1 INVERSE_CLASH"];
    an_inverse_named_like_a_json_name: model(&format!("int32 x = 3 [json_name = \"goUp\"];\n{}", refers("string up = 2", "model: \"M\" inverse: \"go_up\"")))
        => ["4:1 INVERSE_CLASH"];
    an_inverse_named_like_a_relation: model(&refers("string up_id = 2", "model: \"M\" inverse: \"up\"")) => ["3:1 INVERSE_CLASH"];
    two_inverses_with_one_name: model(&format!("{}\n{}", refers("string a = 2", "model: \"M\" inverse: \"all\""), refers("string b = 3", "model: \"M\" inverse: \"all\"")))
        => ["2:1 DERIVED_NAME_CLASH", "4:1 INVERSE_CLASH"];
    an_inverse_named_like_another_list: format!("{}\nmessage MPart {{ option (groundplan.model.v1.model) = {{}}; string id = 1; }}",
        model(&refers("string up = 2", "model: \"M\" inverse: \"parts\""))) => ["5:1 DERIVED_NAME_CLASH"];

    // Clashes.
    two_models_with_one_path: "message M { option (groundplan.model.v1.model) = { resource: \"x\" }; string id = 1; }\n\
        message N { option (groundplan.model.v1.model) = { resource: \"x\" }; string id = 1; }" => ["3:13 REST_PATH_CLASH"];
    two_models_with_one_table: "message LineItem { option (groundplan.model.v1.model) = {}; string id = 1; }\n\
        message Line_Item { option (groundplan.model.v1.model) = {}; string id = 1; }" => ["3:1 TABLE_CLASH"];
    an_uploaded_service_with_a_derived_name: format!("{}\nservice MService {{}}", model("")) => ["2:1 DERIVED_NAME_CLASH"];
    an_uploaded_request_with_a_derived_name: format!("{}\nmessage CreateMRequest {{}}", model("")) => ["2:1 DERIVED_NAME_CLASH"];
    two_models_with_one_plural: "message M { option (groundplan.model.v1.model) = { plural: \"Xs\" resource: \"ms\" }; string id = 1; }\n\
        message X { option (groundplan.model.v1.model) = {}; string id = 1; }"
        => ["3:1 DERIVED_NAME_CLASH"];
}

#[test]
fn all_diagnostics_are_reported_together() {
    let expected = [
        "2:1 ID_MISSING",
        "2:13 REST_PATH_CLASH",
        "3:1 NAME_RESERVED",
        "4:1 TYPE_NOT_SUPPORTED",
        "0:0 IMPORT_CYCLE",
        "1:22 EDITION_NOT_SUPPORTED",
    ];
    let files = vec![
        file(
            "a/v1/a.proto",
            source(
                "message M { option (groundplan.model.v1.model) = { resource: \"x\" };\nstring _x = 1;\n\
                 google.protobuf.Any y = 2; }\n\
                 message L { option (groundplan.model.v1.model) = { resource: \"x\" }; string id = 1; }",
            ),
        ),
        file("b.proto", "syntax = \"proto3\"; import \"c.proto\";"),
        file("c.proto", "syntax = \"proto3\"; import \"b.proto\";"),
        file("d.proto", "/* not yet a file */ edition = \"2023\";"),
    ];
    let mut found = all_found(files);
    for diagnostic in &mut found {
        if diagnostic.ends_with("IMPORT_CYCLE") {
            *diagnostic = "0:0 IMPORT_CYCLE".to_owned();
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn unknown_and_cyclic_imports_have_a_location() {
    let two = |rest: &str| {
        vec![file("a.proto", format!("syntax = \"proto3\";\n{rest}")), file("a/v1/a.proto", source(&model("")))]
    };
    assert_eq!(
        all_found(two("import \"a/v1/b.proto\";\nimport \"x.proto\";")),
        ["2:1 IMPORT_UNKNOWN", "3:1 IMPORT_UNKNOWN"]
    );
    assert_eq!(all_found(two("import \"a.proto\";")), ["2:1 IMPORT_CYCLE"]);
    let found = compile_files(two("import \"a/v1/b.proto\";")).unwrap_err();
    assert!(found[0].help.contains("\"a/v1/a.proto\""), "{}", found[0]);
    assert_eq!(
        found[0].to_string(),
        format!("a.proto:2:1: IMPORT_UNKNOWN: the import \"a/v1/b.proto\" does not exist ({})", found[0].help)
    );
}

#[test]
fn errors_that_follow_from_a_broken_import_are_not_reported() {
    let files = vec![
        file("broken.proto", "syntax = \"proto3\"; message {"),
        file("uses.proto", "syntax = \"proto3\"; import \"broken.proto\"; message U { Broken b = 1; }"),
    ];
    assert_eq!(all_found(files), ["1:28 PROTO_SYNTAX"]);
}

#[test]
fn proto2_is_rejected_for_types_of_models() {
    let proto2 = |rest: &str| source(rest).replacen("syntax = \"proto3\"", "syntax = \"proto2\"", 1);
    let files = vec![file(
        "a/v1/a.proto",
        proto2("message M { option (groundplan.model.v1.model) = {}; optional string id = 1; }"),
    )];
    assert_eq!(all_found(files), ["1:1 PROTO2_NOT_SUPPORTED"]);
    let files = vec![file("a/v1/a.proto", source(&model("")).replacen("syntax = \"proto3\";", "", 1))];
    assert_eq!(all_found(files), ["1:1 PROTO2_NOT_SUPPORTED"], "without a syntax it does not even parse");

    let options = "syntax = \"proto2\"; package o; import \"google/protobuf/descriptor.proto\"; \
                   extend google.protobuf.FieldOptions { optional string note = 50000; } message P { optional int32 x = 1; }";
    let with_options = |rest: &str| {
        vec![file("o.proto", options), file("a/v1/a.proto", source(&format!("import \"o.proto\";\n{}", model(rest))))]
    };
    assert!(all_found(with_options("string x = 2 [(o.note) = \"n\"];")).is_empty(), "options of one's own are welcome");
    assert_eq!(all_found(with_options("o.P p = 2;")), ["4:1 TYPE_NOT_SUPPORTED"]);
}

#[test]
fn the_most_similar_name_is_suggested() {
    let found = compile_files(vec![file("a/v1/a.proto", source(
        "message M { option (groundplan.model.v1.model) = { indexes: { fields: \"naem\" } }; string id = 1; string name = 2; }",
    ))])
    .unwrap_err();
    assert_eq!(found[0].help, "did you mean \"name\"?");
}

#[test]
fn the_most_similar_model_and_language_are_suggested() {
    let helped = |text: &str| compile_files(vec![file("a/v1/a.proto", source(text))]).unwrap_err()[0].help.clone();
    let author = "message Author { option (groundplan.model.v1.model) = {}; string id = 1; }";
    let book = model(&refers("string author = 2", "model: \"Auhtor\""));
    assert_eq!(helped(&format!("{author}\n{book}")), "did you mean \"Author\"?");
    let index = with_option("indexes: { fields: \"s\" method: INDEX_METHOD_SEARCH language: \"englsh\" }");
    assert!(helped(&index).starts_with("did you mean \"english\"? Supported are simple, arabic"), "{}", helped(&index));
}

#[test]
fn an_id_is_suggested_with_an_unused_number() {
    let help = |fields: &str| {
        let text = format!("message M {{ option (groundplan.model.v1.model) = {{}}; {fields} }}");
        compile_files(vec![file("a/v1/a.proto", source(&text))]).unwrap_err().remove(0).help
    };
    assert!(help("").contains("`string id = 1;`"));
    assert!(help("string x = 1; reserved 2 to 4; string y = 5;").contains("`string id = 6;`"));
}
