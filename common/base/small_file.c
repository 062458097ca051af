/* SPDX-License-Identifier: Apache-2.0
 * Reading small files; see small_file.h. */
#include "base/small_file.h"

#include "base/alloc.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

char *small_file_read(const char *path, enum error_code code, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_errno(err, code, errno, "%s", path);
        return NULL;
    }
    char *text = xmalloc(SMALL_FILE_MAX + 1);
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, text + len, SMALL_FILE_MAX - len)) > 0)
        len += (size_t)n;
    int problem = n < 0 ? errno : len == SMALL_FILE_MAX ? EFBIG : 0;
    close(fd);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    text[len] = '\0';
    if (problem) {
        error_errno(err, code, problem, "%s", path);
        secret_free(text);
        return NULL;
    }
    return text;
}
