"""What a terminal sees: `signout`, the same flow as in Slack for when Slack is down; `audit`, `check`, and help.

command_lines.py    what each verb is for, and the command lines of those with few options
signout_command.py  the command line of `signout`, which may be the AWS CLI's own
front.py            `signout` through the flow, with a question where Slack has a card
reply.py            what the operator is told of each step, and the exit code
screen.py           the words and facts that they are shown
audit_command.py    the command line of `audit`, and its entries to standard output
audit_filter.py     which entries are wanted
audit_fields.py     the fields of an entry, as people script against them
audit_formats.py    entries as JSON lines and CSV
audit_table.py      entries as a table for people
check_report.py     what `check` found, a line each or as JSON
output.py           standard output and standard error
ctrl_c.py           what Ctrl-C does to a command
exit_codes.py       exit codes, those of `signout` as the AWS CLI has them
"""
