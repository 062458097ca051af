# SPDX-License-Identifier: Apache-2.0

output "subscription_id" {
  description = "SOCKERLESS_ACA_SUBSCRIPTION_ID"
  value       = var.subscription_id
}

output "resource_group" {
  description = "SOCKERLESS_ACA_RESOURCE_GROUP"
  value       = azurerm_resource_group.main.name
}

output "environment" {
  description = "SOCKERLESS_ACA_ENVIRONMENT"
  value       = azurerm_container_app_environment.main.name
}

output "location" {
  description = "SOCKERLESS_ACA_LOCATION"
  value       = azurerm_resource_group.main.location
}

output "log_analytics_workspace" {
  description = "SOCKERLESS_ACA_LOG_ANALYTICS_WORKSPACE"
  value       = azurerm_log_analytics_workspace.main.workspace_id
}

output "registry_server" {
  description = "SOCKERLESS_ACA_REGISTRY_SERVER, with a repository behind it SOCKERLESS_STAGING_REGISTRY"
  value       = azurerm_container_registry.main.login_server
}

output "jobs_identity" {
  description = "SOCKERLESS_ACA_IDENTITY: the identity that jobs have"
  value       = azurerm_user_assigned_identity.jobs.id
}

output "storage_name" {
  description = "SOCKERLESS_ACA_STORAGE_NAME"
  value       = azurerm_container_app_environment_storage.agent.name
}

output "backend_client_id" {
  description = "AZURE_CLIENT_ID: the backend's own identity, to be assigned to its machine"
  value       = azurerm_user_assigned_identity.backend.client_id
}

output "backend_subnet" {
  description = "Subnet of the backend's machine, which the containers reach"
  value       = azurerm_subnet.backend.id
}
