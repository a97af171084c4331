"""From payloads as sent to typed, validated current state: stage ``clean`` as pure functions.

``decoding`` turns payloads into typed rows and finds every fault; ``plaid`` and ``alpaca`` say what the
providers' fields mean; ``tables`` puts the providers together, one function per clean table.
"""

from manna.cleaning.decoding import Cleaned
from manna.cleaning.tables import CLEANERS, Cleaner, clean

__all__ = ["CLEANERS", "Cleaned", "Cleaner", "clean"]
