# SPDX-License-Identifier: Apache-2.0
#
# What sockerless-backend-cloudrun needs in a project: the APIs, a network with a connector into it, a
# repository for loaded images and images with the agent, a bucket with the agent, and two accounts:
# the backend's own and the one that containers have.

locals {
  services = [
    "artifactregistry.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "run.googleapis.com",
    "storage.googleapis.com",
    "vpcaccess.googleapis.com",
  ]
}

resource "google_project_service" "needed" {
  for_each = toset(local.services)

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

# ---- network ----

resource "google_compute_network" "main" {
  name                    = var.name
  auto_create_subnetworks = false

  depends_on = [google_project_service.needed]
}

resource "google_vpc_access_connector" "main" {
  name          = var.name
  region        = var.region
  network       = google_compute_network.main.name
  ip_cidr_range = var.connector_cidr
  min_instances = 2
  max_instances = 3

  depends_on = [google_project_service.needed]
}

# Containers dial the backend (reverse agent) on this port of machines with the network tag.
resource "google_compute_firewall" "callback" {
  name          = "${var.name}-callback"
  network       = google_compute_network.main.name
  direction     = "INGRESS"
  source_ranges = [var.connector_cidr]
  target_tags   = ["${var.name}-backend"]

  allow {
    protocol = "tcp"
    ports    = ["9112"]
  }
}

# ---- images and the agent ----

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images that were loaded, and images with the agent as a layer"

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket" "agent" {
  name                        = "${var.project_id}-${var.name}-agent"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_object" "agent" {
  count = var.agent_binary == "" ? 0 : 1

  name   = "sockerless-agent"
  bucket = google_storage_bucket.agent.name
  source = var.agent_binary
}

# ---- the account that containers have ----

resource "google_service_account" "containers" {
  account_id   = "${var.name}-run"
  display_name = "Sockerless containers"

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_iam_member" "containers_read_agent" {
  bucket = google_storage_bucket.agent.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.containers.member
}

resource "google_project_iam_member" "containers_log" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.containers.member
}

# ---- the backend's account ----

resource "google_service_account" "backend" {
  account_id   = "${var.name}-backend"
  display_name = "Sockerless backend"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "backend" {
  for_each = toset(["roles/run.developer", "roles/logging.viewer"])

  project = var.project_id
  role    = each.value
  member  = google_service_account.backend.member
}

resource "google_artifact_registry_repository_iam_member" "backend_writes" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.backend.member
}

resource "google_service_account_iam_member" "backend_acts_as_containers" {
  service_account_id = google_service_account.containers.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.backend.member
}

resource "google_service_account_iam_member" "impersonation" {
  for_each = toset(var.backend_members)

  service_account_id = google_service_account.backend.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
