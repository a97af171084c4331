"""What a person reads in a browser or on paper: pages made from published statements.

What belongs here: the text of numbers and dates, charts, tables and the templates that set them. What
does not: computing a figure that is not on the page's own statements, and writing files.

The public surface is :func:`manna.documents.page.month_page`, :func:`~manna.documents.page.index_page`
and :func:`~manna.documents.page.table_page`; nothing is imported here so that
:mod:`manna.documents.numerals` stays cheap for the command line.
"""
