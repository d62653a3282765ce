"""The 29 situations in which people really run the bot: each has a test by its number and name."""
