/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of single elements in the XML answers of AWS's query protocols (STS). Not a parser: the
 * first element of that name counts, wherever it stands.
 */
#ifndef SOCKERLESS_AWS_XML_H
#define SOCKERLESS_AWS_XML_H

#include <stddef.h>

/* Heap string with the five named and the numeric entities (ASCII) decoded; NULL when there is no
 * complete element <name>…</name>. */
char *aws_xml_text(const char *xml, size_t len, const char *name);

#endif
