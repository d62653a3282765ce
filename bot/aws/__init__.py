"""AWS: the configured user pools."""
