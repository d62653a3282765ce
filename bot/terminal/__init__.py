"""What a terminal sees: `signout`, the same job for when Slack is down; `audit` and `check`."""
