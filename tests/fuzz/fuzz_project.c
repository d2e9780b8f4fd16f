/* Project files, and the headers of SQL models. */
#include "lang/header.h"
#include "lang/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 loses the pieces of a long quoted text when the text turns out to be malformed. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct str text = str_make((const char *)data, size);
    struct project *project;
    struct sql_header header;

    if (project_parse("corrie.yaml", text, &arena, &project, &err) < 0) {
        corrie_error_clear(&err);
    } else {
        for (size_t i = 0; i < project->n_packages; i++) {
            corrie_fail(&err, CORRIE_E_PROJECT, "x");
            project_error_at(project, &project->packages[i].name, &err);
        }
    }
    if (sql_header_parse("model.sql", text, &header, &err) < 0) {
        corrie_error_clear(&err);
    }
    return 0;
}
