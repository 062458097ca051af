/* SPDX-License-Identifier: Apache-2.0
 *
 * The token endpoints: Microsoft Entra ID's for applications, and the two that give tokens of a
 * managed identity (Azure Instance Metadata Service, App Service).
 */
#ifndef SOCKERLESS_SIM_AZURE_LOGIN_H
#define SOCKERLESS_SIM_AZURE_LOGIN_H

#include "test/sim/http/server.h"

/* Route handlers; ctx is the struct azure. */
void login_token(void *ctx, const struct http_request *request, struct http_reply *reply);
void login_metadata(void *ctx, const struct http_request *request, struct http_reply *reply);
void login_app_service(void *ctx, const struct http_request *request, struct http_reply *reply);

#endif
