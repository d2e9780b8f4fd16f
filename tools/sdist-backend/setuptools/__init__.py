"""See ../mesonpy.py."""
