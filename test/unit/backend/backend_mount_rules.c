/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be asked to be mounted, by itself; the scenario "bad input: what Docker's rules refuse
 * of HostConfig" compares some of it with dockerd, whose words all of these are.
 */
#include "backend/container/mount_rules.h"
#include "base/alloc.h"
#include "json/json_doc.h"
#include "test/kit/test.h"

#include <string.h>

/* "" when nothing is refused. */
static const char *fault_of(const char *host_json)
{
    static struct error err;
    const struct container_table none = {0};
    json_t *host AUTO(json) = json_doc_load(host_json, strlen(host_json), &err);
    assert_non_null(host);
    bool refused = mount_rules_mounts(host, &err) || mount_rules_tmpfs(host, &err) ||
                   mount_rules_points(host, &none, &err);
    return refused ? err.message : "";
}

static void binds(const char *bind, const char *fault)
{
    char json[300];
    snprintf(json, sizeof json, "{\"Binds\":[\"%s\"]}", bind);
    assert_string_equal(fault_of(json), fault);
}

TEST(modes)
{
    static const char *const good[] = {"ro", "rw", "z,ro", "Z", "rslave", "ro,Z,shared,delegated",
                                       ""};
    static const char *const bad[] = {
        "x", "ro,", ",ro", ",", "ro,ro", "z,Z", "shared,slave", "cached,consistent", "RO"};
    char bind[64], fault[64];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(bind, sizeof bind, "/a:/b:%s", good[i]);
        binds(bind, "");
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(bind, sizeof bind, "/a:/b:%s", bad[i]);
        snprintf(fault, sizeof fault, "invalid mode: %s", bad[i]);
        binds(bind, fault);
    }
}

TEST(bind_specifications)
{
    binds("", "invalid volume specification: ''");
    binds(":/b", "invalid volume specification: ':/b'");
    binds("/a:ro", "invalid volume specification: '/a:ro'");
    binds("ab:", "invalid volume specification: 'ab:'");
    binds("/a:/b:ro:rw", "invalid volume specification: '/a:/b:ro:rw'");
    binds("ab::ro", "invalid volume specification: 'ab::ro': invalid mount config for type "
                    "\"volume\": field Target must not be empty");
    binds("ab:/b:shared", "invalid volume specification: 'ab:/b:shared': invalid mount config for "
                          "type \"volume\": field BindOptions must not be specified");
    binds("ab", "invalid volume specification: 'ab': invalid mount config for type \"volume\": "
                "invalid mount path: 'ab' mount path must be absolute");
    binds("a:/b", "create a: volume name is too short, names should be at least two alphanumeric "
                  "characters");
    binds("-a:/b", "create -a: \"-a\" includes invalid characters for a local volume name, only "
                   "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
                   "directory, use absolute path");
    binds("ab:/b:nocopy", "");
    binds("/d", "");
    assert_true(mount_rules_is_host_path("/a:/b"));
    assert_false(mount_rules_is_host_path("/a"));
    assert_false(mount_rules_is_host_path("a:/b"));
}

#define ROOT                                                                                       \
    "': invalid mount config for type \"bind\": invalid specification: destination can't be '/'"

TEST(destinations)
{
    binds("/a:/", "invalid volume specification: '/a:/" ROOT);
    binds("/a:/x/..", "invalid volume specification: '/a:/x/.." ROOT);
    binds("/a://./", "invalid volume specification: '/a://./" ROOT);
    binds("/a:/../x/.", "");
    assert_string_equal(fault_of("{\"Binds\":[\"/a:/b/c\",\"/x:/b//./d/../c/\"]}"),
                        "Duplicate mount point: /b/c");
    assert_string_equal(fault_of("{\"Binds\":[\"/a:/b\"],\"Mounts\":[{\"Type\":\"tmpfs\","
                                 "\"Target\":\"/b\"}]}"),
                        "Duplicate mount point: /b");
    assert_string_equal(fault_of("{\"Binds\":[\"/a:/b\"],\"Tmpfs\":{\"/b\":\"\"}}"),
                        "Duplicate mount point: /b");
    assert_string_equal(fault_of("{\"Binds\":[\"/a:/b\",\"/a:/bb\"]}"), "");
}

TEST(volumes_from)
{
    assert_string_equal(fault_of("{\"VolumesFrom\":[\"\"]}"),
                        "volumes-from specification cannot be an empty string");
    assert_string_equal(fault_of("{\"VolumesFrom\":[\"a:shared\"]}"), "invalid mode: shared");
    assert_string_equal(fault_of("{\"VolumesFrom\":[\"a:nocopy\"]}"), "invalid mode: nocopy");
    assert_string_equal(fault_of("{\"VolumesFrom\":[\"a:ro,z\"]}"), "No such container: a");
}
