# SPDX-License-Identifier: Apache-2.0
"""boto3 against the simulated AWS: what its models, paginators, waiters and exceptions expect."""
import base64
import json
import os
import time
import unittest
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["SIM_AWS_URL"]
REGION = "us-east-1"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"],
                                   "securityGroups": ["sg-0123456789abcdef0"]}}
ROLE = "arn:aws:iam::123456789012:role/sdk"


def client(service, **more):
    more = {"aws_access_key_id": "AKIASOCKERLESSLOCAL", "aws_secret_access_key": os.environ["SIM_AWS_SECRET"],
            "config": Config(retries={"mode": "standard", "total_max_attempts": 1}), **more}
    return boto3.client(service, region_name=REGION, endpoint_url=URL, **more)


class Aws(unittest.TestCase):
    def refused(self, code, function, *args, **kwargs):
        with self.assertRaises(ClientError) as caught:
            function(*args, **kwargs)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        self.assertTrue(caught.exception.response["ResponseMetadata"]["RequestId"])
        return caught.exception.response["Error"]["Message"]


class Sts(Aws):
    def test_identity_and_roles(self):
        sts = client("sts")
        self.assertEqual(sts.get_caller_identity()["Account"], "123456789012")
        taken = sts.assume_role(RoleArn=ROLE, RoleSessionName="sdk", DurationSeconds=900)["Credentials"]
        assumed = client("sts", aws_access_key_id=taken["AccessKeyId"],
                         aws_secret_access_key=taken["SecretAccessKey"],
                         aws_session_token=taken["SessionToken"])
        self.assertIn(":assumed-role/sdk/sdk", assumed.get_caller_identity()["Arn"])
        self.refused("ValidationError", sts.assume_role, RoleArn=ROLE, RoleSessionName="sdk", DurationSeconds=60 * 60 * 24)

    def test_web_identity_is_unsigned(self):
        sts = client("sts", config=Config(signature_version=UNSIGNED))
        taken = sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="sdk", WebIdentityToken="a.b.c")
        self.assertGreater(taken["Credentials"]["Expiration"].timestamp(), time.time())

    def test_wrong_keys(self):
        self.refused("InvalidClientTokenId", client("sts", aws_access_key_id="AKIAUNKNOWN").get_caller_identity)
        self.refused("SignatureDoesNotMatch", client("sts", aws_secret_access_key="wrong").get_caller_identity)
        self.refused("UnrecognizedClientException", client("ecs", aws_access_key_id="AKIAUNKNOWN").list_clusters)


