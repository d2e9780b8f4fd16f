"""Makes the C source that holds the harness: `embed_harness.py OUT FILE.py…`.

The modules travel inside the binary, as the JSON object that a function's process reads (docs/formats/protocol.md).
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path


def main(out: str, *files: str) -> None:
    texts = {Path(file).stem: Path(file).read_text(encoding="utf-8") for file in sorted(files)}
    data = json.dumps(texts, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    rows = [", ".join(str(byte) for byte in data[i : i + 24]) for i in range(0, len(data), 24)]
    lines = [
        "/* Made by embed_harness.py. */",
        '#include "worker/harness.h"',
        "",
        f'const char worker_harness_hash[] = "{hashlib.sha256(data).hexdigest()}";',
        f"const size_t worker_harness_size = {len(data)};",
        "const unsigned char worker_harness[] = {",
        *(f"    {row}," for row in rows),
        "};",
        "",
    ]
    Path(out).write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
