"""What tax law makes of the books: which lot a sale takes, wash sales, terms.

What belongs here: rules of law as pure functions over lots and sales, each with its source. What does not: what
is posted (``manna.ledger``): these rules are an overlay and no journal entry.
"""
