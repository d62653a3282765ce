"""A local Slack look-alike and a Cognito (moto) with people who are really signed in, to try the bot without accounts.

The bot meets both over real sockets and cannot tell them from the real ones by anything but their address. The
workspace refuses what Slack refuses and makes no allowance for this bot.

    cast.py           who is there: people, channels, groups, tokens
    changes.py        waiting for a change of anything
    board.py          the channels, and the messages in them
    ticket.py         a ticket with its thread, to try the shortcuts on
    workspace.py      what people can do, and what the app is told of it
    forms.py          the forms before them
    views.py          one such form, and what was put into it
    payloads.py       what the bot is told about it
    socket_mode.py    the WebSocket on which the bot is told of commands, presses and forms
    request_url.py    the address at which it is told of them instead, in HTTP mode
    web_api.py        the methods that the bot calls
    response_urls.py  the addresses at which it answers
    limits.py         what a message may be
    form_limits.py    what a form may be
    shapes.py         the terms in which both say it
    validation.py     what blocks.validate says of both
    devices.py        who is in the pools, and on which devices
    accounts.py       the accounts that are not like most
    cognito.py        the pools, the people and their devices
    crowd.py          a pool with so many people that it takes a list to sign them out
    sessions.py       the sessions that Cognito can track, which moto cannot
    quotas.py         how many calls a second Cognito takes, of which moto knows nothing
    aws_model.py      what botocore says of Cognito's calls
    weather.py        faults on the wires to either side
    wire.py           one such wire
    page.py           the web page's server
    page/             the web page itself
    snapshot.py       what the page shows, at one moment
    stage.py          starts and stops all of these
    start.py          `python -m bot sandbox`
"""
