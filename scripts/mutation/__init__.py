"""Single faults put into the code, and whether the tests notice: `python -m scripts.mutation`."""
