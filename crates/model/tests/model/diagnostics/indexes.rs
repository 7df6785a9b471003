//! Errors in indexes.

use super::{diagnostics_of_file, with_option};

cases! {
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
}
