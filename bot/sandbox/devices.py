"""Who is in the sandbox's pools, on which devices they are signed in, and what Cognito can tell of a device."""

from dataclasses import dataclass

HOSTILE_NAME = "<!channel>*ops*"

CAST = {
    "customers": {
        "ada": ("Ada Lindgren", ("phone", "laptop", "tablet")),
        "grace": ("Grace Okonkwo", ("phone", "laptop")),
        "alan": ("Alan Ferreira", ("laptop",)),
        "edsger": ("Edsger Vos", ("laptop",)),
        "barbara": ("Barbara Quist", ("phone", "tablet")),
        "linus": ("Linus Aalto", ("laptop", "desktop")),
        "margaret": ("Margaret Osei", ("phone",)),
        "Google_1172": ("Donald Kessler", ("desktop",)),
    },
    "staff": {
        "frances": ("Frances Moreno", ("phone", "laptop")),
        "katherine": ("Katherine Bello", ("laptop",)),
        "ken": ("Ken Sorensen", ("phone", "desktop")),
        HOSTILE_NAME: ("*Eve* <!here> `Mallory`", ("phone", "laptop")),
    },
}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a device is by its user agent, where its address is, and whether its browser came through the login page."""

    agent: str
    address: str
    city: str | None
    country: str
    login_page: bool


DEVICES = {
    "phone": Kind(
        agent="iOS, Mobile Safari", address="203.0.113.7", city="Lisbon", country="Portugal", login_page=True
    ),
    "laptop": Kind(agent="macOS, Chrome", address="198.51.100.23", city="Berlin", country="Germany", login_page=True),
    "tablet": Kind(agent="Android, app", address="2001:db8::1f", city="Berlin", country="Germany", login_page=False),
    "desktop": Kind(agent="Windows, Firefox", address="192.0.2.99", city="Hamburg", country="Germany", login_page=True),
}
# Of which Cognito's look-ups find nothing.
OTHER = Kind(agent="unknown", address="192.0.2.1", city=None, country="unknown", login_page=False)
