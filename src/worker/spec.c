#include "worker/spec.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/memfd.h"

void spec_done(struct spec *spec)
{
    os_close(spec->fd);
    mem_free(spec->files);
    *spec = (struct spec){.fd = -1};
}

int sealed_text(const char *name, struct str text, int *ret_fd, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_memfd_new(name, &fd, err);
    r = r < 0 ? r : os_write(fd, name, text, err);
    r = r < 0 ? r : os_memfd_seal(fd, err);
    return r < 0 ? r : os_fd_reopen_read(fd, ret_fd, err);
}

/* Gives files numbers: descriptor → number + 1. */
struct numbering {
    int *numbers;
    size_t size;
    struct spec *spec;
    size_t capacity;
};

static int number_of_file(struct numbering *numbering, int fd, json_int_t *ret)
{
    size_t had = numbering->size;

    if ((size_t)fd >= numbering->size) {
        if (mem_grow(&numbering->numbers, &numbering->size, (size_t)fd + 1,
                     sizeof *numbering->numbers) < 0) {
            return CORRIE_E_NO_MEMORY;
        }
        memset(numbering->numbers + had, 0, (numbering->size - had) * sizeof *numbering->numbers);
    }
    if (numbering->numbers[fd] == 0) {
        struct spec *spec = numbering->spec;

        if (mem_grow(&spec->files, &numbering->capacity, spec->n_files + 1, sizeof *spec->files) <
            0) {
            return CORRIE_E_NO_MEMORY;
        }
        spec->files[spec->n_files++] = fd;
        numbering->numbers[fd] = (int)spec->n_files;
    }
    *ret = numbering->numbers[fd] - 1;
    return 0;
}

static int add_column(json_t *list, struct numbering *numbering, const struct exchange *table,
                      size_t index)
{
    struct exchange_column column = exchange_column(table, index);
    json_t *entry = json_array();
    json_int_t file;

    if (!entry || json_array_append_new(list, entry) < 0 ||
        number_of_file(numbering, column.fd, &file) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    return json_array_append_new(entry, js_string(column.name)) < 0 ||
                   json_array_append_new(entry, json_integer(file)) < 0 ||
                   json_array_append_new(entry, json_integer((json_int_t)column.field)) < 0
               ? CORRIE_E_NO_MEMORY
               : 0;
}

static int add_input(json_t *list, struct numbering *numbering, const struct worker_input *input,
                     corrie_error *err)
{
    json_t *entry = json_object();
    json_t *columns = json_array();
    size_t n = input->all_columns ? exchange_n_columns(input->table) : input->n_columns;
    int r = 0;

    if (!entry || json_array_append_new(list, entry) < 0 || !columns ||
        js_set_str(entry, "argument", input->argument) < 0 ||
        js_set_str(entry, "form", str_of(worker_form_name(input->form))) < 0 ||
        js_set_int(entry, "rows", exchange_rows(input->table)) < 0) {
        json_decref(columns);
        return corrie_fail_memory(err);
    }
    if (js_set(entry, "columns", columns) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        ptrdiff_t index =
            input->all_columns ? (ptrdiff_t)i : exchange_index(input->table, input->columns[i]);

        if (index < 0) {
            return corrie_fail(err, CORRIE_E_PROJECT, "input %.*s: there is no column %.*s",
                               STR_FMT(input->argument), STR_FMT(input->columns[i]));
        }
        r = add_column(columns, numbering, input->table, (size_t)index);
    }
    return r < 0 ? corrie_fail_memory(err) : 0;
}

static int add_inputs(json_t *doc, const struct worker_spec *call, struct spec *spec,
                      corrie_error *err)
{
    struct numbering numbering = {.spec = spec};
    json_t *list = json_array();
    int r = js_set(doc, "inputs", list) < 0 ? corrie_fail_memory(err) : 0;

    for (size_t i = 0; r >= 0 && i < call->n_inputs; i++) {
        r = add_input(list, &numbering, &call->inputs[i], err);
    }
    mem_free(numbering.numbers);
    return r;
}

static int add_texts(json_t *doc, const struct worker_spec *call)
{
    json_t *sources = json_object();
    json_t *parameters = json_object();
    json_t *columns = json_array();
    json_t *outputs = json_array();
    int r = js_set(doc, "sources", sources) | js_set(doc, "parameters", parameters) |
            js_set(doc, "columns", columns) | js_set(doc, "outputs", outputs);

    for (size_t i = 0; r == 0 && i < call->n_sources; i++) {
        _free_ char *path = str_dup(call->sources[i].path);

        r = path ? js_set_str(sources, path, call->sources[i].text) : CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; r == 0 && i < call->n_parameters; i++) {
        _free_ char *argument = str_dup(call->parameters[i].argument);

        r = argument ? js_set(parameters, argument, json_deep_copy(call->parameters[i].value))
                     : CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; r == 0 && i < call->n_columns; i++) {
        r = json_array_append_new(columns, js_string(call->columns[i]));
    }
    for (size_t i = 0; r == 0 && i < call->n_outputs; i++) {
        r = json_array_append_new(outputs, js_string(call->outputs[i]));
    }
    return r;
}

int spec_init(struct spec *spec, const struct worker_spec *call, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    js_setup();
    *spec = (struct spec){.fd = -1};
    doc = json_object();
    if (!doc ||
        js_set_str(doc, "kind",
                   call->kind == WORKER_EXPECTATION ? STR("expectation") : STR("model")) < 0 ||
        js_set_str(doc, "model", call->model) < 0 ||
        js_set_str(doc, "dir", call->project_dir) < 0 || js_set_str(doc, "file", call->file) < 0 ||
        js_set_str(doc, "function", call->function) < 0 ||
        js_set_int(doc, "memory", (int64_t)call->output_memory) < 0 || add_texts(doc, call) != 0) {
        return corrie_fail_memory(err);
    }
    r = add_inputs(doc, call, spec, err);
    r = r < 0 ? r : js_format(doc, 0, &text, err);
    r = r < 0 ? r : sealed_text("corrie-call", buf_str(&text), &spec->fd, err);
    if (r < 0) {
        spec_done(spec);
    }
    return r;
}
