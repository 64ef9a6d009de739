"""What commands say on stdout."""


def leave_out_beginning(said: str) -> str:
    """Without the two lines in which a node says what it found before it finds what is wrong."""
    kept = [
        line
        for line in said.splitlines(keepends=True)
        if not line.startswith(("circle 0x", "starting with key 0x"))
    ]
    return "".join(kept)
