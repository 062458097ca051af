/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a pull, push, load or import, as moby's jsonmessage and streamformatter write them;
 * see docker_json.h.
 */
#include "frontend/json/docker_json.h"

#include "base/json.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { BAR_WIDTH = 50, SIZE_TEXT_MAX = 24 };

/* units.HumanSize: four significant digits, base 1000. */
static void human_size(int64_t bytes, char out[SIZE_TEXT_MAX])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1000;
        unit++;
    }
    snprintf(out, SIZE_TEXT_MAX, "%.4g%s", size, units[unit]);
}

/* What clients print that do not draw themselves: "[=====>      ]  1.2MB/3.4MB". Without a total
 * only the number, with more than the total the full bar and the number. */
static void put_bar(struct json_writer *w, int64_t current, int64_t total)
{
    char text[128], bar[BAR_WIDTH + 2], now[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX];
    human_size(current, now);
    human_size(total, all);
    if (total <= 0) {
        snprintf(text, sizeof(text), "%8s", now);
    } else {
        double percent = (double)current / (double)total * 100;
        int filled = percent >= 100 ? BAR_WIDTH : (int)percent / 2;
        memset(bar, ' ', sizeof(bar));
        memset(bar, '=', (size_t)filled);
        bar[filled] = '>';
        bar[BAR_WIDTH + 1] = '\0';
        bool wonky = current > total;
        snprintf(text, sizeof(text), "[%s] %8s%s%s", bar, now, wonky ? "" : "/", wonky ? "" : all);
    }
    json_member_string(w, "progress", text);
}

static void put_numbers(struct json_writer *w, int64_t current, int64_t total)
{
    current = current > 0 ? current : 0;
    total = total > 0 ? total : 0;
    json_member_object(w, "progressDetail");
    if (current)
        json_member_int(w, "current", current);
    if (total)
        json_member_int(w, "total", total);
    json_object_close(w);
    if (current || total)
        put_bar(w, current, total);
}

static void put_pushed(struct json_writer *w, const Sockerless__PushedImage *aux)
{
    json_member_object(w, "aux");
    json_member_string(w, "Tag", aux->tag);
    json_member_string(w, "Digest", aux->digest);
    json_member_int(w, "Size", aux->size);
    json_object_close(w);
}

/* Lines about the whole operation have no progressDetail; those about a layer, and the last one of
 * a push, always have one. */
static void put_status(struct json_writer *w, const Sockerless__Progress *p)
{
    bool of_layer = *p->id && !str_starts(p->status, "Pulling from");
    if (*p->status)
        json_member_string(w, "status", p->status);
    if (of_layer || p->aux || p->current > 0 || p->total > 0)
        put_numbers(w, p->current, p->total);
    if (*p->id)
        json_member_string(w, "id", p->id);
    if (p->aux)
        put_pushed(w, p->aux);
}

void docker_json_put_progress(struct buf *out, const Sockerless__Progress *p)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    if (*p->stream)
        json_member_string(&w, "stream", p->stream);
    else
        put_status(&w, p);
    json_object_close(&w);
    buf_puts(out, "\r\n");
}

void docker_json_put_stream_error(struct buf *out, const char *message)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object_open(&w);
    json_member_object(&w, "errorDetail");
    json_member_string(&w, "message", message);
    json_object_close(&w);
    json_member_string(&w, "error", message);
    json_object_close(&w);
    buf_puts(out, "\r\n");
}
