/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of a create request. The words are those of dockerd 20.10 for the same body; whether
 * the table has every property of Docker's API description is checked by `make check-models`.
 */
#include "base/alloc.h"
#include "frontend/json/docker_json.h"
#include "frontend/json/docker_shape.h"
#include "json/json_input.h"
#include "test/kit/arena_rig.h"
#include "test/kit/test.h"

#include <string.h>

TEST_GROUP(arena_setup, arena_teardown);

static struct error err; /* of the last call */

static int check(const char *body)
{
    json_t *root = json_input_load(body, strlen(body), JSON_INPUT_WHOLE, &err);
    if (!root)
        fail_msg("%s: %s", body, err.message);
    int rc = json_shape_check(root, &docker_shape_create, &err);
    json_decref(root);
    return rc;
}

#define FIELD "json: cannot unmarshal "

static const struct {
    const char *body, *words;
} refused[] = {
    {"[]", FIELD "array into Go value of type runconfig.ContainerConfigWrapper"},
    {"{\"image\":5}",
     FIELD "number into Go struct field ContainerConfigWrapper.Image of type string"},
    {"{\"Cmd\":[1]}", FIELD "array into Go struct field ContainerConfigWrapper.Cmd of type string"},
    {"{\"Shell\":3}",
     FIELD "number into Go struct field ContainerConfigWrapper.Shell of type string"},
    {"{\"ExposedPorts\":[]}",
     FIELD "array into Go struct field ContainerConfigWrapper.ExposedPorts of type nat.PortSet"},
    {"{\"ExposedPorts\":{\"80/tcp\":5}}",
     FIELD "number into Go struct field ContainerConfigWrapper.ExposedPorts of type struct {}"},
    {"{\"Volumes\":{\"/a\":\"\"}}",
     FIELD "string into Go struct field ContainerConfigWrapper.Volumes of type struct {}"},
    {"{\"Healthcheck\":{\"Test\":[1]}}",
     FIELD "number into Go struct field HealthConfig.Healthcheck.Test of type string"},
    {"{\"Healthcheck\":{\"Interval\":1.5}}",
     FIELD "number 1.5 into Go struct field HealthConfig.Healthcheck.Interval of type int64"},
    {"{\"HostConfig\":3}",
     FIELD "number into Go struct field ContainerConfigWrapper.HostConfig of type "
           "container.HostConfig"},
    {"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":8080}]}}}",
     FIELD "number into Go struct field PortBinding.HostConfig.PortBindings.HostPort of type "
           "string"},
    {"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":{}}}}",
     FIELD "object into Go struct field HostConfig.HostConfig.PortBindings of type "
           "[]nat.PortBinding"},
    {"{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[\"x\"]}}}",
     FIELD "string into Go struct field HostConfig.HostConfig.PortBindings of type "
           "nat.PortBinding"},
    {"{\"HostConfig\":{\"Sysctls\":{\"a\":1}}}",
     FIELD "number into Go struct field HostConfig.HostConfig.Sysctls of type string"},
    {"{\"HostConfig\":{\"GroupAdd\":[1]}}",
     FIELD "number into Go struct field HostConfig.HostConfig.GroupAdd of type string"},
    {"{\"HostConfig\":{\"Devices\":[{\"PathOnHost\":1}]}}",
     FIELD "number into Go struct field DeviceMapping.HostConfig.Devices.PathOnHost of type "
           "string"},
    {"{\"HostConfig\":{\"LogConfig\":{\"Config\":{\"a\":1}}}}",
     FIELD "number into Go struct field LogConfig.HostConfig.LogConfig.Config of type string"},
    {"{\"HostConfig\":{\"Mounts\":[{\"Type\":1}]}}",
     FIELD "number into Go struct field Mount.HostConfig.Mounts.Type of type mount.Type"},
    {"{\"HostConfig\":{\"Mounts\":[{\"VolumeOptions\":{\"DriverConfig\":{\"Options\":{\"a\":1}}}}]}"
     "}",
     FIELD
     "number into Go struct field Driver.HostConfig.Mounts.VolumeOptions.DriverConfig.Options "
     "of type string"},
    {"{\"HostConfig\":{\"Mounts\":[{\"TmpfsOptions\":{\"Mode\":-1}}]}}", FIELD
     "number -1 into Go struct field TmpfsOptions.HostConfig.Mounts.TmpfsOptions.Mode of type "
     "fs.FileMode"},
    {"{\"HostConfig\":{\"ConsoleSize\":[-1,1]}}",
     FIELD "number -1 into Go struct field HostConfig.HostConfig.ConsoleSize of type uint"},
    {"{\"HostConfig\":{\"BlkioWeight\":70000}}",
     FIELD "number 70000 into Go struct field HostConfig.HostConfig.BlkioWeight of type uint16"},
    {"{\"HostConfig\":{\"DeviceRequests\":[{\"Capabilities\":[[1]]}]}}",
     FIELD "number into Go struct field DeviceRequest.HostConfig.DeviceRequests.Capabilities of "
           "type string"},
    {"{\"HostConfig\":{\"Memory\":1000000000.0}}",
     FIELD "number 1000000000.0 into Go struct field HostConfig.HostConfig.Memory of type int64"},
    {"{\"HostConfig\":{\"Memory\":1e30}}",
     FIELD "number 1e+30 into Go struct field HostConfig.HostConfig.Memory of type int64"},
    {"{\"HostConfig\":{\"CapAdd\":[1]}}",
     FIELD "array into Go struct field HostConfig.HostConfig.CapAdd of type string"},
    {"{\"HostConfig\":{\"CapAdd\":{}}}",
     FIELD "object into Go struct field HostConfig.HostConfig.CapAdd of type string"},
    {"{\"HostConfig\":{\"nanocpus\":\"x\"}}",
     FIELD "string into Go struct field HostConfig.HostConfig.NanoCpus of type int64"},
    {"{\"HostConfig\":{\"Devices\":[null,{}],\"Init\":3}}",
     FIELD "number into Go struct field HostConfig.HostConfig.Init of type bool"},
    {"{\"NetworkingConfig\":{\"EndpointsConfig\":{\"a\":{\"IPAMConfig\":{\"LinkLocalIPs\":[1]}}}}}",
     FIELD "number into Go struct field "
           "EndpointIPAMConfig.NetworkingConfig.EndpointsConfig.IPAMConfig.LinkLocalIPs of type "
           "string"},
    {"{\"NetworkingConfig\":{\"EndpointsConfig\":[]}}",
     FIELD "array into Go struct field NetworkingConfig.NetworkingConfig.EndpointsConfig of type "
           "map[string]*network.EndpointSettings"},
};

