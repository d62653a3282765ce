"""A Slack bot with which support staff sign an Amazon Cognito user out of all devices.

    /signout ada@example.com
       -> parse            what was asked                          options.py, slack/typed.py
       -> authorize        may this operator do that?              authorize.py
       -> find             which Cognito account is it?            find.py, aws/
       -> open             a request, and a card with buttons      confirm.py
    [Sign out] clicked
       -> authorize again, decide (exactly one press wins)         confirm.py
    [Approve] clicked by a second person, where one is required    approve.py
       -> run              claim -> call(s) -> outcome             work.py, aws/
       -> record           outcome + audit entry in one write      stores/
       -> tell             the operator, then the audit channel    flow.py, deliver.py

The files right under bot/ are the rules. They know the world only through ports.py:

    flow.py           the flow above, for every front
    replies.py        how people are told what came of what they did
    account.py        one account of a user pool, and its sessions
    listed.py         what a list holds: what was found of its lines, and how far it is
    request.py        what was asked and how far it is: Ask, Request, State, the table of moves
    action.py         what can be done to an account, step by step, and what a call answers
    options.py        what a target and a reason may be
    authorize.py      the allowlist: who may do what
    permit.py         what an operator may ask for, and of which pools
    offer.py          what can be done with an account as it is
    find.py           which accounts are meant
    spellings.py      how else a target may have been meant
    confirm.py        open, choose, confirm, cancel, expire
    lists.py          a list: many accounts at once
    preview.py        which accounts the lines of a list mean
    approve.py        the second person: approve, deny
    decide.py         what every press goes through
    limits.py         protected accounts, and how many an hour
    whoami.py         what someone may do
    history.py        what was asked for an account or by an operator, and what came of it
    sessions.py       what is left of an account's sessions, ended and listed again
    work.py           claim, run, take over
    list_flow.py      the flow of a list
    list_work.py      who runs which list
    list_run.py       one run of a list
    list_accounts.py  the accounts of a list, and the request that each becomes
    list_progress.py  how far a run of a list is
    pace.py           how fast a list goes
    audit.py          which entry each move writes
    refusals.py       counts refusals, so that very many make few entries
    deliver.py        entries to the audit channel and cards to operators, until Slack took each
    backoff.py        how long to wait before something is tried again
    visible.py        hidden characters, made visible
    ports.py          what the rules need of the world
    store_ports.py    what they need of a store
    errors.py         what can go wrong: a sentence, a hint and a code

The folders touch the world. They share only the rules and facts/:

    facts/        what more than one folder has to know, but no rule
    settings/     what may be configured, how it is written, and where secrets come from
    slack/        listeners, what people read, the audit channel, groups
    aws/          user pools, roles, secrets, policies
    stores/       SQLite and DynamoDB, one contract
    edge/         the asyncio loop: Socket Mode, HTTP endpoint, health, metrics; the threads
    terminal/     what a terminal sees

    wiring/       the one place where objects are built
    sandbox/      a local Slack look-alike and a moto Cognito
    __main__.py   `python -m bot VERB`
"""

__version__ = "0.2.0"
