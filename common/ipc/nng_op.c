/* SPDX-License-Identifier: Apache-2.0
 * nng completions on the loop; see nng_op.h. */
#include "ipc/nng_op.h"

#include "base/alloc.h"

#include <assert.h>

enum nng_op_state {
    OP_QUIET,
    OP_WATCHED,
    OP_ENDED,  /* quietly, or the loop has been told */
    OP_FAILED, /* quiet until it went wrong: the loop has been told */
};

/* nng's thread. */
static void on_complete(void *arg)
{
    struct nng_op *op = arg;
    bool well = nng_aio_result(op->aio) == 0 && nng_aio_count(op->aio) == op->expected;
    int before = atomic_exchange(&op->state, well ? OP_ENDED : OP_FAILED);
    if (before == OP_WATCHED || !well)
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

static nng_aio *begin(struct nng_op *op, bool watched)
{
    assert(!op->pending);
    op->pending = true;
    op->watched = watched;
    atomic_store(&op->state, watched ? OP_WATCHED : OP_QUIET);
    op->loop->outside++;
    return op->aio;
}

nng_aio *nng_op_begin(struct nng_op *op)
{
    return begin(op, true);
}

nng_aio *nng_op_begin_quietly(struct nng_op *op, size_t expected)
{
    op->expected = expected;
    return begin(op, false);
}

bool nng_op_collect(struct nng_op *op)
{
    if (!op->pending || op->watched || atomic_load(&op->state) != OP_ENDED)
        return false;
    op->pending = false;
    op->loop->outside--;
    return true;
}

void nng_op_watch(struct nng_op *op)
{
    int quiet = OP_QUIET;
    if (!op->pending || op->watched)
        return;
    op->watched = true;
    if (!atomic_compare_exchange_strong(&op->state, &quiet, OP_WATCHED) && quiet == OP_ENDED)
        loop_post(op->loop, &op->task); /* it ended just now, and quietly */
}