TEST(wrong_types)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_int_equal(check(refused[i].body), -1);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        if (strcmp(err.message, refused[i].words) != 0)
            fail_msg("%s: %s", refused[i].body, err.message);
    }
}

TEST(what_fits)
{
    static const char *const bodies[] = {
        "null",
        "{}",
        "{\"Unknown\":{\"x\":[1,\"y\"]},\"Image\":null,\"Env\":[null],\"Labels\":{\"a\":null}}",
        "{\"Cmd\":\"sh\",\"Entrypoint\":[\"a\",null],\"Shell\":\"sh\",\"StopTimeout\":-5}",
        "{\"HostConfig\":{\"PortBindings\":{\"80/tcp\":null,\"81/"
        "tcp\":[null]},\"CapAdd\":\"ALL\"}}",
        "{\"HostConfig\":{\"ConsoleSize\":[1],\"Ulimits\":[{\"Name\":\"n\",\"Soft\":-1,\"Hard\":2}]"
        ","
        "\"DeviceRequests\":[{\"Capabilities\":[[\"gpu\"],null]}],\"MemorySwappiness\":-1}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        if (check(bodies[i]))
            fail_msg("%s: %s", bodies[i], err.message);
}

/* Known members that nothing here acts upon are shown as they came; a single capability is a list.
 */
TEST(what_fits_is_kept)
{
    const char body[] =
        "{\"Image\":\"x\",\"HostConfig\":{\"Sysctls\":{\"a\":\"1\"},\"GroupAdd\":[\"7\"],"
        "\"Devices\":[{\"PathOnHost\":\"/dev/x\"}],\"Ulimits\":[{\"Name\":\"n\",\"Soft\":1}],"
        "\"CapAdd\":\"SYS_TIME\",\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\"}],"
        "\"Annotations\":{\"a\":\"b\\u0000\"}}}";
    Sockerless__ContainerCreateRequest request = SOCKERLESS__CONTAINER_CREATE_REQUEST__INIT;
    json_t *root = docker_json_load(body, strlen(body), &err);
    assert_non_null(root);
    assert_int_equal(docker_json_create(root, &arena, &request, &err), 0);
    json_decref(root);
    static const char *const kept[] = {
        "\"Sysctls\":{\"a\":\"1\"}",
        "\"GroupAdd\":[\"7\"]",
        "\"Devices\":[{\"PathOnHost\":\"/dev/x\"}]",
        "\"Ulimits\":[{\"Name\":\"n\",\"Soft\":1}]",
        "\"CapAdd\":[\"SYS_TIME\"]",
        "\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/t\"}]",
        "\"Annotations\":{\"a\":\"b\\u0000\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (!strstr((char *)request.host_config_json.data, kept[i]))
            fail_msg("%s is missing in %s", kept[i], (char *)request.host_config_json.data);
}
