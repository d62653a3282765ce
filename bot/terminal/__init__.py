"""The same job from a terminal, for when Slack is down: `python -m bot signout`, spelled as the AWS CLI spells it."""
