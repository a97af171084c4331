"""The pages of hosted Link, as HTML without a script.

Here belongs what a person sees. What happens when they click belongs to `link`.
"""

from collections.abc import Sequence
from html import escape

from sandbox.people.model import Login

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; background: #f3f5f7; color: #111; margin: 0; }}
main {{ max-width: 27rem; margin: 4rem auto; background: #fff; border-radius: 12px; padding: 2rem;
  box-shadow: 0 1px 4px rgb(0 0 0 / 15%); }}
h1 {{ font-size: 1.35rem; margin: 0 0 .25rem; }}
p {{ color: #555; margin: 0 0 1.25rem; }}
label {{ display: flex; gap: .75rem; align-items: center; border: 1px solid #d4d9de; border-radius: 8px;
  padding: .65rem .9rem; margin-bottom: .6rem; cursor: pointer; }}
label:has(input:checked) {{ border-color: #0b6; background: #effaf5; }}
small {{ display: block; color: #667; }}
button {{ width: 100%; border: 0; border-radius: 8px; background: #111; color: #fff; font: inherit;
  padding: .8rem; margin-top: .75rem; cursor: pointer; }}
footer {{ color: #889; font-size: .8rem; margin-top: 1.25rem; text-align: center; }}
</style></head><body><main>{body}<footer>Sandbox: no real bank is involved.</footer></main></body></html>
"""


def message(title: str, text: str) -> str:
    """A page that says one thing."""
    return _PAGE.format(title=escape(title), body=f"<h1>{escape(title)}</h1><p>{escape(text)}</p>")


def choose(client_name: str, logins: Sequence[Login], update: bool) -> str:
    """The page on which a person chooses a login and continues."""
    if not logins:
        return message(
            "No bank offers this.", "None of the people here has accounts for every product asked for."
        )
    title = "Reconnect your bank" if update else "Connect your bank"
    choices = "".join(_choice(login, first=number == 0) for number, login in enumerate(logins))
    intro = f"{escape(client_name)} would like to see your accounts."
    form = f'<form method="post">{choices}<button type="submit">Continue</button></form>'
    return _PAGE.format(title=title, body=f"<h1>{title}</h1><p>{intro}</p>{form}")


def _choice(login: Login, first: bool) -> str:
    accounts = ", ".join(f"{account.name} \u2022\u2022{account.mask}" for account in login.accounts)
    checked = " checked" if first else ""
    return (
        f'<label><input type="radio" name="username" value="{escape(login.username, quote=True)}"{checked}>'
        f"<span>{escape(login.institution_name)}<small>{escape(login.username)}: {escape(accounts)}</small></span></label>"
    )
