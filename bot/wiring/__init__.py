"""The one place where objects are built.

shared.py    what several verbs need: clock, pools, and the rules over them
run.py       `run`: the whole bot
terminal.py  `signout`
stores.py    the configured store: to work with, to read only, and to be tried
check.py     `check`: everything that is tried, and its findings in order
iam.py       `iam-policy`
"""
