"""A CSV of one's own, opened with caution: an export gone wrong must end in a sentence, not in full memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ledger.errors import SetupError
from ledger.files import opened_regular


@contextmanager
def opened_csv(path: Path, what: str, most_bytes: int) -> Iterator[TextIO]:
    """Its text, UTF-8 with or without a mark, line ends as they are.

    what: a name for people, with its article, such as `a table`. Raises SetupError, also for what is read and is no
    UTF-8.
    """
    try:
        with opened_regular(path) as file:
            if (size := file.seek(0, io.SEEK_END)) > most_bytes:
                raise SetupError(f"{path} has {size} bytes, and {what} may have {most_bytes}: give fewer rows")
            file.seek(0)
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise SetupError(f"{path} is UTF-16: save it as CSV in UTF-8")
            file.seek(0)
            with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
                yield text
    except FileNotFoundError:
        raise SetupError(f"there is no file {path}: give the path of {what}") from None
    except UnicodeDecodeError as error:
        raise SetupError(f"{path} is not UTF-8 ({error.reason} in it): save it as CSV in UTF-8") from error
    except OSError as error:
        raise SetupError(f"{path} cannot be read ({error.strerror}): give the path of {what}") from error
