"""A deterministic simulation of the bot: its real rules and its real SQLite store in a world made of one seed."""
