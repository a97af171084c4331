"""What others file of a taxpayer, and what the taxpayer filed, against the books.

What belongs here: figures of tax forms line by line against ours (:mod:`tie_out`), and what a filed year would say now
(:mod:`amended`). What does not: which account leads to which line of a return, or tax itself (``manna.tax``).
"""
