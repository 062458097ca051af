# SPDX-License-Identifier: Apache-2.0
"""Google's own clients against the simulated Google Cloud: tokens, Cloud Run, Logging, Artifact Registry."""
import datetime
import json
import os
import time
import unittest
import urllib.request

import google.auth.jwt
import google.auth.transport.requests
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.api_core.future import polling
from google.auth import impersonated_credentials
from google.auth.exceptions import RefreshError
from google.cloud import artifactregistry_v1 as artifacts
from google.cloud import logging as cloud_logging
from google.cloud import run_v2
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

URL = os.environ["SIM_GCP_URL"]
STATE = os.environ["SIM_GCP_STATE"]
PROJECT = "sockerless-local"
PARENT = f"projects/{PROJECT}/locations/us-central1"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
KEY = os.path.join(STATE, "service-account.json")
OPTIONS = ClientOptions(api_endpoint=URL)


def account(**more):
    return service_account.Credentials.from_service_account_file(KEY, **more)


def refresh(credentials):
    credentials.refresh(google.auth.transport.requests.Request())
    return credentials


def done(operation):
    """Its result; the library's own pauses between polls are made for the real cloud."""
    return operation.result(timeout=30, polling=polling.DEFAULT_POLLING.with_delay(0.05, maximum=0.2))


def jobs_client(credentials=None):
    return run_v2.JobsClient(credentials=credentials or account(scopes=SCOPES), transport="rest", client_options=OPTIONS)


