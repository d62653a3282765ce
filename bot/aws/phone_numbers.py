"""Phone numbers as people write them, to the form in which Cognito keeps them."""

import phonenumbers


def e164(text: str, region: str | None) -> str | None:
    """Return a number in E.164, read as one of `region` where it has no country code; None where it is no number.

    `region`'s own country code counts as one even without the plus, where that makes a valid number.
    """
    own = str(phonenumbers.country_code_for_region(region)) if region else None
    digits = "".join(filter(str.isdecimal, text))
    if (
        own
        and digits.startswith(own)
        and (number := _parsed(f"+{digits}", None))
        and phonenumbers.is_valid_number(number)
    ):
        return _e164(number)
    number = _parsed(text, region)
    return _e164(number) if number and phonenumbers.is_possible_number(number) else None


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
