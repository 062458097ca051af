/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports, ranges of ports and their protocols.
 */
#include "base/port_range.h"

#include "base/alloc.h"
#include "test/kit/test.h"

#include <string.h>

TEST(ranges)
{
    static const struct {
        const char *text;
        int first, last;
    } cases[] = {
        {"80", 80, 80},
        {"0", 0, 0},
        {"080", 80, 80},
        {"65535", 65535, 65535},
        {"8000-8100", 8000, 8100},
        {"7-7", 7, 7},
        {"0-65535", 0, 65535},
    };
    static const char *const bad[] = {
        "",         "x",     "-1",   "65536",   "80-",
        "-",        "80-70", " 80",  "80 ",     "80/tcp",
        "80-90-95", "+80",   "0x50", "1-65536", "99999999999999999999"};
    struct port_range r;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(port_range_parse(cases[i].text, strlen(cases[i].text), &r));
        assert_int_equal(r.first, cases[i].first);
        assert_int_equal(r.last, cases[i].last);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(port_range_parse(bad[i], strlen(bad[i]), &r));
    assert_true(port_range_parse("80-90/udp", 5, &r) && r.last == 90); /* no more than len */
    assert_true(port_range_parse("80-90/udp", 2, &r) && r.last == 80);
    assert_false(port_range_parse("80\0", 3, &r));
}

TEST(protocols)
{
    assert_string_equal(port_range_protocol("tcp"), "tcp");
    assert_string_equal(port_range_protocol("UDP"), "udp");
    assert_string_equal(port_range_protocol("sctp"), "sctp");
    assert_ptr_equal(port_range_protocol("Tcp"), port_range_protocol("tcp"));
    assert_null(port_range_protocol(""));
    assert_null(port_range_protocol("tcp "));
    assert_null(port_range_protocol("icmp"));
}