def status_of(path, token):
    request = urllib.request.Request(URL + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


class Tokens(unittest.TestCase):
    JOBS = f"/v2/{PARENT}/jobs"

    def test_service_account_flow(self):
        credentials = refresh(account(scopes=SCOPES))
        self.assertEqual(status_of(self.JOBS, credentials.token), 200)
        # google-auth signs for this audience, whatever the key file's token_uri is.
        with open(KEY, encoding="utf-8") as key:
            info = json.load(key)
        self.assertNotEqual(info["token_uri"], "https://oauth2.googleapis.com/token")
        with self.assertRaises(RefreshError):
            refresh(account())  # no scope
        with self.assertRaises(RefreshError):
            refresh(service_account.Credentials.from_service_account_info(
                {**info, "client_email": f"other@{PROJECT}.iam.gserviceaccount.com"}, scopes=SCOPES))

    def assertion(self, **claims):
        now = int(time.time())
        base = {"iss": account().service_account_email, "sub": account().service_account_email,
                "iat": now, "exp": now + 600, "aud": "https://run.googleapis.com/"}
        return google.auth.jwt.encode(account().signer, {k: v for k, v in {**base, **claims}.items() if v}).decode()

    def test_self_signed(self):
        by_audience = account()
        by_audience._create_self_signed_jwt("https://run.googleapis.com/")
        by_scope = account(scopes=SCOPES, always_use_jwt_access=True)
        by_scope._create_self_signed_jwt(None)
        for credentials in (by_audience, by_scope):
            self.assertEqual(status_of(self.JOBS, refresh(credentials).token), 200)
        for claims in ({"aud": "https://logging.googleapis.com/"}, {"aud": None}, {"exp": int(time.time()) - 400},
                       {"sub": "other@example.com"}, {"iss": "other@example.com"},
                       {"aud": None, "scope": "https://www.googleapis.com/auth/devstorage.read_only"},
                       {"exp": int(time.time()) + 7200}):
            self.assertEqual(status_of(self.JOBS, self.assertion(**claims)), 401, claims)
        good = self.assertion()
        self.assertEqual(status_of(self.JOBS, good), 200)
        self.assertEqual(status_of(self.JOBS, good[:-8] + "AAAAAAAA"), 401)

    def test_authorized_user(self):
        with open(os.path.join(STATE, "authorized-user.json"), encoding="utf-8") as file:
            info = json.load(file)
        user = user_credentials.Credentials(None, **{k: info[k] for k in (
            "refresh_token", "client_id", "client_secret", "token_uri")})
        self.assertEqual(status_of(self.JOBS, refresh(user).token), 200)

    def test_impersonation(self):
        target = f"runner@{PROJECT}.iam.gserviceaccount.com"
        credentials = impersonated_credentials.Credentials(
            source_credentials=account(scopes=SCOPES), target_principal=target, target_scopes=SCOPES,
            iam_endpoint_override=f"{URL}/v1/projects/-/serviceAccounts/{target}:generateAccessToken")
        self.assertEqual(status_of(self.JOBS, refresh(credentials).token), 200)


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.jobs = jobs_client()
        cls.executions = run_v2.ExecutionsClient(credentials=account(scopes=SCOPES), transport="rest", client_options=OPTIONS)
        cls.tasks = run_v2.TasksClient(credentials=account(scopes=SCOPES), transport="rest", client_options=OPTIONS)

    def job(self, *args, **task):
        container = run_v2.Container(image="docker.io/library/busybox", command=["sh"], args=["-c", *args])
        template = run_v2.TaskTemplate(**{
            "containers": [container], "max_retries": 0, "timeout": datetime.timedelta(seconds=60),
            "execution_environment": run_v2.ExecutionEnvironment.EXECUTION_ENVIRONMENT_GEN2, **task})
        return run_v2.Job(template=run_v2.ExecutionTemplate(template=template), labels={"sdk": "1"})

    def create(self, name, *args, **task):
        made = done(self.jobs.create_job(parent=PARENT, job=self.job(*args, **task), job_id=name))
        self.addCleanup(lambda: done(self.jobs.delete_job(name=made.name)))
        return made

    def names(self):
        return [j.name.rsplit("/", 1)[1] for j in self.jobs.list_jobs(parent=PARENT)]

    def test_run_to_end(self):
        made = self.create("sdk-ends", "echo out; exit $CODE")
        self.assertEqual(made.template.template.execution_environment, run_v2.ExecutionEnvironment.EXECUTION_ENVIRONMENT_GEN2)
        self.assertEqual(made.template.template.vpc_access.egress, run_v2.VpcAccess.VpcEgress.VPC_EGRESS_UNSPECIFIED)
        override = run_v2.RunJobRequest.Overrides(container_overrides=[
            run_v2.RunJobRequest.Overrides.ContainerOverride(env=[run_v2.EnvVar(name="CODE", value="0")])])
        ended = done(self.jobs.run_job(run_v2.RunJobRequest(name=made.name, overrides=override)))
        self.assertEqual(ended.succeeded_count, 1)
        failing = self.jobs.run_job(run_v2.RunJobRequest(name=made.name, overrides=run_v2.RunJobRequest.Overrides(
            container_overrides=[run_v2.RunJobRequest.Overrides.ContainerOverride(env=[run_v2.EnvVar(name="CODE", value="7")])])))
        with self.assertRaises(exceptions.GoogleAPICallError):
            done(failing)
        task = list(self.tasks.list_tasks(parent=failing.metadata.name))[0]
        self.assertEqual(task.last_attempt_result.exit_code, 7)
        self.assertEqual(self.tasks.get_task(name=task.name).name, task.name)
        listed = [e.name for e in self.executions.list_executions(parent=made.name)]
        self.assertIn(ended.name, listed)
        done(self.executions.delete_execution(name=ended.name))
        with self.assertRaises(exceptions.NotFound):
            self.executions.get_execution(name=ended.name)

    def test_cancel(self):
        made = self.create("sdk-cancel", "sleep 600")
        running = self.jobs.run_job(name=made.name)
        done(self.executions.cancel_execution(name=running.metadata.name))
        self.assertEqual(self.executions.get_execution(name=running.metadata.name).cancelled_count, 1)

    def test_errors(self):
        with self.assertRaises(exceptions.NotFound):
            self.jobs.get_job(name=f"{PARENT}/jobs/sdk-none")
        with self.assertRaises(exceptions.BadRequest):
            self.jobs.create_job(parent=PARENT, job=self.job("true"), job_id="Capitals")
        with self.assertRaises(exceptions.BadRequest):
            self.jobs.create_job(parent=PARENT, job=run_v2.Job(), job_id="sdk-empty")
        self.create("sdk-twice", "true")
        with self.assertRaises(exceptions.Conflict):
            self.jobs.create_job(parent=PARENT, job=self.job("true"), job_id="sdk-twice")

    def test_validate_only(self):
        checked = done(self.jobs.create_job(run_v2.CreateJobRequest(
            parent=PARENT, job=self.job("true"), job_id="sdk-checked", validate_only=True)))
        self.assertEqual(checked.template.task_count, 1)  # defaults are filled in
        self.assertNotIn("sdk-checked", self.names())
        with self.assertRaises(exceptions.BadRequest):
            self.jobs.create_job(run_v2.CreateJobRequest(
                parent=PARENT, job=self.job("true", max_retries=99), job_id="sdk-checked", validate_only=True))
        made = self.create("sdk-kept", "true")
        changed = self.job("false")
        changed.name = made.name
        done(self.jobs.update_job(run_v2.UpdateJobRequest(job=changed, validate_only=True)))
        self.assertEqual(self.jobs.get_job(name=made.name).etag, made.etag)
        done(self.jobs.run_job(run_v2.RunJobRequest(name=made.name, validate_only=True)))
        self.assertEqual(list(self.executions.list_executions(parent=made.name)), [])
        running = self.jobs.run_job(name=made.name)
        execution = running.metadata.name
        done(running)
        done(self.executions.delete_execution(run_v2.DeleteExecutionRequest(name=execution, validate_only=True)))
        self.assertEqual(self.executions.get_execution(name=execution).name, execution)
        done(self.jobs.delete_job(run_v2.DeleteJobRequest(name=made.name, validate_only=True)))
        self.assertIn("sdk-kept", self.names())

        long = self.create("sdk-long", "sleep 600")
        execution = self.jobs.run_job(name=long.name).metadata.name
        done(self.executions.cancel_execution(run_v2.CancelExecutionRequest(name=execution, validate_only=True)))
        self.assertEqual(self.executions.get_execution(name=execution).cancelled_count, 0)
        done(self.executions.cancel_execution(name=execution))

    def test_pages(self):
        for i in range(5):
            self.create(f"sdk-page-{i}", "true")
        found = self.jobs.list_jobs(run_v2.ListJobsRequest(parent=PARENT, page_size=2))
        self.assertTrue({f"sdk-page-{i}" for i in range(5)} <= {j.name.rsplit("/", 1)[1] for j in found})

    def test_self_signed_token_of_the_library(self):
        jobs = jobs_client(account())  # without scopes the library signs its own token
        self.assertIsNotNone(list(jobs.list_jobs(parent=PARENT)))


class Logging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.jobs = jobs_client()
        cls.logging = cloud_logging.Client(project=PROJECT, credentials=account(scopes=SCOPES), _use_grpc=False, client_options=OPTIONS)
        container = run_v2.Container(image="docker.io/library/busybox", command=["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done"])
        job = run_v2.Job(template=run_v2.ExecutionTemplate(template=run_v2.TaskTemplate(containers=[container], max_retries=0)))
        cls.began = datetime.datetime.now(datetime.timezone.utc)
        cls.made = done(cls.jobs.create_job(parent=PARENT, job=job, job_id="sdk-logs"))
        done(cls.jobs.run_job(name=cls.made.name))

    @classmethod
    def tearDownClass(cls):
        done(cls.jobs.delete_job(name=cls.made.name))

    def lines(self, filter_, **more):
        """By time; the service has no order of its own for lines of one time."""
        found = list(self.logging.list_entries(filter_=f'resource.labels.job_name="sdk-logs" {filter_}', **more))
        times = [e.timestamp for e in found]
        self.assertEqual(times, sorted(times, reverse=more.get("order_by") == cloud_logging.DESCENDING))
        return sorted(e.payload for e in found)

    def test_entries(self):
        wanted = [f"line {i}" for i in range(1, 6)]
        # without a timestamp the library adds one of its own, which ends in +0000
        self.assertEqual(self.lines(""), wanted)
        self.assertEqual(self.lines("", order_by=cloud_logging.DESCENDING), wanted)
        self.assertEqual(self.lines("", page_size=2), wanted)
        for form in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f+00:00"):
            self.assertEqual(self.lines(f'timestamp>="{self.began.strftime(form)}"'), wanted, form)
        west = self.began.astimezone(datetime.timezone(datetime.timedelta(hours=-7)))
        self.assertEqual(self.lines(f'timestamp>="{west.strftime("%Y-%m-%dT%H:%M:%S.%f%z")}"'), wanted)
        self.assertEqual(self.lines(f'timestamp<"{west.strftime("%Y-%m-%dT%H:%M:%S.%f%z")}"'), [])
        with self.assertRaises(exceptions.BadRequest):
            self.lines('timestamp>="yesterday"')


class ArtifactRegistry(unittest.TestCase):
    def test_repositories(self):
        registry = artifacts.ArtifactRegistryClient(credentials=account(scopes=SCOPES), transport="rest", client_options=OPTIONS)
        repository = artifacts.Repository(format_=artifacts.Repository.Format.DOCKER)
        made = done(registry.create_repository(parent=PARENT, repository=repository, repository_id="sdk"))
        self.assertEqual(made.name, f"{PARENT}/repositories/sdk")
        self.assertEqual(registry.get_repository(name=made.name).format_, artifacts.Repository.Format.DOCKER)
        self.assertIn(made.name, [r.name for r in registry.list_repositories(parent=PARENT)])
        with self.assertRaises(exceptions.Conflict):
            registry.create_repository(parent=PARENT, repository=repository, repository_id="sdk")
        with self.assertRaises(exceptions.BadRequest):
            registry.create_repository(parent=PARENT, repository=repository, repository_id="No_Good")
        token = refresh(account(scopes=SCOPES)).token
        self.assertEqual(status_of(f"/v2/{PROJECT}/sdk/app/tags/list", token), 404)
        done(registry.delete_repository(name=made.name))
        with self.assertRaises(exceptions.NotFound):
            registry.get_repository(name=made.name)
