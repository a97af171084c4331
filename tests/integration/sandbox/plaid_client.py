"""What the tests of the sandbox's Plaid call it with: plain HTTP, no SDK."""

from typing import Any

import httpx

ALL_LOGINS = {
    "rivera_platypus": ("ins_109508", ["transactions", "liabilities"]),
    "rivera_gingham": ("ins_109509", ["transactions"]),
    "rivera_tartan": ("ins_109511", ["transactions", "liabilities"]),
    "rivera_houndstooth": ("ins_109512", ["transactions", "investments"]),
    "rivera_tattersall": ("ins_109510", ["investments"]),
    "rivera_studio": ("ins_109512", ["transactions", "liabilities"]),
}


class PlaidClient:
    """Plaid's API, with the keys of the sandbox."""

    def __init__(self, sandbox: Any) -> None:
        self.url = sandbox.plaid_url
        self._keys = {
            "client_id": sandbox.credentials["plaid_client_id"],
            "secret": sandbox.credentials["plaid_secret"],
        }

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(self.url + path, json={**self._keys, **body}, timeout=30)

    def ok(self, path: str, **body: Any) -> dict[str, Any]:
        response = self.post(path, **body)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, path: str, **body: Any) -> tuple[int, str]:
        response = self.post(path, **body)
        return response.status_code, response.json()["error_code"]

    def pages(self, token: str, cursor: str = "", count: int = 500, **options: Any) -> list[dict[str, Any]]:
        """All pages of one pass of `/transactions/sync`."""
        found = []
        while True:
            page = self.ok(
                "/transactions/sync", access_token=token, cursor=cursor, count=count, options=options
            )
            found.append(page)
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return found

    def link(self, username: str, **options: Any) -> str:
        """The access token of a login linked afresh."""
        institution, products = ALL_LOGINS[username]
        public = self.ok(
            "/sandbox/public_token/create",
            institution_id=institution,
            initial_products=products,
            options={
                "override_username": username,
                "override_password": "pass_good",
                "transactions": {"days_requested": 730},
                **options,
            },
        )["public_token"]
        return self.ok("/item/public_token/exchange", public_token=public)["access_token"]
