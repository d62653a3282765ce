"""AWS: the configured user pools, their roles, secrets that settings refer to, and what IAM must allow.

user_pool.py      one pool: find an account, do a step of an action to it
clients.py        boto3's clients, each built when it is first needed, and what a thread signs with
answers.py        what a failed call means: a definite refusal, or no clear answer
roles.py          the sessions of the pools' roles (STS), one for each request
identity.py       whose credentials these are
watch.py          whether there are credentials, and how the last call for each pool ended
phone_numbers.py  a phone number as Cognito writes it
spelling.py       the AWS CLI's spelling of the command
secrets.py        secrets in Secrets Manager and Parameter Store
policies.py       the least that IAM must allow
check_pools.py    tries what the bot has to be allowed in its pools, and asks for Cognito's quota
"""
