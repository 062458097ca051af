/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind of session that a frontend may open, one line each:
 *
 *     SESSION(case of StreamOpen.kind in proto/sockerless.proto, its field, its message, function)
 *
 * session.h declares the functions, daemon/dispatch.c makes its switch of the list.
 */
#ifndef SOCKERLESS_BACKEND_SESSION_LIST_H
#define SOCKERLESS_BACKEND_SESSION_LIST_H

/* clang-format off */
#define SESSION_LIST(SESSION)                                                      \
    SESSION(ATTACH, attach, AttachOpen, session_attach_open)                       \
    SESSION(EXEC_START, exec_start, ExecStartOpen, session_exec_open)              \
    SESSION(LOGS, logs, LogsOpen, session_logs_open)                               \
    SESSION(WAIT, wait, WaitOpen, session_wait_open)                               \
    SESSION(IMAGE_PULL, image_pull, ImagePullOpen, session_pull_open)              \
    SESSION(IMAGE_LOAD, image_load, ImageLoadOpen, session_load_open)              \
    SESSION(IMAGE_IMPORT, image_import, ImageImportOpen, session_import_open)      \
    SESSION(IMAGE_PUSH, image_push, ImagePushOpen, session_push_open)              \
    SESSION(IMAGE_SAVE, image_save, ImageSaveOpen, session_save_open)
/* clang-format on */

#endif
