/* SPDX-License-Identifier: Apache-2.0
 * The script that brings the agent; see cloudrun_startup.h. */
#include "cloudrun_startup.h"

#include "base/alloc.h"
#include "base/str.h"
#include "loop/http_url.h"

#include <string.h>

#define STORAGE_URL "https://storage.googleapis.com"

enum startup_exit {
    EXIT_NO_DIRECTORY = 120,
    EXIT_NO_DOWNLOADER,
    EXIT_DOWNLOAD_FAILED,
    EXIT_BAD_CHECKSUM,
    EXIT_NO_CHECKSUM_TOOL,
};

#define LAYER_HINT                                                                                 \
    "; set SOCKERLESS_GCR_AGENT_REGISTRY to a repository where such images can be given the "      \
    "agent "                                                                                       \
    "as a layer (image_layer)"

static const struct {
    enum startup_exit code;
    bool wants_layer; /* the image lacks something; in the image, the agent would run */
    const char *reason;
} reasons[] = {
    {EXIT_NO_DIRECTORY, true,
     "the container has no directory that the agent can be written to" LAYER_HINT},
    {EXIT_NO_DOWNLOADER, true,
     "the image has neither curl nor wget to download the agent with" LAYER_HINT},
    {EXIT_DOWNLOAD_FAILED, false,
     "the agent could not be downloaded; the job's service account must be allowed to read "
     "SOCKERLESS_GCR_AGENT_GCS_BUCKET (see the container's log)"},
    {EXIT_BAD_CHECKSUM, false,
     "the downloaded agent is not the expected one; compare SOCKERLESS_GCR_AGENT_SHA256 with the "
     "bucket's object"},
    {EXIT_NO_CHECKSUM_TOOL, true, "the image has no sha256sum to verify the agent with" LAYER_HINT},
};

/* Its variables are unlikely to be the user's, since an exported one would reach the user's
 * process changed. The account's token goes to Cloud Storage only; without a metadata server the
 * object has to be public. */
static const char script[] =
    "_skl_fail() { _skl_code=$1; shift; echo \"sockerless: $*\" >&2; exit \"$_skl_code\"; }\n"
    "_skl_has() { command -v \"$1\" >/dev/null 2>&1; }\n"
    "_skl_dir=\n"
    "for _skl_d in /tmp /dev/shm /var/tmp /run \"$HOME\" .; do\n"
    "  if [ -d \"$_skl_d\" ] && [ -w \"$_skl_d\" ]; then _skl_dir=$_skl_d; break; fi\n"
    "done\n"
    "[ -n \"$_skl_dir\" ] || _skl_fail 120 'no writable directory for the agent'\n"
    "_skl_file=$_skl_dir/.sockerless-agent-$$\n"
    "if _skl_has curl; then\n"
    "  _skl_get() { curl -fsSL --connect-timeout 10 -m \"$1\" ${4:+-H \"$4\"} -o \"$3\" \"$2\"; }\n"
    "elif _skl_has wget; then\n"
    /* Static builds of busybox crash in -T. */
    "  _skl_get() {\n"
    "    wget -q -T \"$1\" ${4:+--header \"$4\"} -O \"$3\" \"$2\" && return\n"
    "    [ $? -gt 128 ] && wget -q ${4:+--header \"$4\"} -O \"$3\" \"$2\"\n"
    "  }\n"
    "else\n"
    "  _skl_fail 121 'the image has neither curl nor wget'\n"
    "fi\n"
    "_skl_auth=\n"
    "case $_skl_url in " STORAGE_URL "/*)\n"
    "  if (no_proxy=metadata.google.internal; NO_PROXY=$no_proxy; export no_proxy NO_PROXY\n"
    "      _skl_get 5 http://metadata.google.internal/computeMetadata/v1/instance/"
    "service-accounts/default/token \"$_skl_file\" 'Metadata-Flavor: Google') 2>/dev/null; then\n"
    "    read -r _skl_auth <\"$_skl_file\" || :\n"
    "    case $_skl_auth in *'\"access_token\"'*'\"'*'\"'*)\n"
    "      _skl_auth=${_skl_auth#*'\"access_token\"'}\n"
    "      _skl_auth=${_skl_auth#*'\"'}\n"
    "      _skl_auth=\"Authorization: Bearer ${_skl_auth%%'\"'*}\" ;;\n"
    "    *) _skl_auth= ;;\n"
    "    esac\n"
    "  fi ;;\n"
    "esac\n"
    "_skl_get 120 \"$_skl_url\" \"$_skl_file\" \"$_skl_auth\" ||\n"
    "  { rm -f \"$_skl_file\"; _skl_fail 122 'the agent could not be downloaded'; }\n"
    "_skl_auth=\n"
    "if [ -n \"$_skl_want\" ]; then\n"
    "  _skl_has sha256sum || _skl_fail 124 'the image has no sha256sum'\n"
    "  _skl_sum=$(sha256sum \"$_skl_file\")\n"
    "  [ \"${_skl_sum%% *}\" = \"$_skl_want\" ] ||\n"
    "    { rm -f \"$_skl_file\"; _skl_fail 123 'the agent has another checksum'; }\n"
    "fi\n"
    "chmod 755 \"$_skl_file\" || _skl_fail 120 'the agent cannot be made executable'\n"
    "exec \"$_skl_file\" \"$@\"\n";

void shell_quote(struct buf *out, const char *text)
{
    buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *text);
    }
    buf_putc(out, '\'');
}

/* The JSON API's form: it serves simulators, too, which have one address for everything. */
char *cloudrun_startup_url(const struct cloudrun_config *config)
{
    if (!str_empty(config->agent_url))
        return xstrdup(config->agent_url);
    const char *at = str_empty(config->endpoint_url) ? STORAGE_URL : config->endpoint_url;
    AUTO_FREE char *object = http_url_encode(config->gcs_object);
    return xasprintf("%s%sstorage/v1/b/%s/o/%s?alt=media", at, str_ends(at, "/") ? "" : "/",
                     config->gcs_bucket, object);
}

void cloudrun_startup_script(const struct cloudrun_config *config, struct buf *out)
{
    AUTO_FREE char *url = cloudrun_startup_url(config);
    buf_puts(out, "_skl_url=");
    shell_quote(out, url);
    buf_puts(out, "\n_skl_want=");
    shell_quote(out, str_or_empty(config->agent_sha256));
    buf_puts(out, "\n");
    buf_puts(out, script);
}

const char *cloudrun_startup_reason(int exit_code, bool *wants_layer)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if ((int)reasons[i].code == exit_code) {
            *wants_layer = reasons[i].wants_layer;
            return reasons[i].reason;
        }
    return NULL;
}

/* Whoever reports it names the program that could not be started. */
const char *cloudrun_startup_refusal(const char *reason)
{
    return strstr(reason, "/bin/sh")
               ? "the image has no shell to download the agent with" LAYER_HINT
               : NULL;
}
