"""What a terminal sees: `signout`, the same flow as in Slack for when Slack is down; `audit`, `check`, and help.

command_lines.py    what each verb is for, and the command lines of those with few options
signout_command.py  the command line of `signout`, which may be the AWS CLI's own
front.py            `signout` through the flow, with a question where Slack has a card, and what the operator is told
screen.py           the words and facts that they are shown
audit_command.py    the command line of `audit`, which entries it wants, and how they are written to standard output
audit_formats.py    entries as JSON lines and CSV, with the fields that people's scripts use, and as a table
check_report.py     what `check` found, a line each or as JSON
output.py           how a command speaks and ends: standard output and error, exit codes, and what Ctrl-C does
"""
