# SPDX-License-Identifier: Apache-2.0

variable "subscription_id" {
  description = "Subscription in which the containers run."
  type        = string
}

variable "location" {
  description = "Region of the environment, the registry and the agent's share."
  type        = string
  default     = "westeurope"
}

variable "name" {
  description = "What the resources are called, or begin with."
  type        = string
  default     = "sockerless"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,15}$", var.name))
    error_message = "The name must have 3 to 16 lower-case letters or digits, and begin with a letter."
  }
}

variable "suffix" {
  description = "Makes the names of the registry and the storage account unique in the world: 3 to 8 lower-case letters or digits."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]{3,8}$", var.suffix))
    error_message = "The suffix must have 3 to 8 lower-case letters or digits."
  }
}

variable "network_cidr" {
  description = "Addresses of the virtual network: the first half is the environment's, a quarter the backend's."
  type        = string
  default     = "10.40.0.0/21"
}

variable "agent_binary" {
  description = "Path of sockerless-agent, which is uploaded to the share; empty: upload it yourself."
  type        = string
  default     = ""
}
