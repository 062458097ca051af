# SPDX-License-Identifier: Apache-2.0
#
# What sockerless-backend-gcf needs in a project: the APIs, a repository for images with the agent, and
# three accounts: the backend's own, the one that containers have, and the one that builds the stub.

locals {
  services = [
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "run.googleapis.com",
    "storage.googleapis.com",
  ]
}

resource "google_project_service" "needed" {
  for_each = toset(local.services)

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}

# ---- images ----

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images that were loaded, and images with the agent as a layer"

  depends_on = [google_project_service.needed]
}

# ---- the account that containers have ----

resource "google_service_account" "containers" {
  account_id   = "${var.name}-run"
  display_name = "Sockerless containers"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "containers_log" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.containers.member
}

# ---- the account that builds the stub ----

resource "google_service_account" "build" {
  account_id   = "${var.name}-build"
  display_name = "Sockerless stub builds"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "build" {
  for_each = toset(["roles/cloudbuild.builds.builder", "roles/logging.logWriter"])

  project = var.project_id
  role    = each.value
  member  = google_service_account.build.member
}

# ---- the backend's account ----

resource "google_service_account" "backend" {
  account_id   = "${var.name}-backend"
  display_name = "Sockerless backend"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "backend" {
  for_each = toset([
    "roles/cloudfunctions.developer",
    "roles/logging.viewer",
    "roles/run.admin",
    "roles/run.invoker",
  ])

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

resource "google_service_account_iam_member" "backend_acts_as" {
  for_each = {
    containers = google_service_account.containers.name
    build      = google_service_account.build.name
  }

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.backend.member
}

resource "google_service_account_iam_member" "impersonation" {
  for_each = toset(var.backend_members)

  service_account_id = google_service_account.backend.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
