/* SPDX-License-Identifier: Apache-2.0
 * docker save. */
#include "backend/backend_internal.h"

void session_save_open(struct backend *b, struct channel *c, const Sockerless__ImageSaveOpen *open)
{
    struct error err;
    (void)b;
    (void)open;
    error_set(&err, ERROR_NOT_IMPLEMENTED, "not built yet");
    channel_fail(c, &err);
}
