"""The edge: one asyncio loop that holds the connection to Slack and the health page, and the threads behind it.

serve.py        runs it all until it is told to stop, then drains; meanwhile `/readyz` and `/metrics` say how it is
socket_mode.py  Socket Mode: the connection on which Slack sends, and how Bolt gets what was sent
http.py         HTTP mode: Slack's requests, proved to be Slack's
lanes.py        bounded threads for work that comes
rounds.py       a thread for work that comes again and again
ahead.py        connections that are ready before a press needs them
health.py       the server of the health pages, and `/healthz`
readiness.py    whether the bot is ready, in sentences, asked without waiting for what hangs
metrics.py      the numbers for Prometheus
logs.py         how log lines look, and what they never show
"""
