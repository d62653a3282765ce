"""Where requests and audit entries live: one contract, kept by every store."""
