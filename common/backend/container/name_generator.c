/* SPDX-License-Identifier: Apache-2.0
 * Name generator; see name_generator.h. */
#include "backend/container/name_generator.h"

#include "base/alloc.h"
#include "base/id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NAME_PLAIN_ATTEMPTS = 6 }; /* then a number is appended */

static const char *const adjectives[] = {
    "agile",    "airy",     "amber",    "ample",   "apt",      "awake",    "balmy",     "bold",
    "bonny",    "brave",    "breezy",   "bright",  "brisk",    "buoyant",  "calm",      "candid",
    "careful",  "cheerful", "chipper",  "civil",   "clever",   "cordial",  "cosy",      "crisp",
    "curious",  "dapper",   "daring",   "deft",    "devoted",  "diligent", "eager",     "earnest",
    "easy",     "elated",   "eloquent", "fair",    "faithful", "fearless", "festive",   "fluent",
    "fond",     "frank",    "fresh",    "gallant", "generous", "genial",   "gentle",    "glad",
    "gleeful",  "graceful", "hale",     "handy",   "hardy",    "hearty",   "helpful",   "honest",
    "hopeful",  "humble",   "ideal",    "jaunty",  "jolly",    "jovial",   "joyous",    "keen",
    "kind",     "lively",   "loyal",    "lucid",   "lucky",    "mellow",   "merry",     "mighty",
    "mild",     "mindful",  "modest",   "neat",    "nimble",   "noble",    "patient",   "peaceful",
    "placid",   "plucky",   "polite",   "prudent", "punctual", "quick",    "quiet",     "radiant",
    "ready",    "robust",   "sage",     "serene",  "sincere",  "snug",     "sprightly", "spry",
    "stalwart", "steady",   "sturdy",   "sunny",   "swift",    "tactful",  "thrifty",   "tidy",
    "tranquil", "trusty",   "upbeat",   "valiant", "vivid",    "warm",     "whimsical", "winsome",
    "witty",    "zealous",  "zesty",
};

/* People of computing, mathematics, nature study and engineering. */
static const char *const surnames[] = {
    "abel",       "agnesi",    "allen",     "ampere",  "archimedes", "backus",   "bardeen",
    "bell",       "bernoulli", "boole",     "borg",    "braun",      "brunel",   "cantor",
    "carson",     "cauchy",    "cerf",      "chandra", "church",     "codd",     "conway",
    "crick",      "curie",     "daguerre",  "darwin",  "davy",       "dijkstra", "dirac",
    "edison",     "einstein",  "engelbart", "erdos",   "erlang",     "euclid",   "euler",
    "faraday",    "fermat",    "fermi",     "feynman", "fourier",    "franklin", "galois",
    "gauss",      "germain",   "godel",     "goodall", "gray",       "hamilton", "hamming",
    "herschel",   "hertz",     "hilbert",   "hoare",   "hopper",     "hubble",   "huygens",
    "hypatia",    "iverson",   "jacobi",    "joule",   "kahn",       "kepler",   "kernighan",
    "kleene",     "knuth",     "lagrange",  "lamarr",  "lamport",    "laplace",  "lavoisier",
    "leibniz",    "liskov",    "lovelace",  "maxwell", "mccarthy",   "meitner",  "mendel",
    "mirzakhani", "moore",     "naur",      "newton",  "noether",    "nygaard",  "ohm",
    "pascal",     "pasteur",   "perlis",    "planck",  "poincare",   "postel",   "ramanujan",
    "riemann",    "ritchie",   "sagan",     "shannon", "somerville", "stallman", "tesla",
    "thompson",   "torvalds",  "turing",    "volta",   "wiles",      "wilkes",   "wirth",
    "wozniak",    "wu",        "yonath",    "zuse",
};

static bool taken(const struct container_table *t, const char *name)
{
    struct container *c = NULL;
    HASH_FIND(by_name, t->by_name, name, strlen(name), c);
    return c != NULL;
}

void name_generate(const struct container_table *t, char out[CONTAINER_NAME_MAX + 1])
{
    for (unsigned attempt = 0; attempt == 0 || taken(t, out); attempt++) {
        uint32_t random[3];
        random_bytes(random, sizeof random);
        const char *adjective = adjectives[random[0] % ARRAY_LEN(adjectives)];
        const char *surname = surnames[random[1] % ARRAY_LEN(surnames)];
        if (attempt < NAME_PLAIN_ATTEMPTS)
            snprintf(out, CONTAINER_NAME_MAX + 1, "%s_%s", adjective, surname);
        else
            snprintf(out, CONTAINER_NAME_MAX + 1, "%s_%s%u", adjective, surname,
                     (unsigned)random[2]);
    }
}
