/* SPDX-License-Identifier: Apache-2.0
 * Credential source: a profile of the shared files: its own keys, or a role that it assumes with
 * another profile's, the environment's, the container's or the instance's credentials. */
#include "aws_profile.h"
#include "aws_sts.h"
#include "base/alloc.h"
#include "base/str.h"
#include "credentials_source.h"

#include <string.h>

enum { CHAIN_MAX = 5 }; /* profiles that assume roles from each other */

static const struct {
    const char *name;
    co_credentials_source co_find;
} base_sources[] = {
    {"Environment", co_credentials_environment},
    {"EcsContainer", co_credentials_container},
    {"Ec2InstanceMetadata", co_credentials_instance},
};

/* Ways to get credentials that a profile may name and that we do not have. */
static const char *const unsupported[] = {"credential_process", "sso_session", "sso_start_url"};

static int co_resolve(const struct aws_credentials_context *context, const struct aws_profiles *p,
                      const char *profile, int depth, struct aws_credentials *out,
                      struct error *err);

static int static_keys(const struct aws_profiles *p, const char *profile,
                       struct aws_credentials *out, struct error *err)
{
    const char *access = aws_profiles_get(p, profile, "aws_access_key_id");
    const char *secret = aws_profiles_get(p, profile, "aws_secret_access_key");
    const char *token = aws_profiles_get(p, profile, "aws_session_token");
    if (!access || !secret)
        return error_set(err, ERROR_FORBIDDEN,
                         "profile \"%s\" lacks aws_access_key_id or aws_secret_access_key",
                         profile);
    *out = (struct aws_credentials){
        .access_key = xstrdup(access),
        .secret_key = xstrdup(secret),
        .session_token = token ? xstrdup(token) : NULL,
    };
    return 0;
}

static int co_base_source(const struct aws_credentials_context *context, const char *profile,
                          const char *name, struct aws_credentials *out, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(base_sources); i++) {
        if (strcmp(base_sources[i].name, name) != 0)
            continue;
        bool found = false;
        if (base_sources[i].co_find(context, out, &found, err))
            return -1;
        return found ? 0
                     : error_set(err, ERROR_FORBIDDEN,
                                 "profile \"%s\": credential_source %s has no credentials", profile,
                                 name);
    }
    return error_set(err, ERROR_FORBIDDEN, "profile \"%s\": unknown credential_source \"%s\"",
                     profile, name);
}

/* The credentials a profile's role is assumed with. */
static int co_base(const struct aws_credentials_context *context, const struct aws_profiles *p,
                   const char *profile, int depth, struct aws_credentials *out, struct error *err)
{
    const char *source_profile = aws_profiles_get(p, profile, "source_profile");
    const char *source = aws_profiles_get(p, profile, "credential_source");
    if (source_profile && strcmp(source_profile, profile) == 0)
        return static_keys(p, profile, out, err);
    if (source_profile)
        return co_resolve(context, p, source_profile, depth + 1, out, err);
    if (source)
        return co_base_source(context, profile, source, out, err);
    return error_set(err, ERROR_FORBIDDEN,
                     "profile \"%s\" has role_arn but neither source_profile nor credential_source",
                     profile);
}

static int co_assume(const struct aws_credentials_context *context, const struct aws_profiles *p,
                     const char *profile, int depth, struct aws_credentials *out, struct error *err)
{
    const char *token_file = aws_profiles_get(p, profile, "web_identity_token_file");
    const char *duration = aws_profiles_get(p, profile, "duration_seconds");
    struct aws_sts_role role = {
        .arn = aws_profiles_get(p, profile, "role_arn"),
        .session_name = aws_profiles_get(p, profile, "role_session_name"),
        .external_id = aws_profiles_get(p, profile, "external_id"),
    };
    if (token_file)
        return co_credentials_from_token_file(context, token_file, role.arn, role.session_name, out,
                                              err);
    if (aws_profiles_get(p, profile, "mfa_serial"))
        return error_set(err, ERROR_FORBIDDEN,
                         "profile \"%s\" requires an MFA code, which a daemon cannot provide",
                         profile);
    if (duration && !str_to_i64(duration, &role.duration_s))
        return error_set(err, ERROR_FORBIDDEN, "profile \"%s\": bad duration_seconds", profile);
    AUTO(aws_credentials) struct aws_credentials base = {0};
    if (co_base(context, p, profile, depth, &base, err))
        return -1;
    return co_aws_sts_assume_role(context, &base, &role, out, err);
}

static int co_resolve(const struct aws_credentials_context *context, const struct aws_profiles *p,
                      const char *profile, int depth, struct aws_credentials *out,
                      struct error *err)
{
    if (depth > CHAIN_MAX)
        return error_set(err, ERROR_FORBIDDEN, "profiles refer to each other in a circle at \"%s\"",
                         profile);
    if (!aws_profiles_has(p, profile))
        return error_set(err, ERROR_FORBIDDEN,
                         "there is no profile \"%s\" in the AWS config and credentials files",
                         profile);
    if (aws_profiles_get(p, profile, "role_arn"))
        return co_assume(context, p, profile, depth, out, err);
    if (!aws_profiles_get(p, profile, "aws_access_key_id"))
        for (size_t i = 0; i < ARRAY_LEN(unsupported); i++)
            if (aws_profiles_get(p, profile, unsupported[i]))
                return error_set(err, ERROR_FORBIDDEN,
                                 "profile \"%s\" uses %s, which is not supported; use keys or a "
                                 "role",
                                 profile, unsupported[i]);
    return static_keys(p, profile, out, err);
}

int co_credentials_profile(const struct aws_credentials_context *context,
                           struct aws_credentials *out, bool *found, struct error *err)
{
    const char *profile = aws_profile_name();
    bool named = !str_empty(getenv("AWS_PROFILE")) || !str_empty(getenv("AWS_DEFAULT_PROFILE"));
    AUTO(aws_profiles) struct aws_profiles p = {0};
    *found = false;
    if (aws_profiles_load(&p, err))
        return -1;
    /* A default profile that only sets a region is normal and holds no credentials. */
    static const char *const telling[] = {"aws_access_key_id", "role_arn", "credential_process",
                                          "sso_session", "sso_start_url"};
    bool tells = false;
    for (size_t i = 0; i < ARRAY_LEN(telling); i++)
        tells |= aws_profiles_get(&p, profile, telling[i]) != NULL;
    if (!named && !tells)
        return 0;
    if (named && aws_profiles_has(&p, profile) && !tells)
        return 0;
    *found = true;
    return co_resolve(context, &p, profile, 0, out, err);
}
