/* SPDX-License-Identifier: Apache-2.0
 * Images: tag, rmi, prune, history. */
#include "backend/backend_internal.h"

void op_image_history(struct op *op)
{
    struct error err;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    op_fail(op, &err);
}

void op_image_tag(struct op *op)
{
    struct error err;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    op_fail(op, &err);
}

void op_image_remove(struct op *op)
{
    struct error err;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    op_fail(op, &err);
}

void op_image_prune(struct op *op)
{
    struct error err;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    op_fail(op, &err);
}
