"""Which accounts does a target mean? Exact matches only, in all pools that the operator may use."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from string import ascii_lowercase, ascii_uppercase

from bot.errors import AccountNotFoundError, UsageError
from bot.options import looks_like_phone
from bot.ports import Attribute, UserPool
from bot.request import Account, Ask

MAX_CANDIDATES = 10
EXAMPLE = ", such as +49 30 123456"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What people call each attribute, and where an `Account` has it.
_ATTRIBUTES: Mapping[Attribute, tuple[str, Callable[[Account], str | None]]] = {
    Attribute.USERNAME: ("user name", attrgetter("username")),
    Attribute.EMAIL: ("email", attrgetter("email")),
    Attribute.PHONE: ("phone number", attrgetter("phone")),
    Attribute.SUB: ("sub", attrgetter("sub")),
}
# What a ListUsers filter cannot hold safely: a quote or backslash ends or bends it, and the escaping rules are thin.
_UNSAFE = re.compile(r'["\\\s]')

# ASCII only: beyond it, lower-casing makes letters equal that are not.
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

# The attributes that a target may be a value of, and for each the target as Cognito spells it there.
Forms = Mapping[Attribute, str]
# Reads a text as a phone number in the country of the pool of this name: returns E.164, or None for no valid number.
E164 = Callable[[str, str], str | None]
# Does several things at the same time; returns all results in order, or raises the first error.
Together = Callable[[Sequence[Callable[[], Sequence[Account]]]], Sequence[Sequence[Account]]]


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Looks in several pools at the same time."""

    pools: Mapping[str, UserPool]
    e164: E164
    together: Together

    def find(self, ask: Ask, pools: Sequence[str]) -> Sequence[Account]:
        """Return every account that the target names: as user name and, unless `exactly`, email, phone number or sub.

        Raises `AccountNotFoundError`, and `PoolUnavailableError` where a pool that might have it could not be asked.
        """
        target, forms = ask.options.target, {name: self._forms(name, ask) for name in pools}
        looks = [partial(self._accounts, name, ask, forms[name]) for name in pools]
        found = [account for accounts in self.together(looks) for account in accounts]
        without = [name for name in pools if Attribute.PHONE not in forms[name]]
        by_name = any(account.username == target for account in found)
        if len(without) < len(pools) and without and looks_like_phone(target) and not by_name:
            # Some pools cannot be searched for it. Then one match would seem to be the only one, and no match final.
            raise UsageError(f"For {' and '.join(without)}, write the phone number with its country code{EXAMPLE}.")
        if not found:
            raise AccountNotFoundError(self._in_vain(target, forms))
        return found

    def _forms(self, pool: str, ask: Ask) -> Forms:
        target = ask.options.target
        forms = {Attribute.USERNAME: target}
        if ask.options.exactly:
            return forms
        if "@" in target:
            forms[Attribute.EMAIL] = target
        if _UUID.fullmatch(target):
            forms[Attribute.SUB] = target.lower()
        if looks_like_phone(target) and (number := self.e164(target, pool)):
            forms[Attribute.PHONE] = number
        return forms

    def _accounts(self, name: str, ask: Ask, forms: Forms) -> Sequence[Account]:
        pool, target = self.pools[name].on_behalf(ask.id, ask.operator.id), ask.options.target
        found: dict[str, Account] = {}
        for attribute, value in forms.items():
            if _UNSAFE.search(value) or any(unicodedata.category(each)[0] == "C" for each in value):
                continue
            case = _LOWER if attribute is Attribute.EMAIL else {}
            spellings, field = sorted({value, value.translate(case)}), _ATTRIBUTES[attribute][1]
            for each in (account for spelling in spellings for account in pool.list_users(attribute, spelling)):
                # Compared again: Cognito interprets the filter, and that must never lead to the wrong account.
                if (field(each) or "").translate(case) == value.translate(case):
                    found[each.username] = each
        if found or " " in target:
            return list(found.values())
        # ListUsers lags behind, and cannot hold every name. What Cognito resolves by an alias is not taken: several
        # accounts may share an email.
        named = pool.get_user(target)
        return [named] if named and named.username.translate(_LOWER) == target.translate(_LOWER) else []

    def _in_vain(self, target: str, forms: Mapping[str, Forms]) -> str:
        how = " or ".join(_ATTRIBUTES[form][0] for form in dict.fromkeys(chain.from_iterable(forms.values())))
        hints = ["In many pools user names are case-sensitive."]
        if looks_like_phone(target) and not any(Attribute.PHONE in each for each in forms.values()):
            missing = "" if target.startswith("+") else f": write it with its country code{EXAMPLE}"
            hints = [f"Written so, it is not a phone number{missing}."]
        if len(forms) < len(self.pools):
            hints.append("It may be in another pool.")
        return f"No one was found in {' and '.join(forms)}, looking for a {how}. Check the spelling. {' '.join(hints)}"
