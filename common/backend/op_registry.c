/* SPDX-License-Identifier: Apache-2.0
 * Registries: docker login, distribution inspect. */
#include "backend/backend_internal.h"

void co_op_distribution(struct op *op)
{
    struct error err;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    op_fail(op, &err);
}

void co_op_auth(struct op *op)
{
    struct error err;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    op_fail(op, &err);
}
