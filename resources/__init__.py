"""Everything with a socket, a file or a clock.

What belongs here: the lake, Postgres, the providers' clients, the notifier, settings, book files. What
does not: a decision about money (``manna``), or anything that knows about assets and schedules.
"""
