"""AWS: the configured user pools, their roles, secrets that settings refer to, and what IAM must allow."""
