"""The one place where objects are built.

shared.py        what several verbs need: clock, store, pools, and the rules over them
run.py           `run`: the whole bot
terminal.py      `signout`
audit_reader.py  `audit`: the trail, only for reading
check.py         `check`: everything that is tried, and its findings in order
iam.py           `iam-policy`
"""
