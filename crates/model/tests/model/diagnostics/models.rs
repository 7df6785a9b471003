//! Errors in the options of models, and conflicts between models.

use super::{diagnostics_of_file, model, with_option};

cases! {
    a_model_with_only_an_id_is_valid: model("") => [];
    sql_keywords_are_valid: model("string select = 2; string table = 3; string user = 4; string order = 5;") => [];
    a_field_of_63_bytes_is_valid: model(&format!("string {} = 2;", "a".repeat(63))) => [];
    recursion_is_valid: model("repeated N n = 2; message N { N n = 1; M m = 2; }") => [];

    // The option.
    an_invalid_resource: with_option("resource: \"a/b\"") => ["3:3 RESOURCE_INVALID"];
    a_long_resource: with_option(&format!("resource: \"{}\"", "a".repeat(64))) => ["3:3 RESOURCE_INVALID"];
    an_invalid_plural: with_option("plural: \"some things\" resource: \"things\"") => ["3:3 PLURAL_INVALID"];
    a_history_retention_of_a_century: with_option("history: { retention_days: 36500 }") => ["3:3 HISTORY_RETENTION_INVALID"];
    a_nested_model: "message N {\n  message M { option (groundplan.model.v1.model) = {}; string id = 1; }\n}" => ["3:15 MODEL_NESTED"];
    no_models: "message M { string id = 1; }" => ["0:0 NO_MODELS"];

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
