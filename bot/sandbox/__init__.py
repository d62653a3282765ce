"""A local Slack look-alike and a Cognito (moto) with people who are really signed in, to try the bot without accounts.

The bot meets both over real sockets and cannot tell them from the real ones by anything but their address. The
workspace refuses what Slack refuses and makes no allowance for this bot.

    cast.py           who is there: people, channels, groups, tokens
    workspace.py      what people can do, and what they see
    socket_mode.py    the WebSocket on which the bot hears of commands and presses
    web_api.py        the methods that the bot calls
    response_urls.py  the addresses at which it answers
    limits.py         what a message may be
    cognito.py        the pools, the people and their devices
    weather.py        faults on the wire to either side
    page.py           the web page's server
    stage.py          starts and stops all of these
    start.py          `python -m bot sandbox`
"""
