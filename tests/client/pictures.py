"""Pictures that clients send."""

from tests.images.pictures import encoded, photo

_PNG = encoded(photo((400, 300)), "PNG")


TORN = _PNG[:1000] + bytes(1000) + _PNG[2000:]
