/* SPDX-License-Identifier: Apache-2.0
 * Pseudo terminals; see pty.h. The slave is opened through the master where the kernel can do that
 * (TIOCGPTPEER), so an image with a strange /dev/pts does not matter. */
#include "agent/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int slave_open(int master)
{
    int fd = -1;
#ifdef TIOCGPTPEER
    fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
#endif
    unsigned number;
    if (ioctl(master, TIOCGPTN, &number))
        return -1;
    char path[32];
    snprintf(path, sizeof path, "/dev/pts/%u", number);
    return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

int pty_open(int *master, int *slave, struct error *err)
{
    int flags = O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK;
    int m = open("/dev/ptmx", flags);
    if (m < 0)
        m = open("/dev/pts/ptmx", flags);
    if (m < 0)
        return error_errno(err, ERROR_SYSTEM, errno, "open /dev/ptmx");
    int unlock = 0;
    int s = ioctl(m, TIOCSPTLCK, &unlock) ? -1 : slave_open(m);
    if (s < 0) {
        error_errno(err, ERROR_SYSTEM, errno, "open the terminal of /dev/ptmx");
        close(m);
        return -1;
    }
    *master = m;
    *slave = s;
    return 0;
}

void pty_resize(int master, uint32_t height, uint32_t width)
{
    struct winsize size = {.ws_row = (unsigned short)(height > 65535 ? 65535 : height),
                           .ws_col = (unsigned short)(width > 65535 ? 65535 : width)};
    ioctl(master, TIOCSWINSZ, &size);
}
