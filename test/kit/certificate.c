/* SPDX-License-Identifier: Apache-2.0
 * A certificate of its own authority; see certificate.h. */
#include "test/kit/certificate.h"

#include "base/alloc.h"
#include "base/small_file.h"
#include "test/kit/test.h"

#include <stdlib.h>
#include <unistd.h>

void certificate_make(char **cert, char **key)
{
    struct error err;
    char folder[] = "/tmp/sockerless-certificate-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *command =
        xasprintf("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
                  "-keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
                  folder, folder);
    AUTO_FREE char *cert_path = xasprintf("%s/cert.pem", folder);
    AUTO_FREE char *key_path = xasprintf("%s/key.pem", folder);
    assert_int_equal(system(command), 0);
    *cert = small_file_read(cert_path, ERROR_SYSTEM, &err);
    *key = small_file_read(key_path, ERROR_SYSTEM, &err);
    assert_true(*cert && *key);
    unlink(cert_path);
    unlink(key_path);
    rmdir(folder);
}
