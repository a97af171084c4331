"""What an operator must hear about: conditions of data and decisions (``conditions``), of money (``money``), of the machine
(``platform``); how an alert lives (``life``); whom it reaches when (``telling``);
and what would have been told over the past (``replay``, ``looking``).

What belongs here: pure functions. What does not: storing (``resources.alerts``) or sending (``resources.notifier``).
"""