class Ecr(Aws):
    def test_token_and_repository(self):
        ecr = client("ecr")
        data = ecr.get_authorization_token()["authorizationData"][0]
        user, password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)
        self.assertEqual(user, "AWS")
        self.assertGreater(data["expiresAt"].timestamp(), time.time())
        created = ecr.create_repository(repositoryName="sdk/app")["repository"]
        self.assertTrue(created["repositoryUri"].endswith(".amazonaws.com/sdk/app"))
        self.refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="sdk/app")
        self.refused("InvalidParameterException", ecr.create_repository, repositoryName="Capitals")
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        request = urllib.request.Request(f"{URL}/v2/", headers={"Authorization": f"Basic {login}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.assertEqual(answer.status, 200)


class Logs(Aws):
    ALLOWED = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

    def setUp(self):
        self.logs = client("logs")
        self.group = f"/sdk/{self.id().rsplit('.', 1)[1]}"
        self.logs.create_log_group(logGroupName=self.group)
        self.addCleanup(self.logs.delete_log_group, logGroupName=self.group)

    def test_retention(self):
        for days in self.ALLOWED:
            self.logs.put_retention_policy(logGroupName=self.group, retentionInDays=days)
        found = self.logs.describe_log_groups(logGroupNamePrefix=self.group)["logGroups"]
        self.assertEqual(found[0]["retentionInDays"], 3653)
        for days in (0, 2, 15, 3654, -1):
            self.refused("InvalidParameterException", self.logs.put_retention_policy,
                         logGroupName=self.group, retentionInDays=days)
        self.assertEqual(self.logs.describe_log_groups(logGroupNamePrefix=self.group)["logGroups"][0]["retentionInDays"], 3653)
        self.logs.delete_retention_policy(logGroupName=self.group)
        self.assertNotIn("retentionInDays", self.logs.describe_log_groups(logGroupNamePrefix=self.group)["logGroups"][0])
        self.refused("ResourceNotFoundException", self.logs.put_retention_policy, logGroupName="/sdk/none", retentionInDays=1)

    def test_groups_and_streams(self):
        with self.assertRaises(self.logs.exceptions.ResourceAlreadyExistsException):
            self.logs.create_log_group(logGroupName=self.group)
        for i in range(7):
            self.logs.create_log_stream(logGroupName=self.group, logStreamName=f"s{i}")
        pages = self.logs.get_paginator("describe_log_streams").paginate(
            logGroupName=self.group, PaginationConfig={"PageSize": 3})
        self.assertEqual([s["logStreamName"] for page in pages for s in page["logStreams"]], [f"s{i}" for i in range(7)])
        self.logs.delete_log_stream(logGroupName=self.group, logStreamName="s0")
        self.refused("ResourceNotFoundException", self.logs.get_log_events, logGroupName=self.group, logStreamName="s0")

    def test_events(self):
        self.logs.create_log_stream(logGroupName=self.group, logStreamName="s")
        now = int(time.time() * 1000)
        self.logs.put_log_events(logGroupName=self.group, logStreamName="s", logEvents=[
            {"timestamp": now + i, "message": f"line {i} ü"} for i in range(25)])
        got, token = [], None
        while True:
            more = {"nextToken": token} if token else {}
            page = self.logs.get_log_events(logGroupName=self.group, logStreamName="s", startFromHead=True, limit=10, **more)
            got += [e["message"] for e in page["events"]]
            if page["nextForwardToken"] == token:
                break
            token = page["nextForwardToken"]
        self.assertEqual(got, [f"line {i} ü" for i in range(25)])
        pages = self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.group, filterPattern='"line 2"', PaginationConfig={"PageSize": 2})
        self.assertEqual(len([e for page in pages for e in page["events"]]), 6)
        self.refused("InvalidParameterException", self.logs.put_log_events, logGroupName=self.group,
                     logStreamName="s", logEvents=[{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}])


class Ecs(Aws):
    @classmethod
    def setUpClass(cls):
        cls.ecs = client("ecs")
        cls.logs = client("logs")
        cls.logs.create_log_group(logGroupName="/sdk/ecs")
        cls.definition = cls.register("sdk", ["sh", "-c", "echo started; exit 3"])

    @classmethod
    def tearDownClass(cls):
        cls.logs.delete_log_group(logGroupName="/sdk/ecs")

    @classmethod
    def register(cls, family, command):
        return cls.ecs.register_task_definition(
            family=family, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            executionRoleArn=ROLE, containerDefinitions=[{
                "name": "main", "image": "busybox", "command": command, "essential": True,
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": "/sdk/ecs", "awslogs-region": REGION, "awslogs-stream-prefix": "sdk"}}}],
        )["taskDefinition"]["taskDefinitionArn"]

    def run_task(self, **more):
        return self.ecs.run_task(**{"taskDefinition": self.definition, "networkConfiguration": NETWORK, **more})

    def stopped(self, arn, cluster="default"):
        self.ecs.get_waiter("tasks_stopped").wait(cluster=cluster, tasks=[arn], WaiterConfig={"Delay": 0.1, "MaxAttempts": 200})
        return self.ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]

    def test_run_to_end(self):
        task = self.run_task(launchType="FARGATE", clientToken="sdk-1")["tasks"][0]
        again = self.run_task(launchType="FARGATE", clientToken="sdk-1")["tasks"][0]
        self.assertEqual(task["taskArn"], again["taskArn"])
        with self.assertRaises(self.ecs.exceptions.ConflictException) as caught:
            self.run_task(launchType="FARGATE", clientToken="sdk-1", startedBy="other")
        self.assertEqual(caught.exception.response["resourceIds"], [task["taskArn"]])
        ended = self.stopped(task["taskArn"])
        self.assertEqual(ended["containers"][0]["exitCode"], 3)
        self.assertEqual(ended["stopCode"], "EssentialContainerExited")
        stream = f"sdk/main/{task['taskArn'].rsplit('/', 1)[1]}"
        events = self.logs.get_log_events(logGroupName="/sdk/ecs", logStreamName=stream, startFromHead=True)["events"]
        self.assertEqual([e["message"] for e in events], ["started"])

    def test_stop_and_list(self):
        keep = self.register("sdk-keep", ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"])
        arns = [t["taskArn"] for t in self.run_task(launchType="FARGATE", taskDefinition=keep, count=3, startedBy="sdk")["tasks"]]
        self.ecs.get_waiter("tasks_running").wait(tasks=arns, WaiterConfig={"Delay": 0.1, "MaxAttempts": 200})
        pages = self.ecs.get_paginator("list_tasks").paginate(startedBy="sdk", PaginationConfig={"PageSize": 2})
        self.assertEqual(sorted(a for page in pages for a in page["taskArns"]), sorted(arns))
        task = self.ecs.describe_tasks(tasks=arns[:1], include=["TAGS"])["tasks"][0]
        interface = next(d["value"] for d in task["attachments"][0]["details"] if d["name"] == "networkInterfaceId")
        found = client("ec2").describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
        self.assertEqual(found[0]["NetworkInterfaceId"], interface)
        for arn in arns:
            self.ecs.stop_task(task=arn, reason="enough")
        self.assertEqual(self.stopped(arns[0])["stopCode"], "UserInitiated")

    def test_clusters(self):
        ecs = self.ecs
        answer = ecs.describe_clusters(clusters=["default", "sdk-none"])
        self.assertEqual([c["clusterName"] for c in answer["clusters"]], ["default"])
        self.assertEqual(answer["failures"][0]["reason"], "MISSING")
        for call, more in ((self.run_task, {"launchType": "FARGATE"}), (ecs.list_tasks, {}),
                           (ecs.describe_tasks, {"tasks": ["a" * 32]}), (ecs.stop_task, {"task": "a" * 32}),
                           (ecs.delete_cluster, {})):
            with self.assertRaises(ecs.exceptions.ClusterNotFoundException):
                call(cluster="sdk-none", **more)
        arn = ecs.create_cluster(clusterName="sdk-new")["cluster"]["clusterArn"]
        self.assertEqual(ecs.create_cluster(clusterName="sdk-new")["cluster"]["clusterArn"], arn)
        self.assertIn(arn, [a for p in ecs.get_paginator("list_clusters").paginate() for a in p["clusterArns"]])
        self.assertEqual(ecs.list_tasks(cluster=arn)["taskArns"], [])
        self.assertEqual(ecs.delete_cluster(cluster="sdk-new")["cluster"]["status"], "INACTIVE")
        with self.assertRaises(ecs.exceptions.ClusterNotFoundException):
            ecs.list_tasks(cluster=arn)

    def test_capacity_providers(self):
        ecs = self.ecs
        spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
        task = self.run_task(capacityProviderStrategy=spot)["tasks"][0]
        self.assertEqual((task["capacityProviderName"], task["launchType"]), ("FARGATE_SPOT", "FARGATE"))
        self.stopped(task["taskArn"])
        for strategy in ([{"capacityProvider": "none"}], [{"capacityProvider": "FARGATE", "weight": 0}, {"capacityProvider": "FARGATE_SPOT"}],
                         [{"capacityProvider": "FARGATE", "base": 1}, {"capacityProvider": "FARGATE_SPOT", "base": 1}],
                         [{"capacityProvider": "FARGATE", "weight": 1001}], spot + spot):
            self.refused("InvalidParameterException", self.run_task, capacityProviderStrategy=strategy)
        self.refused("InvalidParameterException", self.run_task, capacityProviderStrategy=spot, launchType="FARGATE")
        self.refused("InvalidParameterException", self.run_task)
        self.refused("InvalidParameterException", self.run_task, launchType="EC2")

        ecs.create_cluster(clusterName="sdk-bare")
        self.refused("InvalidParameterException", self.run_task, cluster="sdk-bare", capacityProviderStrategy=spot)
        ecs.put_cluster_capacity_providers(cluster="sdk-bare", capacityProviders=["FARGATE", "FARGATE_SPOT"],
                                           defaultCapacityProviderStrategy=spot)
        bare = ecs.describe_clusters(clusters=["sdk-bare"])["clusters"][0]
        self.assertEqual(bare["defaultCapacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT")
        task = self.run_task(cluster="sdk-bare")["tasks"][0]
        self.assertEqual(task["capacityProviderName"], "FARGATE_SPOT")
        self.refused("ClusterContainsTasksException", ecs.delete_cluster, cluster="sdk-bare")
        self.stopped(task["taskArn"], "sdk-bare")
        ecs.delete_cluster(cluster="sdk-bare")
        self.assertEqual([p["name"] for p in ecs.describe_capacity_providers(
            capacityProviders=["FARGATE", "FARGATE_SPOT"])["capacityProviders"]], ["FARGATE", "FARGATE_SPOT"])

    def test_definitions(self):
        ecs = self.ecs
        self.assertEqual(ecs.describe_task_definition(taskDefinition="sdk")["taskDefinition"]["family"], "sdk")
        pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix="sdk")
        self.assertIn(self.definition, [a for page in pages for a in page["taskDefinitionArns"]])
        gone = self.register("sdk-gone", ["true"])
        self.refused("ClientException", ecs.describe_task_definition, taskDefinition="sdk-unknown")
        ecs.deregister_task_definition(taskDefinition=gone)
        self.refused("ClientException", self.run_task, taskDefinition=gone, launchType="FARGATE")
        self.assertEqual(ecs.delete_task_definitions(taskDefinitions=[gone])["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS")

    def test_throttling_is_retried_by_the_client(self):
        body = json.dumps([{"operation": "ecs.ListTasks", "kind": "throttle", "count": 2}]).encode()
        urllib.request.urlopen(urllib.request.Request(f"{URL}/_sim/faults", data=body, method="POST"), timeout=20).close()
        patient = client("ecs", config=Config(retries={"mode": "standard", "total_max_attempts": 4}))
        self.assertEqual(patient.list_tasks(startedBy="nobody")["ResponseMetadata"]["RetryAttempts"], 2)
