"""Write what a script makes in docs/: the norm's contents, the tables of rules and of tests, the index of decisions,
the schema of an audit's report.

Usage: python -m scripts.docs            writes what is stale
       python -m scripts.docs --check    changes nothing; exit status 1 if something is stale
"""

import argparse
import sys

from scripts.docs import parts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.docs", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    is_check = parser.parse_args().check
    stale = parts.stale()
    for path, text in stale.items():
        print(f"{path.relative_to(parts.ROOT)} {'is stale' if is_check else 'written'}")
        if not is_check:
            path.write_text(text)
    return int(is_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
