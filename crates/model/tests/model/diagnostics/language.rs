//! Errors of the language.

use super::{diagnostics_of_file, model};

cases! {
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
}
