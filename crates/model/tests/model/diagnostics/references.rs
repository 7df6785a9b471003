//! Errors in references and inverse relations.

use super::{diagnostics_of_file, model, reference_field};

cases! {
    // References.
    a_reference_to_itself: model(&reference_field("string up = 2", "model: \"M\" inverse: \"down\"")) => [];
    a_reference_by_its_full_name: model(&reference_field("optional string up = 2", "model: \"a.v1.M\" on_delete: ON_DELETE_SET_NULL")) => [];
    a_reference_to_an_unknown_model: model(&reference_field("string up = 2", "model: \"N\"")) => ["3:1 REFERENCE_MODEL_UNKNOWN"];
    a_reference_without_a_model: model(&reference_field("string up = 2", "")) => ["3:1 REFERENCE_MODEL_UNKNOWN"];
    a_reference_to_a_message_that_is_not_a_model: format!("{}\nmessage N {{}}", model(&reference_field("string up = 2", "model: \"N\""))) => ["3:1 REFERENCE_MODEL_UNKNOWN"];
    an_integer_reference: model(&reference_field("int64 up = 2", "model: \"M\"")) => ["3:1 REFERENCE_FIELD_TYPE"];
    a_repeated_reference: model(&reference_field("repeated string up = 2", "model: \"M\"")) => ["3:1 REFERENCE_FIELD_TYPE"];
    a_reference_in_a_oneof: model(&format!("oneof o {{\n{} }}", reference_field("string up = 2", "model: \"M\""))) => ["4:1 REFERENCE_FIELD_TYPE"];
    an_etag_reference: model(&reference_field("string etag = 2", "model: \"M\"")) => ["3:1 REFERENCE_ROLE"];
    a_reference_in_a_nested_message: model(&format!("N n = 2; message N {{\n{} }}", reference_field("string up = 1", "model: \"M\""))) => ["4:1 REFERENCE_NOT_IN_MODEL"];
    a_required_reference_that_would_be_cleared: model(
        "string up = 2 [(google.api.field_behavior) = REQUIRED, (groundplan.model.v1.field).references = { model: \"M\" on_delete: ON_DELETE_SET_NULL }];\n\
         string down = 3 [(buf.validate.field).required = true, (groundplan.model.v1.field).references = { model: \"M\" on_delete: ON_DELETE_SET_NULL }];")
        => ["3:1 REFERENCE_ON_DELETE_CONFLICT", "4:1 REFERENCE_ON_DELETE_CONFLICT"];
    an_immutable_reference_that_would_be_cleared: model(
        "string up = 2 [(google.api.field_behavior) = IMMUTABLE, (groundplan.model.v1.field).references = { model: \"M\" on_delete: ON_DELETE_SET_NULL }];")
        => ["3:1 REFERENCE_ON_DELETE_CONFLICT"];
    too_many_references: format!("message M {{ option (groundplan.model.v1.model) = {{}}; string id = 1; {} }}",
        (2..67).map(|at| reference_field(&format!("string f{at} = {at}"), "model: \"M\"")).collect::<String>()) => ["2:1 REFERENCES_TOO_MANY"];
    an_invalid_inverse_name: model(&reference_field("string up = 2", "model: \"M\" inverse: \"Down-wards\"")) => ["3:1 INVERSE_INVALID"];
    an_inverse_of_an_input_only_field: model(
        "string up = 2 [(google.api.field_behavior) = INPUT_ONLY, (groundplan.model.v1.field).references = { model: \"M\" inverse: \"down\" }];")
        => ["3:1 INVERSE_INPUT_ONLY"];
    an_inverse_named_like_a_field: model(&reference_field("string up = 2", "model: \"M\" inverse: \"up\"")) => ["3:1 INVERSE_CLASH"];
    an_inverse_named_like_a_json_name: model(&format!("int32 x = 3 [json_name = \"goUp\"];\n{}", reference_field("string up = 2", "model: \"M\" inverse: \"go_up\"")))
        => ["4:1 INVERSE_CLASH"];
    an_inverse_named_like_a_relation: model(&reference_field("string up_id = 2", "model: \"M\" inverse: \"up\"")) => ["3:1 INVERSE_CLASH"];
    two_inverses_with_one_name: model(&format!("{}\n{}", reference_field("string a = 2", "model: \"M\" inverse: \"all\""), reference_field("string b = 3", "model: \"M\" inverse: \"all\"")))
        => ["2:1 DERIVED_NAME_CLASH", "4:1 INVERSE_CLASH"];
    an_inverse_named_like_another_list: format!("{}\nmessage MPart {{ option (groundplan.model.v1.model) = {{}}; string id = 1; }}",
        model(&reference_field("string up = 2", "model: \"M\" inverse: \"parts\""))) => ["5:1 DERIVED_NAME_CLASH"];
}
