# SPDX-License-Identifier: Apache-2.0
"""Azure's own clients against the simulated Azure: managed identity, Container Apps jobs, Log Analytics."""
import datetime
import json
import os
import time
import unittest
import urllib.parse
import urllib.request
from unittest import mock

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.monitor.query import LogsQueryClient, LogsQueryStatus

URL = os.environ["SIM_AZURE_URL"]
with open(os.path.join(os.environ["SIM_AZURE_STATE"], "azure.json"), encoding="utf-8") as settings:
    SETTINGS = json.load(settings)
SUBSCRIPTION = os.environ["SIM_AZURE_SUBSCRIPTION"]
WORKSPACE = "33333333-4444-4555-8666-777777777777"
GROUP = "sockerless-local"
ENVIRONMENT = (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.App"
               "/managedEnvironments/sockerless-local")
PLAIN = {"enforce_https": False}  # the simulator speaks http
OVER_LOOPBACK = {**PLAIN, "polling_interval": 0.05}


class Secret:
    """The application with its secret. (azure-identity asks for tokens over https only.)"""

    def get_token(self, *scopes, **_):
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": SETTINGS["clientId"],
                                       "client_secret": SETTINGS["clientSecret"], "scope": scopes[0]})
        with urllib.request.urlopen(f"{URL}/{SETTINGS['tenantId']}/oauth2/v2.0/token", form.encode(), 20) as answer:
            token = json.load(answer)
        return AccessToken(token["access_token"], int(time.time()) + token["expires_in"])


def jobs_client():
    return ContainerAppsAPIClient(Secret(), SUBSCRIPTION, base_url=URL,
                                  credential_scopes=["https://management.azure.com/.default"])


def logs_client():
    return LogsQueryClient(Secret(), endpoint=f"{URL}/v1", audience="https://api.loganalytics.io")


def job(script):
    return {"location": "eastus", "properties": {
        "environmentId": ENVIRONMENT,
        "configuration": {"triggerType": "Manual", "replicaTimeout": 60, "replicaRetryLimit": 0},
        "template": {"containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", script],
                                     "resources": {"cpu": 0.25, "memory": "0.5Gi"}}]}}}


class Identity(unittest.TestCase):
    SCOPE = "https://management.azure.com/.default"

    def test_metadata_service(self):
        with mock.patch.dict(os.environ, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": URL}):
            token = ManagedIdentityCredential(client_id=SETTINGS["identityClientId"]).get_token(self.SCOPE)
        self.assertGreater(token.expires_on, time.time())

    def test_app_service(self):
        endpoint = {"IDENTITY_ENDPOINT": f"{URL}/msi/token", "IDENTITY_HEADER": SETTINGS["identityHeader"]}
        with mock.patch.dict(os.environ, endpoint):
            token = ManagedIdentityCredential(client_id=SETTINGS["identityClientId"]).get_token(self.SCOPE)
        self.assertGreater(token.expires_on, time.time())


class Jobs(unittest.TestCase):
    def setUp(self):
        self.client = jobs_client()

    def run_job(self, name, script):
        """To its end: the execution, as the client sees it."""
        self.client.jobs.begin_create_or_update(GROUP, name, job(script), **OVER_LOOPBACK).result(30)
        started = self.client.jobs.begin_start(GROUP, name, **OVER_LOOPBACK).result(30)
        deadline = time.time() + 60
        while time.time() < deadline:
            for one in self.client.jobs_executions.list(GROUP, name, **PLAIN):
                if one.name == started.name and one.end_time:
                    return one
            time.sleep(0.05)
        raise TimeoutError(started.name)

    def test_life(self):
        execution = self.run_job("sdk-life", "echo from the sdk; exit 3")
        self.assertEqual(execution.status, "Failed")
        found = self.client.jobs.get(GROUP, "sdk-life", **PLAIN)
        self.assertEqual(found.provisioning_state, "Succeeded")
        self.assertIn("sdk-life", [one.name for one in self.client.jobs.list_by_resource_group(GROUP, **PLAIN)])
        answer = logs_client().query_workspace(
            WORKSPACE, "ContainerAppConsoleLogs_CL | where ContainerGroupName_s startswith "
            f"'{execution.name}' | project TimeGenerated, Log_s", timespan=datetime.timedelta(hours=1), **PLAIN)
        self.assertEqual(answer.status, LogsQueryStatus.SUCCESS)
        self.assertEqual([row["Log_s"] for row in answer.tables[0].rows], ["from the sdk"])
        self.assertIsInstance(answer.tables[0].rows[0]["TimeGenerated"], datetime.datetime)
        self.client.jobs.begin_delete(GROUP, "sdk-life", **OVER_LOOPBACK).result(30)
        with self.assertRaises(ResourceNotFoundError):
            self.client.jobs.get(GROUP, "sdk-life", **PLAIN)

    def test_refusals(self):
        wrong = job("true")
        wrong["properties"]["template"]["containers"][0]["resources"]["memory"] = "3Gi"
        with self.assertRaises(HttpResponseError) as refused:
            self.client.jobs.begin_create_or_update(GROUP, "sdk-wrong", wrong, **OVER_LOOPBACK)
        self.assertEqual(refused.exception.error.code, "ContainerAppInvalidResourceTotal")
        with self.assertRaises(HttpResponseError) as query:
            logs_client().query_workspace(
                WORKSPACE, "ContainerAppConsoleLogs_CL | where Log_s == 'x", timespan=None, **PLAIN)
        self.assertEqual(query.exception.status_code, 400)
