"""The situations of public bug reports, each driven on the real thing."""
