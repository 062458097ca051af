# SPDX-License-Identifier: Apache-2.0
"""Google's own clients against the simulated Cloud Functions: a function, its service, ID tokens, a request."""
import datetime
import io
import unittest
import zipfile

import requests
from google.api_core import exceptions
from google.cloud import functions_v2
from google.cloud import run_v2
from google.oauth2 import service_account

from test_google import KEY, OPTIONS, PARENT, PROJECT, SCOPES, URL, account, done, refresh

SERVE = ("mkdir -p /www/cgi-bin; printf '#!/bin/sh\\necho; cat; echo \" for $K_SERVICE\"\\n' >/www/cgi-bin/run; "
         "chmod 755 /www/cgi-bin/run; trap 'exit 0' TERM; httpd -f -p $PORT -h /www & wait")


def archive(entry_point):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("main.py", f"import functions_framework\n@functions_framework.http\ndef {entry_point}(request):\n  return 'x'\n")
        file.writestr("requirements.txt", "functions-framework\n")
    return out.getvalue()


def put(url, data, **headers):
    return requests.put(url, data=data, headers={"Content-Type": "application/zip", **headers}, timeout=20).status_code


class Functions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        credentials = account(scopes=SCOPES)
        cls.functions = functions_v2.FunctionServiceClient(credentials=credentials, transport="rest", client_options=OPTIONS)
        cls.services = run_v2.ServicesClient(credentials=credentials, transport="rest", client_options=OPTIONS)

    def upload(self, data):
        offer = self.functions.generate_upload_url(functions_v2.GenerateUploadUrlRequest(parent=PARENT))
        self.assertEqual(put(offer.upload_url, data, Authorization="Bearer x"), 400)
        self.assertEqual(put(offer.upload_url[:-1] + "z", data), 403)
        self.assertEqual(requests.put(offer.upload_url, data=data, timeout=20).status_code, 403)  # no content type
        self.assertEqual(put(offer.upload_url, data), 200)
        return offer.storage_source

    def function(self, source, **config):
        return functions_v2.Function(
            environment=functions_v2.Environment.GEN_2, labels={"sdk": "1"},
            build_config=functions_v2.BuildConfig(runtime="python312", entry_point="serve",
                                                  source=functions_v2.Source(storage_source=source)),
            service_config=functions_v2.ServiceConfig(**{"available_memory": "1Gi", "available_cpu": "1",
                                                         "timeout_seconds": 60, **config}))

    def create(self, name):
        made = done(self.functions.create_function(parent=PARENT, function_id=name,
                                                   function=self.function(self.upload(archive("serve")))))
        self.addCleanup(lambda: done(self.functions.delete_function(name=made.name)))
        return made

    def patch(self, function):
        service = self.services.get_service(name=function.service_config.service)
        container = service.template.containers[0]
        container.image, container.command, container.args = "docker.io/library/busybox", ["sh"], ["-c", SERVE]
        service.template.revision = ""
        service.template.timeout = datetime.timedelta(seconds=30)
        service.template.execution_environment = run_v2.ExecutionEnvironment.EXECUTION_ENVIRONMENT_GEN2
        return done(self.services.update_service(service=service))

    def invoke(self, uri, credentials):
        refresh(credentials)
        return requests.post(uri + "/cgi-bin/run", data="hello", timeout=20,
                             headers={"Authorization": f"Bearer {credentials.token}"})

    def test_life(self):
        made = self.create("sdk-life")
        self.assertEqual(made.state, functions_v2.Function.State.ACTIVE)
        self.assertEqual(self.functions.get_function(name=made.name).service_config.uri, made.service_config.uri)
        self.assertIn(made.name, [f.name for f in self.functions.list_functions(parent=PARENT)])
        with self.assertRaises(exceptions.Conflict):
            self.functions.create_function(parent=PARENT, function_id="sdk-life",
                                           function=self.function(self.upload(archive("serve"))))
        service = self.patch(made)
        self.assertEqual(service.template.containers[0].image, "docker.io/library/busybox")
        self.assertEqual(service.terminal_condition.state, run_v2.Condition.State.CONDITION_SUCCEEDED)
        again = self.services.get_service(name=service.name)
        self.assertEqual(again.template, service.template)

    def test_invocation(self):
        made = self.create("sdk-invoked")
        self.patch(made)
        uri = made.service_config.uri
        own = service_account.IDTokenCredentials.from_service_account_file(KEY, target_audience=uri)
        answer = self.invoke(uri, own)
        self.assertEqual((answer.status_code, answer.text.strip()), (200, "hello for sdk-invoked"))
        other = service_account.IDTokenCredentials.from_service_account_file(KEY, target_audience="https://example.com")
        self.assertEqual(self.invoke(uri, other).status_code, 401)
        self.assertEqual(self.invoke(uri, account(scopes=SCOPES)).status_code, 401)  # an access token
        self.assertEqual(requests.get(uri, timeout=20).status_code, 403)
        target = f"runner@{PROJECT}.iam.gserviceaccount.com"
        base = f"{URL}/v1/projects/-/serviceAccounts/{target}"
        token = requests.post(f"{base}:generateIdToken", json={"audience": uri, "includeEmail": True}, timeout=20,
                              headers={"Authorization": f"Bearer {refresh(account(scopes=SCOPES)).token}"}).json()["token"]
        answer = requests.post(uri + "/cgi-bin/run", data="x", headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self.assertEqual(answer.status_code, 200)

    def test_refusals(self):
        with self.assertRaises(exceptions.NotFound):
            self.functions.get_function(name=f"{PARENT}/functions/sdk-none")
        with self.assertRaises(exceptions.NotFound):
            self.functions.create_function(parent=PARENT, function_id="sdk-none", function=self.function(
                functions_v2.StorageSource(bucket="none", object_="none.zip")))
        source = self.upload(archive("serve"))
        for config in ({"timeout_seconds": 3601}, {"available_cpu": "0.5", "max_instance_request_concurrency": 2}):
            with self.assertRaises(exceptions.BadRequest):
                self.functions.create_function(parent=PARENT, function_id="sdk-none", function=self.function(source, **config))
        made = self.create("sdk-refused")
        service = self.services.get_service(name=made.service_config.service)
        service.template.containers[0].image = "docker.io/library/other"
        with self.assertRaises(exceptions.Conflict):  # the revision of that name is another one
            self.services.update_service(service=service)
        service.etag = '"0"'
        with self.assertRaises(exceptions.Conflict):
            self.services.update_service(service=service)

    def test_a_broken_archive(self):
        for data in (b"no archive", archive("other")):
            operation = self.functions.create_function(parent=PARENT, function_id="sdk-broken",
                                                       function=self.function(self.upload(data)))
            with self.assertRaises(exceptions.GoogleAPICallError):
                done(operation)
            name = f"{PARENT}/functions/sdk-broken"
            self.assertEqual(self.functions.get_function(name=name).state, functions_v2.Function.State.FAILED)
            done(self.functions.delete_function(name=name))
