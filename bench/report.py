"""Results as the tables of docs/benchmarks.md, one a question: bench/report.py FILE.jsonl …"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def cell(item: dict[str, Any]) -> str:
    if "count" in item:
        return f"{item['count']} {item['unit']}"
    digits = 0 if item["median_ms"] >= 100 else 2
    median, least, most = (f"{item[key]:.{digits}f}" for key in ("median_ms", "min_ms", "max_ms"))
    return f"{median} ({least} … {most})" if item["n"] > 1 else median


def main() -> None:
    question = ""
    for path in sys.argv[1:]:
        for line in Path(path).read_text().splitlines():
            item = json.loads(line)
            if item["question"] != question:
                question = item["question"]
                print(f"\n| {question} | ms | n |\n|---|---|---|")
            print(f"| {item['side']} | {cell(item)} | {item.get('n', '')} |")


if __name__ == "__main__":
    main()
