"""What each transaction was for: stage ``categorized`` as pure functions.

merchants                       who was paid, from the bank's text
rules, transfers, precedents, model, categories
                                the sources: what each of them knows
observing, memory, reading, weighing, ranking
                                what the model is made of
claims, deciding                what each says of which row, and whose word counts
following, splitting            a person's decision on the row that took another's place; over several categories
review                          what is not certain, as questions to a person
cadence, recurring, insights    what comes again and again, and what is worth telling
"""

from manna.categorizing.deciding import Categorized, Facts, between_books, categorize, settle
from manna.categorizing.following import followed, proposals

__all__ = ["Categorized", "Facts", "between_books", "categorize", "followed", "proposals", "settle"]
