/* SPDX-License-Identifier: Apache-2.0
 *
 * What AWS services say when they refuse, in both protocols; STS answers; request building blocks.
 */
#include "backend-ecs/aws_error.h"

#include "backend-ecs/aws_exchange.h"
#include "backend-ecs/aws_sts.h"
#include "backend-ecs/aws_xml.h"
#include "base/alloc.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "loop/http_url.h"
#include "test/kit/test.h"

#include <string.h>

TEST(json_errors)
{
    static const struct {
        const char *header, *body, *code, *message;
    } cases[] = {
        {NULL, "{\"__type\":\"ClientException\",\"message\":\"no\"}", "ClientException", "no"},
        {NULL, "{\"__type\":\"com.amazonaws.ecs.v2014#ServerException\",\"Message\":\"x\"}",
         "ServerException", "x"},
        {NULL, "{\"__type\":\"a#ThrottlingException:http://internal/\"}", "ThrottlingException",
         ""},
        {"AccessDeniedException:http://x", "{\"message\":\"y\"}", "AccessDeniedException", "y"},
        {"A", "{\"__type\":\"B\"}", "A", ""},
        {NULL, "{}", "", ""},
        {NULL, "", "", ""},
        {NULL, "{\"__type\":7,\"message\":[]}", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cloud_error e = {.http = 400};
        aws_error_parse_body(cases[i].header, cases[i].body, strlen(cases[i].body), &e);
        assert_string_equal(e.code, cases[i].code);
        assert_string_equal(e.message, cases[i].message);
    }
}

TEST(xml_and_other_errors)
{
    struct cloud_error e = {.http = 403};
    static const char xml[] =
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender"
        "</Type><Code>AccessDenied</Code><Message>&lt;you&gt; &amp; &#39;me&#39;</Message></Error>"
        "<RequestId>abc-1</RequestId></ErrorResponse>";
    aws_error_parse_body(NULL, xml, strlen(xml), &e);
    assert_string_equal(e.code, "AccessDenied");
    assert_string_equal(e.message, "<you> & 'me'");
    assert_string_equal(e.request_id, "abc-1");

    struct cloud_error html = {.http = 502};
    aws_error_parse_body(NULL, "<html>bad", 9, &html);
    assert_string_equal(html.code, "");
    aws_error_judge(&html);
    assert_int_equal(html.verdict, CLOUD_FAILED);
}

static struct cloud_error made(long status, const char *code, const char *message)
{
    struct cloud_error e = {.http = status};
    strcpy(e.code, code);
    strcpy(e.message, message);
    aws_error_judge(&e);
    return e;
}

TEST(retry_classes)
{
    static const struct {
        long status;
        const char *code, *message;
        enum cloud_verdict verdict;
        enum error_code error;
    } cases[] = {
        {400, "ThrottlingException", "Rate exceeded", CLOUD_THROTTLED, ERROR_UNAVAILABLE},
        {503, "RequestLimitExceeded", "", CLOUD_THROTTLED, ERROR_UNAVAILABLE},
        {429, "Whatever", "", CLOUD_THROTTLED, ERROR_UNAVAILABLE},
        {500, "ServerException", "", CLOUD_FAILED, ERROR_UNAVAILABLE},
        {503, "", "", CLOUD_FAILED, ERROR_UNAVAILABLE},
        {400, "ExpiredTokenException", "", CLOUD_EXPIRED, ERROR_FORBIDDEN},
        {400, "UnrecognizedClientException", "", CLOUD_EXPIRED, ERROR_FORBIDDEN},
        {400, "AccessDeniedException", "", CLOUD_REFUSED, ERROR_FORBIDDEN},
        {400, "InvalidParameterException", "", CLOUD_REFUSED, ERROR_INVALID_PARAMETER},
        {400, "ClusterNotFoundException", "", CLOUD_REFUSED, ERROR_SYSTEM},
        {400, "ResourceNotFoundException", "", CLOUD_REFUSED, ERROR_NOT_FOUND},
        {400, "ClientException", "Too many concurrent attempts to create a new revision",
         CLOUD_THROTTLED, ERROR_UNAVAILABLE},
        {400, "InvalidParameterException",
         "Unexpected EC2 error: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
         CLOUD_THROTTLED, ERROR_UNAVAILABLE},
        {400, "Strange", "", CLOUD_REFUSED, ERROR_SYSTEM},
        {403, "Strange", "", CLOUD_REFUSED, ERROR_FORBIDDEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cloud_error e = made(cases[i].status, cases[i].code, cases[i].message);
        struct error err;
        assert_int_equal(e.verdict, cases[i].verdict);
        assert_int_equal(cloud_error_fill(&e, "ecs", "RunTask", &err), -1);
        assert_int_equal(err.code, cases[i].error);
    }
}

TEST(the_message_has_reason_hint_and_request_id)
{
    struct cloud_error e = made(400, "ClusterNotFoundException", "Cluster not found.");
    struct error err;
    strcpy(e.request_id, "req-9");
    cloud_error_fill(&e, "ecs", "RunTask", &err);
    assert_string_equal(err.message,
                        "ecs: RunTask: ClusterNotFoundException: Cluster not found.; create the "
                        "cluster or set SOCKERLESS_ECS_CLUSTER (request id req-9)");
    struct cloud_error bare = made(502, "", "");
    cloud_error_fill(&bare, "logs", "GetLogEvents", &err);
    assert_string_equal(err.message, "logs: GetLogEvents: HTTP 502");
}

TEST(xml_text)
{
    static const struct {
        const char *xml, *name, *text; /* text NULL: not found */
    } cases[] = {
        {"<a><b>x</b></a>", "b", "x"},
        {"<a><b></b></a>", "b", ""},
        {"<a><b/></a>", "b", ""},
        {"<b>x", "b", NULL},
        {"<a><b>x</b>", "b", NULL},
        {"", "b", NULL},
        {"<b>&unknown;</b>", "b", NULL},
        {"<b>&#0;</b>", "b", NULL},
        {"<b>&#200;</b>", "b", "\xc3\x88"},
        {"<b>&#9999999;&</b>", "b", NULL},
        {"<b>&lt;&gt;&amp;&quot;&apos;&#65;</b>", "b", "<>&\"'A"},
        {"</b><b>", "b", NULL},
        {"<b>1</b><b>2</b>", "b", NULL},
        {"<a><b>1</b><b>2</b></a>", "b", "1"},
        {"<a><b>1<b>2</b>3</b><b>4</b></a>", "b", "123"},
        {"<a><bb>1</bb><b x='2'>3</b></a>", "b", "3"},
        {"<?xml version='1.0'?>\n<a xmlns='urn:x'><b><![CDATA[<x>]]></b></a>", "b", "<x>"},
        {"<!DOCTYPE b><b>1</b>", "b", NULL},
        {"<!DOCTYPE b [<!ENTITY x 'y'>]><b>&x;</b>", "b", NULL},
        {"<!DOCTYPE b [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><b>&x;</b>", "b", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *text = aws_xml_text(cases[i].xml, strlen(cases[i].xml), cases[i].name);
        if (cases[i].text)
            assert_string_equal(text, cases[i].text);
        else
            assert_null(text);
    }
}

/* depth elements within each other, letters in the innermost. */
static bool xml_is_read(int depth, size_t letters)
{
    AUTO(buf) struct buf xml = BUF_INIT;
    for (int i = 1; i < depth; i++)
        buf_puts(&xml, "<a>");
    buf_puts(&xml, "<b>");
    for (size_t i = 0; i < letters; i++)
        buf_putc(&xml, 'x');
    buf_puts(&xml, "</b>");
    for (int i = 1; i < depth; i++)
        buf_puts(&xml, "</a>");
    AUTO_FREE char *text = aws_xml_text(xml.data, xml.len, "b");
    assert_true(!text || strlen(text) == letters);
    return text;
}

TEST(xml_limits)
{
    assert_true(xml_is_read(AWS_XML_DEPTH_MAX, 1));
    assert_false(xml_is_read(AWS_XML_DEPTH_MAX + 1, 1));
    assert_true(xml_is_read(1, AWS_XML_TEXT_MAX));
    assert_false(xml_is_read(1, AWS_XML_TEXT_MAX + 1));
    AUTO(buf) struct buf long_comment = BUF_INIT;
    buf_puts(&long_comment, "<!--");
    while (long_comment.len < AWS_XML_MAX)
        buf_putc(&long_comment, 'x');
    buf_puts(&long_comment, "--><b>1</b>");
    assert_null(aws_xml_text(long_comment.data, long_comment.len, "b"));
}

TEST(sts_answer)
{
    static const char xml[] =
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAX</AccessKeyId>"
        "<SecretAccessKey>s/ec+ret</SecretAccessKey><SessionToken>to==ken</SessionToken>"
        "<Expiration>2030-01-02T03:04:05Z</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>";
    AUTO(aws_credentials) struct aws_credentials c = {0};
    struct error err;
    assert_int_equal(aws_sts_parse(xml, strlen(xml), &c, &err), 0);
    assert_string_equal(c.access_key, "ASIAX");
    assert_string_equal(c.secret_key, "s/ec+ret");
    assert_string_equal(c.session_token, "to==ken");
    assert_int_equal(c.expires_ns / 1000000000, 1893553445);
    struct aws_credentials none = {0};
    assert_int_equal(aws_sts_parse(xml, 60, &none, &err), -1);
    assert_null(none.access_key);
}

TEST(request_parts)
{
    char url[256];
    aws_service_url(NULL, "api.ecr", "eu-west-1", url, sizeof url);
    assert_string_equal(url, "https://api.ecr.eu-west-1.amazonaws.com/");
    aws_service_url("", "ecs", "cn-north-1", url, sizeof url);
    assert_string_equal(url, "https://ecs.cn-north-1.amazonaws.com.cn/");
    aws_service_url("http://127.0.0.1:4566", "ecs", "us-east-1", url, sizeof url);
    assert_string_equal(url, "http://127.0.0.1:4566/");
    AUTO(buf) struct buf form = BUF_INIT;
    http_form_put(&form, "A", "b c+d/é");
    http_form_put(&form, "B", "-_.~");
    assert_string_equal(form.data, "A=b%20c%2Bd%2F%C3%A9&B=-_.~");
}

TEST(backoff_is_bounded)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        int64_t wait = backoff_ms(attempt, 100, 8000, NULL);
        int64_t most = attempt < 7 ? 100 << attempt : 8000;
        assert_in_range(wait, 1, most);
    }
    assert_in_range(backoff_ms(0, 100, 8000, "3"), 3000, 3000);
    assert_in_range(backoff_ms(0, 100, 8000, "9223372036854775807"), 8000, 8000);
    assert_in_range(backoff_ms(0, 100, 8000, "soon"), 1, 100);
    assert_in_range(backoff_ms(0, 100, 8000, "-5"), 1, 100);
    assert_in_range(backoff_ms(0, 100, 8000, "Sun, 06 Nov 1994 08:49:37 GMT"), 1, 100);
    assert_in_range(backoff_ms(0, 100, 8000, "Sun, 06 Nov 2094 08:49:37 GMT"), 8000, 8000);
    assert_in_range(backoff_ms(0, 100, 8000, "Sun, 06 Foo 2094 08:49:37 GMT"), 1, 100);
}
