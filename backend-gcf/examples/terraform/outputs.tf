# SPDX-License-Identifier: Apache-2.0

output "project_id" {
  description = "SOCKERLESS_GCF_PROJECT"
  value       = var.project_id
}

output "region" {
  description = "SOCKERLESS_GCF_REGION"
  value       = var.region
}

output "service_account_email" {
  description = "SOCKERLESS_GCF_SERVICE_ACCOUNT: the account that containers have"
  value       = google_service_account.containers.email
}

output "build_service_account_email" {
  description = "SOCKERLESS_GCF_BUILD_SERVICE_ACCOUNT: the account that builds the stub"
  value       = google_service_account.build.email
}

output "artifact_registry_repository_url" {
  description = "SOCKERLESS_STAGING_REGISTRY, with a name behind it"
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "backend_service_account_email" {
  description = "The backend's own account: attach it to its machine, or impersonate it"
  value       = google_service_account.backend.email
}
