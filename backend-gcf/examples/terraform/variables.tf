# SPDX-License-Identifier: Apache-2.0

variable "project_id" {
  description = "Project in which the functions are; it exists and has billing."
  type        = string
}

variable "region" {
  description = "Region of the functions and the images."
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

variable "backend_members" {
  description = "Who may impersonate the backend's account, e.g. [\"user:me@example.com\"]."
  type        = list(string)
  default     = []
}
