"""How does somebody call who speaks plain WHIP (RFC 9725): one POST with an offer, one answer?"""
