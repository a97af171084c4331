"""Stage ``raw``: what the providers tell us, kept as sent.

``receiving`` writes one provider's answers for one connection in one lake transaction; ``plaid``,
``alpaca`` and ``bars`` say what is asked.
"""
