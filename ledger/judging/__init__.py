"""From blobs to verdicts, over again for anyone: frames, screening, replay, and what is false. Pure."""
