/* SPDX-License-Identifier: Apache-2.0
 *
 * Every unary operation of the backend, one line each:
 *
 *     OP(case of Request.op in proto/sockerless.proto, function, waits)
 *
 * An operation that waits runs in a coroutine of its own, and its function is named co_….
 * op.h declares the functions, daemon/dispatch.c makes its table of the list.
 */
#ifndef SOCKERLESS_BACKEND_OP_LIST_H
#define SOCKERLESS_BACKEND_OP_LIST_H

/* clang-format off */
#define OP_LIST(OP)                                        \
    OP(INFO, op_info, false)                               \
    OP(CONTAINER_CREATE, op_container_create, false)       \
    OP(CONTAINER_START, co_op_container_start, true)       \
    OP(CONTAINER_INSPECT, op_container_inspect, false)     \
    OP(CONTAINER_LIST, op_container_list, false)           \
    OP(CONTAINER_STOP, co_op_container_stop, true)         \
    OP(CONTAINER_KILL, co_op_container_kill, true)         \
    OP(CONTAINER_REMOVE, co_op_container_remove, true)     \
    OP(CONTAINER_RESIZE, op_container_resize, false)       \
    OP(EXEC_CREATE, op_exec_create, false)                 \
    OP(EXEC_INSPECT, op_exec_inspect, false)               \
    OP(EXEC_RESIZE, op_exec_resize, false)                 \
    OP(IMAGE_LIST, op_image_list, false)                   \
    OP(IMAGE_INSPECT, op_image_inspect, false)             \
    OP(IMAGE_HISTORY, op_image_history, false)             \
    OP(IMAGE_TAG, op_image_tag, false)                     \
    OP(IMAGE_REMOVE, op_image_remove, false)               \
    OP(IMAGE_PRUNE, op_image_prune, false)                 \
    OP(DISTRIBUTION, co_op_distribution, true)             \
    OP(AUTH, co_op_auth, true)
/* clang-format on */

#endif
