/* SPDX-License-Identifier: Apache-2.0
 *
 * The images' half of the fake backend, a part of frontend_fake.h: load, import, push, save and the
 * unary requests. An image or repository called "nope" does not exist; of "empty" there is nothing
 * to tell. What was asked is noted as text for the tests.
 */
#ifndef SOCKERLESS_TEST_KIT_FRONTEND_FAKE_IMAGES_H
#define SOCKERLESS_TEST_KIT_FRONTEND_FAKE_IMAGES_H

#include "test/kit/frontend_fake.h"

enum { TALK_LINES = 100, SAVE_BYTES = 8 * 1024 * 1024, FAIL_AFTER = 1000 };

#define TEXT(literal) ((char *)(uintptr_t)(literal))
void fake_note_session(struct fake *f, const Sockerless__StreamOpen *open);
void fake_body_frame(struct fake_session *s, const struct frame *f);

/* On the loop's thread. */
void fake_unstall(struct fake *f);
void fake_image_session(struct fake_session *s, const Sockerless__StreamOpen *open);
void fake_image_request(struct fake *f, struct rpc_call *call, const Sockerless__Request *r);

#endif
