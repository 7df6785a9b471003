//! Errors in the fields of models.

use super::{diagnostics_of_file, formula_field, model, model_with_option, reference_field, with_option};

cases! {
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
    a_delete_time_of_the_wrong_type: model_with_option("soft_delete: {}", "string deleted_at = 2;") => ["2:13 DELETE_TIME_MISSING"];
    a_delete_time_by_role_of_the_wrong_type: model_with_option("soft_delete: {}", "string x = 2 [(groundplan.model.v1.field).role = ROLE_DELETE_TIME];")
        => ["3:1 ROLE_TYPE"];
    two_delete_times: model_with_option("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2;\ngoogle.protobuf.Timestamp delete_time = 3;")
        => ["4:1 ROLE_TWICE"];
    roles_without_their_options: model("google.protobuf.Timestamp x = 2 [(groundplan.model.v1.field).role = ROLE_DELETE_TIME];\n\
        google.protobuf.Timestamp y = 3 [(groundplan.model.v1.field).role = ROLE_EXPIRE_TIME];") => ["3:1 ROLE_WITHOUT_OPTION", "4:1 ROLE_WITHOUT_OPTION"];
    a_required_delete_time: model_with_option("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2 [(google.api.field_behavior) = REQUIRED];")
        => ["3:1 FIELD_BEHAVIOR_CONFLICT"];
    a_required_expire_time_is_valid: model_with_option("expiry: {}", "google.protobuf.Timestamp expires_at = 2 [(google.api.field_behavior) = REQUIRED];") => [];
    an_index_on_a_delete_time_is_valid: model_with_option("soft_delete: {} indexes: { fields: \"deleted_at\" }", "google.protobuf.Timestamp deleted_at = 2;") => [];
    a_cascade_that_could_not_be_undone: format!("{}\nmessage N {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{} }}",
        model_with_option("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2;"), reference_field("string m = 2", "model: \"M\" on_delete: ON_DELETE_CASCADE"))
        => ["6:1 REFERENCE_ON_DELETE_CONFLICT"];
    other_references_to_a_model_with_soft_delete: format!("{}\nmessage N {{ option (groundplan.model.v1.model) = {{}}; string id = 1;\n{} {} }}",
        model_with_option("soft_delete: {}", "google.protobuf.Timestamp deleted_at = 2;"), reference_field("string m = 2", "model: \"M\" on_delete: ON_DELETE_SET_NULL"),
        reference_field("string n = 3", "model: \"M\"")) => [];

    // Defaults and computed fields.
    formulas_of_ordinary_fields: model(&format!("{} {} {}", formula_field("string x = 2", "default"), formula_field("repeated string y = 3", "computed"),
        "string z = 4 [(groundplan.model.v1.field).default = \"\"];")) => [];
    a_field_with_default_and_computed: model("string x = 2 [\n(groundplan.model.v1.field).default = \"s\",\n (groundplan.model.v1.field).computed = \"s\"];")
        => ["5:2 FORMULA_CONFLICT"];
    formulas_of_fields_that_the_server_sets: model_with_option("soft_delete: {}", &[formula_field("string etag = 2", "default"),
        formula_field("google.protobuf.Timestamp created_at = 3", "computed"), formula_field("google.protobuf.Timestamp updated_at = 4", "default"),
        formula_field("google.protobuf.Timestamp deleted_at = 5", "computed")].join("\n"))
        => ["3:18 FORMULA_ROLE", "4:43 FORMULA_ROLE", "5:43 FORMULA_ROLE", "6:43 FORMULA_ROLE"];
    a_computed_id: format!("message M {{ option (groundplan.model.v1.model) = {{}};\n{} }}", formula_field("string id = 1", "computed")) => ["3:16 FORMULA_ROLE"];
    a_computed_expire_time: model_with_option("expiry: {}", &formula_field("google.protobuf.Timestamp expires_at = 2", "computed")) => ["3:43 FORMULA_ROLE"];
    an_expire_time_with_a_default_is_valid: model_with_option("expiry: {}", &formula_field("google.protobuf.Timestamp expires_at = 2", "default")) => [];
    an_expire_time_with_a_default_and_a_ttl: model_with_option("expiry: { ttl: { seconds: 1 } }", &formula_field("google.protobuf.Timestamp expires_at = 2", "default"))
        => ["3:43 FORMULA_CONFLICT"];
    a_computed_reference: model("string up = 2 [(groundplan.model.v1.field) = { computed: \"s\" references: { model: \"M\" } }];") => ["3:16 FORMULA_ROLE"];
    a_reference_with_a_default_is_valid: model("string up = 2 [(groundplan.model.v1.field) = { default: \"s\" references: { model: \"M\" } }];") => [];
    a_default_in_a_oneof: model(&format!("oneof o {{\n{} string y = 3; }}", formula_field("string x = 2", "default"))) => ["4:15 FORMULA_IN_ONEOF"];
    a_formula_in_a_nested_message: model(&format!("N n = 2; message N {{\n{} }}", formula_field("string x = 1", "computed"))) => ["4:15 FORMULA_NOT_IN_MODEL"];
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
}
