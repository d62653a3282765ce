"""Times a bot: against another checkout, with many old requests against none, and beside a hostile stranger."""
