"""Phone numbers as people write them, to the form in which Cognito keeps them."""

import phonenumbers


def e164(text: str, region: str | None) -> str | None:
    """Return a number in E.164, read as one of `region` where it has no country code; None where it is no number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
