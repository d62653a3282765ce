"""Slack: Bolt's listeners, what people read, the audit channel, and user groups."""
