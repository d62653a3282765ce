"""The 29 situations in which people really run the bot, each by its name."""
