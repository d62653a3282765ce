"""The edge: one asyncio loop that holds the connection to Slack and the health page, and the threads behind it."""
