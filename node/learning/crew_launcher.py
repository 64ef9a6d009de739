"""torchrun, and the clearing up behind it: it may outlive the peer by a moment, and needs the folder so long."""

import shutil
import sys


def main(folder: str, arguments: list[str]) -> None:
    """Run torchrun to its end. folder: where the processes meet, gone afterwards."""
    from torch.distributed.run import main as run_torchrun

    try:
        run_torchrun(arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
