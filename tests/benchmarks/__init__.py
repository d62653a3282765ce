"""Times a bot: against another checkout of this project, and with many old requests against none."""
