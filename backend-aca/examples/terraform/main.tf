# SPDX-License-Identifier: Apache-2.0
#
# What sockerless-backend-aca needs in a subscription: a resource group, a network, an environment with
# its Log Analytics workspace, a registry, a file share with the agent, and two identities: the
# backend's own and the one that pulls images for the jobs.

resource "azurerm_resource_group" "main" {
  name     = var.name
  location = var.location
}

# ---- network ----

resource "azurerm_virtual_network" "main" {
  name                = var.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  address_space       = [var.network_cidr]
}

# The containers' addresses.
resource "azurerm_subnet" "containers" {
  name                 = "containers"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [cidrsubnet(var.network_cidr, 1, 0)]

  delegation {
    name = "container-apps"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

# The machine that the backend runs on: containers dial its port 9112.
resource "azurerm_subnet" "backend" {
  name                 = "backend"
  resource_group_name  = azurerm_resource_group.main.name
  virtual_network_name = azurerm_virtual_network.main.name
  address_prefixes     = [cidrsubnet(var.network_cidr, 2, 2)]
}

# ---- environment ----

resource "azurerm_log_analytics_workspace" "main" {
  name                = var.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "PerGB2018"
  retention_in_days   = 30
}

resource "azurerm_container_app_environment" "main" {
  name                       = var.name
  resource_group_name        = azurerm_resource_group.main.name
  location                   = azurerm_resource_group.main.location
  logs_destination           = "log-analytics"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.main.id
  infrastructure_subnet_id   = azurerm_subnet.containers.id

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }
}

# ---- images and the agent ----

resource "azurerm_container_registry" "main" {
  name                = "${var.name}${var.suffix}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  sku                 = "Basic"
  admin_enabled       = false
}

resource "azurerm_storage_account" "agent" {
  name                     = "${var.name}${var.suffix}"
  resource_group_name      = azurerm_resource_group.main.name
  location                 = azurerm_resource_group.main.location
  account_tier             = "Standard"
  account_replication_type = "LRS"
}

resource "azurerm_storage_share" "agent" {
  name               = "sockerless"
  storage_account_id = azurerm_storage_account.agent.id
  quota              = 1
}

resource "azurerm_storage_share_file" "agent" {
  count = var.agent_binary == "" ? 0 : 1

  name              = "sockerless-agent"
  storage_share_url = azurerm_storage_share.agent.url
  source            = var.agent_binary
}

# Linked here, so that the backend needs no key of the account. The mode of files in a share is 0777.
resource "azurerm_container_app_environment_storage" "agent" {
  name                         = "sockerless-agent"
  container_app_environment_id = azurerm_container_app_environment.main.id
  account_name                 = azurerm_storage_account.agent.name
  access_key                   = azurerm_storage_account.agent.primary_access_key
  share_name                   = azurerm_storage_share.agent.name
  access_mode                  = "ReadOnly"
}

# ---- the identity that jobs have ----

resource "azurerm_user_assigned_identity" "jobs" {
  name                = "${var.name}-jobs"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
}

resource "azurerm_role_assignment" "jobs_pull" {
  scope                = azurerm_container_registry.main.id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.jobs.principal_id
}

# ---- the backend's identity ----

resource "azurerm_user_assigned_identity" "backend" {
  name                = "${var.name}-backend"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
}

# No more than what the backend calls.
resource "azurerm_role_definition" "backend" {
  name        = "${var.name} backend"
  scope       = azurerm_resource_group.main.id
  description = "Runs containers as Container Apps jobs"

  permissions {
    actions = [
      "Microsoft.App/jobs/read",
      "Microsoft.App/jobs/write",
      "Microsoft.App/jobs/delete",
      "Microsoft.App/jobs/start/action",
      "Microsoft.App/jobs/stop/action",
      "Microsoft.App/jobs/execution/read",
      "Microsoft.App/jobs/executions/read",
      "Microsoft.App/locations/containerappOperationStatuses/read",
      "Microsoft.App/locations/containerappOperationResults/read",
      "Microsoft.App/managedEnvironments/read",
      "Microsoft.App/managedEnvironments/join/action",
    ]
  }

  assignable_scopes = [azurerm_resource_group.main.id]
}

resource "azurerm_role_assignment" "backend_jobs" {
  scope              = azurerm_resource_group.main.id
  role_definition_id = azurerm_role_definition.backend.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.backend.principal_id
}

# Jobs get the other identity from it.
resource "azurerm_role_assignment" "backend_assigns_identity" {
  scope                = azurerm_user_assigned_identity.jobs.id
  role_definition_name = "Managed Identity Operator"
  principal_id         = azurerm_user_assigned_identity.backend.principal_id
}

resource "azurerm_role_assignment" "backend_reads_logs" {
  scope                = azurerm_log_analytics_workspace.main.id
  role_definition_name = "Log Analytics Reader"
  principal_id         = azurerm_user_assigned_identity.backend.principal_id
}

resource "azurerm_role_assignment" "backend_pushes" {
  scope                = azurerm_container_registry.main.id
  role_definition_name = "AcrPush"
  principal_id         = azurerm_user_assigned_identity.backend.principal_id
}
