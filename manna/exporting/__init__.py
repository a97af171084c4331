"""A book in the languages of plain-text accounting, so that nobody is bound to Manna.

What belongs here: how journal, postings and securities are written for beancount, hledger and ledger. What does not:
reading them, or any figure: every amount is the ledger's own.
"""

from manna.exporting.plain_text import DIALECTS, export

__all__ = ["DIALECTS", "export"]
