"""What may be configured, and where it is read from.

model.py        the settings, their defaults and names, and what the rules take from them
tables.py       who may, who approves, who is protected, how many: for all pools or for one
syntax.py       how a single setting is written, and what is said where it is wrong
environment.py  the environment as other tools write it: quotes, marks, empty variables
names.py        names that are not settings, in the environment and in the file
references.py   secrets that are kept in files, in Secrets Manager or in Parameter Store
load.py         reads environment and file, and checks both
faults.py       the sentence for each fault
"""
