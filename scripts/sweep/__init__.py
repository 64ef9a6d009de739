"""Every rule against every attack, simulated: `python -m scripts.sweep.attacks`."""
