# SPDX-License-Identifier: Apache-2.0

variable "project_id" {
  description = "Project in which the containers run; it exists and has billing."
  type        = string
}

variable "region" {
  description = "Region of the jobs, the images and the agent's bucket."
  type        = string
  default     = "us-central1"
}

variable "name" {
  description = "What the resources are called, or begin with."
  type        = string
  default     = "sockerless"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 20 lower-case letters, digits or hyphens, and begin with a letter."
  }
}

variable "connector_cidr" {
  description = "A free /28 for the VPC connector."
  type        = string
  default     = "10.8.0.0/28"
}

variable "backend_members" {
  description = "Who may impersonate the backend's account, e.g. [\"user:me@example.com\"]."
  type        = list(string)
  default     = []
}

variable "agent_binary" {
  description = "Path of sockerless-agent, which is uploaded for the start-up command; empty: upload it yourself."
  type        = string
  default     = ""
}
