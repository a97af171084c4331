"""Telling people: the log always, and whatever services ``MANNA_NOTIFY_URLS`` names (apprise URLs).

What belongs here: delivery. What does not: what is worth telling (``manna.alerting``) or to whom when.
"""

import logging

log = logging.getLogger("manna.alerts")


class Notifier:
    """Delivers short messages. With no service configured the log is the delivery."""

    def __init__(self, urls: str = "") -> None:
        """``urls``: apprise URLs, separated by spaces."""
        self._urls = urls.split()

    def send(self, title: str, body: str) -> bool:
        """Delivers; False when a configured service refused, so that it is tried again later."""
        log.warning("%s: %s", title, body)
        if not self._urls:
            return True
        import apprise  # 0.4 s: only where something is to be sent

        sender = apprise.Apprise()
        for position, url in enumerate(self._urls, start=1):
            if not sender.add(url):  # an address may hold a password: it is named by its place
                log.error("address %d of MANNA_NOTIFY_URLS cannot be used", position)
        return bool(sender.notify(title=title, body=body))
