"""A table of results: bench/report.py FILE.jsonl …"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    question = ""
    for path in sys.argv[1:]:
        for line in Path(path).read_text().splitlines():
            item = json.loads(line)
            if item["question"] != question:
                question = item["question"]
                print(f"\n{question}")
            if "count" in item:
                print(f"  {item['side']:<40} {item['count']:>10} {item['unit']}")
            else:
                print(f"  {item['side']:<40} {item['median_ms']:>10.3f} ms  "
                      f"({item['min_ms']:.3f} … {item['max_ms']:.3f}, n={item['n']})")


if __name__ == "__main__":
    main()
