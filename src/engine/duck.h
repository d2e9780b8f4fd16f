/* duck.h — the functions of libduckdb that we use, by name. Inside the room only. */
#ifndef CORRIE_ENGINE_DUCK_H
#define CORRIE_ENGINE_DUCK_H

#include <duckdb.h>

#include "base/error.h"

/* clang-format off */
#define DUCK_FUNCTIONS(X) \
    X(open_ext) \
    X(close) \
    X(connect) \
    X(disconnect) \
    X(interrupt) \
    X(library_version) \
    X(free) \
    X(create_config) \
    X(set_config) \
    X(destroy_config) \
    X(query) \
    X(destroy_result) \
    X(result_error) \
    X(fetch_chunk) \
    X(destroy_data_chunk) \
    X(column_count) \
    X(column_name) \
    X(column_logical_type) \
    X(destroy_logical_type) \
    X(data_chunk_get_size) \
    X(data_chunk_get_column_count) \
    X(data_chunk_get_vector) \
    X(data_chunk_set_size) \
    X(get_type_id) \
    X(logical_type_get_alias) \
    X(decimal_width) \
    X(decimal_scale) \
    X(decimal_internal_type) \
    X(enum_internal_type) \
    X(enum_dictionary_size) \
    X(enum_dictionary_value) \
    X(list_type_child_type) \
    X(array_type_child_type) \
    X(array_type_array_size) \
    X(struct_type_child_count) \
    X(struct_type_child_name) \
    X(struct_type_child_type) \
    X(map_type_key_type) \
    X(map_type_value_type) \
    X(vector_get_data) \
    X(vector_get_column_type) \
    X(vector_get_validity) \
    X(vector_ensure_validity_writable) \
    X(vector_assign_string_element_len) \
    X(validity_set_row_invalid) \
    X(list_vector_get_child) \
    X(list_vector_get_size) \
    X(struct_vector_get_child) \
    X(array_vector_get_child) \
    X(vector_reference_vector) \
    X(prepare) \
    X(prepare_error) \
    X(destroy_prepare) \
    X(prepared_statement_column_count) \
    X(prepared_statement_column_name) \
    X(prepared_statement_column_logical_type) \
    X(bind_varchar_length) \
    X(execute_prepared) \
    X(pending_prepared_streaming) \
    X(pending_error) \
    X(execute_pending) \
    X(destroy_pending) \
    X(create_table_function) \
    X(destroy_table_function) \
    X(table_function_set_name) \
    X(table_function_add_parameter) \
    X(table_function_set_extra_info) \
    X(table_function_set_bind) \
    X(table_function_set_init) \
    X(table_function_set_local_init) \
    X(table_function_set_function) \
    X(table_function_supports_projection_pushdown) \
    X(register_table_function) \
    X(create_logical_type) \
    X(bind_get_extra_info) \
    X(bind_get_parameter) \
    X(bind_add_result_column) \
    X(bind_set_bind_data) \
    X(bind_set_cardinality) \
    X(bind_set_error) \
    X(init_get_bind_data) \
    X(init_set_init_data) \
    X(init_get_column_count) \
    X(init_get_column_index) \
    X(init_set_max_threads) \
    X(init_set_error) \
    X(function_get_bind_data) \
    X(function_get_init_data) \
    X(function_get_local_init_data) \
    X(function_set_error) \
    X(create_scalar_function) \
    X(destroy_scalar_function) \
    X(scalar_function_set_name) \
    X(scalar_function_add_parameter) \
    X(scalar_function_set_varargs) \
    X(scalar_function_set_return_type) \
    X(scalar_function_set_special_handling) \
    X(scalar_function_set_volatile) \
    X(scalar_function_set_extra_info) \
    X(scalar_function_set_function) \
    X(scalar_function_get_extra_info) \
    X(scalar_function_set_error) \
    X(register_scalar_function) \
    X(get_int64) \
    X(destroy_value) \
    X(schema_from_arrow) \
    X(data_chunk_from_arrow) \
    X(destroy_arrow_converted_schema) \
    X(error_data_message) \
    X(destroy_error_data)
/* clang-format on */

struct duck {
#define X(name) __typeof__(&duckdb_##name) name;
    DUCK_FUNCTIONS(X)
#undef X
};

/* Loads libduckdb once a process. */
int duck_load(const struct duck **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
