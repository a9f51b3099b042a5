"""The parts of `python -m scripts.make_sample`."""
