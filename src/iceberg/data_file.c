/* data_file.c — looking things up in a data file's description. */
#include "iceberg/data_file.h"

const struct column_metrics *data_file_column(const struct data_file *file, int field_id)
{
    size_t low = 0;
    size_t high = file->n_columns;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->columns[middle].field_id < field_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < file->n_columns && file->columns[low].field_id == field_id ? &file->columns[low]
                                                                            : NULL;
}
