"""Phone numbers: from the form in which people write them to the one in which Cognito keeps them."""

import phonenumbers


def e164(text: str, region: str | None) -> str | None:
    """Return a number in E.164, read as one of `region` where it has no country code; None where it is not a number.

    `region`'s own country code counts as one even without the plus, where that makes a valid number.
    """
    own = str(phonenumbers.country_code_for_region(region)) if region else None
    digits = "".join(filter(str.isdecimal, text))
    number = _parsed(f"+{digits}", None) if own and digits.startswith(own) else None
    if not number or not phonenumbers.is_valid_number(number):
        number = _parsed(text, region)
    if not number or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
