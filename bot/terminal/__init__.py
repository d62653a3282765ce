"""What a terminal sees: `signout`, the same flow as in Slack for when Slack is down; `audit`, `check`, and help.

command_lines.py    what each verb is for, and the command lines of those with few options
signout_command.py  the command line of `signout`, which may be the AWS CLI's own
front.py            `signout` through the flow, with a question where Slack has a card, and what the operator is told
list_command.py     its options for a list
lines.py            the lines of a list, from a file or standard input
list_front.py       a list through the flow, up to the number that is typed
list_watch.py       a list from then on: its approval, its run in this process, and its end
list_screen.py      what is shown of a list
progress.py         a bar, or lines where there is no terminal
screen.py           the words and facts that they are shown
audit_command.py    the command line of `audit`, which entries it wants, and how they are written to standard output
audit_formats.py    entries as JSON lines and CSV, with the fields that people's scripts use, and as a table
check_report.py     what `check` found, a line each or as JSON
output.py           how a command speaks and ends: standard output and error, exit codes, and what Ctrl-C does
"""
