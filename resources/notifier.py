"""Telling people: the log always, and whatever services ``MANNA_NOTIFY_URLS`` names (apprise URLs), and of
what is critical also those of ``MANNA_NOTIFY_CRITICAL_URLS``.

What belongs here: delivery. What does not: what is worth telling (``manna.alerting``) or to whom when.
"""

import logging

log = logging.getLogger("manna.alerts")


class Notifier:
    """Delivers short messages. With no service configured the log is the delivery."""

    def __init__(self, urls: str = "", critical_urls: str = "") -> None:
        """``urls``: apprise URLs, separated by spaces. ``critical_urls``: more of them, for what is critical."""
        self._urls, self._critical = urls.split(), critical_urls.split()

    def send(self, title: str, body: str, severity: str = "warning") -> bool:
        """Delivers; False when a configured service refused, so that it is tried again later."""
        log.warning("%s: %s", title, body)
        urls = [*self._urls, *(self._critical if severity == "critical" else ())]
        if not urls:
            return True
        import apprise  # 0.4 s: only where something is to be sent

        sender = apprise.Apprise()
        for position, url in enumerate(urls, start=1):
            if not sender.add(url):  # an address may hold a password: it is named by its place
                own = position <= len(self._urls)
                name = "MANNA_NOTIFY_URLS" if own else "MANNA_NOTIFY_CRITICAL_URLS"
                log.error("address %d of %s cannot be used", position - (0 if own else len(self._urls)), name)
        return bool(sender.notify(title=title, body=body))
