"""How fast the sandbox serves daily bars: 20 symbols over all of its history, every page over HTTP.

Prints JSON. ``per_parsing`` is the ratio to parsing the same bytes with orjson, measured in the same run; the
sandbox is to stay so quick that it is never what a measurement of the product measures (under 0.3 s here).

Usage: ``uv run python benchmarks/sandbox_bars.py [--runs N]``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import httpx
import orjson

PROJECT = Path(__file__).resolve().parents[1]
SYMBOLS = "AAPL,AMZN,BND,COST,GLD,GOOGL,IWM,JNJ,JPM,KO,MSFT,NVDA,PG,QQQ,SPY,TIP,VNQ,VTI,VXUS,XOM"
CREDENTIALS = {
    "plaid_client_id": "client",
    "plaid_secret": "secret",
    "alpaca_key_id": "key",
    "alpaca_secret_key": "secret",
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="manna-bench-") as folder:
        keys = Path(folder) / "credentials.json"
        keys.write_text(json.dumps(CREDENTIALS))
        keys.chmod(0o600)
        with subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--data-dir", f"{folder}/sandbox", "--credentials", str(keys)],
            cwd=PROJECT,
            env=os.environ | {"MANNA_NOW": "2026-03-16T12:00:00Z"},
            stdout=subprocess.PIPE,
        ) as process:
            try:
                assert process.stdout is not None
                url = json.loads(process.stdout.readline())["alpaca_data_url"]
                headers = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}
                with httpx.Client(base_url=url, headers=headers) as client:
                    fetched = [timed(lambda: pages(client)) for _ in range(runs)]
                    bodies = pages(client)
            finally:
                process.terminate()
    parsed = [timed(lambda: [orjson.loads(body) for body in bodies]) for _ in range(runs)]
    rows = sum(len(bars) for body in bodies for bars in orjson.loads(body)["bars"].values())
    print(
        json.dumps(
            {
                "bars": rows,
                "pages": len(bodies),
                "fetching_seconds": round(min(fetched), 4),
                "parsing_seconds": round(min(parsed), 4),
                "per_parsing": round(min(fetched) / min(parsed), 2),
            },
            indent=1,
        )
    )


def pages(client: httpx.Client) -> list[bytes]:
    """The body of every page."""
    found: list[bytes] = []
    token = None
    while not found or token:
        asked = {"timeframe": "1Day", "symbols": SYMBOLS, "start": "2024-03-01", "limit": "10000"}
        answer = client.get("/v2/stocks/bars", params=asked | ({"page_token": token} if token else {}))
        answer.raise_for_status()
        found.append(answer.content)
        token = orjson.loads(answer.content)["next_page_token"]
    return found


def timed(work: object) -> float:
    """Wall seconds of one call."""
    began = perf_counter()
    work()  # type: ignore[operator]
    return perf_counter() - began


if __name__ == "__main__":
    main()
