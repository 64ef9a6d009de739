"""What is made by a script in docs/, and the site: `python -m scripts.docs`."""
