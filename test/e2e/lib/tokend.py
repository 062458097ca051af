#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A registry's token service, as https://distribution.github.io/distribution/spec/auth describes:
GET with Basic or nothing, POST (OAuth 2) with a password or a refresh token; RS256 by openssl.

  tokend.py PORT FOLDER

FOLDER holds service.key and service.pem, and is asked anew at every request for
  users.json   {"NAME": {"password": "...", "scopes": {"REPOSITORY*": ["pull", "push"]}}}; the name
               "" is everybody, without a password
  mode         words: "no-post" (405), "stale" (the next token is an old one), "down" (503)
and gets
  asked        one line a request, without secrets: METHOD USER GRANT SCOPES
  issued       every token and refresh token that was given out
"""
import base64
import fnmatch
import http.server
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.parse

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
ISSUER, SERVICE, LIFE_S = "e2e-tokens", "e2e-registry", 300
REFRESH = {}  # refresh token -> user


def path(name):
    return os.path.join(FOLDER, name)


def note(name, line):
    with open(path(name), "a", encoding="utf-8") as f:
        f.write(line + "\n")


def mode():
    try:
        with open(path("mode"), encoding="utf-8") as f:
            return f.read().split()
    except FileNotFoundError:
        return []


def users():
    with open(path("users.json"), encoding="utf-8") as f:
        return json.load(f)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def certificate():
    pem = open(path("service.pem"), encoding="ascii").read()
    return "".join(x for x in pem.splitlines() if "CERTIFICATE" not in x)


def sign(text):
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", path("service.key")],
                          input=text.encode(), capture_output=True, check=True)
    return base64url(done.stdout)


def token_for(user, access):
    now = int(time.time())
    if "stale" in mode():
        os.unlink(path("mode"))
        now -= 3600
    head = {"typ": "JWT", "alg": "RS256", "x5c": [certificate()]}
    body = {"iss": ISSUER, "sub": user, "aud": SERVICE, "iat": now, "nbf": now - 10,
            "exp": now + LIFE_S, "jti": secrets.token_hex(8), "access": access}
    text = ".".join(base64url(json.dumps(x).encode()) for x in (head, body))
    token = text + "." + sign(text)
    note("issued", token)
    return token


def access_for(user, scopes):
    """What of the scopes this user may do."""
    granted = []
    for scope in scopes:
        kind, rest = scope.split(":", 1)
        name, actions = rest.rsplit(":", 1)
        allowed = set()
        for who in {user, ""}:
            for pattern, verbs in users().get(who, {}).get("scopes", {}).items():
                if kind == "repository" and fnmatch.fnmatch(name, pattern):
                    allowed.update(verbs)
        actions = [x for x in actions.split(",") if x in allowed]
        granted.append({"type": kind, "name": name, "actions": actions})
    return granted


def password_right(user, password):
    known = users().get(user) if user else None
    return known is not None and secrets.compare_digest(known["password"], password)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status=401):
        self.answer(status, {"errors": [{"code": "UNAUTHORIZED",
                                         "message": "incorrect username or password"}]})

    def grant(self, user, scopes, offline):
        document = {"expires_in": LIFE_S, "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        document["token"] = document["access_token"] = token_for(user, access_for(user, scopes))
        if offline and user:
            refresh = "refresh-" + secrets.token_hex(16)
            REFRESH[refresh] = user
            note("issued", refresh)
            document["refresh_token"] = refresh
        self.answer(200, document)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path != "/token":
            self.answer(404, {})
            return
        scopes = " ".join(query.get("scope", [])).split()
        header = self.headers.get("Authorization", "")
        user = password = ""
        if header.startswith("Basic "):
            user, _, password = base64.b64decode(header[6:]).decode().partition(":")
        note("asked", f"GET {user or '-'} basic {' '.join(scopes)}")
        if "down" in mode():
            self.refuse(503)
        elif header and not password_right(user, password):
            self.refuse()
        else:
            self.grant(user, scopes, query.get("offline_token") == ["true"])

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        form = {k: v[0] for k, v in urllib.parse.parse_qs(self.rfile.read(length).decode()).items()}
        scopes = form.get("scope", "").split()
        kind = form.get("grant_type", "")
        user = form.get("username", "") if kind == "password" else REFRESH.get(form.get("refresh_token"), "")
        note("asked", f"POST {user or '-'} {kind} {' '.join(scopes)}")
        if "no-post" in mode():
            self.answer(405, {})
        elif "down" in mode():
            self.refuse(503)
        elif kind == "password" and password_right(user, form.get("password", "")):
            self.grant(user, scopes, form.get("access_type") == "offline")
        elif kind == "refresh_token" and user:
            self.grant(user, scopes, False)
        else:
            self.refuse()


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
