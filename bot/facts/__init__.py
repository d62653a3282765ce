"""What more than one folder has to know about Slack, AWS and how people write things. No rule needs it.

aws_session.py  a session of botocore's that says where its credentials come from, or why there are none
aws_credentials.py  what is said of that: a row for each source and error
aws_cli.py      the AWS CLI's own command, and what its options mean here
list_words.py   what came of a list, in words
advice.py       what came of a request, in words, and what is said of an error code of AWS's
slack_words.py  Slack's hosts, and its words for what went wrong
aws_names.py    how a region, an error code and the ARN of an IAM user or role look
clock.py        whether this machine's clock is right
duration.py     lengths of time as they are written, such as 5m
way.py          the way to Slack and AWS as the environment names it: past which proxy, and what is trusted
boto3_clients.py  lets boto3's clients go that way and keep to leaving.py, and tells a clock what they answer
leaving.py      requests that leave in time or not at all, and answers that end in time
finding.py      what `check` finds of each thing, and what a store says of the entries that wait
"""
