/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of Docker's labels go to a cloud.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "cloud/cloud_labels.h"
#include "test/kit/test.h"

#include <string.h>

static void expect(const char *reserved, size_t room, const char *written)
{
    static char big[200];
    memset(big, 'x', sizeof big - 1);
    const char *const pairs[][2] = {
        {"a", "1"},           {"own.b", "2"},           {"big", big},
        {"quotes", "\"\"\""}, {"n" UTF8_NUL_TEXT, "3"}, {"n", UTF8_NUL_TEXT},
        {"last", "4"}};
    Sockerless__KeyValue labels[ARRAY_LEN(pairs)], *list[ARRAY_LEN(pairs)];
    Sockerless__ContainerConfig config = SOCKERLESS__CONTAINER_CONFIG__INIT;
    AUTO(buf) struct buf out = BUF_INIT;
    struct json_writer w;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        sockerless__key_value__init(&labels[i]);
        labels[i].key = (char *)(uintptr_t)pairs[i][0];
        labels[i].value = (char *)(uintptr_t)pairs[i][1];
        list[i] = &labels[i];
    }
    config.labels = list;
    config.n_labels = ARRAY_LEN(pairs);
    json_writer_init(&w, &out);
    json_object_open(&w);
    cloud_labels_write(&w, &config, reserved, room);
    json_member_int(&w, "end", 0);
    json_object_close(&w);
    assert_string_equal(out.data, written);
}

TEST(what_fits_is_written)
{
    expect("own.", 100, "{\"a\":\"1\",\"quotes\":\"\\\"\\\"\\\"\",\"last\":\"4\",\"end\":0}");
    expect(NULL, 36, "{\"a\":\"1\",\"own.b\":\"2\",\"last\":\"4\",\"end\":0}");
    expect(NULL, 25, "{\"a\":\"1\",\"own.b\":\"2\",\"end\":0}");
    expect(NULL, 0, "{\"end\":0}");
}
