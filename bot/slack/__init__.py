"""Slack: what it tells the bot, what people read in it, and what it is asked.

listeners.py        Bolt's App and its listeners: ack, parse, one call of the flow
typed.py            the text of a command, as Slack delivers it, to options
values.py           the value of an option, as it was typed or as a shell reads it
pasted.py           a line of the AWS CLI in it, with what a terminal, a shell or a chat put around the command
pasted_list.py      the people in a list as it was pasted
form.py             the form that asks for what the command did not say
targets.py          whom a message may be about, for the form that a shortcut of it opens
modal.py            what forms are made of, and showing them
reply.py            cards and sentences to operators: drawn, sent, and timed
responses.py        answers at a response_url
cards.py            what a request looks like in each of its states, and what `/signout help` says
outcomes.py         what the operator reads of an outcome, and what they may do next
history.py          what people read of a history: its outcomes as a table
sessions.py         what people read about an account's sessions
approvals.py        what people read about a second person: those who approve, those who ask, and who `whoami` tells
lists.py            the card of a list, in each of its states
list_facts.py       the message that shows how far a list is, and what is said of a list in more than one place
list_form.py        the form of `/signout list`
list_listeners.py   the listeners of lists
received.py         what Slack sent, as what the rules take
denial.py           what approvers are told when they press, and the form for the reason of a no
audit_channel.py    what people read in the audit channel about an outcome, and posting it
text.py             what messages are made of, in Block Kit
shown.py            how accounts and reasons are shown
masking.py          what personal data looks like, and what is shown instead
clients.py          the one client to Slack, its kept connections, and posting through it
kept.py             what Slack said, kept while it is young
groups.py           members of Slack user groups, and in which workspace of an organisation a group is
installation.py     where the app is installed, and who belongs there
manifest.py         the Slack app's manifest, and the bot token's scopes against it
check_workspace.py  what `check` asks Slack
samples.py          a sample of each card, form and message
made_up.py          the people and accounts in them
check_samples.py    what `check` says of them, since Slack's rules may change
check_people.py     what `check` says of the lists: how many may sign out, approve, and do each other action
"""
