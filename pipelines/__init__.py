"""When and how it runs: definitions, jobs, schedules, sensors, partitions, and the command line.

What belongs here: everything that decides *when*, and everything that starts and stops processes. What
does not: what an asset is made from (``assets``) or any decision about money (``manna``).
"""
