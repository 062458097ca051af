/* SPDX-License-Identifier: Apache-2.0
 * nng completions on the loop; see nng_op.h. */
#include "ipc/nng_op.h"

#include "base/alloc.h"

#include <assert.h>

/* nng's thread. */
static void on_complete(void *arg)
{
    struct nng_op *op = arg;
    loop_post(op->loop, &op->task);
}

static void run_done(struct loop_task *task)
{
    struct nng_op *op = CONTAINER_OF(task, struct nng_op, task);
    op->pending = false;
    op->loop->outside--;
    op->done(op);
}

int nng_op_init(struct nng_op *op, struct loop *l, void (*done)(struct nng_op *op),
                struct error *err)
{
    *op = (struct nng_op){.task.run = run_done, .loop = l, .done = done};
    int rc = nng_aio_alloc(&op->aio, on_complete, op);
    if (rc)
        return error_set(err, ERROR_SYSTEM, "nng: %s", nng_strerror(rc));
    nng_aio_set_timeout(op->aio, NNG_DURATION_INFINITE);
    return 0;
}

void nng_op_fini(struct nng_op *op)
{
    assert(!op->pending);
    if (op->aio)
        nng_aio_free(op->aio);
    op->aio = NULL;
}

nng_aio *nng_op_begin(struct nng_op *op)
{
    assert(!op->pending);
    op->pending = true;
    op->loop->outside++;
    return op->aio;
}
