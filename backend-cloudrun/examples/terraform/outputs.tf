# SPDX-License-Identifier: Apache-2.0

output "project_id" {
  description = "SOCKERLESS_GCR_PROJECT"
  value       = var.project_id
}

output "region" {
  description = "SOCKERLESS_GCR_REGION"
  value       = var.region
}

output "vpc_connector_name" {
  description = "SOCKERLESS_GCR_VPC_CONNECTOR"
  value       = google_vpc_access_connector.main.name
}

output "artifact_registry_repository_url" {
  description = "SOCKERLESS_STAGING_REGISTRY and SOCKERLESS_GCR_AGENT_REGISTRY, with an image's name behind it SOCKERLESS_GCR_AGENT_IMAGE"
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "service_account_email" {
  description = "SOCKERLESS_GCR_SERVICE_ACCOUNT: the account that containers have"
  value       = google_service_account.containers.email
}

output "backend_service_account_email" {
  description = "The backend's own account: attach it to its machine, or impersonate it"
  value       = google_service_account.backend.email
}

output "agent_bucket" {
  description = "SOCKERLESS_GCR_AGENT_GCS_BUCKET"
  value       = google_storage_bucket.agent.name
}

output "agent_sha256" {
  description = "SOCKERLESS_GCR_AGENT_SHA256: what was uploaded; null if you upload it yourself"
  value       = var.agent_binary == "" ? null : filesha256(var.agent_binary)
}

output "backend_network_tag" {
  description = "Tag of the backend's machine, to which the containers' network may connect"
  value       = "${var.name}-backend"
}
