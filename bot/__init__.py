"""A Slack bot with which support staff sign an Amazon Cognito user out of all devices.

The flow, and where each step lives:

    /signout ada
       parse      what was asked                        options.py
       authorize  may this operator do that?            authorize.py
       find       which Cognito account is it?          find.py, aws/
       open       a request, and a card with buttons    confirm.py, slack/
    [Sign out] clicked
       authorize  once more, then claim (exactly once)  confirm.py
       sign out   AdminUserGlobalSignOut                sign_out.py, aws/
       record     outcome + audit entry, one write      stores/
       tell       the operator, then the audit channel  slack/
    killed in between
       recover    resume, expire, deliver               recover.py

The files right under bot/ are the rules: they know ports.py, never Slack, AWS or a database. wiring/ joins them.
"""

__version__ = "0.2.0"
