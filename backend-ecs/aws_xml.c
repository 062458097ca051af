/* SPDX-License-Identifier: Apache-2.0
 * Text of single XML elements, by libexpat; see aws_xml.h. */
#include "aws_xml.h"

#include "base/buf.h"
#include "base/secret.h"

#include <expat.h>
#include <stdbool.h>
#include <string.h>

struct search {
    XML_Parser parser;
    const char *name;
    int depth;       /* of the element the parser is in */
    int found_depth; /* of the element that is searched; 0: not met yet */
    bool complete;   /* it has ended */
    struct buf text;
};

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct search *s = data;
    (void)attributes;
    if (++s->depth > AWS_XML_DEPTH_MAX)
        XML_StopParser(s->parser, XML_FALSE);
    else if (!s->found_depth && strcmp(name, s->name) == 0)
        s->found_depth = s->depth;
}

static void on_end(void *data, const XML_Char *name)
{
    struct search *s = data;
    (void)name;
    if (s->depth-- == s->found_depth)
        s->complete = true;
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct search *s = data;
    if (!s->found_depth || s->complete)
        return;
    if (s->text.len + (size_t)len > AWS_XML_TEXT_MAX)
        XML_StopParser(s->parser, XML_FALSE);
    else
        buf_append(&s->text, text, (size_t)len);
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_subset)
{
    const struct search *s = data;
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    XML_StopParser(s->parser, XML_FALSE);
}

char *aws_xml_text(const char *xml, size_t len, const char *name)
{
    struct search s = {.name = name};
    if (!len || len > AWS_XML_MAX || !(s.parser = XML_ParserCreate(NULL)))
        return NULL;
    XML_SetUserData(s.parser, &s);
    XML_SetElementHandler(s.parser, on_start, on_end);
    XML_SetCharacterDataHandler(s.parser, on_text);
    XML_SetStartDoctypeDeclHandler(s.parser, on_doctype);
    bool good = XML_Parse(s.parser, xml, (int)len, XML_TRUE) == XML_STATUS_OK && s.complete;
    XML_ParserFree(s.parser);
    if (good)
        return buf_steal(&s.text);
    secret_buf_free(&s.text);
    return NULL;
}
