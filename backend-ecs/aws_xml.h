/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of single elements in the XML answers of AWS's query protocols (STS). Answers are foreign:
 * they are read with limits, and a document type declaration, which AWS never sends, ends the
 * reading (so there are no entities of the document's own, and nothing outside it is looked up).
 */
#ifndef SOCKERLESS_AWS_XML_H
#define SOCKERLESS_AWS_XML_H

#include <stddef.h>

enum {
    AWS_XML_MAX = 1024 * 1024,     /* of a document */
    AWS_XML_DEPTH_MAX = 32,        /* of elements within each other */
    AWS_XML_TEXT_MAX = 256 * 1024, /* of the text that is returned */
};

/* The text of the first element of that name, wherever it stands: UTF-8 on the heap, that of
 * elements within it included. NULL: there is none, or the document is not well-formed XML or
 * exceeds a limit. */
char *aws_xml_text(const char *xml, size_t len, const char *name);

#endif
