"""What each setting is called: in the environment, and in the file."""

from collections.abc import Mapping

# Every setting that the environment may give, and its place in the file.
ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "SLACK_BOT_TOKEN": ("slack_bot_token",),
    "SLACK_APP_TOKEN": ("slack_app_token",),
    "SLACK_SIGNING_SECRET": ("slack_signing_secret",),
    "SLACK_API_URL": ("slack_api_url",),
    "SIGNOUT_AUDIT_CHANNEL": ("audit_channel",),
    "SIGNOUT_ALLOW_USERS": ("allow", "users"),
    "SIGNOUT_ALLOW_GROUPS": ("allow", "groups"),
    "SIGNOUT_POOL_ID": ("pools", "default", "id"),
    "SIGNOUT_STORE": ("store",),
    "SIGNOUT_RETAIN": ("retain",),
    "SIGNOUT_CONFIRM_WITHIN": ("confirm_within",),
    "SIGNOUT_RESUME_WITHIN": ("resume_within",),
    "SIGNOUT_REQUIRE_REASON": ("require_reason",),
    "SIGNOUT_REASON_PATTERN": ("reason_pattern",),
    "SIGNOUT_TICKET_URL": ("ticket_url",),
    "SIGNOUT_PII": ("pii",),
    "SIGNOUT_DRAIN": ("drain",),
    "SIGNOUT_LOG_LEVEL": ("log_level",),
    "SIGNOUT_LOG_FORMAT": ("log_format",),
}
CONFIG_FILE = "SIGNOUT_CONFIG"
DEFAULT_FILE = "signout.toml"
# Each may also be a reference to where it is kept, or be in a file that NAME_FILE names.
SECRETS = tuple(name for name in ENVIRONMENT if name.startswith("SLACK_") and name != "SLACK_API_URL")
NEVER_IN_THE_FILE = tuple(name.lower() for name in ENVIRONMENT if name.startswith("SLACK_"))
